//! Runs a filter over its samples.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rban::addr::Offender;
use rban::clock::WallTime;
use rban::config::{self, Directory};
use rban::detect::{
    Detector, Entry, Found, How, Identity, Reading, Sink, Spec, Style, UseDns, Value as Captured,
    Who,
};
use serde_json::{Map, Value};

use crate::annotation::{Options, Sample};

/// 2005-08-14 10:00:00 UTC.
const NOW: WallTime = WallTime::from_secs(1_124_013_600);
const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";
const JOURNAL_DATE: &str = "2005-08-14T10:00:00";
/// Years up to 2029 are expected in dates.
const YEAR: i16 = 2026;

/// What came of a filter's samples.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Samples that are failures, times the options they were looked at with.
    pub(crate) failures: usize,
    /// Of those, how many were found, whether or not everything about them is right.
    pub(crate) found: usize,
    /// How many lines were looked at.
    pub(crate) looked_at: usize,
    /// What is not as it must be.
    pub(crate) wrong: Vec<Wrong>,
    /// Patterns that matched nothing.
    pub(crate) unused: BTreeSet<String>,
}

/// Something that is not as it must be.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A failure was not found.
    Missed(String),
    /// Something was found that is no failure, or of somebody else.
    False(String),
    /// Somebody who failed has the wrong time or fields.
    Different(String),
    /// The filter cannot be used with these options.
    Unusable(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missed(place) => write!(f, "missed: {place}"),
            Self::False(found) => write!(f, "FALSE: {found}"),
            Self::Different(found) => write!(f, "different: {found}"),
            Self::Unusable(why) => write!(f, "unusable: {why}"),
        }
    }
}

/// The filter of a directory with each set of options that its samples are for.
pub(crate) struct Runner<'a> {
    directory: &'a Directory,
    filter: &'a str,
    zone: TimeZone,
    /// By their options as text.
    filters: BTreeMap<String, Result<OneFilter, String>>,
    outcome: Outcome,
}

struct OneFilter {
    spec: Spec,
    /// Tells of all that matches.
    every: Detector,
    /// Works as the daemon does.
    first: Detector,
    used: BTreeSet<usize>,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(directory: &'a Directory, filter: &'a str) -> Self {
        let zone = TimeZone::posix(ZONE).unwrap();
        Self { directory, filter, zone, filters: BTreeMap::new(), outcome: Outcome::default() }
    }

    pub(crate) fn run(mut self, samples: &[Sample]) -> Outcome {
        for sample in samples {
            for options in &sample.options {
                if sample.counts(self.filter, options) {
                    self.sample(sample, options);
                }
            }
        }
        let filters = self.filters.values().flatten();
        let (mut used, mut all) = (BTreeSet::new(), BTreeSet::new());
        for filter in filters {
            let patterns = &filter.spec.patterns.failregex;
            all.extend(patterns.iter().cloned());
            used.extend(filter.used.iter().map(|index| patterns[*index].clone()));
        }
        self.outcome.unused = &all - &used;
        self.outcome
    }

    fn sample(&mut self, sample: &Sample, options: &Options) {
        let name = with_options(self.filter, options);
        let outcome = &mut self.outcome;
        outcome.looked_at += 1;
        outcome.failures += usize::from(sample.is_failure());
        let filter = self.filters.entry(name.clone()).or_insert_with(|| {
            let filter = OneFilter::new(self.directory, &name, &self.zone);
            if let Err(error) = &filter {
                outcome.wrong.push(Wrong::Unusable(format!("{name}: {error}")));
            }
            filter
        });
        let line = || String::from_utf8_lossy(&sample.line);
        let place = format!("{}:{}: {name}", sample.file.display(), sample.number);
        let Ok(filter) = filter else {
            outcome.wrong.extend(sample.is_failure().then_some(Wrong::Missed(place)));
            return;
        };
        let (all, by_first) = filter.look(sample, options);
        let Seen { failures, notices } = all;
        let heading = format!("{place}: {}{}", line(), notices.concat());
        if by_first.failures.is_empty() != failures.is_empty() {
            let told =
                format!("{heading}: found {failures:?}, by the daemon {:?}", by_first.failures);
            outcome.wrong.push(Wrong::Different(told));
        }
        match (&failures[..], sample.is_failure()) {
            ([], false) => {}
            ([], true) => outcome.wrong.push(Wrong::Missed(heading)),
            (_, false) => {
                outcome.wrong.push(Wrong::False(format!("{heading}: found {failures:?}")))
            }
            ([failure], true) => {
                outcome.found += 1;
                match failure.differs(&sample.expected, &self.zone) {
                    Some(Difference::Host) => {
                        outcome.wrong.push(Wrong::False(format!("{heading}: found {failure:?}")));
                    }
                    Some(Difference::Field(name)) => {
                        let told = format!("{heading}: {name}: found {failure:?}");
                        outcome.wrong.push(Wrong::Different(told));
                    }
                    None => {}
                }
            }
            (several, true) => {
                outcome.found += 1;
                outcome.wrong.push(Wrong::False(format!("{heading}: found {several:?}")));
            }
        }
    }
}

/// `sshd[mode="ddos"]`.
fn with_options(filter: &str, options: &Options) -> String {
    let options = options.iter().filter(|(name, _)| !name.starts_with("test."));
    let options: Vec<String> = options
        .map(|(name, value)| format!("{name}=\"{}\"", value.as_str().expect("options are text")))
        .collect();
    if options.is_empty() { filter.to_owned() } else { format!("{filter}[{}]", options.join(", ")) }
}

impl OneFilter {
    fn new(directory: &Directory, name: &str, zone: &TimeZone) -> Result<Self, String> {
        let mut spec =
            config::filter_alone(directory, name, None).map_err(|error| error.to_string())?;
        spec.patterns.usedns = UseDns::Raw;
        let detector = Detector::new(&[spec.clone()], &[vec![0]], zone, YEAR);
        let detector = detector.map_err(|(_, error)| format!("{:#}", anyhow::Error::new(error)))?;
        Ok(Self { spec, every: detector.clone(), first: detector, used: BTreeSet::new() })
    }

    fn look(&mut self, sample: &Sample, options: &Options) -> (Seen, Seen) {
        let mut every = Watch { used: &mut self.used, seen: Seen::default() };
        show(&mut self.every, sample, options, Style::Every, &mut every);
        let every = every.seen;
        let mut first = Watch { used: &mut BTreeSet::new(), seen: Seen::default() };
        show(&mut self.first, sample, options, Style::First, &mut first);
        (every, first.seen)
    }
}

fn show(
    detector: &mut Detector,
    sample: &Sample,
    options: &Options,
    style: Style,
    sink: &mut Watch<'_>,
) {
    let how = How { now: NOW, reading: Reading::Unchecked, style };
    if options.get("logtype").is_some_and(|it| it == "journal") {
        let prefix = options.get("test.prefix-line").and_then(Value::as_str).unwrap_or_default();
        let text = format!("{prefix}{}", String::from_utf8_lossy(&sample.line));
        detector.entry(0, &Entry { date: JOURNAL_DATE, text: &text, time: NOW }, how, sink);
    } else {
        let chunk = Bytes::from([&sample.line, &b"\n"[..]].concat());
        detector.lines(0, &chunk, how, sink);
    }
}

#[derive(Debug, Default)]
struct Seen {
    failures: Vec<Failure>,
    notices: Vec<String>,
}

/// Somebody who failed.
#[derive(Debug)]
struct Failure {
    id: String,
    time: Option<WallTime>,
    attempts: usize,
    captures: BTreeMap<String, Captured>,
}

struct Watch<'a> {
    used: &'a mut BTreeSet<usize>,
    seen: Seen,
}

impl Sink for Watch<'_> {
    fn found(&mut self, _: usize, found: &Found<'_>) {
        self.used.insert(found.failregex);
        let Some(Identity { id, .. }) = found.identity.filter(|_| found.is_failure()) else {
            return;
        };
        self.seen.failures.push(Failure {
            id: match id {
                Who::Offender(offender) => offender.to_string(),
                Who::Name(text) | Who::Text(text) => text.clone(),
            },
            time: found.time,
            attempts: found.matches.len(),
            captures: found.captures().map(|(name, it)| (name.to_owned(), it.clone())).collect(),
        });
    }

    fn notice(&mut self, _: usize, notice: &rban::detect::Notice<'_>) {
        self.seen.notices.push(format!(" ({notice:?})"));
    }
}

enum Difference {
    Host,
    Field(String),
}

impl Failure {
    /// What is not as the annotation has it.
    fn differs(&self, expected: &Map<String, Value>, zone: &TimeZone) -> Option<Difference> {
        for (name, value) in expected {
            let is_so = match &**name {
                "match" | "desc" | "constraint" => true,
                "host" if !self.captures.contains_key("host") => {
                    if !same_id(&self.id, value.as_str().unwrap_or_default()) {
                        return Some(Difference::Host);
                    }
                    true
                }
                "time" => self.time == value.as_str().map(|text| local(text, zone)),
                "attempts" if !self.captures.contains_key("attempts") => {
                    value.as_u64() == Some(self.attempts as u64)
                }
                name => same(self.captures.get(name), value),
            };
            if !is_so {
                return Some(Difference::Field(name.clone()));
            }
        }
        None
    }
}

fn same_id(found: &str, expected: &str) -> bool {
    let offender = |text: &str| text.parse::<Offender>().ok();
    found == expected || offender(found).is_some_and(|it| offender(expected) == Some(it))
}

fn same(found: Option<&Captured>, expected: &Value) -> bool {
    match (found, expected) {
        (None, Value::Null) => true,
        (Some(Captured::Text(found)), Value::String(expected)) => {
            let address = |text: &str| text.parse::<IpAddr>().ok();
            found == expected || address(found).is_some_and(|it| address(expected) == Some(it))
        }
        (Some(Captured::Many(found)), Value::Array(expected)) => {
            let found: BTreeSet<&str> = found.iter().map(|it| &**it).collect();
            found == expected.iter().filter_map(Value::as_str).collect()
        }
        _ => false,
    }
}

fn local(text: &str, zone: &TimeZone) -> WallTime {
    let time = DateTime::strptime("%Y-%m-%dT%H:%M:%S%.f", text)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    WallTime::from_micros(zone.to_timestamp(time).unwrap().as_microsecond())
}
