//! rban by the name of fail2ban's client, beside the packaged one: both ask the same server, and must print the same.

#![expect(clippy::unwrap_used, reason = "a test panics where its world is not as it should be")]

mod answers;
mod server;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::Server;
use tempfile::TempDir;

/// Of the package that the environment installs.
const PACKAGED: &str = "/usr/bin/fail2ban-client";

/// What a program left behind.
#[derive(Debug, PartialEq)]
struct Ran {
    code: Option<i32>,
    out: String,
    /// Without dates and process ids, and without what is said of the configuration, which is each one's own.
    err: Vec<String>,
}

/// Both programs.
struct Both {
    dir: TempDir,
}

impl Both {
    fn new() -> Self {
        assert!(Path::new(PACKAGED).exists(), "{PACKAGED} is missing; apt-get install fail2ban");
        let dir = TempDir::new().unwrap();
        let ours = dir.path().join("fail2ban-client");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rban"), ours).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// What each of them does, the packaged one first.
    fn run(&self, args: &[&str], input: &str) -> [Ran; 2] {
        [PathBuf::from(PACKAGED), self.path("fail2ban-client")].map(|it| run(&it, args, input))
    }

    /// A configuration of one jail, which both read alike.
    fn configuration(&self) -> String {
        let base = self.path("etc");
        let log = self.path("auth.log");
        fs::write(&log, "").unwrap();
        let files = [
            ("fail2ban.conf", SERVER.to_owned()),
            ("filter.d/f.conf", FILTER.to_owned()),
            ("action.d/a.conf", "[Definition]\nactionban = echo \"<ip>\" 'x\n".to_owned()),
            ("jail.conf", JAILS.replace("LOG", &log.to_string_lossy())),
        ];
        for (name, text) in files {
            let path = base.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        base.to_str().unwrap().to_owned()
    }
}

const SERVER: &str = "[Definition]
loglevel = INFO
logtarget = STDERR
syslogsocket = auto
socket = /nowhere/socket
pidfile = /nowhere/pid
allowipv6 = auto
dbfile = None
dbmaxmatches = 10
dbpurgeage = 1d
";

const FILTER: &str = "[Definition]
failregex = ^bad 'user' from <HOST>$
            ^long (?:a|b) LINE <HOST>$
ignoreregex =
datepattern = ^%%Y
";

const JAILS: &str = "[DEFAULT]
backend = polling
filter = f
action = a
logpath = LOG
[on]
enabled = true
maxretry = 4
[off]
enabled = false
";

fn run(program: &Path, args: &[&str], input: &str) -> Ran {
    let mut child = Command::new(program)
        .args(args)
        .env_remove("RBAN_SOCKET")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let lines = text(output.stderr);
    let lines = lines.lines().filter(|line| !line.contains("fail2ban.configreader"));
    Ran { code: output.status.code(), out: text(output.stdout), err: lines.map(bare).collect() }
}

/// A line of a log without its date and its process id.
fn bare(line: &str) -> String {
    let Some((date, rest)) = line.split_once(" fail2ban") else { return line.to_owned() };
    assert_eq!(date.len(), "2026-11-21 07:23:54,566".len(), "{line}");
    let Some((name, rest)) = rest.split_once('[') else { return line.to_owned() };
    let (_, rest) = rest.split_once(']').unwrap();
    format!("fail2ban{name}[]{rest}")
}

#[test]
fn every_answer_is_printed_alike() {
    let both = Both::new();
    let socket = both.path("socket");
    let _server = Server::start(&socket, answers::all());
    let socket = socket.to_str().unwrap();
    let mut differences = Vec::new();
    for (words, _) in answers::all().iter().chain(&[("unheard of", Ok(answers::none()))]) {
        let args: Vec<&str> = ["-s", socket].into_iter().chain(words.split(' ')).collect();
        let [theirs, ours] = both.run(&args, "");
        if theirs != ours {
            differences.push(format!("{words}\n  theirs {theirs:?}\n  ours   {ours:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[track_caller]
fn check(both: &Both, args: &[&str], input: &str) {
    let [theirs, ours] = both.run(args, input);
    assert_eq!(theirs, ours, "{args:?}");
}

#[test]
fn servers_that_do_not_answer_are_complained_of_alike() {
    let both = Both::new();
    drop(std::os::unix::net::UnixListener::bind(both.path("dead")).unwrap());
    fs::write(both.path("file"), "").unwrap();
    for socket in ["missing", "dead", "file"] {
        let socket = both.path(socket);
        let socket = socket.to_str().unwrap();
        for words in [&["status"][..], &["ping"], &["ping", "2"], &["reload"], &["stop", "j1"]] {
            check(&both, &[&["-s", socket], words].concat(), "");
        }
    }
}

#[test]
fn the_configuration_is_printed_and_tested_alike() {
    let both = Both::new();
    let base = both.configuration();
    let long = format!("{}\n", "long words of regex ".repeat(70));
    let filter = both.path("etc/filter.d/f.conf");
    fs::write(filter, FILTER.replace("LINE", long.trim())).unwrap();
    for args in [
        &["-d"][..],
        &["--dp"],
        &["--dump-pretty", "--loglevel", "DEBUG"],
        &["-t"],
        &["-d", "-t", "--logtarget=STDOUT"],
        &["-c", "/nowhere", "-t"],
        &["-c", "/nowhere", "status"],
    ] {
        check(&both, &[&["-c", &base], args].concat(), "");
    }
}

#[test]
fn a_jail_that_is_wrong_fails_the_test_and_is_left_out_of_what_is_printed() {
    let both = Both::new();
    let base = both.configuration();
    let jails = both.path("etc/jail.conf");
    let text = fs::read_to_string(&jails).unwrap();
    fs::write(&jails, text + "[wrong]\nenabled = true\naction = missing\n").unwrap();
    for (args, code) in [(&["-d"][..], 0), (&["-t"], 255), (&["-d", "-t"], 255)] {
        let [theirs, ours] = both.run(&[&["-c", &base], args].concat(), "");
        assert_eq!((theirs.code, ours.code), (Some(code), Some(code)), "{args:?}");
        if args == ["-d"] {
            assert_eq!(theirs.out, ours.out);
        }
    }
}

#[test]
fn times_are_told_in_seconds_alike() {
    let both = Both::new();
    for time in ["600", "1h30", "1h 30m", "1.5h", "60/2", "-1", "1d-1", "0.5", "2y", "1w2d", "1mo"]
    {
        check(&both, &["--str2sec", time], "");
    }
}

#[test]
fn a_reload_sends_what_the_packaged_client_sends() {
    let both = Both::new();
    let base = both.configuration();
    let socket = both.path("socket");
    for words in [
        &["reload"][..],
        &["reload", "--all"],
        &["reload", "on"],
        &["reload", "--restart", "--unban", "--if-exists", "off"],
        &["restart", "--unban", "on"],
        &["reload", "a", "b"],
        &["reload", "missing"],
    ] {
        let sent = [Path::new(PACKAGED), &both.path("fail2ban-client")].map(|program| {
            let server = Server::start(&socket, answers::all());
            let args = [&["-c", &base, "-s", socket.to_str().unwrap()], words].concat();
            let ran = run(program, &args, "");
            let requests = server.stop();
            let requests = requests.into_iter().filter(|it| it[0] != answers::text("ping"));
            (ran, requests.collect::<Vec<_>>())
        });
        assert_eq!(sent[0], sent[1], "{words:?}");
    }
}

#[test]
fn command_lines_that_are_wrong_end_alike() {
    let both = Both::new();
    for args in [&["--nope"][..], &["--lo", "x", "ping"], &["-s"], &["--test=3"], &["-z"], &[]] {
        let [theirs, ours] = both.run(args, "");
        assert_eq!(theirs.code, ours.code, "{args:?}");
        assert!(ours.out.starts_with("Usage: fail2ban-client ["), "{ours:?}");
        assert_eq!(theirs.err.last(), ours.err.last(), "{args:?}");
    }
    let [_, ours] = both.run(&["-V"], "");
    assert_eq!(ours.out, "1.1.2.1\n");
    let [_, ours] = both.run(&["--vers"], "");
    assert_eq!(ours.out, "Fail2Ban v1.1.2.dev1\n");
}

#[test]
fn commands_are_taken_one_a_line() {
    let both = Both::new();
    let socket = both.path("socket");
    let _server = Server::start(&socket, answers::all());
    let socket = socket.to_str().unwrap();
    for input in ["ping\nstatus\nfoo\n\n\"\nget j1 'actions'\nexit\n", "version\n", "quit\n"] {
        let [mut theirs, mut ours] = both.run(&["-s", socket, "-i", "ping"], input);
        for ran in [&mut theirs, &mut ours] {
            // Each greets in its own way.
            let (before, rest) = ran.out.split_once("Server replied: pong\n").unwrap();
            let (_, rest) = rest.split_once("fail2ban> ").unwrap();
            ran.out = format!("{before}{rest}");
        }
        assert_eq!(theirs, ours, "{input}");
    }
}

#[test]
fn rban_client_is_the_same_by_another_name() {
    let both = Both::new();
    let socket = both.path("socket");
    let _server = Server::start(&socket, answers::all());
    let socket = socket.to_str().unwrap();
    let rban = Path::new(env!("CARGO_BIN_EXE_rban"));
    let as_client = run(&both.path("fail2ban-client"), &["-s", socket, "status", "j1"], "");
    assert_eq!(run(rban, &["client", "-s", socket, "status", "j1"], ""), as_client);
    assert_eq!(run(rban, &["--socket", socket, "client", "status", "j1"], ""), as_client);
}
