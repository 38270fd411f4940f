//! The one thread that writes the log, and what can be asked of it.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot};

use super::layout::{Record, Stamp};
use super::lines;
use super::sink::{NotOpened, Sink};
use super::target::Target;
use crate::clock::{Now, WallTime};
use crate::said::Said;

/// What the writer is sent.
pub(super) enum ToWriter {
    Say(WallTime, Said),
    SetTarget(Box<Target>, oneshot::Sender<Result<(), NotOpened>>),
    Flush(oneshot::Sender<Result<Flushed, NotOpened>>),
    /// Answered once everything before it is written.
    Settle(oneshot::Sender<()>),
}

/// What a flush came to; shown as `flushlogs` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// The file is opened anew.
    RolledOver,
    /// There is nothing to open anew.
    Flushed,
}

impl Flushed {
    /// As `flushlogs` answers.
    pub(crate) const fn answer(self) -> &'static str {
        match self {
            Self::RolledOver => "rolled over",
            Self::Flushed => "flushed",
        }
    }
}

/// What speakers and the writer share.
#[derive(Debug)]
pub(super) struct Shared {
    /// A [`crate::said::Threshold`]'s number.
    pub(super) threshold: AtomicU32,
    /// Lines that found no room, or that the target did not take.
    pub(super) lost: AtomicU64,
}

/// Owns the target.
pub(super) struct Writer {
    target: Target,
    sink: Sink,
    stamp: Stamp,
    /// The line in the making.
    line: Vec<u8>,
    pid: u32,
    /// Told where a target begins.
    version: &'static str,
    shared: Arc<Shared>,
}

impl Writer {
    pub(super) fn open(
        target: Target,
        version: &'static str,
        shared: Arc<Shared>,
    ) -> Result<Self, NotOpened> {
        let sink = Sink::open(&target)?;
        let mut writer = Self {
            target,
            sink,
            stamp: Stamp::default(),
            line: Vec::new(),
            pid: process::id(),
            version,
            shared,
        };
        writer.complain();
        Ok(writer)
    }

    /// Until nobody can say anything any more.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<ToWriter>) {
        while let Some(message) = inbox.blocking_recv() {
            self.tell_of_losses();
            self.take(message);
            while let Ok(message) = inbox.try_recv() {
                self.take(message);
            }
            self.flush();
        }
    }

    fn take(&mut self, message: ToWriter) {
        // Who asks may have left.
        match message {
            ToWriter::Say(at, said) => self.put(at, &said),
            ToWriter::SetTarget(target, reply) => drop(reply.send(self.set_target(*target))),
            ToWriter::Flush(reply) => drop(reply.send(self.roll_over())),
            ToWriter::Settle(reply) => {
                self.flush();
                let _ = reply.send(());
            }
        }
    }

    fn put(&mut self, at: WallTime, said: &Said) {
        let time = self.stamp.of(at, TimeZone::system);
        self.line.clear();
        let record = Record { said, time, at, pid: self.pid };
        record.write(&self.target.layout, &mut self.line);
        let lost = self.sink.put(said, &self.line);
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
    }

    fn say(&mut self, said: &Said) {
        self.put(Now::read().wall, said);
    }

    fn flush(&mut self) {
        let lost = self.sink.flush();
        self.shared.lost.fetch_add(lost, Ordering::Relaxed);
    }

    /// The line that tells of losses may be lost as well; then the next one tells of both.
    fn tell_of_losses(&mut self) {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        self.say(&lines::lost(lost));
        if self.sink.flush() == 0 {
            self.shared.lost.fetch_sub(lost, Ordering::Relaxed);
        }
    }

    fn set_target(&mut self, target: Target) -> Result<(), NotOpened> {
        target.complaints.iter().for_each(|said| self.say(said));
        match Sink::open(&target) {
            Ok(sink) => {
                self.flush();
                (self.sink, self.target) = (sink, target);
                self.say(&lines::begins(self.version));
                self.say(&lines::changed_target(&self.target.shown(), self.version));
                self.flush();
                Ok(())
            }
            Err(error) => {
                self.say(&lines::not_opened(&error));
                if matches!(error, NotOpened::Target { .. }) {
                    self.say(&lines::previous_target(&self.target.name));
                }
                Err(error)
            }
        }
    }

    fn roll_over(&mut self) -> Result<Flushed, NotOpened> {
        self.flush();
        if !self.target.rolls_over() {
            self.say(&lines::flushed(&self.target.name));
            return Ok(Flushed::Flushed);
        }
        match Sink::open(&self.target) {
            Ok(sink) => self.sink = sink,
            Err(error) => {
                self.say(&lines::not_opened(&error));
                return Err(error);
            }
        }
        self.say(&lines::rolled_over(&self.target.name));
        self.flush();
        Ok(Flushed::RolledOver)
    }

    fn complain(&mut self) {
        for said in std::mem::take(&mut self.target.complaints) {
            self.say(&said);
        }
        self.flush();
    }
}
