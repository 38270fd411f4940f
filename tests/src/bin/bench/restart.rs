//! How long a restart takes after a reboot, which leaves the bans in the store and none in the kernel; and what memory
//! they take.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::Net;
use tempfile::TempDir;

use crate::fail2ban::client;
use crate::guarded::{Guarded, ROOM, bans_v4, is_in, log_of};
use crate::process::resident_mb;
use crate::report::{Aim, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 16, 0, 0);
/// What a client tells at once: a command has no room for more.
const PORTION: u32 = 10_000;
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory is looked at when all that was in flight has arrived.
const SETTLES: Duration = Duration::from_secs(2);

/// So many bans, in milliseconds, and in megabytes.
struct Goal {
    millis: f64,
    millis_text: &'static str,
    megabytes: Option<(f64, &'static str)>,
}

const FEW: Goal = Goal { millis: 100.0, millis_text: "< 100 ms, at least 300", megabytes: None };
const MANY: Goal = Goal {
    millis: 2_000.0,
    millis_text: "< 2 s, at least 4",
    megabytes: Some((150.0, "< 150 MB, at least 250")),
};

/// Few and many stored bans.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    for (bans, goal) in [(sizes.stored_few, FEW), (sizes.stored_many, MANY)] {
        let dir = TempDir::new().context("making a directory for a database")?;
        store(bans, dir.path())?;
        let (mut millis, mut memory) = (Vec::new(), Vec::new());
        for _ in 0..sizes.restarts {
            let (ms, mb) = restart(dir.path(), bans)?;
            millis.push(ms);
            memory.push(mb);
        }
        let (millis, memory) = (Summary::of(&millis), Summary::of(&memory));
        report.rows.push(Row {
            measure: format!("restart: {} stored bans, all enforced", grouped(bans)),
            unit: Unit::Millis,
            rban: millis,
            peer: None,
            ratio: None,
            aim: Some(Aim { text: goal.millis_text, met: millis.median < goal.millis }),
        });
        let aim = |(most, text)| Aim { text, met: memory.median < most };
        report.rows.push(Row {
            measure: format!("memory: {} bans, restored", grouped(bans)),
            unit: Unit::Megabytes,
            rban: memory,
            peer: None,
            ratio: None,
            aim: goal.megabytes.map(aim),
        });
    }
    Ok(())
}

fn address(nth: u32) -> Ipv4Addr {
    Ipv4Addr::from(FIRST.to_bits() + nth)
}

/// Has a daemon ban so many, and keeps what it stored.
fn store(bans: u32, dir: &Path) -> Result<()> {
    let guarded = Guarded::start(&["--bantime", "1d"])?;
    for from in (0..bans).step_by(PORTION as usize) {
        let portion = from..bans.min(from + PORTION);
        let addresses: Vec<String> = portion.map(|nth| address(nth).to_string()).collect();
        let words =
            ["set", "sshd", "banip"].into_iter().chain(addresses.iter().map(String::as_str));
        let words: Vec<&str> = words.collect();
        client(&guarded.client()?, &guarded.rban.socket(), &words)?;
    }
    let stored = guarded.rban.dir().to_owned();
    guarded.daemon.terminate()?;
    copy(&stored, dir)
}

/// Copies a database that nobody uses, and what waits beside it to be put into it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for name in ["rban.sqlite3", "rban.sqlite3-wal"] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).context("copying a database")?;
        }
    }
    Ok(())
}

/// Milliseconds from the start of the process until all are enforced, and megabytes a little later.
fn restart(database: &Path, bans: u32) -> Result<(f64, f64)> {
    let net = Net::pair()?;
    let rban = Rban::new(&net.server)?;
    copy(database, rban.dir())?;
    let log = log_of(&rban);
    fs::write(&log, "").context("making a log")?;
    let options = ["--mode", "native", "--max-bans-v4", ROOM, "--bantime", "1d"];
    let start = Instant::now();
    let daemon = Daemon::spawn(&rban, &log, &options)?.quiet();
    // Bans are restored in the order of their texts, the last of which this is.
    let last = (0..bans).map(address).max_by_key(Ipv4Addr::to_string).context("no bans")?;
    let mut map = None;
    while !map.as_ref().is_some_and(|map| is_in(map, last)) {
        map = map.or_else(|| bans_v4(&rban).ok());
        ensure!(start.elapsed() < PATIENCE, "not restored: {}", daemon.said()?);
        sleep(Duration::from_millis(1));
    }
    let millis = start.elapsed().as_secs_f64() * 1e3;
    let in_force = rban.status()?["bans"]["v4"].as_u64();
    ensure!(in_force == Some(u64::from(bans)), "{in_force:?} of {bans} bans are in the kernel");
    sleep(SETTLES);
    Ok((millis, resident_mb(daemon.pid())?))
}
