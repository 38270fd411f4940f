//! How long it takes to read the stock configuration, all jails enabled: beside `fail2ban-client -t`, which does the
//! same and prints nothing.
//!
//! Both are timed as an admin would: from the start of the process to its end. Every jail follows one empty log, for
//! without logs fail2ban refuses them all.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rban_tests::binary;
use rban_tests::stock::{self, Stock};

use crate::cpu::{RECEIVER_CPU, on_cpu};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::Sizes;

/// Aims: milliseconds, and how many times as fast as fail2ban.
const RBAN_MS: f64 = 50.0;
const TIMES_AS_FAST: f64 = 50.0;

/// Reads it by one, then by the other, and so on.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let jails = stock::jails()?;
    let stock = Stock::with("")?;
    let log = stock.write("empty.log", "")?;
    let options = format!("enabled = true\nbackend = polling\nlogpath = {}\n", log.display());
    let text: String = jails.iter().map(|jail| format!("[{jail}]\n{options}")).collect();
    stock.write("jail.d/test.conf", &text)?;

    let (program, client) = (binary::program()?, stock::client()?);
    let (mut rban, mut peer) = (Vec::new(), Vec::new());
    on_cpu(RECEIVER_CPU, || {
        for round in 0..=sizes.rounds {
            let dump = ["config", "dump", "--format", "fail2ban", "-c"];
            let by_rban = millis(Command::new(&program).args(dump), stock.dir())?;
            let by_peer = millis(Command::new(&client).args(["-t", "-c"]), stock.dir())?;
            // The first round fills the page cache.
            if round > 0 {
                rban.push(by_rban);
                peer.push(by_peer);
            }
        }
        Ok(())
    })?;
    let (rban, peer) = (Summary::of(&rban), Summary::of(&peer));
    let ratio = peer.median / rban.median;
    report.rows.push(Row {
        measure: format!("configuration: stock, all {} jails enabled", jails.len()),
        unit: Unit::Millis,
        rban,
        peer: Some(Peer { name: "fail2ban-client -t".into(), value: peer }),
        ratio: Some(ratio),
        aim: Some(Aim {
            text: "rban < 50 ms, ratio ≥ 50",
            met: rban.median < RBAN_MS && ratio >= TIMES_AS_FAST,
        }),
    });
    Ok(())
}

/// From start to end of a program that succeeds.
fn millis(command: &mut Command, dir: &Path) -> Result<f64> {
    command.arg(dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    let took = start.elapsed();
    ensure!(status.success(), "{command:?}: {status}");
    Ok(took.as_secs_f64() * 1e3)
}
