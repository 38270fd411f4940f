//! What a daemon takes that has nothing to do, with few bans and many; and how fast it tells of them.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use rban_tests::stock;

use crate::fail2ban::{Fail2ban, client};
use crate::guarded::Guarded;
use crate::process::{resident_mb, taken};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};

const BANS: u32 = 10_000;
/// After the start, until all is quiet.
const SETTLES: Duration = Duration::from_secs(3);

/// rban and fail2ban, side by side.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let guarded = Guarded::start(&["--bantime", "1d"])?;
    let fail2ban = Fail2ban::start()?;
    let pids = [guarded.daemon.pid(), fail2ban.pid()];
    sleep(SETTLES);
    let memory = |what: &str, aim, text| -> Result<Row> {
        let [rban, peer] = pids.map(resident_mb);
        Ok(row(format!("memory: {what}"), Unit::Megabytes, rban?, peer?, aim, text))
    };
    report.rows.push(memory("idle", 8.0, "< 8 MB, at least 15")?);
    quiet(pids, sizes, report)?;
    let sockets = [guarded.rban.socket(), fail2ban.socket()];
    let addresses: Vec<String> = (0..BANS)
        .map(|nth| format!("10.{}.{}.{}", 1 + nth / 62_500, nth / 250 % 250, 1 + nth % 250))
        .collect();
    let words = ["set", "sshd", "banip"].into_iter().chain(addresses.iter().map(String::as_str));
    let words: Vec<&str> = words.collect();
    let packaged = stock::client()?;
    let ours = guarded.client()?;
    client(&ours, &sockets[0], &words)?;
    client(&packaged, &sockets[1], &words)?;
    sleep(SETTLES);
    report.rows.push(memory(&format!("{} bans", grouped(BANS)), 12.0, "< 12 MB, at least 20")?);
    for (words, aim, text) in [
        (&["status"][..], 2.0, "< 2 ms, at least 4"),
        (&["status", "sshd"], 8.0, "< 8 ms, at least 20"),
    ] {
        let (mut by_ours, mut by_packaged, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..sizes.asked {
            by_ours.push(millis(&ours, &sockets[0], words)?);
            by_packaged.push(millis(&packaged, &sockets[0], words)?);
            theirs.push(millis(&packaged, &sockets[1], words)?);
        }
        let name = format!("{} with {} bans", words.join(" "), grouped(BANS));
        let theirs = Summary::of(&theirs);
        for (client, rounds, has_aim) in
            [("our client", by_ours, true), ("the packaged client", by_packaged, false)]
        {
            let rban = Summary::of(&rounds);
            report.rows.push(Row {
                measure: format!("{name}, by {client}"),
                unit: Unit::Millis,
                rban,
                peer: Some(Peer { name: "fail2ban, packaged client".into(), value: theirs }),
                ratio: Some(theirs.median / rban.median),
                aim: has_aim.then_some(Aim { text, met: rban.median < aim }),
            });
        }
    }
    Ok(())
}

/// CPU time and switches while nothing happens.
fn quiet(pids: [u32; 2], sizes: &Sizes, report: &mut Report) -> Result<()> {
    let before = pids.map(taken);
    let start = Instant::now();
    sleep(Duration::from_secs(sizes.quiet_seconds));
    let seconds = start.elapsed().as_secs_f64();
    let after = pids.map(taken);
    let mut spent = Vec::new();
    for (before, after) in before.into_iter().zip(after) {
        spent.push(after?.since(before?));
    }
    let [rban, peer] = [spent[0], spent[1]];
    let percent = |ns: f64| 100.0 * ns / 1e9 / seconds;
    let name = |what: &str| format!("idle: {what}, over {} s", sizes.quiet_seconds);
    let (ours, theirs) = (percent(rban.cpu_ns), percent(peer.cpu_ns));
    let text = "< 0.002 %, at least 0.01";
    report.rows.push(row(name("CPU"), Unit::Percent, ours, theirs, 0.002, text));
    let (ours, theirs) = (rban.switches / seconds, peer.switches / seconds);
    let text = "< 0.2, at least 1";
    report.rows.push(row(name("switches a second"), Unit::TimesPerSecond, ours, theirs, 0.2, text));
    Ok(())
}

fn row(measure: String, unit: Unit, rban: f64, peer: f64, most: f64, text: &'static str) -> Row {
    let [rban_summary, value] = [rban, peer].map(|value| Summary::of(&[value]));
    Row {
        measure,
        unit,
        rban: rban_summary,
        peer: Some(Peer { name: "fail2ban".into(), value }),
        ratio: (rban > 0.0).then_some(peer / rban),
        aim: Some(Aim { text, met: rban < most }),
    }
}

/// From start to end of a client.
fn millis(program: &Path, socket: &Path, words: &[&str]) -> Result<f64> {
    let start = Instant::now();
    client(program, socket, words)?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}
