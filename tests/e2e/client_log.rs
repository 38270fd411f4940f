//! The log: what others parse of fail2ban's stands in rban's in the same words, and in the same order.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};

use crate::client_world::{JAILS, Servers, masked};

/// A line without its date and process: logger, level, text.
fn line(line: &str) -> Option<String> {
    let (head, text) = line.split_once("]: ")?;
    let logger = head.split_whitespace().find(|word| word.starts_with("fail2ban"))?;
    let logger = logger.split('[').next()?;
    Some(format!("{logger} {}", masked(text).trim_end()))
}

fn lines(servers: &Servers, log: &str, at: usize) -> Vec<String> {
    let directory = servers.directory(at).display().to_string();
    let logs = servers.log("").display().to_string();
    let text = log.replace(&directory, "DIR").replace(&logs, "LOGS/");
    text.lines().filter_map(line).collect()
}

/// Lines of the one that the other does not have as often.
fn missing(from: &[String], of: &[String]) -> Vec<String> {
    let mut left = of.to_vec();
    let mut missing = Vec::new();
    for line in from {
        match left.iter().position(|it| it == line) {
            Some(at) => drop(left.remove(at)),
            None => missing.push(line.clone()),
        }
    }
    missing
}

/// What is compared line by line, in order, jail by jail.
fn of_jail(lines: &[String], jail: &str) -> Vec<String> {
    let tag = format!("[{jail}] ");
    lines.iter().filter(|line| line.contains(&tag)).cloned().collect()
}

#[test]
fn says_what_fail2ban_says() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.wait_for("status door", "Currently banned:\t1\n")?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 6)?;
    servers.write("gate.log", &["root refused at 192.0.2.52", "guest refused at 192.0.2.52"], "gate", 1)?;
    servers.append("gate.log", &["root refused at 198.51.100.8", "root refused at 203.0.113.9"])?;
    servers.write("gate2.log", &["root refused at 2001:db8::77"], "gate", 2)?;
    for words in [
        "set door banip 192.0.2.60 2001:db8::60",
        "set door banip 192.0.2.60",
        "set door unbanip 192.0.2.60",
        "set door unbanip 192.0.2.99",
        "set gate attempt 192.0.2.70 one two",
        "set gate addlogpath LOGS/more.log",
        "set gate dellogpath LOGS/more.log",
        "set gate maxretry 4",
        "set gate findtime 300",
        "set gate bantime 300",
        "set gate bantime.increment true",
        "status nowhere",
        "set gate banip 192.0.2.61",
        "unban 192.0.2.61",
        "set gate delfailregex 9",
        "reload door",
        "reload",
        "restart door",
        "unban --all",
        "set gate banip 192.0.2.61",
        "stop gate",
    ] {
        servers.ask(words)?;
    }
    servers.wait_for("get door banned", "[]")?;
    servers.ask("stop")?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let theirs = fs::read_to_string(servers.directory(0).join("fail2ban.log"))?;
    let ours = servers.our_log(1)?;
    fs::write("/tmp/x/theirs", &theirs)?;
    fs::write("/tmp/x/ours", &ours)?;
    let [theirs, ours] = [lines(&servers, &theirs, 0), lines(&servers, &ours, 1)];
    let (less, more) = (missing(&theirs, &ours), missing(&ours, &theirs));
    let mut wrong = String::new();
    less.iter().for_each(|line| wrong += &format!("- {line}\n"));
    more.iter().for_each(|line| wrong += &format!("+ {line}\n"));
    for jail in ["door", "gate"] {
        let [theirs, ours] = [of_jail(&theirs, jail), of_jail(&ours, jail)];
        if theirs != ours {
            wrong += &format!("{jail}\n{}\n-----\n{}\n", theirs.join("\n"), ours.join("\n"));
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    let _: BTreeSet<u8> = BTreeSet::new();
    Ok(())
}
