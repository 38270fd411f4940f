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
/// Outside the workspace, so that what looks at the workspace does not see it.
pub(crate) const MANIFEST: &str = "rban-user/fuzz/Cargo.toml";
/// One input may take so long and so much memory: a stock fail2ban takes a hundredth of either.
const SECONDS_MAX: u32 = 10;
const MEBIBYTES_MAX: u32 = 1024;

/// What can be fuzzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Target {
    /// A datepattern, and lines
    Date,
    /// A log, under filters of all kinds
    Detector,
    /// One file of configuration
    Ini,
    /// A log in pieces
    Lines,
    /// A directory of configuration
    Load,
    /// A pattern in Python's dialect, and a text
    Pyre,
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::Detector => "detector",
            Self::Ini => "ini",
            Self::Lines => "lines",
            Self::Load => "load",
            Self::Pyre => "pyre",
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
        .args(["build", "--release", "--manifest-path", MANIFEST])
        .args(["--bin", target.name(), "--target", &triple])
        .arg("--config")
        .arg(format!("target.{triple}.rustflags=[{}]", flags.join(", ")))
        .arg("--target-dir")
        .arg(&dir))?;
    Ok(dir.join(triple).join("release").join(target.name()))
}

/// Starts from what tests have; inputs that are there already stay.
fn seed(target: Target, corpus: &Path) -> Result<()> {
    let inputs = match target {
        Target::Ini | Target::Load => cases(target)?,
        Target::Date => samples(b"\n")?,
        Target::Detector => samples(b"")?,
        Target::Lines => samples(b"\0\x40")?,
        Target::Pyre => patterns()?,
    };
    ensure!(!inputs.is_empty(), "nothing to start from");
    for (name, input) in &inputs {
        let path = corpus.join(name);
        fs::write(&path, input).with_context(|| format!("writing {}", path.display()))?;
    }
    say(format_args!("fuzz: {} seeds", inputs.len()));
    Ok(())
}

/// Something to start from, by its name in the corpus.
type Input = (String, Vec<u8>);

/// The cases of the conformance test of configuration.
fn cases(target: Target) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for case in listed("tests/config-cases")? {
        let mut files = Vec::new();
        collect(&case, &case, &mut files)?;
        let texts = match target {
            Target::Load => vec![as_directory(&files)],
            _ => files.into_iter().map(|(_, bytes)| bytes).collect(),
        };
        let name = file_name(&case);
        inputs
            .extend(texts.into_iter().enumerate().map(|(at, text)| (format!("{name}-{at}"), text)));
    }
    Ok(inputs)
}

/// The samples of our filters' logs, behind what stands before a log.
fn samples(head: &[u8]) -> Result<Vec<Input>> {
    let read = |path: PathBuf| {
        let log = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok((file_name(&path), [head, &log].concat()))
    };
    listed("tests/filters")?.into_iter().filter(|path| path.is_file()).map(read).collect()
}

/// The lines of our filters that may be patterns, each as a pattern and as a text.
fn patterns() -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for path in listed("config/filter.d")? {
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let lines = text.lines().filter_map(|line| line.find('^').map(|at| &line[at..]));
        inputs.extend(lines.enumerate().map(|(at, pattern)| {
            (format!("{}-{at}", file_name(&path)), format!("{pattern}\n{pattern}").into_bytes())
        }));
    }
    Ok(inputs)
}

/// What a folder of ours holds, in order.
fn listed(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = host::root().join(folder);
    let entries = fs::read_dir(&folder)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("listing {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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
