//! `cargo xtask fuzz TARGET`: looks for input that breaks a parser, starting from what tests know already.
//!
//! Builds the crate `rban-user/fuzz` with the coverage that libFuzzer goes by, which stable rustc can do without any
//! other tool. What is found lies below `target/fuzz` until somebody moves it to `rban-user/testdata`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::process::{capture, cargo, command, run};
use crate::{host, say, setup};

/// What libFuzzer needs to see: edges, how often they were taken, and what was compared on the way.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// One input may take so long and so much memory: a stock fail2ban takes a hundredth of either.
const SECONDS_MAX: u32 = 10;
const MEBIBYTES_MAX: u32 = 1024;

/// What can be fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// One file of configuration
    Ini,
    /// A directory of configuration
    Load,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Ini => "ini",
            Self::Load => "load",
        }
    }
}

/// Fuzzes for so many seconds, or until something is found.
pub(crate) fn fuzz(target: Target, seconds: u32) -> Result<()> {
    setup::setup()?;
    let (program, name) = (build(target)?, target.name());
    let corpus = host::target().join("fuzz/corpus").join(name);
    fs::create_dir_all(&corpus).with_context(|| format!("making {}", corpus.display()))?;
    seed(target, &corpus)?;
    let known = host::root().join("rban-user/testdata/hostile").join(name);
    let found = host::target().join(format!("fuzz/{name}-"));
    run(command(program)
        .args([corpus, known.clone()])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SECONDS_MAX}"))
        .arg(format!("-rss_limit_mb={MEBIBYTES_MAX}"))
        .arg("-max_len=20000")
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}", found.display())))
    .with_context(|| {
        format!(
            "where something was found, mend it and move it from {}… to {}, under a name that says what it is",
            found.display(),
            known.display()
        )
    })
}

/// Returns where the program lies.
fn build(target: Target) -> Result<PathBuf> {
    // With a target named, build scripts and macros are left as they are.
    let triple = capture(command("rustc").args(["--print", "host-tuple"]))?.trim().to_owned();
    let flags: Vec<String> = COVERAGE.iter().map(|flag| format!("'{flag}'")).collect();
    let dir = host::target().join("fuzz");
    run(cargo()
        .args(["build", "--release", "--manifest-path", "rban-user/fuzz/Cargo.toml"])
        .args(["--bin", target.name(), "--target", &triple])
        .arg("--config")
        .arg(format!("target.{triple}.rustflags=[{}]", flags.join(", ")))
        .arg("--target-dir")
        .arg(&dir))?;
    Ok(dir.join(triple).join("release").join(target.name()))
}

/// Starts from the cases of the conformance test; those that are there already stay.
fn seed(target: Target, corpus: &Path) -> Result<()> {
    let cases = host::root().join("tests/config-cases");
    let mut seeds = 0;
    for entry in fs::read_dir(&cases).with_context(|| format!("listing {}", cases.display()))? {
        let case = entry?.path();
        let mut files = Vec::new();
        collect(&case, &case, &mut files)?;
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let inputs = match target {
            Target::Ini => files.into_iter().map(|(_, bytes)| bytes).collect(),
            Target::Load => vec![as_directory(&files)],
        };
        for (number, input) in inputs.iter().enumerate() {
            let path = corpus.join(format!("{name}-{number}"));
            fs::write(&path, input).with_context(|| format!("writing {}", path.display()))?;
            seeds += 1;
        }
    }
    ensure!(seeds > 0, "no cases in {}", cases.display());
    say(format_args!("fuzz: {seeds} seeds from {}", cases.display()));
    Ok(())
}

/// All files below a folder, by their path within the case, in order.
fn collect(case: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    let mut entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("listing {}", folder.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(case, &path, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let name = path.strip_prefix(case).unwrap_or(&path).to_string_lossy().into_owned();
            files.push((name, bytes));
        }
    }
    Ok(())
}

/// As `rban::config::hostile::load` reads it: a line with the name before each file.
fn as_directory(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, bytes) in files {
        text.extend_from_slice(format!("--- {name}\n").as_bytes());
        text.extend_from_slice(bytes);
        if !bytes.ends_with(b"\n") {
            text.push(b'\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::as_directory;

    #[test]
    fn every_file_begins_on_a_line_of_its_own() {
        let files = [("a".into(), b"x".to_vec()), ("b/c".into(), b"y\n".to_vec())];
        assert_eq!(as_directory(&files), b"--- a\nx\n--- b/c\ny\n");
    }
}
