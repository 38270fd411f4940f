//! `cargo xtask bench`: whole-system figures of rban, each beside its peer or limit, all of one run.
//!
//! Works in namespaces of its own, and leaves nothing behind. Needs root, and nftables, iptables, ipset, iproute2,
//! ethtool and util-linux.

mod flood;
mod frame;
mod latency;
mod load;
mod peers;
mod per_packet;
mod rban;
mod report;
mod sizes;
mod target;

use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::report::Report;
use crate::sizes::{FULL, QUICK, Sizes};

/// Measures a release binary of rban: nanoseconds a packet, floods, latency of a ban, bans loaded a second.
#[derive(Debug, Parser)]
struct Options {
    /// The rban to measure
    #[arg(long, env = "RBAN_BIN")]
    bin: PathBuf,
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
}

fn main() -> Result<()> {
    let options = Options::parse();
    rban_tests::net::ensure_bpffs()?;
    rban::sweep();
    let sizes = if options.quick { &QUICK } else { &FULL };
    let mut report = Report::default();
    for measure in Measure::value_variants() {
        if options.only.is_empty() || options.only.contains(measure) {
            measure.run(&options.bin, sizes, &mut report)?;
        }
    }
    report.write(&options.out)?;
    stdout().write_all(report.table().as_bytes()).context("printing the table")
}

impl Measure {
    fn run(self, bin: &Path, sizes: &Sizes, report: &mut Report) -> Result<()> {
        match self {
            Self::PerPacket => per_packet::measure(bin, sizes, report),
            Self::Flood => flood::measure(bin, sizes, report),
            Self::Latency => latency::measure(bin, sizes, report),
            Self::Load => load::measure(bin, sizes, report),
        }
    }
}
