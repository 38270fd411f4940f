//! `cargo xtask tidy`: the rules of the house that no other tool knows.

mod layers;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{host, say};
use tokens::Token;

/// Folders of the workspace that hold Rust.
const CRATES: [&str; 5] = ["rban-common", "rban-ebpf", "rban-user", "tests", "xtask"];
/// A file has one job and under 400 lines; some slack, so that a last test need not wait for a move.
const LINES_MAX: usize = 450;
/// The one module of `rban-user` that may be unsafe: the raw `bpf(2)` batch calls.
const RAW_BPF: &str = "rban-user/src/enforce/xdp/sys.rs";

/// Checks every Rust file; says what is wrong, all of it.
pub(crate) fn tidy() -> Result<()> {
    let mut files = Vec::new();
    for name in CRATES {
        collect(&host::root().join(name), &mut files)?;
    }
    let mut complaints = Vec::new();
    for path in &files {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(host::root()).unwrap_or(path).to_string_lossy();
        complaints.extend(check(&name, &text).into_iter().map(|what| format!("{name}:{what}")));
    }
    if complaints.is_empty() {
        say(format_args!("{} files are tidy", files.len()));
        return Ok(());
    }
    for complaint in &complaints {
        say(complaint);
    }
    bail!("tidy found {} to mend", complaints.len())
}

/// Every Rust file below a folder, in order of name; generated ones (a crate's own `target`) aside.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("listing {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// What is wrong with a file, each as `LINE: what`.
fn check(name: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints
            .push(format!("{lines}: longer than {LINES_MAX} lines; give its second job a file"));
    }
    let Some(in_user) = name.strip_prefix("rban-user/") else { return complaints };
    let tokens = tokens::of(text);
    if name != RAW_BPF {
        complaints.extend(unsafe_code(&tokens));
    }
    if let Some(module) = in_user.strip_prefix("src/") {
        complaints.extend(layers::check(module, &tokens));
    }
    complaints
}

fn unsafe_code(tokens: &[Token<'_>]) -> impl Iterator<Item = String> {
    let found = tokens.iter().filter(|token| token.text == "unsafe");
    found.map(|token| format!("{}: unsafe belongs in {RAW_BPF}", token.line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, complaints: &[&str]) {
        let found = super::check(name, text);
        assert_eq!(found.len(), complaints.len(), "{found:?}");
        for (found, expected) in found.iter().zip(complaints) {
            assert!(found.contains(expected), "{found:?} does not say {expected:?}");
        }
    }

    #[test]
    fn long_files_are_found_in_every_crate() {
        check("xtask/src/a.rs", &"\n".repeat(450), &[]);
        check("xtask/src/a.rs", &"\n".repeat(451), &["longer than"]);
    }

    #[test]
    fn unsafe_is_for_the_raw_module_and_the_kernel_side() {
        let code = "fn f() {\n    unsafe { g() }\n}\n";
        check("rban-user/src/jail/mod.rs", code, &["2: unsafe belongs in"]);
        check("rban-user/build.rs", code, &["2: unsafe"]);
        check(RAW_BPF, code, &[]);
        check("rban-ebpf/src/main.rs", code, &[]);
    }

    #[test]
    fn speaking_of_unsafe_is_no_unsafe() {
        check("rban-user/src/event.rs", "// unsafe\n/* unsafe */\nlet a = \"unsafe\";\n", &[]);
    }
}
