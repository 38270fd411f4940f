//! Lines become failures.
//!
//! In: one line, and the time it was seen. Out: who failed, and when by the log's clock. The steps are fail2ban's
//! (spec, filter 1): the date is found and cut out, the patterns look at the rest. Knows nothing of jails or files,
//! and asks no name server: a host name is nobody.

mod date;
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

/// A filter at work on one jail's lines.
#[derive(Clone, Debug)]
pub struct Detector {
    filter: Filter,
    sessions: Sessions,
    /// The zone of dates that name none.
    zone: TimeZone,
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
        Ok(Self { filter, sessions: Sessions::default(), zone, rest: Vec::new() })
    }

    /// Who failed by this line, and when; `None` for every other line, and for those that tell again of an attempt
    /// already returned.
    ///
    /// The log is followed as it grows, so a line is about now: one without a date is of `now`, and so is one dated
    /// more than a minute before or after it. (Fail2ban gives an undated line the time of the one before, up to a
    /// minute back; we do not look at the dates of lines that match nothing.) No failure is later than `now`.
    pub fn line(&mut self, line: &[u8], now: WallTime) -> Option<(Offender, WallTime)> {
        let date = date::find(line);
        let text = match &date {
            None => line,
            Some((range, _)) if range.start == 0 => &line[range.end..],
            Some((range, _)) => {
                self.rest.clear();
                self.rest.extend_from_slice(&line[..range.start]);
                self.rest.extend_from_slice(&line[range.end..]);
                &self.rest
            }
        };
        let found = self.filter.find(text)?;
        if !self.sessions.begins_attempt(&found, now) {
            return None;
        }
        let time = date.and_then(|(_, stamp)| stamp.resolve(now, &self.zone));
        let time = time.filter(|time| now.since(*time).max(time.since(now)) <= CLOCK_SKEW_MAX);
        Some((found.offender, time.map_or(now, |time| time.min(now))))
    }
}
