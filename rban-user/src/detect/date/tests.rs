//! The detector as a whole: what the specification says of lines, and how templates are chosen.

mod patterns;
mod properties;
mod selection;
mod vectors;

use jiff::tz::TimeZone;

use super::{Detector, Error, NotATime, Spec};
use crate::clock::WallTime;

/// The time of the specification's vectors: 2025-11-21 05:40:00 in Berlin.
const NOW: i64 = 1_763_700_000;

fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn detector(patterns: &[&str], logtimezone: Option<&str>) -> Result<Detector, Error> {
    let patterns = patterns.iter().map(|&pattern| pattern.into()).collect();
    let spec = Spec { patterns, logtimezone: logtimezone.map(Into::into) };
    Detector::new(&spec, berlin(), 2026)
}

/// What a detector makes of a line: the date, with marks around what is cut out, and its time.
#[derive(Debug, PartialEq)]
struct Seen {
    marked: String,
    time: Result<f64, NotATime>,
}

fn see_at(detector: &mut Detector, line: &str, now: i64) -> Option<Seen> {
    let now = WallTime::from_secs(now);
    let found = detector.find(line, now)?;
    let (before, rest) = line.split_at(found.cut.start);
    let (date, behind) = rest.split_at(found.cut.len());
    let time = detector.time(found.stamp, now).map(|time| time.as_micros() as f64 / 1e6);
    Some(Seen { marked: format!("{before}|{date}|{behind}"), time })
}

fn see(detector: &mut Detector, line: &str) -> Option<Seen> {
    see_at(detector, line, NOW)
}

/// A time in Berlin, as seconds since 1970.
fn shown_in_berlin(text: &str) -> f64 {
    let time: jiff::civil::DateTime = text.parse().unwrap();
    berlin().to_timestamp(time).unwrap().as_second() as f64
}
