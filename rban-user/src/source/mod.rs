//! Bytes become lines.
//!
//! In: the paths of logs. Out: batches of whole lines, as soon as they are written. Files that are there at the start
//! are followed from their end, all others from their beginning; rotation loses no line and doubles none. What stands
//! in a line is not known here.

mod chunks;
mod decode;
mod file;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod lines;
mod spec;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;

pub use chunks::Chunks;
pub use decode::{Encoding, UnknownEncoding};
use file::{Followed, Progress};
pub use spec::{Backend, Begin, Log, Spec};
use tokio::sync::mpsc::Sender;
use watch::{Watcher, Woken};

use crate::event::Line;

/// A batch has at most so many lines.
pub const BATCH_LINES: usize = 4_096;

/// So much of one file is read before others have their turn, files and tasks both.
const READ_BYTES: usize = 64 * 1024;

/// Lines of one log, in its order.
#[derive(Debug)]
pub struct Batch {
    /// Without their line ends.
    pub lines: Vec<Line>,
    /// When they were written.
    pub written: Written,
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
        "{path}: cannot be watched; let this user read it, or raise fs.inotify.max_user_watches"
    )]
    Watch {
        /// The log or its directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The kernel refused inotify.
    #[error("no inotify; raise fs.inotify.max_user_instances")]
    Inotify(#[source] io::Error),
}

/// Logs being followed.
#[derive(Debug)]
pub struct Source {
    followed: Vec<Followed>,
    /// Which of them we have complained about.
    ailing: Vec<bool>,
    watcher: Watcher,
    buffer: Vec<u8>,
}

/// Nobody takes lines any more.
struct Closed;

impl Source {
    /// Finds the logs: what is written from now on will be delivered. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// A log that is there and cannot be followed. One that is missing is waited for.
    pub fn open(spec: &Spec) -> Result<Self, Error> {
        let mut logs = Vec::new();
        for Log { path, begin } in &spec.logs {
            let absolute = std::path::absolute(path);
            let path = absolute.map_err(|source| Error::Open { path: path.clone(), source })?;
            logs.push(Log { path, begin: *begin });
        }
        logs.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        logs.dedup_by(|a, b| a.path == b.path);
        let mut watcher = Watcher::new()?;
        watcher.watch_directories(logs.iter().map(|log| log.path.as_path()))?;
        let mut followed = Vec::new();
        for Log { path, begin } in logs {
            let mut log = Followed::new(path, spec.encoding);
            if !log.refresh(begin)? {
                tracing::warn!(path = %log.path().display(), "log is missing; waiting for it");
            }
            followed.push(log);
        }
        watch_files(&mut watcher, &followed)?;
        let ailing = vec![false; followed.len()];
        Ok(Self { followed, ailing, watcher, buffer: vec![0; READ_BYTES] })
    }

    /// The logs, whether or not they are there.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.followed.iter().map(Followed::path)
    }

    /// Sends what is written until `shutdown`, or until nobody receives it any more.
    ///
    /// Trouble with one log is logged, and does not keep the others from being followed.
    ///
    /// # Errors
    /// When the kernel's word of what is written is lost for good.
    pub async fn run(
        mut self,
        batches: Sender<Batch>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let work = async {
            loop {
                if let Err(Closed) = self.catch_up(&batches).await {
                    return Ok(());
                }
                if self.watcher.woken().await.map_err(Error::Inotify)? == Woken::Structure {
                    let paths = self.followed.iter().map(Followed::path);
                    self.watcher.watch_directories(paths).unwrap_or_else(|error| warn(&error));
                }
            }
        };
        tokio::select! {
            biased;
            () = pin!(shutdown) => Ok(()),
            () = batches.closed() => Ok(()),
            ended = work => ended,
        }
    }

    /// Reads every log to its end, by turns.
    async fn catch_up(&mut self, batches: &Sender<Batch>) -> Result<(), Closed> {
        loop {
            let mut at_end = true;
            for index in 0..self.followed.len() {
                let mut lines = Vec::new();
                let written = self.followed[index].written();
                let progress = self.look(index, &mut lines);
                at_end &= progress == Progress::AtEnd;
                while !lines.is_empty() {
                    let rest = lines.split_off(lines.len().min(BATCH_LINES));
                    batches.send(Batch { lines, written }).await.map_err(|_| Closed)?;
                    lines = rest;
                }
            }
            if at_end {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
    }

    /// Looks at one log: opens what is new at its path, and reads one buffer full.
    fn look(&mut self, index: usize, batch: &mut Vec<Line>) -> Progress {
        let opened = self.followed[index].refresh(Begin::Start);
        // Watched before it is read: what comes after the read must wake us.
        let watched = match &opened {
            Ok(true) => watch_files(&mut self.watcher, &self.followed),
            _ => Ok(()),
        };
        let log = &mut self.followed[index];
        let before = log.files().count();
        let read = log.read(&mut self.buffer, batch);
        let progress = *read.as_ref().unwrap_or(&Progress::AtEnd);
        let trouble = opened.map(drop).and(watched).and(read.map(drop));
        let closed = log.files().count() < before;
        self.troubled(index, trouble);
        // At once: a file to come may get a closed one's inode, and must not be taken for watched.
        if closed {
            watch_files(&mut self.watcher, &self.followed).unwrap_or_else(|error| warn(&error));
        }
        progress
    }

    /// Tells of trouble with a log, once until it is over.
    fn troubled(&mut self, index: usize, outcome: Result<(), Error>) {
        let before = std::mem::replace(&mut self.ailing[index], outcome.is_err());
        match outcome {
            Err(error) if !before => warn(&error),
            _ => {}
        }
    }
}

/// Watches what all logs read now.
fn watch_files(watcher: &mut Watcher, followed: &[Followed]) -> Result<(), Error> {
    watcher.watch_files(
        followed.iter().flat_map(|log| log.files().map(|(id, file)| (log.path(), id, file))),
    )
}

fn warn(error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(cause, "{error}");
}
