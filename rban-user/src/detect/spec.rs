//! What configuration asks of a detector.

use std::time::Duration;

use super::filter::Patterns;

/// One jail's filter, dates included.
#[derive(Clone, Debug)]
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

/// How much of a line's matches is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the daemon has it: the first failregex that matches decides.
    First,
    /// As tools that test filters have it: all that match, whether or not they are failures.
    Every,
}
