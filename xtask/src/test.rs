//! `cargo xtask test`: everything that must hold before a change lands, cheapest first, up to the first failure.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run, shown};
use crate::{apt, build, fuzz, host, run as running, say, setup, tidy};

/// Runs all checks and tests; the last line it prints sums up the tests.
pub(crate) fn test() -> Result<()> {
    if !host::is_root() {
        bail!(
            "the tests load programs into the kernel and make network namespaces, which only root may do; \
             run: sudo -E cargo xtask test"
        );
    }
    headline("setup");
    setup::setup()?;
    apt::install(apt::FOR_TESTS)?;
    running::mount_bpffs()?;

    headline("format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().args(["fmt", "--manifest-path", fuzz::MANIFEST, "--check"]))?;
    headline("tidy");
    tidy::tidy()?;
    headline("clippy");
    run(cargo()
        .args(["clippy", "--workspace", "--exclude", "rban-ebpf", "--all-targets"])
        .args(STRICT))?;
    headline("clippy, fuzz targets");
    run(cargo()
        .args(["clippy", "--manifest-path", fuzz::MANIFEST, "--target-dir"])
        .arg(host::target().join("clippy-fuzz"))
        .args(STRICT))?;
    headline("clippy, kernel side");
    run(&mut clippy_for_bpf())?;

    let mut tally = Tally::default();
    headline("unit tests");
    tally.count(cargo().args(["test", "--no-fail-fast", "--workspace"]).args(WITHOUT_ROOT))?;
    headline("packet and end-to-end tests");
    let rban = build::dev()?;
    tally.count(
        cargo().args(["test", "--no-fail-fast", "--package", "rban-tests"]).env("RBAN_BIN", rban),
    )?;
    headline("sum");
    say(format_args!("{} passed, {} failed", tally.passed, tally.failed));
    Ok(())
}

const STRICT: [&str; 3] = ["--", "-D", "warnings"];
const WITHOUT_ROOT: [&str; 4] = ["--exclude", "rban-ebpf", "--exclude", "rban-tests"];

/// The kernel side only compiles for its own target, and in a folder of its own: a `core` is built there.
fn clippy_for_bpf() -> Command {
    let mut command = cargo();
    command
        .args(["clippy", "--package", "rban-ebpf", "--target", "bpfel-unknown-none"])
        .args(["-Z", "build-std=core", "--target-dir"])
        .arg(host::target().join("clippy-bpf"))
        .args(STRICT)
        .env("RUSTC_BOOTSTRAP", "1");
    command
}

fn headline(step: &str) {
    say(format_args!("\n== {step}"));
}

/// How many tests ran, over several runs of cargo test.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Runs a `cargo test`, passes on what it prints, and adds up its results. A failure is told with the sum so far.
    fn count(&mut self, command: &mut Command) -> Result<()> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", shown(command)))?;
        let lines = BufReader::new(child.stdout.take().expect("piped above")).split(b'\n');
        for line in lines {
            let mut line = line.context("reading what the tests print")?;
            self.add(&String::from_utf8_lossy(&line));
            line.push(b'\n');
            stdout().write_all(&line).context("passing on what the tests print")?;
        }
        let status = child.wait().context("waiting for the tests")?;
        if !status.success() {
            say(format_args!("{} passed, {} failed", self.passed, self.failed));
            bail!("{} failed ({status})", shown(command));
        }
        Ok(())
    }

    /// Adds what a line like `test result: ok. 12 passed; 0 failed; 1 ignored; …` reports; others count nothing.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let (_, counts) = result.split_once(". ").unwrap_or_default();
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[track_caller]
    fn check(lines: &[&str], passed: u64, failed: u64) {
        let mut tally = Tally::default();
        for line in lines {
            tally.add(line);
        }
        assert_eq!(tally, Tally { passed, failed });
    }

    const OK: &str = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    const BAD: &str = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";

    #[test]
    fn results_add_up() {
        check(&[OK, BAD, OK], 27, 2);
    }

    #[test]
    fn other_lines_count_nothing() {
        check(&["running 12 tests", "test a ... ok", "", "test result"], 0, 0);
    }
}
