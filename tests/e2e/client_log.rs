//! The log: what others parse of fail2ban's stands in rban's in the same words, and in the same order.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use rban_tests::wait::wait_for;

use crate::client_world::{JAILS, Servers, masked};

/// What is not compared, and why.
const APART: [(&str, &str); 10] = [
    ("Starting Fail2ban", "versions differ"),
    ("observer", "fail2ban has a thread of that name"),
    ("database", "another one, elsewhere"),
    ("server INFO    ready", "what rban adds"),
    ("by hand", "what rban adds"),
    ("all bans lifted", "what rban adds"),
    ("Daemon started", "fail2ban says so in the background only"),
    ("  maxLines: 1", "rban also says what is not set"),
    ("  encoding: ", "rban also says what is not set"),
    (" Set banTime.increment = ", "fail2ban says what was written, rban what it means"),
];

/// What a jail is told to be.
const SETTINGS: [&str; 3] = ["  maxRetry: ", "  findtime: ", "  banTime: "];

/// A line without its date and process: logger, level, text.
fn line(line: &str) -> Option<String> {
    let (head, text) = line.split_once("]: ")?;
    let logger = head.split_whitespace().find(|word| word.starts_with("fail2ban"))?;
    let logger = logger.split('[').next()?;
    Some(format!("{logger} {}", masked(text).trim_end()))
}

pub(crate) fn lines(servers: &Servers, log: &str, at: usize) -> Vec<String> {
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
pub(crate) fn of_jail(lines: &[String], jail: &str) -> Vec<String> {
    let tag = format!("[{jail}] ");
    lines.iter().filter(|line| line.contains(&tag)).cloned().collect()
}

#[test]
fn says_what_fail2ban_says() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.wait_for("status door", "Currently banned:\t1\n")?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 6)?;
    servers.write(
        "gate.log",
        &["root refused at 192.0.2.52", "guest refused at 192.0.2.52"],
        "gate",
        1,
    )?;
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
    let theirs = fs::read_to_string(servers.directory(0).join("fail2ban.log"))?;
    let ours = servers.our_log(1)?;
    let [mut theirs, mut ours] = [lines(&servers, &theirs, 0), lines(&servers, &ours, 1)];
    let mut wrong = String::new();
    for (text, why) in APART {
        let before = theirs.len() + ours.len();
        theirs.retain(|line| !line.contains(text));
        ours.retain(|line| !line.contains(text));
        if theirs.len() + ours.len() == before {
            wrong += &format!("nobody says {text:?} ({why}); strike it out\n");
        }
    }
    for lines in [&mut theirs, &mut ours] {
        let mut told = BTreeSet::new();
        // fail2ban says again what did not change.
        lines.retain(|line| {
            !SETTINGS.iter().any(|it| line.contains(it)) || told.insert(line.clone())
        });
    }
    // The packaged release calls both an unban.
    ours.iter_mut().for_each(|line| *line = line.replace("] Repeal Ban ", "] Unban "));
    missing(&theirs, &ours).iter().for_each(|line| wrong += &format!("- {line}\n"));
    missing(&ours, &theirs).iter().for_each(|line| wrong += &format!("+ {line}\n"));
    for jail in ["door", "gate"] {
        let [theirs, ours] = [of_jail(&theirs, jail), of_jail(&ours, jail)];
        if theirs != ours {
            wrong += &format!("{jail}\n{}\n-----\n{}\n", theirs.join("\n"), ours.join("\n"));
        }
    }
    ensure!(wrong.is_empty(), "{wrong}");
    servers.ask("stop")?;
    wait_for("the last line", || Ok(servers.our_log(1)?.contains("Exiting Fail2ban")))?;
    let last = servers.our_log(1)?;
    for text in ["Shutdown in progress...", "Stopping all jails", "Jail 'door' stopped"] {
        ensure!(last.contains(text), "{text}");
    }
    Ok(())
}
