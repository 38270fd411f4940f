//! What clients may ask of the daemon, and what they hear.
//!
//! The protocol is fail2ban's, on a Unix socket that only root may open: pickled lists of words, and pickled answers.
//! What fail2ban has no words for travels as `['rban', JSON]`. Knows nothing of how the answers come about: each request
//! goes to the daemon with a place for its answer.

pub mod client;
pub mod pickle;
pub mod server;
pub mod value;
mod wire;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::addr::Offender;
use crate::scope::Scope;

/// Where the socket is unless told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/rban/rban.sock";

/// Longest request or answer: a list of some millions of addresses.
const MESSAGE_MAX_BYTES: usize = 256 << 20;

/// The first word of a request of rban's own; the second is a [`Command`] as JSON, the answer a [`Reply`] as JSON.
pub const OURS: &str = "rban";

/// A request of rban's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Who are you, and how are your jails?
    Status,
    /// Ban these by hand.
    Ban {
        /// Who.
        offenders: Vec<Offender>,
        /// For how long; `None` = for ever.
        seconds: Option<u64>,
        /// Which of their packets.
        scope: Scope,
    },
    /// Lift every ban of these, whoever made it.
    Unban {
        /// Who.
        offenders: Vec<Offender>,
    },
    /// Lift every ban.
    UnbanAll,
    /// Who banned each of those that are banned?
    Owners,
    /// Read your configuration again.
    Reload,
    /// Take over what fail2ban's database knows.
    Import {
        /// Its path; `None` = where `fail2ban.conf` says.
        file: Option<PathBuf>,
    },
    /// What led to the bans that cover these?
    History {
        /// The offenders that the kernel has.
        offenders: Vec<Offender>,
    },
}

/// An answer to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To [`Command::Status`].
    Status(Status),
    /// To [`Command::Ban`]: who was banned.
    Banned(Vec<Offender>),
    /// To [`Command::Unban`] and [`Command::UnbanAll`]: whose bans were lifted.
    Unbanned(Vec<Offender>),
    /// To [`Command::Owners`].
    Owners(Vec<Owner>),
    /// To [`Command::Reload`].
    Reloaded,
    /// To [`Command::Import`].
    Imported(Imported),
    /// To [`Command::History`].
    History(Vec<Episode>),
    /// It was refused, or failed; nothing was done.
    Error(String),
}

/// The daemon and its jails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Its jails.
    pub jails: Vec<JailStatus>,
    /// Jails that are enabled and do not run.
    #[serde(default)]
    pub failed: Vec<FailedJail>,
}

/// A jail that does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedJail {
    /// Its name.
    pub name: String,
    /// Everything that is wrong with it.
    pub reasons: Vec<String>,
}

/// One jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailStatus {
    /// Its name.
    pub name: String,
    /// Offenders with failures that count now.
    pub currently_failed: u64,
    /// Failures since the start.
    pub total_failed: u64,
    /// Offenders banned now.
    pub currently_banned: u64,
    /// Bans since the start.
    pub total_banned: u64,
    /// The logs it reads.
    pub files: Vec<PathBuf>,
    /// What its bans lead to.
    #[serde(default)]
    pub does: Vec<Deed>,
}

/// One action of a jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Its name.
    pub action: String,
    /// Whose packets the kernel drops for it; `None` = the kernel does nothing.
    pub scope: Option<Scope>,
    /// Whether its commands are run.
    pub runs: bool,
}

/// What was taken over of fail2ban's database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Its path.
    pub file: PathBuf,
    /// The latest bans of offenders, live or over.
    pub bans: u64,
    /// Those of them that have not ended.
    pub live: u64,
    /// Positions in logs and journals.
    pub positions: u64,
    /// Rows that make no sense.
    pub skipped: u64,
    /// What ended the reading early: the file is damaged from there on.
    pub cut_short: Option<String>,
}

/// Who made a ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Who is banned.
    pub offender: Offender,
    /// The jail; `None` = by hand, or by an earlier run.
    pub jail: Option<String>,
}

/// One ban's story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The jail; `None` = by hand, or by an earlier run.
    pub jail: Option<String>,
    /// When it began, RFC 3339.
    pub since: String,
    /// When it ends, RFC 3339; `None` = never.
    pub until: Option<String>,
    /// Failures that led to it.
    pub attempts: u32,
    /// The lines that led to it, as text.
    pub lines: Vec<String>,
    /// When the kernel had it, `CLOCK_MONOTONIC` nanoseconds; `None` for a ban of an earlier run.
    pub enforced_ns: Option<u64>,
    /// When the first packet was dropped, `CLOCK_MONOTONIC` nanoseconds; `None` = none yet, or before our time.
    pub first_drop_ns: Option<u64>,
}
