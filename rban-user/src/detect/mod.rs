//! Lines become failures.
//!
//! In: one line, and the time it was seen. Out: who failed, and when by the log's clock. The steps are fail2ban's
//! (spec, filter 1): the date is found and cut out, the patterns look at the rest. Knows nothing of jails or files,
//! and asks no name server: a host name is nobody.

pub mod date;
mod filter;
mod prefilter;
pub(crate) mod pyre;
mod session;
mod tag;
#[cfg(test)]
mod tests;

use std::time::Duration;

use filter::Filter;
pub use filter::{Error, Spec};
use jiff::tz::TimeZone;
use session::Sessions;

use crate::addr::Offender;
use crate::clock::WallTime;

/// A log whose clock is off by more than this is taken to mean now (spec, filter 4).
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(60);

/// Dates begin the line, perhaps behind the priority of syslog: what stands in a user's name is none.
const DATES: [&str; 2] = ["{^LN-BEG}", r"^<\d{1,3}>(?:1 )?({DATE})"];

/// With this as the year of now, any year of this century may be in a date.
const YEAR_NOW: i16 = 2096;

/// A filter at work on one jail's lines.
#[derive(Clone, Debug)]
pub struct Detector {
    filter: Filter,
    sessions: Sessions,
    dates: date::Detector,
    /// The line without its date, if the date does not begin it; kept for its memory.
    rest: Vec<u8>,
}

impl Detector {
    /// Compiles the filter. `zone` is that of dates which name none.
    ///
    /// # Errors
    /// A pattern that does not compile, or lacks a tag.
    pub fn new(spec: &Spec, zone: TimeZone) -> Result<Self, Error> {
        let filter = Filter::new(spec)?;
        let dates = date::Spec { patterns: DATES.map(Into::into).into(), logtimezone: None };
        let dates = date::Detector::new(&dates, zone, YEAR_NOW).expect("the patterns are sound");
        Ok(Self { filter, sessions: Sessions::default(), dates, rest: Vec::new() })
    }

    /// Who failed by this line, and when; `None` for every other line, and for those that tell again of an attempt
    /// already returned.
    ///
    /// The log is followed as it grows, so a line is about now: one without a date is of `now`, and so is one dated
    /// more than a minute before or after it. (Fail2ban gives an undated line the time of the one before, up to a
    /// minute back; we do not look at the dates of lines that match nothing.) No failure is later than `now`.
    pub fn line(&mut self, line: &[u8], now: WallTime) -> Option<(Offender, WallTime)> {
        // A date is not looked for behind bytes that are no text.
        let readable = line.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        let date = self.dates.find(readable, now);
        let text = match &date {
            None => line,
            Some(date::Found { cut, .. }) if cut.start == 0 => &line[cut.end..],
            Some(date::Found { cut, .. }) => {
                self.rest.clear();
                self.rest.extend_from_slice(&line[..cut.start]);
                self.rest.extend_from_slice(&line[cut.end..]);
                &self.rest
            }
        };
        let found = self.filter.find(text)?;
        if !self.sessions.begins_attempt(&found, now) {
            return None;
        }
        let time = date.and_then(|date| self.dates.time(date.stamp, now).ok());
        let time = time.filter(|time| now.since(*time).max(time.since(now)) <= CLOCK_SKEW_MAX);
        Some((found.offender, time.map_or(now, |time| time.min(now))))
    }
}
