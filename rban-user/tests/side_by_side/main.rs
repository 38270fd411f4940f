//! Beside fail2ban itself: in generated logs, hostile lines among them, rban finds the failures that fail2ban-regex
//! finds, with Debian's filters for both.
//!
//! `RBAN_SIDE_BY_SIDE_LINES` asks for more lines a filter, `RBAN_SIDE_BY_SIDE_SEED` for others.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::io::{Write as _, stdout};
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use jiff::tz::TimeZone;
use rban::clock::Now;
use rban::config::{self, Directory, LogType};
use rban::detect::{Detector, Found, How, Notice, Reading, Sink, Style, UseDns, Value, Who};
use rban_tests::logs::{Mill, Service};
use tempfile::NamedTempFile;

/// Fail2ban looks at some 20,000 lines in a second.
const LINES: usize = 20_000;
const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";
const PACKAGED_CONFIG: &str = "/etc/fail2ban";
const PACKAGED_LOGS: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";

#[test]
fn sshd() {
    check("sshd", Service::Sshd, UseDns::Raw);
}

#[test]
fn sshd_with_all_that_it_can_find() {
    check("sshd[mode=aggressive, publickey=any]", Service::Sshd, UseDns::No);
}

#[test]
fn dovecot() {
    check("dovecot[mode=aggressive]", Service::Dovecot, UseDns::Raw);
}

#[test]
fn postfix() {
    check("postfix[mode=aggressive]", Service::Postfix, UseDns::Raw);
}

#[test]
fn nginx_http_auth() {
    check("nginx-http-auth[mode=aggressive]", Service::NginxError, UseDns::Raw);
}

#[test]
fn nginx_botsearch() {
    check("nginx-botsearch", Service::Probe, UseDns::Raw);
}

#[test]
fn apache_auth() {
    check("apache-auth[mode=aggressive]", Service::ApacheError, UseDns::No);
}

#[test]
fn vsftpd() {
    check("vsftpd", Service::Vsftpd, UseDns::Raw);
}

/// A filter, over a log in which most lines are of its service.
#[track_caller]
fn check(filter: &str, service: Service, usedns: UseDns) {
    let asked = |name| env::var(name).ok().map(|it| it.parse().unwrap());
    let lines = asked("RBAN_SIDE_BY_SIDE_LINES").unwrap_or(LINES as u64) as usize;
    let seed = asked("RBAN_SIDE_BY_SIDE_SEED").unwrap_or(1);
    let seed = filter.bytes().fold(seed, |seed, byte| seed * 31 % 1_000_003 + u64::from(byte));
    let log = Mill::new(seed, samples()).mixed(service, lines);
    let log = without_fatal_dates(filter, &log);
    let theirs = by_fail2ban(filter, &log, usedns);
    let ours = by_rban(filter, &log, usedns);
    let told = format!("{filter}: {} failures in {lines} lines\n", theirs.len());
    stdout().write_all(told.as_bytes()).unwrap();
    assert!(theirs.len() > lines / 50, "{filter}: only {} failures", theirs.len());
    let [theirs, ours] = [theirs, ours].map(|found| {
        let all = found.into_iter().map(|record| in_one_spelling(&record));
        all.filter(|record| !is_of_a_version(record)).collect::<Vec<_>>()
    });
    let difference = difference(&theirs, &ours);
    assert!(difference.is_empty(), "{filter}, {lines} lines:\n{difference}");
    assert_eq!(ours, theirs, "{filter}: in another order");
}

/// The lines of all packaged samples.
fn samples() -> Vec<Vec<u8>> {
    let entries = fs::read_dir(PACKAGED_LOGS).unwrap_or_else(|error| {
        panic!("{PACKAGED_LOGS}: {error}; install it: apt-get install fail2ban")
    });
    let mut files: Vec<_> =
        entries.map(|it| it.unwrap().path()).filter(|it| it.is_file()).collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read(file).unwrap());
    let lines = texts.flat_map(|text| {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        lines.filter(|line| !line.is_empty() && line[0] != b'#').collect::<Vec<_>>()
    });
    lines.collect()
}

/// Failures as `-o` is asked to print them: time, id, address, user, lines.
fn by_fail2ban(filter: &str, log: &[u8], usedns: UseDns) -> Vec<String> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(log).unwrap();
    let names = match usedns {
        UseDns::Raw => "--raw",
        _ => "--usedns=no",
    };
    let start = Now::read().wall.as_micros() as f64 / 1e6;
    let output = Command::new("fail2ban-regex")
        .args(["--no-check-all", names, "--encoding=UTF-8", "-l", "CRITICAL", "-o"])
        .arg("\u{1}<time>\u{2}<fid>\u{2}<ip>\u{2}<F-USER>\u{2}<matches>\u{3}")
        .args([file.path(), Path::new(filter)])
        .env("TZ", ZONE)
        .env("PYTHONIOENCODING", "utf-8")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| {
            panic!("fail2ban-regex: {error}; install it: apt-get install fail2ban")
        });
    let text = String::from_utf8_lossy(&output.stdout);
    let records = text.split('\u{1}').filter_map(|it| Some(it.split_once("\u{3}\n")?.0.to_owned()));
    let records = records.map(|it| with_known_time(&it, start)).collect();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    records
}

/// Whole seconds are printed with and without a point; what has no time is printed with that of printing.
fn with_known_time(record: &str, start: f64) -> String {
    const HOUR_SECS: f64 = 3600.0;
    let (time, rest) = record.split_once('\u{2}').unwrap();
    let ago = time.parse::<f64>().unwrap() - start;
    let is_of_printing = (0.0..HOUR_SECS).contains(&ago);
    let time = if is_of_printing { "None" } else { time.trim_end_matches(".0") };
    format!("{time}\u{2}{rest}")
}

fn by_rban(filter: &str, log: &[u8], usedns: UseDns) -> Vec<String> {
    let mut records = Records::default();
    look(filter, log, usedns, Depth::AsNeeded, &mut records);
    records.failures
}

/// At a zone that nobody knows, such as that of `INFO Mar 29`, fail2ban-regex ends; the server passes over the line.
fn without_fatal_dates(filter: &str, log: &[u8]) -> Vec<u8> {
    let mut records = Records::default();
    look(filter, log, UseDns::Raw, Depth::EveryLine, &mut records);
    let all = log.split_inclusive(|byte| *byte == b'\n');
    let is_fatal = |line: &&[u8]| {
        let line = String::from_utf8_lossy(line);
        records.fatal.contains(line.trim_end_matches(['\r', '\n']))
    };
    assert!(records.fatal.len() < 1 + log.len() / 10_000, "{:?}", records.fatal);
    all.filter(|line| !is_fatal(line)).collect::<Vec<_>>().concat()
}

fn look(filter: &str, log: &[u8], usedns: UseDns, depth: Depth, records: &mut Records) {
    let directory = Directory::At(PACKAGED_CONFIG.into());
    let mut spec = config::filter_alone(&directory, filter, Some(LogType::File)).unwrap();
    spec.patterns.usedns = usedns;
    let now = Now::read().wall;
    let zone = TimeZone::posix(ZONE).unwrap();
    let mut detector = Detector::new(&[spec], &[vec![0]], &zone, now.year()).unwrap();
    if depth == Depth::EveryLine {
        detector = detector.looking_at_every_line();
    }
    let how = How { now, reading: Reading::Unchecked, style: Style::First };
    detector.lines(0, &Bytes::copy_from_slice(log), how, records);
}

#[derive(PartialEq, Eq)]
enum Depth {
    AsNeeded,
    EveryLine,
}

#[derive(Default)]
struct Records {
    failures: Vec<String>,
    fatal: BTreeSet<String>,
}

impl Sink for Records {
    fn notice(&mut self, _: usize, notice: &Notice<'_>) {
        if let Notice::BadDate { line } = notice {
            self.fatal.insert((*line).to_owned());
        }
    }

    fn found(&mut self, _: usize, found: &Found<'_>) {
        if !found.is_failure() {
            return;
        }
        let identity = found.identity.expect("it is a failure");
        let id = match &identity.id {
            Who::Offender(offender) => offender.to_string(),
            Who::Name(text) | Who::Text(text) => text.clone(),
        };
        let ip = identity.addr.map_or_else(|| id.clone(), |addr| addr.to_string());
        let time = found.time.map_or("None".to_owned(), |time| {
            let (secs, micros) = (time.as_micros() / 1_000_000, time.as_micros() % 1_000_000);
            let fraction = format!(".{micros:06}");
            format!("{secs}{}", fraction.trim_end_matches('0').trim_end_matches('.'))
        });
        let user = found.captures().find(|(name, _)| *name == "user");
        let user = match user {
            Some((_, Value::Text(text))) => text.to_string(),
            _ => String::new(),
        };
        let lines: Vec<_> = found.matches.iter().map(|it| String::from_utf8_lossy(it)).collect();
        let lines = lines.join("\n");
        // Fail2ban's output shows NULs like this.
        let record = [&time, &id, &ip, &user, &lines].map(|it| it.replace('\0', r"\x00"));
        self.failures.push(record.join("\u{2}"));
    }
}

/// The system's library writes some IPv6 addresses with their end as IPv4.
fn in_one_spelling(record: &str) -> String {
    let mut parts: Vec<String> = record.split('\u{2}').map(str::to_owned).collect();
    for id in &mut parts[1..3] {
        if let Ok(addr) = id.parse::<Ipv6Addr>() {
            *id = addr.to_string();
        }
    }
    parts.join("\u{2}")
}

/// What Debian's fail2ban, 1.0.2, does otherwise than 1.1, whose behaviour is specified:
/// - Of text with more colons than an address, `<IP6>` matches other parts.
fn is_of_a_version(record: &str) -> bool {
    let parts: Vec<&str> = record.split('\u{2}').collect();
    let (id, lines) = (parts[1], parts[4]);
    let Ok(addr) = id.parse::<Ipv6Addr>() else { return id.contains(':') };
    let mut runs = lines.split(|c: char| !c.is_ascii_hexdigit() && c != ':');
    !runs.any(|run| run.trim_end_matches(':').parse() == Ok(addr) || run.parse() == Ok(addr))
}

/// What only one of them found, some of it.
fn difference(theirs: &[String], ours: &[String]) -> String {
    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    theirs.iter().for_each(|it| *counts.entry(it).or_default() += 1);
    ours.iter().for_each(|it| *counts.entry(it).or_default() -= 1);
    let differing = counts.into_iter().filter(|(_, count)| *count != 0);
    let shown = |(record, count): (&str, i32)| {
        let whose = if count > 0 { "only fail2ban" } else { "only rban" };
        let short: String = record.escape_debug().take(600).collect();
        format!("{whose}: {short}\n")
    };
    differing.take(40).map(shown).collect()
}
