//! What configuration asks of a detector, and how lines come to it.

use std::time::Duration;

use super::filter::Patterns;
use crate::clock::WallTime;

/// One jail's filter, dates included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What is a failure.
    pub patterns: Patterns,
    /// How dates are written; none = as fail2ban's default templates have them.
    pub datepattern: Vec<String>,
    /// The zone of dates that name none, such as `UTC+0200`; `None` = the host's.
    pub logtimezone: Option<String>,
    /// What is older than this when a log is first read is no failure any more.
    pub findtime: Duration,
}

/// A line whose time is known, as the journal has them.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What its time is written as before it, where it is kept: ISO 8601 and a blank.
    pub date: &'a str,
    /// What patterns see.
    pub text: &'a str,
    /// When it was written.
    pub time: WallTime,
}

/// How lines are to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The clock's time.
    pub now: WallTime,
    /// When the lines were written.
    pub reading: Reading,
    /// How much is told of them.
    pub style: Style,
}

/// When lines were written, by what is known of their log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Before the log was followed: what is older than findtime does not count.
    Past,
    /// Just now: a date that says otherwise is wrong.
    Present,
    /// At any time: dates are taken as they are.
    Unchecked,
}

/// How much is told of a line's matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the daemon has it: the first failregex that matches decides.
    First,
    /// The same; what waits for its session to tell who it is is told of too.
    FirstAndWaiting,
    /// As tools that test filters have it: all that match, whether or not they are failures.
    Every,
}
