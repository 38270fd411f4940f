//! What goes into the store and comes out of it. Knows nothing of SQL.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::{JailName, Line};

/// A ban as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBan {
    /// Whose ban; `None` = an admin's, by hand.
    pub jail: Option<JailName>,
    /// Who is banned, as fail2ban prints it: an address, a prefix, or any other text.
    pub id: CompactString,
    /// The address beside the id, where that is something else.
    pub ip: Option<Offender>,
    /// When it began: the time of the failure that led to it.
    pub since: WallTime,
    /// When it ends; `None` = never.
    pub until: Option<WallTime>,
    /// How many bans of this id by this jail there were, this one included.
    pub bancount: u32,
    /// How many failures led to it.
    pub failures: u32,
    /// The last lines that led to it, oldest first.
    pub matches: Vec<Line>,
    /// What the filter captured beside who and when.
    pub captures: Vec<(Arc<str>, String)>,
}

/// What is remembered of an offender, once banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How many bans there were.
    pub count: u32,
    /// When the latest began.
    pub since: WallTime,
    /// How long the latest was to last; `None` = for ever.
    pub bantime: Option<Duration>,
}

/// In which jails an offender is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In the one that asks.
    Jail,
    /// In all of them: `bantime.overalljails`, `<ipmatches>`.
    AllJails,
}

/// What comes with the bans that are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Who, since when and until when: what enforcing takes. Fast.
    Bare,
    /// The lines and captures as well.
    Full,
}

/// The lines and failures of all bans of an offender that are remembered: `<ipmatches>`, `<ipfailures>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// The last lines, oldest first.
    pub matches: Vec<Line>,
    /// The failures of all those bans together.
    pub failures: u64,
}

/// How far a jail has read a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPosition {
    /// Which jail.
    pub jail: JailName,
    /// Which log.
    pub path: PathBuf,
    /// Device and inode of the file; fail2ban did not note them.
    pub file: Option<(u64, u64)>,
    /// How many of its bytes were read.
    pub offset: u64,
    /// SHA-1 of the file's first line with its line end; `None` where that was incomplete.
    pub first_line_sha1: Option<[u8; 20]>,
}

/// How far a jail has read a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCursor {
    /// Which jail.
    pub jail: JailName,
    /// Which of its journals, as the source names it; fail2ban's has the empty name.
    pub journal: String,
    /// The last entry that was read, in the journal's own words; fail2ban did not note it.
    pub cursor: Option<String>,
    /// The time of that entry.
    pub time: WallTime,
}

impl StoredBan {
    /// How long it is to last in all; `None` = for ever.
    #[must_use]
    pub fn bantime(&self) -> Option<Duration> {
        self.until.map(|until| until.since(self.since))
    }
}
