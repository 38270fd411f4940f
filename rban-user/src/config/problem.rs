//! What is wrong with the meaning of a value, and what to write instead.

use std::fmt::{self, Display};

use super::error::Quoted;
use super::value::NotATime;

/// An option that cannot be obeyed, or had better not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The option, its value and its place.
    pub quoted: Quoted,
    /// What is wrong with it.
    pub wrong: Wrong,
}

impl Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.quoted, self.wrong)
    }
}

/// What is wrong, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// No time.
    #[error("not a time; write seconds (600) or a unit (10m, 2h, 1d)")]
    Time,
    /// No number of this range.
    #[error("not a number from {min} to {max}; write digits only")]
    Number {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// No number at all.
    #[error("not a number; write one like 1, 2.5 or 2.0/3")]
    Factor,
    /// No list of numbers.
    #[error("not a list of numbers; write them with one blank between, like 1 5 30 60")]
    Multipliers,
    /// None of a few words.
    #[error("not one of these; write {allowed}")]
    Word {
        /// Those that are.
        allowed: &'static str,
    },
    /// What a stage says of it, remedy included.
    #[error("{0}")]
    Stage(String),
    /// A jail without a log.
    #[error("no such log; write the path of one, or backend = systemd to read the journal")]
    NoLog,
    /// An action in Python.
    #[error("actions written in Python are not run; {instead}")]
    Python {
        /// The native equivalent.
        instead: &'static str,
    },
    /// An option that nothing reads.
    #[error("nothing reads this option; {instead}")]
    Unread {
        /// What is probably meant.
        instead: String,
    },
}

impl From<NotATime> for Wrong {
    fn from(_: NotATime) -> Self {
        Self::Time
    }
}
