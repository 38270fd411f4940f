//! What must hold of the detector whatever the log: with all filters at once, ours or Debian's, over generated logs.

use std::fs;
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use rban::addr::Offender;
use rban::clock::WallTime;
use rban::config::{self, Directory, LogType};
use rban::detect::{Detector, Found, How, Reading, Sink, Spec, Style, Value, Who};
use rban_tests::logs::{Mill, Service};
use rban_tests::random::Random;

const NOW: WallTime = WallTime::from_secs(1_790_000_000);
const YEAR: i16 = 2026;
const HOW: How = How { now: NOW, reading: Reading::Unchecked, style: Style::First };
const LINES: usize = 2_000;
/// A line as long as this takes a filter no longer than that, without optimisation.
const LONG_LINE_BYTES: usize = 1 << 18;
const LONG_LINE_TIME_MAX: Duration = Duration::from_secs(10);

#[test]
fn how_a_log_is_cut_into_chunks_makes_no_difference() {
    let log = log(11);
    let whole = found(&mut detector(&ours()), &[&log]);
    let mut random = Random::new(12);
    for chunk_max in [1, 50, 20_000, 400_000] {
        let chunks = cut(&log, chunk_max, &mut random);
        let found = found(&mut detector(&ours()), &chunks);
        assert!(
            found == whole,
            "chunks of up to {chunk_max}: {}",
            first_difference(&found, &whole)
        );
    }
}

#[test]
fn lines_that_are_passed_over_hold_no_failure() {
    for (specs, seed) in [(ours(), 21), (packaged(), 22)] {
        let log = log(seed);
        let quick = found(&mut detector(&specs), &[&log]);
        let every = found(&mut detector(&specs).looking_at_every_line(), &[&log]);
        assert!(!quick.is_empty() && quick == every, "{}", first_difference(&quick, &every));
    }
}

#[test]
fn filters_find_together_what_each_finds_alone() {
    let specs = ours();
    let log = log(31);
    let together = found(&mut detector(&specs), &[&log]);
    for (index, spec) in specs.iter().enumerate() {
        let mut alone = found(&mut detector(std::slice::from_ref(spec)), &[&log]);
        alone.iter_mut().for_each(|it| it.filter = index);
        let of_it: Vec<Seen> = together.iter().filter(|it| it.filter == index).cloned().collect();
        assert!(alone == of_it, "{}", first_difference(&alone, &of_it));
    }
}

#[test]
fn an_address_is_one_that_stands_in_the_log() {
    for (specs, seed) in [(ours(), 41), (packaged(), 42)] {
        let log = log(seed);
        let text = String::from_utf8_lossy(&log);
        let found = found(&mut detector(&specs), &[&log]);
        for seen in found.iter().filter(|it| it.offender.is_some()) {
            let is_written = |it: &&String| is_address(it, seen.offender) && text.contains(&***it);
            assert!(seen.captured.iter().any(|it| is_written(&it)), "{seen:?}");
        }
    }
}

#[test]
fn long_lines_take_bounded_time() {
    let mut log = Vec::new();
    let fills = [&b"a "[..], b"x", b"from 192.0.2.1 ", b"\xff", b"\"'[]<>: "];
    let services = ["sshd", "postfix", "apache-auth", "asterisk", "dovecot"];
    for (service, fill) in services.into_iter().zip(fills) {
        let sample = samples_of(service).pop().unwrap();
        let (start, end) = sample.split_at(sample.len() / 2);
        log.extend_from_slice(start);
        log.extend(fill.iter().cycle().take(LONG_LINE_BYTES));
        log.extend_from_slice(end);
        log.push(b'\n');
    }
    for spec in ours().iter().chain(&packaged()) {
        let mut detector = detector(std::slice::from_ref(spec));
        for line in log.split_inclusive(|byte| *byte == b'\n') {
            let start = Instant::now();
            found(&mut detector, &[line]);
            let taken = start.elapsed();
            let failregex = &spec.patterns.failregex;
            let beginning = String::from_utf8_lossy(&line[..100]);
            assert!(taken < LONG_LINE_TIME_MAX, "{taken:?}: {beginning}: {failregex:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(chunk in proptest::collection::vec(any::<u8>(), 0..2_000), seed: u64) {
        let mut lines = Mill::new(seed, Vec::new()).mixed(Service::Sshd, 5);
        lines.extend(chunk);
        thread_local! {
            static DETECTOR: std::cell::RefCell<Detector> = detector(&ours()).into();
        }
        DETECTOR.with_borrow_mut(|detector| found(detector, &[&lines]));
    }
}

fn ours() -> Vec<Spec> {
    filters(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../config"))
}

fn packaged() -> Vec<Spec> {
    filters(Path::new("/etc/fail2ban"))
}

/// All filters of a directory, with the most that they can find.
fn filters(directory: &Path) -> Vec<Spec> {
    let entries = fs::read_dir(directory.join("filter.d")).unwrap_or_else(|error| {
        panic!("{}: {error}; install it: apt-get install fail2ban", directory.display())
    });
    let mut files: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    let names = files.iter().filter_map(|it| it.file_name()?.to_str()?.strip_suffix(".conf"));
    let directory = Directory::At(directory.to_owned());
    let filter = |name: &str| {
        config::filter_alone(&directory, name, Some(LogType::File))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    names.filter(|name| !name.ends_with("common")).map(filter).collect()
}

fn detector(specs: &[Spec]) -> Detector {
    let all = (0..specs.len()).collect();
    Detector::new(specs, &[all], &TimeZone::UTC, YEAR).unwrap()
}

/// A log of all services.
fn log(seed: u64) -> Vec<u8> {
    let names = ["sshd", "postfix", "exim", "asterisk", "proftpd", "vaultwarden", "recidive"];
    let samples = names.iter().flat_map(|name| samples_of(name)).collect();
    let mut mill = Mill::new(seed, samples);
    let services = [Service::Sshd, Service::Dovecot, Service::NginxError, Service::Probe];
    services.iter().flat_map(|service| mill.mixed(*service, LINES / services.len())).collect()
}

/// The lines of our own samples of a filter.
fn samples_of(filter: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/filters");
    let text = fs::read(folder.join(format!("{filter}.log"))).unwrap();
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    lines.filter(|line| !line.is_empty() && line[0] != b'#').collect()
}

/// The log in chunks of whole lines, of up to so many bytes unless a line is longer.
fn cut<'a>(log: &'a [u8], chunk_max: usize, random: &mut Random) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    let mut chunk: Range<usize> = 0..0;
    let mut len_max = 1 + random.below(chunk_max);
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        if chunk.len() + line.len() > len_max && !chunk.is_empty() {
            chunks.push(&log[chunk.clone()]);
            chunk.start = chunk.end;
            len_max = 1 + random.below(chunk_max);
        }
        chunk.end += line.len();
    }
    chunks.push(&log[chunk]);
    chunks
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    filter: usize,
    failregex: usize,
    time: Option<WallTime>,
    id: String,
    offender: Option<Offender>,
    /// What could be the address.
    captured: Vec<String>,
    matches: Vec<Bytes>,
}

struct Watch(Vec<Seen>);

impl Sink for Watch {
    fn found(&mut self, filter: usize, found: &Found<'_>) {
        let Some(identity) = found.identity else { return };
        let captured = found.captures().filter(|(name, _)| ADDRESSES.contains(name));
        let text = |value: &Value| match value {
            Value::Text(text) => text.to_string(),
            Value::Many(texts) => texts.join(" "),
        };
        self.0.push(Seen {
            filter,
            failregex: found.failregex,
            time: found.time,
            id: format!("{:?}", identity.id),
            offender: match identity.id {
                Who::Offender(offender) => Some(offender),
                _ => identity.addr,
            },
            captured: captured.map(|(_, value)| text(value)).collect(),
            matches: found.matches.to_vec(),
        });
    }
}

const ADDRESSES: [&str; 4] = ["ip4", "ip6", "dns", "fid"];

fn found(detector: &mut Detector, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut watch = Watch(Vec::new());
    for chunk in chunks {
        detector.lines(0, &Bytes::copy_from_slice(chunk), HOW, &mut watch);
    }
    watch.0
}

/// Whether this text is the address, strictly read, or one of the prefix.
fn is_address(text: &str, offender: Option<Offender>) -> bool {
    let net = offender.expect("asked of those that have one").as_net();
    let addr = text.parse::<IpAddr>().map(|addr| net.contains(&addr.to_canonical()));
    addr.unwrap_or(false) || text.parse::<Offender>().ok() == offender
}

fn first_difference(a: &[Seen], b: &[Seen]) -> String {
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    format!("{} and {} found; at {at}: {:?} and {:?}", a.len(), b.len(), a.get(at), b.get(at))
}
