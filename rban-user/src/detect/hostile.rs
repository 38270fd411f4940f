//! What must hold whatever bytes patterns, dates and logs are made of: tried a little by `cargo test`, a lot by
//! `rban-user/fuzz`. A property that fails panics.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::tz::TimeZone;

use super::{Detector, Found, How, Identity, Patterns, Reading, Sink, Spec, Style, UseDns, Value};
use super::{Who, date, pyre};
use crate::addr::Offender;
use crate::clock::WallTime;

const NOW: WallTime = WallTime::from_secs(1_790_000_000);
const YEAR: i16 = 2026;
/// So long may one input take, without optimisation, on a machine with other things to do.
const TIME_MAX: Duration = Duration::from_secs(20);
/// What is behind it in a pattern or a datepattern is not tried: patterns are an admin's, and no longer.
const PATTERN_MAX_BYTES: usize = 200;

/// The first line is a pattern, what follows is a text to search.
pub fn pyre(bytes: &[u8]) {
    within(bytes, || {
        let text = String::from_utf8_lossy(bytes);
        let (pattern, text) = text.split_once('\n').unwrap_or((&text, ""));
        if pattern.len() <= PATTERN_MAX_BYTES {
            pyre::hostile::search(pattern, text);
        }
    });
}

/// The first line is a datepattern, or none; the date of every other line lies in that line, between characters, and
/// the default templates make no date of a line without a digit.
pub fn date(bytes: &[u8]) {
    within(bytes, || {
        let text = String::from_utf8_lossy(bytes);
        let (pattern, lines) = text.split_once('\n').unwrap_or((&text, ""));
        if pattern.len() > PATTERN_MAX_BYTES {
            return;
        }
        let patterns: Vec<String> = Some(pattern)
            .filter(|it| !it.trim().is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect();
        let is_default = patterns.is_empty();
        let spec = date::Spec { patterns, logtimezone: None };
        let Ok(mut detector) = date::Detector::new(&spec, TimeZone::UTC, YEAR) else { return };
        for line in lines.lines() {
            let Some(found) = detector.find(line, NOW) else { continue };
            assert!(line.get(found.cut.clone()).is_some(), "{:?} of {line:?}", found.cut);
            assert!(!is_default || line.contains(char::is_numeric), "a date in {line:?}");
            let _ = detector.time(found.stamp, NOW); // whether or not it is a moment
        }
    });
}

/// Filters of all kinds at work on a log: what they find does not depend on what was passed over, nor on how the log
/// is cut; and whoever is found stands in the log.
pub fn detector(bytes: &[u8]) {
    within(bytes, || {
        let found = found(&mut filters(), &[bytes]);
        let every = self::found(&mut filters().looking_at_every_line(), &[bytes]);
        assert_eq!(found, every, "passing over lines, or not");
        let middle = bytes.len() / 2;
        let end = bytes[middle..].iter().position(|byte| *byte == b'\n');
        let (head, tail) = bytes.split_at(end.map_or(bytes.len(), |end| middle + end + 1));
        let cut = self::found(&mut filters(), &[head, tail]);
        assert_eq!(found, cut, "in one chunk, or in two");
        let text = String::from_utf8_lossy(bytes);
        found.iter().for_each(|seen| seen.check(&text));
    });
}

#[track_caller]
fn within(bytes: &[u8], property: impl FnOnce()) {
    let start = Instant::now();
    property();
    let taken = start.elapsed();
    assert!(taken < TIME_MAX, "{} bytes took {taken:?}", bytes.len());
}

/// Tags and constructs of all kinds, anchored and not, careful and careless.
fn filters() -> Detector {
    thread_local! {
        static FILTERS: Detector = {
            let specs = specs();
            let feed = (0..specs.len()).collect();
            Detector::new(&specs, &[feed], &TimeZone::UTC, YEAR).expect("they are tested")
        };
    }
    FILTERS.with(Clone::clone)
}

fn specs() -> Vec<Spec> {
    let all = "^ignored";
    vec![
        spec(
            Some(r"^\s*\S*sshd(?:\[\d+\])?: <F-CONTENT>.+</F-CONTENT>$"),
            &[r"^Failed \w+ for <F-USER>.*</F-USER> from <HOST>(?: port \d+)?$", r"^bad <ADDR>$"],
            all,
            1,
        ),
        spec(
            Some(r"^\s*<F-MLFID>\w+</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$"),
            &[
                r"^<F-NOFAIL>connect</F-NOFAIL> from <HOST>$",
                r"^fail",
                r"^<F-MLFGAINED>welcome</F-MLFGAINED>",
                r"^<F-MLFFORGET><F-NOFAIL>gone</F-NOFAIL></F-MLFFORGET>",
            ],
            all,
            1,
        ),
        spec(None, &[r"^\s*start\s*$<SKIPLINES>^\s*end <HOST>$"], all, 3),
        spec(None, &[r"net <SUBNET>", r"user <F-ID>\S+</F-ID>", r"dns <DNS>"], all, 1),
        spec(None, &[r"(?i)(?:\w+\s*)*from.*\b(?P<q>['\x22]?)<HOST>(?P=q)(?<!x)(?!\d)"], all, 1),
    ]
}

fn spec(prefregex: Option<&str>, failregex: &[&str], ignoreregex: &str, maxlines: usize) -> Spec {
    Spec {
        patterns: Patterns {
            prefregex: prefregex.map(str::to_owned),
            failregex: failregex.iter().map(|it| (*it).to_owned()).collect(),
            ignoreregex: vec![ignoreregex.to_owned()],
            maxlines: NonZeroUsize::new(maxlines).expect("they are not 0"),
            usedns: UseDns::Warn,
        },
        datepattern: Vec::new(),
        logtimezone: None,
        findtime: Duration::from_secs(600),
    }
}

/// Somebody who was found.
#[derive(Debug, PartialEq)]
struct Seen {
    filter: usize,
    identity: Identity,
    time: Option<WallTime>,
    /// What could be the address.
    captured: Vec<String>,
    matches: Vec<Bytes>,
}

impl Seen {
    /// Whoever is found was written so by the log, and no number is a name, for a resolver would make an address of it.
    fn check(&self, log: &str) {
        let offender = match &self.identity.id {
            Who::Offender(offender) => Some(*offender),
            Who::Name(name) => {
                assert!(log.contains(name.as_str()), "not in the log: {self:?}");
                assert!(!is_address_to_c(name), "a number: {self:?}");
                None
            }
            Who::Text(_) => self.identity.addr,
        };
        let Some(offender) = offender else { return };
        let is_written = |text: &String| is_address(text, offender) && log.contains(text.as_str());
        assert!(self.captured.iter().any(is_written), "not in the log: {self:?}");
    }
}

/// Whether this text is the address, strictly read, or one of the prefix.
fn is_address(text: &str, offender: Offender) -> bool {
    let net = offender.as_net();
    let addr = text.parse::<IpAddr>().is_ok_and(|addr| net.contains(&addr.to_canonical()));
    addr || text.parse() == Ok(offender)
}

/// Whether the C library's `inet_aton` takes it for an address: one to four numbers, in C's notations.
fn is_address_to_c(text: &str) -> bool {
    let is_number = |part: &str| {
        let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
        match hex {
            Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()),
        }
    };
    let bare = text.strip_suffix('.').unwrap_or(text);
    bare.split('.').count() <= 4 && bare.split('.').all(is_number)
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
            identity: identity.clone(),
            time: found.time,
            captured: captured.map(|(_, value)| text(value)).collect(),
            matches: found.matches.to_vec(),
        });
    }
}

const ADDRESSES: [&str; 4] = ["ip4", "ip6", "dns", "fid"];

fn found(detector: &mut Detector, chunks: &[&[u8]]) -> Vec<Seen> {
    let how = How { now: NOW, reading: Reading::Unchecked, style: Style::First };
    let mut watch = Watch(Vec::new());
    for chunk in chunks {
        detector.lines(0, &Bytes::copy_from_slice(chunk), how, &mut watch);
    }
    watch.0
}

#[cfg(test)]
mod tests;
