//! fail2ban's log, byte for byte (spec, jail 14 and 15).
//!
//! Whoever has something to say makes a [`Said`], mostly by one of [`lines`], and gives it to the [`Log`]; one thread
//! writes. Nobody waits for it: what finds no room is lost, counted, and told of. While half of the room is taken, only
//! lines of level notice and above are let in, so that bans and unbans, on which other jails and people's tools
//! depend, go last.
//!
//! A line is one line, whatever a client put into it: control characters and line ends appear as `\n`, `\r`, `\u{1b}`.

mod duration;
mod layer;
mod layout;
pub(crate) mod lines;
mod sink;
mod target;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use std::{io, thread};

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::clock::Now;
use crate::said::{Level, Said, Threshold};
pub(crate) use layer::LogLayer;
pub(crate) use sink::NotOpened;
pub(crate) use target::{NotATarget, Target};
pub(crate) use writer::Flushed;
use writer::{Shared, ToWriter, Writer};

/// So many lines wait to be written.
const ROOM: usize = 4_096;
/// What remains of a text, in bytes.
const TEXT_MAX: usize = 8 * 1024;
/// So long may the writer take to do as it is told: a disk or a pipe may hang.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to the log, for everybody who has something to say.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    to_writer: mpsc::Sender<ToWriter>,
    shared: Arc<Shared>,
}

/// A log that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// Its target.
    #[error(transparent)]
    Target(#[from] NotOpened),
    /// Its thread.
    #[error("the log's thread does not start")]
    Thread(#[source] io::Error),
}

/// A target that is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotChanged {
    /// The new one cannot be opened.
    #[error(transparent)]
    Target(#[from] NotOpened),
    /// The writer does not answer.
    #[error("the log's target hangs; nothing was written to it for {} s", PATIENCE.as_secs())]
    Hangs,
}

impl Log {
    /// Opens the target and starts the writer. The version is what lines about the log itself tell.
    ///
    /// # Errors
    /// Where the target cannot be opened.
    pub(crate) fn start(
        target: Target,
        threshold: Threshold,
        version: &'static str,
    ) -> Result<Self, NotStarted> {
        let shared = Arc::new(Shared {
            threshold: AtomicU32::new(threshold.number()),
            lost: AtomicU64::new(0),
        });
        let writer = Writer::open(target, version, shared.clone())?;
        let (to_writer, inbox) = mpsc::channel(ROOM);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run(inbox))
            .map_err(NotStarted::Thread)?;
        Ok(Self { to_writer, shared })
    }

    /// Whether lines of this level are written at all; spares making those that are not.
    pub(crate) fn wants(&self, level: Level) -> bool {
        self.threshold().lets_through(level)
    }

    /// Says it now, and never waits.
    pub(crate) fn say(&self, said: Said) {
        if !self.wants(said.level) {
            return;
        }
        let is_crowded = self.to_writer.capacity() < ROOM / 2;
        let is_let_in = !is_crowded || said.level >= Level::Notice;
        let message = ToWriter::Say(Now::read().wall, bounded(said));
        if !is_let_in || self.to_writer.try_send(message).is_err() {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// From which level on lines are written.
    pub(crate) fn threshold(&self) -> Threshold {
        Threshold::from_number(self.shared.threshold.load(Ordering::Relaxed))
    }

    /// From now on.
    pub(crate) fn set_threshold(&self, threshold: Threshold) {
        self.shared.threshold.store(threshold.number(), Ordering::Relaxed);
    }

    /// Lines go elsewhere from now on. The log itself tells of it, and of what went wrong.
    ///
    /// # Errors
    /// Where it cannot be opened; the former target stays.
    pub(crate) async fn set_target(&self, target: Target) -> Result<(), NotChanged> {
        Ok(self.ask(|reply| ToWriter::SetTarget(Box::new(target), reply)).await??)
    }

    /// Opens a file anew, so that another program may rename the old one.
    ///
    /// # Errors
    /// Where it cannot be opened; the old one is written on.
    pub(crate) async fn flush(&self) -> Result<Flushed, NotChanged> {
        Ok(self.ask(ToWriter::Flush).await??)
    }

    /// Until everything is written that was said so far; before the process ends.
    ///
    /// # Errors
    /// Where the target hangs.
    pub(crate) async fn settle(&self) -> Result<(), NotChanged> {
        self.ask(ToWriter::Settle).await
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> ToWriter,
    ) -> Result<T, NotChanged> {
        let (reply, answer) = oneshot::channel();
        let answered = timeout(PATIENCE, async {
            self.to_writer.send(question(reply)).await.ok()?;
            answer.await.ok()
        });
        answered.await.ok().flatten().ok_or(NotChanged::Hangs)
    }
}

/// A text of at most [`TEXT_MAX`] bytes.
fn bounded(mut said: Said) -> Said {
    if said.text.len() > TEXT_MAX {
        said.text.truncate(said.text.floor_char_boundary(TEXT_MAX));
        said.text.push('…');
    }
    said
}
