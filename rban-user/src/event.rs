//! What the stages say to one another.

use std::sync::Arc;

use bytes::Bytes;

use crate::addr::Offender;
use crate::clock::WallTime;

/// The name of a jail, shared by everything that mentions it.
pub type JailName = Arc<str>;

/// One whole line of a log, without its line end. Bytes, not text: a log holds what clients sent.
pub type Line = Bytes;

/// One match of one jail's filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The jail whose filter matched.
    pub jail: JailName,
    /// Who failed.
    pub offender: Offender,
    /// When, by the log's clock.
    pub time: WallTime,
    /// The lines that matched, oldest first.
    pub lines: Vec<Line>,
    /// What the filter captured beside who and when, by name (`user`), in lower case.
    pub captures: Vec<(Arc<str>, String)>,
}

/// A jail's decision to keep an offender out for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who decided; `None` = an admin, by hand.
    pub jail: Option<JailName>,
    /// Who is banned.
    pub offender: Offender,
    /// When the ban began: the time of the failure that led to it, as fail2ban counts (spec, jail 4).
    pub since: WallTime,
    /// When it ends; `None` = never.
    pub until: Option<WallTime>,
    /// How many failures led to it; 0 for a ban by hand.
    pub attempts: u32,
    /// The last lines that led to it, oldest first.
    pub matches: Vec<Line>,
}

/// What jails tell everything to their right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A ban began, or an earlier one of the same jail and offender now ends later.
    Ban(Ban),
    /// A ban ended.
    Unban(Ban),
}
