//! When a line says it was written.
//!
//! In: a line, and what `datepattern` and `logtimezone` say. Out: which part of the line is its date, and the moment
//! that is meant (spec, filter 3). Dates are found by templates: patterns of the user's, or the default ones, which
//! are also written out by hand, for every line of every log goes through here. Knows nothing of what else is in the
//! line, and reads no clock.

mod chars;
mod cores;
mod effective;
mod engine;
mod epoch;
mod fields;
mod list;
mod local;
mod pattern;
mod reader;
mod resolve;
mod search;
mod select;
mod template;
#[cfg(test)]
mod tests;
mod token;
mod words;
mod zone;

use std::ops::Range;

use jiff::tz::TimeZone;

pub use effective::Odd;
pub(super) use effective::{Dated, Decision, LineTimes, Phase, Taken, Text};
use fields::Said;
pub use fields::{NotATime, Stamp};
use local::Local;
use reader::Decades;
use search::Line;
use select::Selection;
pub use select::Used;
pub(crate) use words::in_words;

use crate::clock::WallTime;

/// What configuration asks of the dates of a jail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// The lines of `datepattern`, blank ones left out. None at all: the default templates.
    pub patterns: Vec<String>,
    /// `logtimezone`: the zone of dates that name none, as an abbreviation or an offset. `None`: the local one.
    pub logtimezone: Option<String>,
}

/// Why a [`Spec`] is no good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A percent sign that begins no token.
    #[error("datepattern = {pattern}: {token}: no such token; write %% for a percent sign")]
    Token {
        /// What was written.
        pattern: String,
        /// The token.
        token: String,
    },
    /// Not a regular expression, once the tokens are expanded.
    #[error("datepattern = {pattern}: not a regular expression")]
    Regex {
        /// What was written.
        pattern: String,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The same template again.
    #[error("datepattern = {name}: is there already; write each pattern once")]
    Twice {
        /// The pattern.
        name: String,
    },
    /// So many that every line would take long.
    #[error("datepattern: more than {max} templates; write fewer patterns")]
    TooMany {
        /// How many are allowed.
        max: usize,
    },
    /// No fixed offset.
    #[error(
        "logtimezone = {found}: not a fixed zone; write an abbreviation (CET), an offset (+0100) or both (UTC+0100)"
    )]
    Zone {
        /// What was written.
        found: String,
    },
}

/// Finds the dates of one jail's lines.
#[derive(Clone, Debug)]
pub struct Detector {
    selection: Selection,
    log_offset_mins: Option<i16>,
    local: Local,
}

/// The date in a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What the patterns of a filter do not see. Empty where the pattern says that the line need not have a date.
    pub cut: Range<usize>,
    /// What it says; [`Detector::time`] makes a moment of it.
    pub stamp: Stamp,
}

impl Detector {
    /// Dates that name no zone, in a log that names none, are of `zone`. `year_now` tells which years are expected
    /// in dates (spec, filter 3.1, `%ExY`); it is the real one, whatever time is simulated.
    ///
    /// # Errors
    /// A pattern or a zone that cannot be understood.
    pub fn new(spec: &Spec, zone: TimeZone, year_now: i16) -> Result<Self, Error> {
        let templates = list::of_patterns(&spec.patterns, Decades::new(year_now))?;
        let log_offset_mins = match &spec.logtimezone {
            None => None,
            Some(found) => {
                let offset = zone::offset_mins(found);
                Some(offset.map_err(|_| Error::Zone { found: found.clone() })?)
            }
        };
        Ok(Self { selection: Selection::new(templates), log_offset_mins, local: Local::new(zone) })
    }

    /// The templates, in the order in which they are tried now.
    pub(super) fn templates(&self) -> impl Iterator<Item = Used<'_>> {
        self.selection.templates()
    }

    /// How many searches in hostile lines, or by careless patterns, took too long. They found nothing.
    pub fn given_up(&self) -> u64 {
        self.selection.given_up()
    }

    /// The date in the line.
    #[inline]
    pub fn find(&mut self, line: &str, now: WallTime) -> Option<Found> {
        let hit = self.selection.find(&Line::new(line), now)?;
        Some(Found { cut: hit.cut, stamp: hit.stamp })
    }

    /// Whether a line is dated as the last one was, by the same template.
    pub(super) fn is_as_before(&mut self, line: &str) -> bool {
        self.selection.is_as_before(&Line::new(line))
    }

    /// So many lines more are dated as the last one was.
    pub(super) fn credit(&mut self, lines: u64) {
        self.selection.credit(lines);
    }

    /// The moment that a stamp means, read at `now`.
    ///
    /// # Errors
    /// No moment can be made of it.
    #[inline]
    pub fn time(&mut self, stamp: Stamp, now: WallTime) -> Result<WallTime, NotATime> {
        match stamp.said() {
            Said::Date(fields) => fields.resolve(now, self.log_offset_mins, &mut self.local),
            Said::Moment(time) => Ok(time),
            Said::Unfit(reason) => Err(reason),
        }
    }
}
