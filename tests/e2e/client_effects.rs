//! What a command changes holds for the next line: the same lines, the same outcome.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use rban_tests::wait::wait_for;

use crate::client_world::{JAILS, NAMES, Servers};

fn tell(servers: &Servers, commands: &[&str]) -> Result<()> {
    commands.iter().try_for_each(|words| servers.compare(&[words], &[]))
}

#[test]
fn settings_hold_for_the_next_line() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"], "door", 1)?;
    tell(&servers, &["set door maxretry 2", "set door bantime 1200"])?;
    servers.write("door.log", &["knock from 192.0.2.50"], "door", 2)?;
    servers.wait_for("get door banip --with-time", "192.0.2.50 \tTIME + 1200 = TIME\n")?;
    tell(&servers, &["set door addfailregex '^ rap from <ADDR>$'"])?;
    servers.write("door.log", &["rap from 192.0.2.51", "knock from 192.0.2.51"], "door", 4)?;
    servers.wait_for("get door banned", "'192.0.2.51'")?;
    tell(&servers, &["set door delfailregex 1", "set door addignoreip 192.0.2.52"])?;
    servers.append("door.log", &["rap from 192.0.2.53", "knock from 192.0.2.52"])?;
    servers.write("door.log", &["knock from 192.0.2.54"], "door", 5)?;
    tell(&servers, &["set door delignoreip 192.0.2.52", "set door addignoreregex 54$"])?;
    servers.append("door.log", &["knock from 192.0.2.54"])?;
    servers.write("door.log", &["knock from 192.0.2.52"], "door", 6)?;
    // What follows is read from its beginning, and from its end.
    let old = ["knock from 192.0.2.55"; 2];
    servers.append("more.log", &old)?;
    servers.append("even-more.log", &old)?;
    tell(
        &servers,
        &["set door addlogpath LOGS/more.log", "set door addlogpath LOGS/even-more.log tail"],
    )?;
    servers.wait_for("status door", "Total failed:\t8\n")?;
    servers.write("even-more.log", &["knock from 192.0.2.56"; 2], "door", 10)?;
    servers.wait_for("get door banned", "'192.0.2.56'")?;
    tell(&servers, &["set door dellogpath LOGS/more.log", "status door"])?;
    servers.append("more.log", &["knock from 192.0.2.57"; 2])?;
    servers.write("door.log", &["knock from 192.0.2.58"], "door", 11)?;
    servers.compare(&["status door", "get door banned", "get door logpath"], &[])
}

#[test]
fn a_jail_that_rests_reads_on_later() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"], "door", 1)?;
    tell(&servers, &["set door idle on"])?;
    servers.append("door.log", &["knock from 192.0.2.50"; 2])?;
    servers.write("gate.log", &["root refused at 192.0.2.51"], "gate", 1)?;
    thread::sleep(Duration::from_secs(3));
    tell(&servers, &["status door", "set door idle off"])?;
    // fail2ban looks at a log when that changes.
    servers.write("door.log", &["knock from 192.0.2.52"], "door", 4)?;
    servers.wait_for("get door banned", "['192.0.2.50']")
}

#[test]
fn the_log_goes_where_it_is_told_to() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    let at_elsewhere = |at: usize| {
        fs::read_to_string(servers.directory(at).join("elsewhere.log")).unwrap_or_default()
    };
    tell(&servers, &["set logtarget DIR/elsewhere.log", "set loglevel NOTICE"])?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    for (at, name) in NAMES.iter().enumerate() {
        wait_for("the ban in the log", || Ok(at_elsewhere(at).contains("] Ban 192.0.2.50")))?;
        ensure!(!at_elsewhere(at).contains("Found"), "{name}: INFO in spite of NOTICE");
        let old = servers.directory(at).join("elsewhere.log.1");
        fs::rename(servers.directory(at).join("elsewhere.log"), old)?;
    }
    tell(&servers, &["set loglevel INFO", "flushlogs", "set door banip 192.0.2.60"])?;
    for (at, _) in NAMES.iter().enumerate() {
        wait_for("the ban in the new log", || Ok(at_elsewhere(at).contains("] Ban 192.0.2.60")))?;
        ensure!(at_elsewhere(at).contains("rollover performed on"), "{}", at_elsewhere(at));
    }
    Ok(())
}

#[test]
fn a_reload_takes_up_new_actions_and_drops_old_ones() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.ask("set door banip 192.0.2.60")?;
    let told = |at: usize| fs::read_to_string(servers.directory(at).join("told"));
    let more = JAILS.replace(
        "[door]\n",
        "[door]\naction = tell[name=%(__name__)s]\n         tell[actname=more, name=more]\n",
    );
    for at in [1, 2] {
        servers.configure(at, &more)?;
        ensure!(servers.ask_one(at, "reload")?.stdout == "OK\n");
        servers.ask_one(at, "set door banip 192.0.2.61")?;
        servers.configure(at, JAILS)?;
        ensure!(servers.ask_one(at, "reload")?.stdout == "OK\n");
        servers.ask_one(at, "set door banip 192.0.2.62")?;
        wait_for("the ban", || Ok(told(at)?.contains("ban door 192.0.2.62")))?;
        let told = told(at)?;
        for (line, times) in [
            ("start more\n", 1),
            ("\nban more 192.0.2.61", 1),
            ("\nban door 192.0.2.61", 1),
            ("unban more 192.0.2.61", 1),
            ("stop more\n", 1),
            ("ban more 192.0.2.62", 0),
            ("start door\n", 1),
            ("unban door", 0),
            ("stop door", 0),
        ] {
            let found = told.matches(line).count();
            ensure!(found == times, "{}: {found} times {line:?} in {told}", NAMES[at]);
        }
    }
    Ok(())
}
