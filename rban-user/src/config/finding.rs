//! What fail2ban warns of as it reads, and rban with it.

use std::fmt::{self, Display};
use std::path::PathBuf;

use super::error::{Error, Place, Quoted};
use super::options::{Setting, Value};

/// Something that the admin should know, though it stops nothing.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The jail that it is about, if it is about one.
    pub jail: Option<String>,
    /// What was found.
    pub what: What,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)?;
        match &self.jail {
            Some(jail) => write!(f, " (jail {jail})"),
            None => Ok(()),
        }
    }
}

/// What was found.
#[derive(Clone, Debug, thiserror::Error)]
pub enum What {
    /// An error where rban does not mind and fail2ban starts nothing: in a jail that is not enabled, or in
    /// `fail2ban.conf`.
    #[error("{0}")]
    Fatal(#[source] Error),
    /// An error that does not stop fail2ban either: the file counts for nothing.
    #[error("{0}")]
    Ignored(#[source] Error),
    /// An option of `fail2ban.conf` that is not set.
    #[error("fail2ban.conf: {option} is not set; {default} is taken")]
    NotSet {
        /// The option.
        option: &'static str,
        /// What is taken.
        default: &'static str,
    },
    /// An integer was wanted.
    #[error("{quoted}: not an integer; write digits only")]
    NotAnInteger {
        /// The option.
        quoted: Quoted,
    },
    /// The jail has no filter.
    #[error("{place}: no filter is set; write filter = NAME")]
    NoFilterSet {
        /// The jail's section.
        place: Place,
    },
    /// The jail has no action.
    #[error("{place}: no action is set; write action = NAME")]
    NoActions {
        /// The jail's section.
        place: Place,
    },
    /// A file without the section that matters.
    #[error("{kind}/{name}: has no [Definition]; put its options under [Definition]")]
    NoDefinition {
        /// The directory.
        kind: &'static str,
        /// The file.
        name: String,
    },
    /// A symbolic link to nowhere among the logs.
    #[error("{quoted}: {path} is a link that leads nowhere, and is not followed; correct the link")]
    DanglingLink {
        /// The line of `logpath`.
        quoted: Quoted,
        /// The link.
        path: PathBuf,
    },
    /// A line of `logpath` that finds nothing.
    #[error("{quoted}: no file is found for {glob}; correct the path, or wait for the file")]
    NoFilesFor {
        /// The line.
        quoted: Quoted,
        /// Its pattern.
        glob: String,
    },
    /// No log at all.
    #[error("{quoted}: no log file is found; correct the path, or set skip_if_nologs = true")]
    NoLogs {
        /// The jail's `logpath`.
        quoted: Quoted,
    },
    /// No log at all, so the journal is read.
    #[error(
        "{quoted}: no log file is found, so the journal is read; write backend = systemd if that is meant"
    )]
    JournalInstead {
        /// The jail's `logpath`.
        quoted: Quoted,
    },
}

/// Takes what is found about one jail.
pub(super) struct OfJail<'a> {
    pub(super) jail: &'a str,
    pub(super) all: &'a mut Vec<Finding>,
}

impl OfJail<'_> {
    pub(super) fn add(&mut self, what: What) {
        self.all.push(Finding { jail: Some(self.jail.to_owned()), what });
    }

    /// Tells of a file without `[Definition]`.
    pub(super) fn look_at_file(&mut self, kind: &'static str, name: &str, is_defined: bool) {
        if !is_defined {
            self.add(What::NoDefinition { kind, name: name.to_owned() });
        }
    }

    /// Tells of integers that are none.
    pub(super) fn look_at(&mut self, settings: &[Setting]) {
        for setting in settings.iter().filter(|setting| setting.value == Value::Nothing) {
            self.add(What::NotAnInteger { quoted: Quoted::of(&setting.name, &setting.text) });
        }
    }
}
