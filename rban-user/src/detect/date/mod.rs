//! When a line says it was written.
//!
//! Two formats so far, those of syslog daemons; each stands at the beginning of the line, behind at most a syslog
//! priority or two bytes such as `[`. Finding is apart from resolving, because most lines match nothing and their time
//! is never asked for.

mod parse;
mod zone;

use std::ops::Range;

use jiff::civil::Time;

/// A date as written: what it leaves out is known only when it is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// `None` where the year is the reader's.
    year: Option<i16>,
    month: i8,
    day: i8,
    /// To the second: fail2ban drops fractions (spec, filter 3.1).
    time: Time,
    /// Seconds east of Greenwich; `None` = the zone of the log.
    offset_secs: Option<i32>,
}

/// The date that begins a line, and where it stands.
pub(super) fn find(line: &[u8]) -> Option<(Range<usize>, Stamp)> {
    let start = priority_len(line);
    (start..=start + 2)
        .take_while(|at| *at == start || line.get(at - 1).is_some_and(|byte| !is_word(*byte)))
        .find_map(|at| parse::stamp(line.get(at..)?).map(|(len, stamp)| (at..at + len, stamp)))
}

/// How long the syslog priority is that may stand before the date: `<38>`, in RFC 5424 `<38>1 `.
fn priority_len(line: &[u8]) -> usize {
    let Some(rest) = line.strip_prefix(b"<") else { return 0 };
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    match &rest[digits..] {
        [b'>', b'1', b' ', ..] if digits > 0 => digits + 4,
        [b'>', ..] if digits > 0 => digits + 2,
        _ => 0,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of the line is its date?
    #[track_caller]
    fn check(line: &str, date: Option<&str>) {
        let found = find(line.as_bytes()).map(|(range, _)| &line[range]);
        assert_eq!(found, date, "{line}");
    }

    #[test]
    fn a_date_begins_the_line() {
        check("Nov 21 10:00:00 srv x", Some("Nov 21 10:00:00"));
        check("2026-11-21T10:00:00.5+01:00 srv x", Some("2026-11-21T10:00:00.5+01:00"));
        check("Nov 21 10:00:00", Some("Nov 21 10:00:00"));
        check("srv Nov 21 10:00:00 x", None);
        check("", None);
    }

    #[test]
    fn a_priority_or_two_other_bytes_may_stand_before_it() {
        check("<38>Nov 21 10:00:00 srv x", Some("Nov 21 10:00:00"));
        check("<38>1 2026-11-21T10:00:00Z srv x", Some("2026-11-21T10:00:00Z"));
        check("[Nov 21 10:00:00] x", Some("Nov 21 10:00:00"));
        check("((Nov 21 10:00:00] x", Some("Nov 21 10:00:00"));
        check("  [Nov 21 10:00:00] x", None);
        check("xNov 21 10:00:00 x", None);
        check("x Nov 21 10:00:00 x", None);
        check("<>Nov 21 10:00:00 x", Some("Nov 21 10:00:00"));
        check("<1234>Nov 21 10:00:00 x", None);
    }
}

// SHIM
pub(super) struct Spec { pub(super) patterns: Vec<String>, pub(super) logtimezone: Option<String> }
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub enum Error { X(String) }
#[derive(Clone, Debug)]
pub(super) struct Detector { zone: jiff::tz::TimeZone }
#[derive(Clone, Debug)]
pub(super) struct Found { pub(super) cut: Range<usize>, pub(super) time: Option<crate::clock::WallTime> }
impl Detector {
    pub(super) fn new(_spec: &Spec, zone: jiff::tz::TimeZone) -> Result<Self, Error> { Ok(Self { zone }) }
    pub(super) fn find(&mut self, line: &[u8], now: crate::clock::WallTime) -> Option<Found> {
        let (cut, stamp) = find(line)?;
        Some(Found { cut, time: stamp.resolve(now, &self.zone) })
    }
}
