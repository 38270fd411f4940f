//! What survives: bans that grow, bans after a restart and after a crash, and what fail2ban's database knows.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::client_log::{lines, of_jail};
use crate::client_world::{JAILS, NAMES, Servers};

/// Three whom `door` banned, one of them for ever, and one who failed once.
fn ban(servers: &Servers, which: &[usize]) -> Result<()> {
    let knocks = ["knock from 192.0.2.50"; 3];
    servers.append("door.log", &knocks)?;
    servers.append("door.log", &["knock from 192.0.2.52"])?;
    for at in which.iter().copied() {
        servers.wait_for_one(at, "status door", "Total failed:\t4\n")?;
        servers.wait_for_one(at, "status door", "Currently banned:\t1\n")?;
        for words in [
            "set door banip 2001:db8::50",
            "set door bantime -1",
            "set door banip 192.0.2.60",
            "set gate banip 192.0.2.50",
            "set gate banip 192.0.2.61",
            "set gate unbanip 192.0.2.61",
        ] {
            let said = servers.ask_one(at, words)?;
            ensure!(said.code == Some(0), "{}: {words}: {said:?}", NAMES[at]);
        }
    }
    Ok(())
}

const RESTORED: [&str; 4] = [
    "status",
    "get door banned 192.0.2.50 2001:db8::50 192.0.2.60 192.0.2.61",
    "status door",
    "status gate",
];

fn wait_until_restored(servers: &Servers) -> Result<()> {
    servers.wait_for("status door", "Currently banned:\t3\n")?;
    servers.wait_for("status gate", "Currently banned:\t1\n")?;
    // Those that end in the same second come in any order.
    for words in ["get door banip --with-time", "get gate banip --with-time"] {
        let said = servers.ask(words)?.map(|said| {
            let mut lines: Vec<_> = said.stdout.lines().map(str::to_owned).collect();
            lines.sort_unstable();
            lines
        });
        ensure!(said[0] == said[1] && said[1] == said[2], "{words}: {said:?}");
    }
    Ok(())
}

#[test]
fn bans_outlive_a_restart() -> Result<()> {
    let mut servers = Servers::start(JAILS)?;
    ban(&servers, &[0, 1, 2])?;
    servers.fail2ban.take().context("it runs")?.terminate()?;
    for daemon in std::mem::take(&mut servers.daemons) {
        daemon.terminate()?;
    }
    servers.start_again()?;
    wait_until_restored(&servers)?;
    servers.compare(&RESTORED, &[])?;
    let restored = |at: usize, log: &str| {
        let lines = of_jail(&lines(&servers, log, at), "door");
        let mut lines: Vec<_> = lines.into_iter().filter(|it| it.contains("Restore")).collect();
        lines.sort_unstable();
        lines
    };
    let theirs = restored(0, &fs::read_to_string(servers.directory(0).join("fail2ban.log"))?);
    assert_eq!(theirs.len(), 3, "{theirs:?}");
    assert_eq!(restored(1, &servers.our_log(1)?), theirs);
    // What was written before is not counted again, what is written now is.
    servers.write("door.log", &["knock from 192.0.2.53"], "door", 1)
}

#[test]
fn bans_outlive_a_crash() -> Result<()> {
    let mut servers = Servers::start(JAILS)?;
    ban(&servers, &[0, 1, 2])?;
    let before = [1, 2].map(|at| servers.ask_one(at, "get door banip --with-time"));
    for daemon in std::mem::take(&mut servers.daemons) {
        daemon.kill9()?;
    }
    servers.append("door.log", &["knock from 192.0.2.54"; 3])?;
    servers.start_again()?;
    for (at, before) in [1, 2].into_iter().zip(before) {
        servers.wait_for_one(at, "status gate", "Currently banned:\t1\n")?;
        servers.wait_for_one(at, "status door", "Currently banned:\t4\n")?;
        let after = servers.ask_one(at, "get door banip --with-time")?.stdout;
        let before = before?.stdout;
        // The jail's own ban time is 600 again, which is the most that a restored ban lasts.
        let before = before.replace(" + -1 = ", " + 600 = ");
        let lost = before.lines().find(|line| !after.contains(line));
        ensure!(lost.is_none(), "{lost:?} of {before} is not in {after}");
    }
    Ok(())
}

#[test]
fn what_fail2ban_knew_is_taken_over() -> Result<()> {
    let mut servers = Servers::prepare(JAILS)?;
    servers.start_fail2ban()?;
    ban(&servers, &[0])?;
    servers.fail2ban.take().context("it runs")?.terminate()?;
    let [theirs, ours] = [0, 1].map(|at| servers.directory(at).join("fail2ban.sqlite3"));
    for at in [1, 2] {
        let file = servers.directory(at).join("fail2ban.conf");
        let own = servers.directory(at).join("fail2ban.sqlite3").display().to_string();
        let conf = fs::read_to_string(&file)?;
        fs::write(&file, conf.replace(&own, &theirs.display().to_string()))?;
    }
    servers.start_again()?;
    ensure!(!ours.exists(), "rban wrote a database in fail2ban's place");
    wait_until_restored(&servers)?;
    servers.compare(&RESTORED, &[])?;
    servers.write("door.log", &["knock from 192.0.2.53"], "door", 1)
}

#[test]
fn bans_grow_with_their_number() -> Result<()> {
    let growing = JAILS
        .replace("bantime = 600", "bantime = 3\nbantime.increment = true\nbantime.maxtime = 1h")
        .replace("maxretry = 5", "maxretry = 2\nbantime.multipliers = 1 3\nbantime.factor = 2");
    let servers = Servers::start(&growing)?;
    for (count, of_door, of_gate) in [(1, 3, 3), (2, 6, 18), (3, 12, 18)] {
        servers.append("door.log", &["knock from 192.0.2.50"; 3])?;
        if count < 3 {
            servers.append("gate.log", &["root refused at 192.0.2.51"; 2])?;
            servers.wait_for("get gate banip --with-time", &format!("+ {of_gate} = "))?;
        }
        servers.wait_for("get door banip --with-time", &format!("+ {of_door} = "))?;
        servers.wait_for("status door", "Currently banned:\t0\n")?;
        if count == 1 {
            servers.wait_for("status gate", "Currently banned:\t0\n")?;
        }
    }
    let grown = |at: usize, log: &str| -> Vec<String> {
        let lines = lines(&servers, log, at).into_iter();
        let of_growth = |it: &String| it.contains("Increase Ban") || it.contains("is bad:");
        let mut lines: Vec<String> = lines.filter(of_growth).collect();
        lines.sort_unstable();
        lines
    };
    let theirs = grown(0, &fs::read_to_string(servers.directory(0).join("fail2ban.log"))?);
    assert_eq!(theirs.len(), 6, "{theirs:#?}");
    assert_eq!(grown(1, &servers.our_log(1)?), theirs);
    Ok(())
}
