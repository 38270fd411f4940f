//! Bytes become lines.
//!
//! In: the paths of logs. Out: batches of whole lines, as soon as they are written. One [`Reader`] follows all files of
//! all jails, and reads each once for all that want its lines; rotation loses no line and doubles none, and so does a
//! restart with the positions of the run before. What stands in a line is not known here.

mod chunks;
mod decode;
mod file;
<<<<<<< HEAD
pub mod journal;
=======
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
>>>>>>> log
mod lines;
mod pace;
mod position;
mod reader;
mod resume;
mod spec;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
pub use chunks::Chunks;
pub use decode::{Encoding, UnknownEncoding};
pub use position::{Digest, FileId, NoDigest, Position};
pub use reader::{Ask, Feed, FeedId, Mailbox, Reader, Seen};
pub use spec::{Backend, Begin, Log, Spec};

/// Lines of one log, in its order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Who wants them, of those who take them from this channel; in ascending order.
    pub feeds: Arc<[FeedId]>,
    /// The log.
    pub path: Arc<Path>,
    /// The lines, each with its newline, in UTF-8 if their log says what it is written in. Not more than one read: a
    /// line that is kept keeps all of it, so what is kept for long is better copied.
    pub chunk: Bytes,
    /// How many lines that is.
    pub lines: usize,
    /// When they were written.
    pub written: Written,
    /// Where a later run goes on, once these are dealt with.
    pub position: Position,
}

/// When lines were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Before we began to follow the log, perhaps long ago.
    Before,
    /// Just now.
    Now,
}

/// A log that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is there, but not for us.
    #[error("{path}: cannot be read; run as root, or let this user read it")]
    Open {
        /// The log.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A directory, pipe or device.
    #[error("{path}: not a regular file; give the path of a log file")]
    NotAFile {
        /// The log.
        path: PathBuf,
    },
    /// Reading an open file failed.
    #[error("{path}: reading failed; see to its disk")]
    Read {
        /// The log.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refused a watch.
    #[error(
        "{path}: cannot be watched, so it is polled; let this user read it, or raise fs.inotify.max_user_watches"
    )]
    Watch {
        /// The log or its directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kernel refused inotify.
    #[error("no inotify, so all logs are polled; raise fs.inotify.max_user_instances")]
    Inotify(#[source] io::Error),
}

/// Tells of trouble that we can live with.
fn warn(error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(cause, "{error}");
}
