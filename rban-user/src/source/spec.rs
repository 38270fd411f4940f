//! What configuration asks of a source.

use std::fmt;
use std::path::PathBuf;

use super::Encoding;

/// Where a jail's lines come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// How new lines are noticed.
    pub backend: Backend,
    /// The logs to follow. They need not be there yet.
    pub logs: Vec<Log>,
    /// What of the journal is read: lists of `FIELD=value`, one of which an entry has to satisfy.
    pub journalmatch: Vec<Vec<String>>,
    /// How the bytes of logs make text; lines come out as UTF-8.
    pub encoding: Encoding,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its path.
    pub path: PathBuf,
    /// Where it is begun if it is there at the start; a file that comes later is read from its first line.
    pub begin: Begin,
}

/// Where a log is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With its first line.
    Start,
    /// With the line being written.
    End,
}

/// How new lines are noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// As suits the host.
    #[default]
    Auto,
    /// On the kernel's word; the name is fail2ban's.
    Pyinotify,
    /// By looking again and again.
    Polling,
    /// They come from the journal; with the options in brackets as written.
    Systemd(String),
}

impl Backend {
    /// From `auto`, `pyinotify`, `polling`, `systemd` or `systemd[…]`, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, options) = text.split_at(text.find('[').unwrap_or(text.len()));
        match (name.trim().to_lowercase().as_str(), options) {
            ("auto", "") => Some(Self::Auto),
            ("pyinotify", "") => Some(Self::Pyinotify),
            ("polling", "") => Some(Self::Polling),
            ("systemd", options) => Some(Self::Systemd(options.to_owned())),
            _ => None,
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Pyinotify => f.write_str("pyinotify"),
            Self::Polling => f.write_str("polling"),
            Self::Systemd(options) => write!(f, "systemd{options}"),
        }
    }
}
