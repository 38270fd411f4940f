//! How many lines a second are looked at: by rban, by fail2ban-regex, and by `rg`, which only looks for some words in
//! them and so is a limit.
//!
//! Both have Debian's filter and print all failures. Each is timed from the start of the process to its end, on one
//! CPU.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rban_tests::binary;
use rban_tests::logs::Mill;
use rban_tests::stock;
use tempfile::TempDir;

use crate::cpu::{RECEIVER_CPU, on_cpu};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};

const SEED: u64 = 4;

/// A log and the filter that it is looked at with.
struct Work {
    name: String,
    filter: &'static str,
    lines: usize,
    /// The words of the filter's patterns, as one pattern of `rg`'s.
    words: &'static str,
    aim: &'static str,
    /// How many times as fast as fail2ban that is.
    times: f64,
}

const SSHD_WORDS: &str = "sshd\\[[0-9]+\\]: (?:error: )?(?:PAM: |pam_|Failed |Invalid user |Accepted |User |\
    ROOT LOGIN REFUSED|Connection |Disconnect|Received disconnect|Bad protocol|Did not receive|Unable to negotiate|\
    maximum authentication)";
const BOTSEARCH_WORDS: &str = "\" 404 ";

/// Does each work by one, then by the other, and so on.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let dir = TempDir::new().context("making a directory for logs")?;
    let write = |name: &str, log: &[u8]| -> Result<PathBuf> {
        let path = dir.path().join(name);
        std::fs::write(&path, log).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    };
    let named = |what: &str, lines: u32| format!("{what}: {} lines", grouped(lines));
    let sshd = Work {
        name: named("sshd log, nearly all of interest", sizes.sshd_lines),
        filter: "sshd",
        lines: sizes.sshd_lines as usize,
        words: SSHD_WORDS,
        aim: "ratio ≥ 60, at least 38",
        times: 60.0,
    };
    let access = Work {
        name: named("access log, 0.5 % matching", sizes.access_lines),
        filter: "nginx-botsearch",
        lines: sizes.access_lines as usize,
        words: BOTSEARCH_WORDS,
        aim: "ratio ≥ 120, at least 60",
        times: 120.0,
    };
    let mut mill = Mill::new(SEED, Vec::new());
    sshd.measure(&write("auth.log", &mill.sshd(sshd.lines))?, sizes, report)?;
    access.measure(&write("access.log", &mill.access(access.lines))?, sizes, report)
}

impl Work {
    fn measure(&self, log: &Path, sizes: &Sizes, report: &mut Report) -> Result<()> {
        let program = binary::program()?;
        let (mut rban, mut fail2ban, mut rg) = (Vec::new(), Vec::new(), Vec::new());
        on_cpu(RECEIVER_CPU, || {
            for round in 0..=sizes.rounds {
                let by_rban = self.speed(Command::new(&program).args(self.args_of_rban(log)))?;
                let by_rg = self.speed(Command::new("rg").args(["-c", self.words]).arg(log))?;
                // The first round fills the page cache. A round of fail2ban's takes seconds; a few will do.
                if round > 0 {
                    rban.push(by_rban);
                    rg.push(by_rg);
                }
                if round < sizes.rounds.div_ceil(3) {
                    let command = &mut Command::new("fail2ban-regex");
                    let command = command.args(["-o", "row"]).args([log, Path::new(self.filter)]);
                    fail2ban.push(self.speed(command)?);
                }
            }
            Ok(())
        })?;
        let [rban, fail2ban, rg] = [rban, fail2ban, rg].map(|rounds| Summary::of(&rounds));
        let ratio = rban.median / fail2ban.median;
        let aim = Aim { text: self.aim, met: ratio >= self.times };
        report.rows.push(self.row(rban, "fail2ban-regex", fail2ban, Some(aim)));
        report.rows.push(self.row(rban, "rg -c, its words only", rg, None));
        Ok(())
    }

    fn args_of_rban(&self, log: &Path) -> [PathBuf; 7] {
        let args = ["regex", "-c", stock::DIR, "-o", "row"].map(PathBuf::from);
        let [a, b, c, d, e] = args;
        [a, b, c, d, e, log.to_owned(), self.filter.into()]
    }

    /// Lines a second of a program that succeeds.
    fn speed(&self, command: &mut Command) -> Result<f64> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let status = command.status().with_context(|| format!("starting {command:?}"))?;
        let took = start.elapsed();
        ensure!(status.success(), "{command:?}: {status}");
        Ok(self.lines as f64 / took.as_secs_f64())
    }

    fn row(&self, rban: Summary, peer: &str, value: Summary, aim: Option<Aim>) -> Row {
        Row {
            measure: self.name.clone(),
            unit: Unit::LinesPerSecond,
            rban,
            peer: Some(Peer { name: peer.into(), value }),
            ratio: Some(rban.median / value.median),
            aim,
        }
    }
}
