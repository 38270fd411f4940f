//! What the admin should hear of the database, as data.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use super::schema::OpenError;

/// Something that an admin should hear.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// There was no database; one was made.
    Created {
        /// Where.
        path: PathBuf,
    },
    /// The database was damaged: it was moved aside, and a new one made.
    Replaced {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        moved_to: PathBuf,
        /// How many bans could still be read of it and are in the new one.
        saved: u64,
    },
    /// The database cannot be opened. Protection goes on; it is tried again.
    Unopened(OpenError),
    /// The database cannot be written. Protection goes on; it is tried again.
    Unwritten {
        /// Where it is; `None` in memory.
        path: Option<PathBuf>,
        /// Why.
        source: rusqlite::Error,
    },
    /// A question could not be answered from the database.
    Unread {
        /// Where it is; `None` in memory.
        path: Option<PathBuf>,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database can be written again; so many writes had to be given up meanwhile, for too many waited.
    Recovered {
        /// How many.
        lost: u64,
    },
    /// The store ended, and so many writes are lost.
    Lost {
        /// How many.
        writes: u64,
    },
}

impl Notice {
    /// Whether protection is the poorer for it, so that a warning is due.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        !matches!(self, Self::Created { .. } | Self::Recovered { lost: 0 })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { path } => write!(f, "{}: new database created", path.display()),
            Self::Replaced { path, moved_to, saved } => write!(
                f,
                "{}: the database was damaged; moved to {}, a new one has the {saved} bans that could be read",
                path.display(),
                moved_to.display()
            ),
            Self::Unopened(error) => write!(f, "{}; bans are kept in memory", chain(error)),
            Self::Unwritten { path, source } => {
                let path = path.as_deref().unwrap_or(":memory:".as_ref()).display();
                write!(
                    f,
                    "{path}: the database cannot be written; bans are kept in memory: {source}"
                )
            }
            Self::Unread { path, source } => {
                let path = path.as_deref().unwrap_or(":memory:".as_ref()).display();
                write!(f, "{path}: the database cannot be read: {source}")
            }
            Self::Recovered { lost: 0 } => write!(f, "the database can be written again"),
            Self::Recovered { lost } => {
                write!(
                    f,
                    "the database can be written again; {lost} bans, unbans or positions are lost"
                )
            }
            Self::Lost { writes } => write!(
                f,
                "the database could not be written; {writes} bans, unbans or positions are lost"
            ),
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
