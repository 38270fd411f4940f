//! What the stages say to one another.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;

use crate::addr::Offender;
use crate::clock::WallTime;

/// The name of a jail, shared by everything that mentions it.
pub type JailName = Arc<str>;

/// One whole line of a log, without its line end. Bytes, not text: a log holds what clients sent.
pub type Line = Bytes;

/// What a filter captured beside who and when, by name (`user`), in lower case.
pub type Captures = Vec<(Arc<str>, String)>;

/// Who failed or is banned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// An address or prefix.
    Net(Offender),
    /// Any other text, like the name of a user or a key: only actions can do something with it.
    Text(Arc<str>),
}

impl Id {
    /// The address or prefix, if it is one.
    #[must_use]
    pub fn net(&self) -> Option<Offender> {
        match self {
            Self::Net(offender) => Some(*offender),
            Self::Text(_) => None,
        }
    }
}

impl From<Offender> for Id {
    fn from(offender: Offender) -> Self {
        Self::Net(offender)
    }
}

impl From<&str> for Id {
    /// Whatever is no address is text.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Text(text.into()), Self::Net)
    }
}

impl FromStr for Id {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(offender) => offender.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One match of one jail's filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The jail whose filter matched.
    pub jail: JailName,
    /// Who failed.
    pub id: Id,
    /// From where, where `id` is something else.
    pub ip: Option<Offender>,
    /// When, by the log's clock.
    pub time: WallTime,
    /// The lines that matched, oldest first.
    pub lines: Vec<Line>,
    /// What the filter captured.
    pub captures: Captures,
}

/// Where a ban comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Failures led to it.
    Found,
    /// It was in force before the jail was started.
    Restored,
    /// Somebody asked for it.
    ByHand,
}

/// A jail's decision to keep an offender out for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who decided; `None` = an admin, for no jail.
    pub jail: Option<JailName>,
    /// Who is banned.
    pub id: Id,
    /// From where the failures came, where `id` is something else.
    pub ip: Option<Offender>,
    /// When the ban began: the time of the failure that led to it, as fail2ban counts (spec, jail 4).
    pub since: WallTime,
    /// When it ends; `None` = never.
    pub until: Option<WallTime>,
    /// How many failures led to it; 0 for a ban by hand.
    pub attempts: u32,
    /// The last lines that led to it, oldest first.
    pub matches: Vec<Line>,
    /// What the filter captured of the first failure.
    pub captures: Captures,
    /// How many bans of this offender there were, with this one.
    pub bancount: u32,
    /// Where it comes from.
    pub origin: Origin,
}

impl Ban {
    /// A ban that somebody asked for, in a jail or for none.
    #[must_use]
    pub fn by_hand(
        jail: Option<JailName>,
        id: Id,
        since: WallTime,
        until: Option<WallTime>,
    ) -> Self {
        let (matches, captures) = (Vec::new(), Captures::new());
        let (attempts, bancount, origin) = (0, 1, Origin::ByHand);
        Self { jail, id, ip: None, since, until, attempts, matches, captures, bancount, origin }
    }
}

/// Why a ban is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its time is over.
    Ended,
    /// Somebody asked for it.
    Asked,
    /// Its jail stops.
    Repealed,
}

/// What jails tell everything to their right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A ban began.
    Ban(Ban),
    /// A ban grew longer, for its offender was banned before (`bantime.increment`).
    Prolong(Ban),
    /// A ban now ends later, for its offender went on failing. Only what keeps the end by itself has to know: fail2ban
    /// tells neither actions nor the database (spec, jail 4).
    Extend(Ban),
    /// A ban is no more.
    Unban(Ban, Why),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_it_is_known() {
        for text in ["192.0.2.7", "192.0.2.0/24", "2001:db8::7", "root", "192.030.0.6", "a b", ""] {
            assert_eq!(Id::from(text).to_string(), text);
        }
        assert_eq!(Id::from("::ffff:192.0.2.7"), Id::from("192.0.2.7"));
        assert_eq!(Id::from("root").net(), None);
    }
}
