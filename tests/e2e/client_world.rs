//! Three servers in the same state: fail2ban's with its client, rban with fail2ban's client, rban with its own.
//!
//! All follow the same logs. Each has a copy of the same configuration, so that its log and database are its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::Net;
use rban_tests::peer::{self, Fail2ban};
use rban_tests::wait::{output, wait_for};
use tempfile::TempDir;

/// fail2ban's words, rban's to fail2ban's client, and rban's to its own.
pub(crate) const NAMES: [&str; 3] = ["fail2ban", "rban", "rban client"];

/// What fits all tests: two jails that run, and one that does not.
pub(crate) const JAILS: &str = "[DEFAULT]
backend = polling
bantime = 600
findtime = 600
maxretry = 3
usedns = no
action = tell[name=%(__name__)s]
[door]
enabled = true
filter = door
logpath = LOGS/door.log
[gate]
enabled = true
filter = gate[mode=wide]
maxretry = 5
ignoreip = 198.51.100.0/24 203.0.113.9 2001:db8:1::/48
logpath = LOGS/gate.log
          LOGS/gate2.log
[hatch]
enabled = false
filter = door
logpath = LOGS/door.log
";

const FILES: [(&str, &str); 4] = [
    (
        "fail2ban.conf",
        "[Definition]
loglevel = INFO
logtarget = DIR/fail2ban.log
syslogsocket = auto
allowipv6 = auto
socket = DIR/sock
pidfile = DIR/pid
dbfile = DIR/fail2ban.sqlite3
dbmaxmatches = 10
dbpurgeage = 1d
",
    ),
    ("filter.d/door.conf", "[Definition]\nfailregex = ^ knock from <ADDR>$\n"),
    (
        "filter.d/gate.conf",
        "[Definition]
mode = narrow
_narrow = ^ <F-USER>\\w+</F-USER> refused at <HOST>$
_wide = <_narrow>
        ^ no such user: <F-USER>\\w+</F-USER> \\(<HOST>\\)$
failregex = <_<mode>>
ignoreregex = ^ guest refused
",
    ),
    (
        "action.d/tell.conf",
        "[Definition]
actionstart = echo start <name> >> DIR/told
actionstop = echo stop <name> >> DIR/told
actioncheck =
actionban = echo ban <name> <ip> <failures> >> DIR/told
actionunban = echo unban <name> <ip> >> DIR/told
[Init]
name = none
",
    ),
];

/// What matches an IPv6 address in the packaged release, and in the specified one.
const OLDER_V6: &str = "(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)";
const V6: &str = "(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:)";

/// What a client said and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

pub(crate) struct Servers {
    // Ended in this order.
    pub(crate) fail2ban: Option<Fail2ban>,
    pub(crate) daemons: Vec<Daemon>,
    pub(crate) rbans: Vec<Rban>,
    pub(crate) dir: TempDir,
    _net: Net,
}

impl Servers {
    /// All three, ready.
    pub(crate) fn start(jails: &str) -> Result<Self> {
        let mut servers = Self::prepare(jails)?;
        // Ours first, for they would take over what fail2ban's database knows.
        servers.start_again()?;
        Ok(servers)
    }

    /// All three configured, none of them running.
    pub(crate) fn prepare(jails: &str) -> Result<Self> {
        let net = Net::pair()?;
        let dir = tempfile::Builder::new().prefix("rban-test-").tempdir()?;
        fs::create_dir(dir.path().join("logs"))?;
        for log in ["door.log", "gate.log", "gate2.log", "more.log", "even-more.log"] {
            fs::write(dir.path().join("logs").join(log), "")?;
        }
        let rbans = vec![Rban::new(&net.server)?, Rban::new(&net.client)?];
        let servers = Self { fail2ban: None, daemons: Vec::new(), rbans, dir, _net: net };
        for at in 0..NAMES.len() {
            servers.configure(at, jails)?;
        }
        Ok(servers)
    }

    /// Where the configuration of a server is.
    pub(crate) fn directory(&self, at: usize) -> PathBuf {
        self.dir.path().join(["theirs", "ours", "own"][at])
    }

    /// Writes the configuration of a server anew, with these jails.
    pub(crate) fn configure(&self, at: usize, jails: &str) -> Result<()> {
        let directory = self.directory(at);
        for folder in ["filter.d", "action.d"] {
            fs::create_dir_all(directory.join(folder))?;
        }
        for (name, text) in FILES.into_iter().chain([("jail.conf", jails)]) {
            fs::write(directory.join(name), self.placed(text, &directory)?)?;
        }
        Ok(())
    }

    fn placed(&self, text: &str, directory: &Path) -> Result<String> {
        let logs = self.dir.path().join("logs");
        let logs = logs.to_str().context("a path that is no text")?;
        let directory = directory.to_str().context("a path that is no text")?;
        Ok(text.replace("DIR", directory).replace("LOGS", logs))
    }

    /// A log that all follow.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join("logs").join(name)
    }

    /// The command line of a client.
    fn client(&self, at: usize, words: &str) -> Result<Command> {
        let directory = self.directory(at);
        let socket = match at {
            0 => directory.join("sock"),
            at => self.rbans[at - 1].socket(),
        };
        let mut command = match at {
            0 | 1 => peer::client(&directory, &socket),
            _ => {
                let mut command = Command::new(self.rbans[at - 1].program());
                command.arg("client").arg("-c").arg(&directory).arg("-s").arg(&socket);
                command.arg("-p").arg(directory.join("pid"));
                command
            }
        };
        for word in split(&self.placed(words, &directory)?) {
            command.arg(word);
        }
        command
            .stdin(std::process::Stdio::null())
            .env("PYTHONIOENCODING", "utf-8")
            .env("LC_ALL", "C.UTF-8");
        Ok(command)
    }

    /// What each client says to these words, and how it ends.
    pub(crate) fn ask(&self, words: &str) -> Result<[Said; 3]> {
        thread::scope(|scope| {
            let asked = [0, 1, 2].map(|at| scope.spawn(move || self.ask_one(at, words)));
            let mut said = Vec::new();
            for thread in asked {
                said.push(thread.join().expect("no panic")?);
            }
            Ok(said.try_into().expect("three were asked"))
        })
    }

    pub(crate) fn ask_one(&self, at: usize, words: &str) -> Result<Said> {
        let output = output(self.client(at, words)?)?;
        let directory = self.directory(at);
        let read = |bytes: Vec<u8>| -> Result<String> {
            let text = String::from_utf8(bytes)?.replace(OLDER_V6, V6);
            let text = text.replace(&directory.display().to_string(), "DIR");
            let text = match at {
                0 => text,
                at => text.replace(&self.rbans[at - 1].socket().display().to_string(), "DIR/sock"),
            };
            Ok(masked(&text.replace(&self.dir.path().join("logs").display().to_string(), "LOGS")))
        };
        Ok(Said {
            stdout: read(output.stdout)?,
            stderr: complaint(&read(output.stderr)?),
            code: output.status.code(),
        })
    }

    /// Asks all for all of this, in order. Each must say the same and end in the same way; except that of the commands
    /// in `different` they must not, for the reason that stands beside them.
    pub(crate) fn compare(&self, commands: &[&str], different: &[(&str, &str)]) -> Result<()> {
        let mut wrong = Vec::new();
        let mut met = BTreeSet::new();
        for words in commands {
            let said = self.ask(words)?;
            let [theirs, ours, own] = &said;
            let as_theirs = lines(words, theirs) == lines(words, ours) && theirs.code == ours.code;
            let is_listed = different.iter().any(|(it, _)| it == words);
            let differ = !as_theirs || ours != own;
            if differ && is_listed {
                met.insert(*words);
            } else if differ {
                wrong.push(format!("{words}\n{}", differing(&said)));
            }
        }
        let unmet = different.iter().filter(|(words, _)| !met.contains(words));
        wrong.extend(unmet.map(|(words, _)| format!("{words}: no difference; strike it out")));
        ensure!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n"));
        Ok(())
    }

    /// Writes lines to a log, with the time of now.
    pub(crate) fn append(&self, log: &str, lines: &[&str]) -> Result<()> {
        let now = now()?;
        let text: String = lines.iter().map(|line| format!("{now} {line}\n")).collect();
        let mut file = fs::OpenOptions::new().append(true).open(self.log(log))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// The same, and waits until every server has counted them.
    pub(crate) fn write(&self, log: &str, lines: &[&str], jail: &str, total: u32) -> Result<()> {
        self.append(log, lines)?;
        self.wait_for(&format!("status {jail}"), &format!("Total failed:\t{total}\n"))
    }

    /// Waits until every server says this to these words.
    pub(crate) fn wait_for(&self, words: &str, text: &str) -> Result<()> {
        (0..NAMES.len()).try_for_each(|at| self.wait_for_one(at, words, text))
    }

    /// Waits until this server says this to these words.
    pub(crate) fn wait_for_one(&self, at: usize, words: &str, text: &str) -> Result<()> {
        let mut last = String::new();
        let waited = wait_for("the answer", || {
            last = self.ask_one(at, words)?.stdout;
            Ok(last.contains(text))
        });
        waited.with_context(|| format!("{}: {words}: no {text:?} in {last}", NAMES[at]))?;
        Ok(())
    }

    /// All that one of ours wrote to its log, wherever that went.
    pub(crate) fn our_log(&self, at: usize) -> Result<String> {
        let file = fs::read_to_string(self.directory(at).join("fail2ban.log"));
        Ok(self.daemons[at - 1].said()? + &file.unwrap_or_default())
    }

    /// Starts those that do not run, with their databases and logs as they are.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        for at in self.daemons.len()..self.rbans.len() {
            let daemon = Daemon::configured(&self.rbans[at], &self.directory(at + 1))?;
            self.daemons.push(daemon);
        }
        if self.fail2ban.is_none() { self.start_fail2ban() } else { Ok(()) }
    }

    /// Starts fail2ban's server.
    pub(crate) fn start_fail2ban(&mut self) -> Result<()> {
        let directory = self.directory(0);
        self.fail2ban = Some(Fail2ban::start(self.rbans[0].host(), &directory)?);
        Ok(())
    }
}

/// The lines that a client printed, without their order where that is the one of a set in Python.
fn lines(words: &str, said: &Said) -> Vec<String> {
    let mut lines: Vec<String> = said.stdout.split('\n').map(str::to_owned).collect();
    if words.contains("ignoreip") {
        lines.iter_mut().for_each(|line| *line = line.replace("`- ", "|- "));
        lines.sort_unstable();
    }
    lines
}

fn differing(said: &[Said; 3]) -> String {
    let count = if said[1] == said[2] { 2 } else { 3 };
    let shown = |at: usize| {
        let Said { stdout, stderr, code } = &said[at];
        format!("  {:11} {code:?} {stdout:?} {stderr:?}\n", NAMES[at])
    };
    (0..count).map(shown).collect()
}

/// What a client complained of, without time and process id.
fn complaint(stderr: &str) -> String {
    let line = |line: &str| match line.split_once("]: ") {
        Some((_, text)) => text.to_owned(),
        None => line.to_owned(),
    };
    stderr.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The time, as logs have it.
pub(crate) fn now() -> Result<String> {
    let date = Command::new("date").arg("+%FT%T%:z").output()?;
    Ok(String::from_utf8(date.stdout)?.trim().to_owned())
}

/// Words as a shell splits them at blanks, except within single quotes.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None;
    let mut is_quoted = false;
    for char in text.chars() {
        match char {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_with(String::new);
            }
            ' ' if !is_quoted => words.extend(word.take()),
            char => word.get_or_insert_with(String::new).push(char),
        }
    }
    words.extend(word);
    words
}

/// Every date with a time of day as `TIME`.
pub(crate) fn masked(text: &str) -> String {
    const LIKE: &str = "dddd-dd-dd dd:dd:dd";
    let fits = |at: &str| {
        at.len() >= LIKE.len()
            && at.bytes().zip(LIKE.bytes()).all(|(byte, like)| match like {
                b'd' => byte.is_ascii_digit(),
                like => byte == like,
            })
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if fits(rest) {
            out.push_str("TIME");
            rest = &rest[LIKE.len()..];
        } else {
            out.push(char);
            rest = &rest[char.len_utf8()..];
        }
    }
    out
}
