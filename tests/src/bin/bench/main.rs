//! `cargo xtask bench`: whole-system figures of rban, each beside its peer or limit, all of one run.
//!
//! Measures the binary that `RBAN_BIN` names; without that, the one beside it. Works in namespaces of its own, and leaves nothing behind. Needs root, and nftables, iptables, ipset, iproute2,
//! ethtool, util-linux, fail2ban and ripgrep.

mod busy;
mod configuration;
mod cpu;
mod detect;
mod fail2ban;
mod flood;
mod frame;
mod guarded;
mod idle;
mod latency;
mod load;
mod peers;
mod per_packet;
mod process;
mod rban;
mod report;
mod restart;
mod sizes;
mod target;

use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use rban_tests::net::ensure_bpffs;

use crate::report::Report;
use crate::sizes::{FULL, QUICK, Sizes};

/// Measures the rban that RBAN_BIN names: nanoseconds a packet, floods, latency of a ban, bans loaded a second, the
/// configuration read, lines a second, a daemon busy, restarted and idle.
#[derive(Debug, Parser)]
struct Options {
    /// Where the figures go, as JSON
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Small sizes: does it work? The figures mean little
    #[arg(long)]
    quick: bool,
    /// Only these measures
    #[arg(long, value_enum)]
    only: Vec<Measure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measure {
    /// Nanoseconds a packet, by `BPF_PROG_TEST_RUN`
    PerPacket,
    /// Packets dropped a second, beside firewalls
    Flood,
    /// From the deciding log line to the first dropped packet
    Latency,
    /// Bans loaded a second
    Load,
    /// Reading the stock configuration, beside fail2ban
    Configuration,
    /// Lines looked at a second, beside fail2ban-regex and `rg`
    Detect,
    /// Bans while many lines come: how late, how many a second, how far behind
    Busy,
    /// Stored bans in force again after a reboot, and their memory
    Restart,
    /// Memory, CPU time and answers of a daemon that has nothing to do, beside fail2ban
    Idle,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where that cannot be said, the exit code says it.
            drop(writeln!(stderr(), "bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    ensure_bpffs()?;
    rban::sweep();
    let sizes = if options.quick { &QUICK } else { &FULL };
    let mut report = Report::default();
    for measure in Measure::value_variants() {
        if options.only.is_empty() || options.only.contains(measure) {
            let name = measure.to_possible_value().map(|value| value.get_name().to_owned());
            measure.run(sizes, &mut report).with_context(|| name.unwrap_or_default())?;
        }
    }
    report.write(&options.out)?;
    stdout().write_all(report.table().as_bytes()).context("printing the table")
}

impl Measure {
    fn run(self, sizes: &Sizes, report: &mut Report) -> Result<()> {
        match self {
            Self::PerPacket => per_packet::measure(sizes, report),
            Self::Flood => flood::measure(sizes, report),
            Self::Latency => latency::measure(sizes, report),
            Self::Load => load::measure(sizes, report),
            Self::Configuration => configuration::measure(sizes, report),
            Self::Detect => detect::measure(sizes, report),
            Self::Busy => busy::measure(sizes, report),
            Self::Restart => restart::measure(sizes, report),
            Self::Idle => idle::measure(sizes, report),
        }
    }
}
