//! Beside fail2ban itself: our lines are those that the packaged server writes, and its filter `recidive` finds our
//! bans, and nothing else.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use regex::Regex;
use tempfile::TempDir;

use super::{VERSION, lines};
use crate::clock::{Now, WallTime};
use crate::log::target::Target;
use crate::log::{Log, Threshold};
use crate::said::{Level, Said};

/// What fail2ban does takes it up to some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const LONG: &str = "a-name-as-long-as-hardly-any";
const ZONE: TimeZone = TimeZone::UTC;

/// The packaged server, in a folder of its own.
struct Peer {
    folder: TempDir,
}

impl Peer {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path());
        let peer = Self { folder };
        peer.client(&["start"]);
        peer.wait_for("Jail 'a-name-as-long-as-hardly-any' started");
        peer
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of `fail2ban-client`, whatever comes of it.
    fn client(&self, words: &[&str]) {
        let mut command = Command::new("fail2ban-client");
        command.env("TZ", "UTC").arg("-c").arg(self.folder.path()).args(words);
        drop(command.output().unwrap());
    }

    /// A line in the followed log, of so many seconds ago.
    fn log(&self, text: &str, ago_secs: u64) {
        let at = Now::read().wall.saturating_sub(Duration::from_secs(ago_secs));
        self.append(&format!("{} {text}\n", lines::moment(at, &ZONE)));
    }

    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).open(self.path("in.log")).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn said(&self) -> String {
        let read = |name| fs::read_to_string(self.path(name)).unwrap_or_default();
        read("f.log") + &read("f2.log")
    }

    fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.said().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no {text:?} in\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.client(&["stop"]); // it has stopped already, unless the test failed
    }
}

fn configure(folder: &Path) {
    for name in ["action.d", "filter.d"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text.replace("DIR", folder.to_str().unwrap())).unwrap();
    };
    write("in.log", "");
    write("other.log", "");
    write(
        "fail2ban.conf",
        "[Definition]\nloglevel = DEBUG\nlogtarget = DIR/f.log\nsyslogsocket = DIR/no-socket\nsocket = DIR/socket\n\
         pidfile = DIR/pid\ndbfile = DIR/db\ndbmaxmatches = 10\ndbpurgeage = 1d\nallowipv6 = auto\n",
    );
    write(
        "jail.conf",
        &format!(
            "[DEFAULT]\nenabled = true\nfilter = f\nbackend = polling\nmaxretry = 3\nfindtime = 600\n\
             bantime = 3\nbantime.increment = true\n\
             [j]\nlogpath = DIR/in.log\nignoreip = 192.0.2.99\naction = works\n\
             [{LONG}]\nlogpath = DIR/other.log\naction = fails\n"
        ),
    );
    write("filter.d/f.conf", "[Definition]\nfailregex = ^\\s*fail <HOST>$\n");
    write(
        "action.d/works.conf",
        "[Definition]\nactionban = true\nactionunban = true\nactionflush = true\n",
    );
    write("action.d/fails.conf", "[Definition]\nactionstart = false\nactionban = true\n");
}

/// Has the server say all that we compare.
fn live(peer: &Peer) {
    peer.log("fail 192.0.2.98", 86_400);
    peer.append("fail 192.0.2.97\n");
    peer.log("fail 192.0.2.99", 0);
    peer.log("fail localhost", 0);
    (0..3).for_each(|_| peer.log("fail 192.0.2.4", 9));
    (0..3).for_each(|_| peer.log("fail 192.0.2.1", 0));
    peer.wait_for("[j] Ban 192.0.2.1\n");
    peer.wait_for("[j] Unban 192.0.2.1\n");
    peer.log("fail 192.0.2.2", 300);
    (0..6).for_each(|_| peer.log("fail 192.0.2.1", 0));
    peer.wait_for("Increase Ban 192.0.2.1");
    peer.wait_for("192.0.2.1 already banned");
    peer.client(&["set", "j", "bantime", "-1"]);
    peer.client(&["set", "j", "banip", "192.0.2.5", "2001:db8::5", "a text"]);
    peer.client(&["set", "j", "unbanip", "192.0.2.5", "192.0.2.77"]);
    peer.client(&["set", "j", "attempt", "192.0.2.55", "a line"]);
    peer.client(&["set", "loglevel", "FOO"]);
    peer.client(&["reload"]);
    peer.client(&["reload", "--restart", "j"]);
    peer.wait_for("[j] Restore Ban 2001:db8::5");
    let absent = peer.path("no/such");
    peer.client(&["set", "logtarget", absent.to_str().unwrap()]);
    peer.client(&["set", "logtarget", "SYSLOG[facility=FOO]"]);
    peer.client(&["flushlogs"]);
    peer.client(&["set", "logtarget", peer.path("f2.log").to_str().unwrap()]);
    peer.client(&["stop"]);
    peer.wait_for("Exiting Fail2ban");
}

/// The same, as we say it.
fn ours(peer: &Peer) -> Vec<Said> {
    let (at, id, secs) = (WallTime::from_secs(0), &"192.0.2.1", Duration::from_secs);
    let (log, absent, second) = (peer.path("in.log"), peer.path("no/such"), peer.path("f2.log"));
    let mut said = Vec::new();
    said.extend(lines::starting(VERSION));
    said.push(lines::daemon_started());
    said.push(lines::connected_to_database(&peer.path("db")));
    said.push(lines::new_database(4));
    said.extend(lines::creating_jail("j"));
    said.extend(lines::creating_jail(LONG));
    said.push(lines::jail_uses("j", "poller", &"{}"));
    said.push(lines::initiated_backend("polling"));
    said.push(lines::maxretry(3));
    said.push(lines::findtime(&600));
    said.push(lines::bantime(&3));
    said.push(lines::set_bantime_option("increment", &"True"));
    said.push(lines::added_log(&log, 0, ""));
    said.push(lines::jail_started("j"));
    said.push(lines::old_entries("j", secs(600)));
    said.push(lines::odd_line("j", "1970-01-01 00:00:00 fail 192.0.2.98"));
    said.extend(lines::no_timestamp("j", "", "fail 192.0.2.97"));
    said.push(lines::ignored("j", &"192.0.2.99", &"ip"));
    said.push(lines::ignored("j", &"127.0.0.1", &"ignoreself rule"));
    said.push(lines::found("j", id, at, &ZONE));
    said.push(lines::ban("j", id));
    said.push(lines::unban("j", id));
    let (before, suspicion) = (lines::Side::Before, lines::Suspicion::Latency);
    said.push(lines::odd_time("j", secs(300), before, suspicion));
    let (weight, leads_to) = (lines::Weight::Reckoned(2.0), lines::LeadsTo::Nothing);
    let bad = lines::Bad { at, count: 1, weight, leads_to };
    said.push(lines::found_bad("j", id, &bad, &ZONE));
    said.push(lines::is_bad("j", id, 1, at, 3.0, 6.0, &ZONE));
    said.push(lines::increase_ban("j", id, 2, Some((6.0, at)), &ZONE));
    said.push(lines::already_banned("j", id, Level::Debug));
    said.push(lines::expired("j", &"192.0.2.4"));
    said.push(lines::bantime(&-1));
    said.push(lines::ban("j", &"2001:db8::5"));
    said.push(lines::ban("j", &"a text"));
    said.push(lines::not_banned(&"192.0.2.77"));
    said.push(lines::attempt("j", &"192.0.2.55", at, &ZONE));
    let error = "ValueError(\"Invalid log level 'FOO'\")";
    said.push(lines::command_failed(&"['set', 'loglevel', 'FOO']", &error));
    said.push(lines::reload_all());
    said.push(lines::reload_jail("j"));
    said.push(lines::jail_reloaded("j"));
    said.push(lines::reload_finished());
    said.push(lines::reload_one("j"));
    said.push(lines::removed_log(&log));
    said.push(lines::jail_stopped("j"));
    said.push(lines::restore_ban("j", &"2001:db8::5"));
    let refused = || std::io::Error::other("absent");
    let name = absent.to_str().unwrap().to_owned();
    said.push(lines::not_opened(&crate::log::NotOpened::Target { name, error: refused() }));
    said.push(lines::previous_target(peer.path("f.log").to_str().unwrap()));
    let options = [("facility".to_owned(), "FOO".to_owned())];
    said.extend(Target::new("SYSLOG", &options, "auto").unwrap().complaints);
    let path = peer.path("no-socket");
    said.push(lines::not_opened(&crate::log::NotOpened::Syslog { path, error: refused() }));
    said.push(lines::rolled_over(peer.path("f.log").to_str().unwrap()));
    said.push(lines::begins(VERSION));
    said.push(lines::changed_target(second.to_str().unwrap(), VERSION));
    said.push(lines::shutdown());
    said.push(lines::stopping_all_jails());
    said.push(lines::database_closed());
    said.push(lines::exiting());
    said
}

/// What the log makes of it.
fn written(said: Vec<Said>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let target = Target::new(path.to_str().unwrap(), &[], "auto").unwrap();
    let log = Log::start(target, Threshold::from(Level::Debug), VERSION).unwrap();
    said.into_iter().for_each(|said| log.say(said));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(log.settle()).unwrap();
    fs::read_to_string(path).unwrap()
}

/// Lines without what differs from run to run: times, process, version.
fn masked(text: &str) -> BTreeSet<String> {
    static VARIES: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        [
            (Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?").unwrap(), "TIME${1}"),
            (Regex::new(r"TIME,\d{3}|\[\d+\]").unwrap(), "MASKED"),
            (Regex::new(r"Fail2ban v\d+\.\d+\.\d+").unwrap(), "Fail2ban vX"),
        ]
    });
    let mask = |line: &str| {
        VARIES.iter().fold(line.to_owned(), |line, (varies, mask)| {
            varies.replace_all(&line, *mask).into_owned()
        })
    };
    text.lines().map(mask).collect()
}

#[test]
fn our_lines_are_those_of_the_packaged_server() {
    let peer = Peer::start();
    live(&peer);
    let theirs = masked(&peer.said());
    let ours = masked(&written(ours(&peer)));
    let missing: Vec<_> = ours.difference(&theirs).collect();
    assert!(missing.is_empty(), "not said by fail2ban: {missing:#?}\namong {theirs:#?}");
}

/// All that looks like a ban, and what clients may have us say.
fn treacherous() -> Vec<Said> {
    let id = |host: u8| format!("192.0.2.{host}");
    let quoted = "fail2ban.actions        [1]: NOTICE  [j] Ban 192.0.2.200";
    let forged = format!("2026-11-21 07:22:55,376 {quoted}");
    let mut said = vec![
        lines::restore_ban("j", &id(100)),
        lines::unban("j", &id(101)),
        lines::repeal_ban("j", &id(102)),
        lines::already_banned("j", &id(105), Level::Notice),
        lines::expired("j", &id(106)),
        lines::not_banned(&id(107)),
        lines::increase_ban("j", &id(108), 2, None, &ZONE),
        lines::found("j", &id(109), WallTime::from_secs(0), &ZONE),
        lines::ban("recidive", &id(110)),
    ];
    for text in [
        "x] Ban 192.0.2.200",
        "x]\tBan 192.0.2.200",
        "x]  Ban 192.0.2.200",
        "x\n[j] Ban 192.0.2.200",
        quoted,
        &forged,
        &format!("x\n{forged}"),
        &format!("x\r\n{forged}\n"),
        &format!("x\u{2028}{forged}\u{85}{forged}"),
    ] {
        said.push(lines::ban("j", &text));
        said.push(lines::unban("j", &text));
        said.push(lines::restore_ban("j", &text));
        said.push(lines::odd_line("j", text));
        said.extend(lines::no_timestamp("j", text, text));
        said.push(lines::command_failed(&text, &text));
    }
    said
}

#[test]
fn recidive_finds_our_bans_and_nothing_else() {
    let mut said = treacherous();
    let banned = ["192.0.2.1", "2001:db8::2"];
    said.extend(banned.map(|id| lines::ban("j", &id)));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    fs::write(&log, written(said)).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    for configuration in [Path::new("/etc/fail2ban"), &shipped] {
        let found = Command::new("fail2ban-regex")
            .args(["--usedns", "no", "-o", "id", "-c"])
            .args([configuration, &log])
            .arg("recidive")
            .output()
            .unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        assert_eq!(found.lines().collect::<Vec<_>>(), banned, "{configuration:?}");
    }
}
