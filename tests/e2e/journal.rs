//! `backend = systemd`, on journals that a real program writes.

use std::fs;

use anyhow::{Result, ensure};

use rban_tests::daemon::Daemon;
use rban_tests::doors::Doors;
use rban_tests::journal::Journal;
use rban_tests::stock::Stock;
use rban_tests::wait::wait_for;

use crate::World;

/// sshd's word for a wrong password.
fn refusal(from: &str) -> String {
    format!("Failed password for root from {from} port 40000 ssh2")
}

fn jail(options: &str) -> String {
    format!(
        "[door]\nenabled = true\nbackend = systemd[{options}]\njournalmatch = _SYSTEMD_UNIT=door.service\n\
         filter =\nfailregex = knock from <ADDR>$\nmaxretry = 1000000\naction = xdp\n"
    )
}

/// A journal is followed, and read on after a restart and after a kill.
fn followed(options: &str) -> Result<()> {
    let world = World::new()?;
    let doors = Doors::new(&world.rban, &jail(options))?;
    fs::create_dir_all(doors.path("journal"))?;
    let mut journal = Journal::begin(&doors.path("journal/a.journal"))?;
    journal.write("door.service", "door", "knock from 192.0.2.7")?;
    journal.write("gate.service", "gate", "knock from 192.0.2.7")?;
    wait_for("the journal", || Ok(doors.path("journal/a.journal").exists()))?;
    let daemon = doors.start()?;
    doors.wait_for_failures("door", 1)?;
    journal.write("door.service", "door", "knock from 2001:db8::7")?;
    journal.write("gate.service", "gate", "knock from 2001:db8::7")?;
    doors.wait_for_failures("door", 2)?;
    daemon.terminate()?;
    journal.write("door.service", "door", "knock from 192.0.2.7")?;
    let daemon = doors.start()?;
    doors.wait_for_failures("door", 1)?;
    journal.write("door.service", "door", "knock from 192.0.2.7")?;
    doors.wait_for_failures("door", 2)?;
    daemon.kill9()?;
    // A cursor is noted every few seconds; what came since is read again, and nothing is passed over.
    journal.write("door.service", "door", "knock from 192.0.2.8")?;
    let _daemon = doors.start()?;
    wait_for("the entry of meanwhile", || {
        Ok((1..=3).contains(&doors.number("door", "total_failed")?))
    })?;
    journal.write("door.service", "door", "knock from 192.0.2.8")?;
    wait_for("the next entry", || Ok((2..=4).contains(&doors.number("door", "total_failed")?)))?;
    Ok(())
}

#[test]
fn journal_files_are_followed_and_read_on_by_cursor() -> Result<()> {
    followed("journalfiles=\"DIR/journal/*.journal\"")
}

#[test]
fn a_directory_of_journals_is_followed_and_read_on_by_cursor() -> Result<()> {
    followed("journalpath=\"DIR/journal\"")
}

#[test]
fn the_stock_sshd_jail_bans_by_the_journal() -> Result<()> {
    let world = World::new()?;
    let path = world.rban.dir().join("ssh.journal");
    let stock = Stock::with(&format!(
        "[sshd]\nenabled = true\nbackend = systemd[journalfiles={}]\nmaxretry = 3\n",
        path.display()
    ))?;
    stock.write("fail2ban.d/test.conf", "[Definition]\ndbfile = :memory:\n")?;
    let mut journal = Journal::begin(&path)?;
    journal.write("ssh.service", "sshd", "Server listening on :: port 22.")?;
    wait_for("the journal", || Ok(path.exists()))?;
    let _daemon = Daemon::configured(&world.rban, stock.dir())?;
    for from in ["192.0.2.7", "2001:db8::7"] {
        for _ in 0..2 {
            journal.write("ssh.service", "sshd", &refusal(from))?;
        }
        journal.write("other.service", "other", &refusal("192.0.2.8"))?;
    }
    journal.write("sshd.service", "sshd", &refusal("192.0.2.7"))?;
    wait_for("the ban", || world.rban.is_banned("192.0.2.7"))?;
    ensure!(world.rban.bans()?.len() == 1, "{:?}", world.rban.bans()?);
    Ok(())
}
