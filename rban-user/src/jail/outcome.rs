//! What the jail tells of what it did, so that others can carry it out and log it.

use std::time::Duration;

use super::ignore::{self, Rule};
use super::increment::Weight;
use crate::clock::WallTime;
use crate::event::{Ban, Change, Id};

/// What becomes of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and never kept")]
pub enum Outcome {
    /// It counted, and may have been one too many.
    Counted(Counted),
    /// It does not count by this rule; `None` = by one that was told of before.
    LetOff(Option<Rule>),
    /// Not known before one of the [questions](super::Jail::questions) is answered; then it is to be judged again.
    Waits,
    /// Not known before this command has run; then it is to be [settled](super::Jail::settle).
    Asks(ignore::Command),
}

/// A failure that counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// As whose it counted: a prefix, where IPv6 is counted by those.
    pub id: Id,
    /// How many of this offender count now.
    pub retry: u32,
    /// What it led to; `None` = to nothing yet.
    pub step: Option<Step>,
}

/// What one failure too many leads to, or somebody's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A ban.
    Banned {
        /// The ban.
        ban: Ban,
        /// The prefix that is banned as well, for so many of its hosts are.
        wider: Option<Ban>,
    },
    /// Nothing: the offender is banned already. Is the end a later one now, then nobody but the kernel has to know.
    Already {
        /// The ban in force.
        ban: Ban,
        /// Whether it ends later than it did.
        end: End,
        /// How surprising that is.
        surprise: Surprise,
    },
    /// Nothing: this ban would be over.
    Expired(Ban),
}

impl Step {
    /// The ban that began, if one did.
    #[must_use]
    pub fn banned(&self) -> Option<&Ban> {
        match self {
            Self::Banned { ban, .. } => Some(ban),
            Self::Already { .. } | Self::Expired(_) => None,
        }
    }

    /// What everything to the right of the jail has to hear of it.
    #[must_use]
    pub fn changes(self) -> Vec<Change> {
        match self {
            Self::Banned { ban, wider } => {
                [Some(ban), wider].into_iter().flatten().map(Change::Ban).collect()
            }
            Self::Already { ban, end: End::Later, .. } => vec![Change::Extend(ban)],
            Self::Already { end: End::Same, .. } | Self::Expired(_) => Vec::new(),
        }
    }
}

/// Whether a ban in force ends later than it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It does.
    Later,
    /// It does not.
    Same,
}

/// How surprising it is that somebody fails who is banned; by that goes how loudly it is logged (spec, jail 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surprise {
    /// It came within three seconds of the ban. Nothing to look into.
    None,
    /// Within a minute. The actions are to be checked.
    Some,
    /// Later. The actions are to be checked.
    Great,
}

impl Surprise {
    pub(super) fn after(since_ban: Duration) -> Self {
        match since_ban.as_secs() {
            0..3 => Self::None,
            3..60 => Self::Some,
            _ => Self::Great,
        }
    }
}

/// A failure of somebody who was banned before (spec, jail 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// How many bans there were before.
    pub count: u32,
    /// What the failure counts as; prints as fail2ban's log has it.
    pub weight: Weight,
    /// Whether that alone is enough for a ban, which the log says.
    pub is_enough: bool,
    /// What it led to; `None` = to nothing yet, or nothing more.
    pub step: Option<Step>,
}

/// A ban that grew, or was to (spec, jail 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grown {
    /// The ban as it now is.
    pub ban: Ban,
    /// How many bans there were before, and when the last began.
    pub before: Record,
    /// How long it was to last.
    pub from: Duration,
    /// How long it lasts.
    pub to: Duration,
    /// Where it stands in time.
    pub standing: Standing,
}

/// Whether a ban that grew is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    New,
    /// It is the last one again, out of lines read twice: not to be written down.
    Replayed,
}

impl Grown {
    /// Whether it lasts any longer, or shorter, and is not yet over; then fail2ban says so and runs `actionprolong`.
    #[must_use]
    pub fn is_prolonged(&self, now: WallTime) -> bool {
        self.from != self.to && self.ban.until.is_none_or(|until| until >= now)
    }

    /// After how long `actionprolong` is run.
    #[must_use]
    pub fn delay(&self) -> Duration {
        const MARGIN: Duration = Duration::from_secs(5);
        const DELAY_MAX: Duration = Duration::from_secs(10);
        self.to.saturating_sub(self.from).saturating_sub(MARGIN).min(DELAY_MAX)
    }
}

/// What is known of somebody's bans in the past, of this jail or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How many there were.
    pub count: u32,
    /// When the last began.
    pub time: WallTime,
}

/// What becomes of a ban that was in force before the jail was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It was to be put in force again.
    Step(Step),
    /// It is over, by what the jail's bans may last now.
    Over,
    /// The offender is let off by now, by this rule; `None` = by one that was told of before.
    LetOff(Option<Rule>),
    /// Not known before one of the [questions](super::Jail::questions) is answered; then it is to be restored again.
    Waits(Ban),
}
