//! The systemd journal: `journalctl` runs as a child that follows it, and is started anew when it ends.
//!
//! Its files have no stable format to read them by; the program that comes with them does that, and its export
//! format is one.

mod entry;
mod export;
mod options;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

pub use entry::Entry;
use entry::{Fields, WANTED};
use export::Parser;
use jiff::tz::TimeZone;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

use super::Written;
use crate::clock::{Now, WallTime};

/// The program that reads journals.
const PROGRAM: &str = "journalctl";

/// Where fail2ban finds the flags that hold unless `journalflags` says otherwise.
const DEFAULT_FLAGS: &str = "F2B_SYSTEMD_DEFAULT_FLAGS";

/// So much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// Of what it complains about, so much is told.
const COMPLAINT_MAX_BYTES: usize = 1024;

/// After it ended it is started again after this long, each time twice as long,
const RESTART_MIN: Duration = Duration::from_secs(1);

/// up to this; until an entry comes.
const RESTART_MAX: Duration = Duration::from_secs(60);

/// If no entry came for so long, all that were there have come; and one that is no older is new.
const QUIET: Duration = Duration::from_secs(1);

/// Which entries of which journals are read. Jails for which these are the same can share them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Journal {
    places: Vec<String>,
    matches: Vec<String>,
    program: &'static str,
}

/// Entries of the journal, in its order.
#[derive(Clone, Debug)]
pub struct Entries {
    /// Each a line with its time.
    pub entries: Vec<Entry>,
    /// When they were written.
    pub written: Written,
    /// Where a later run goes on, once these are dealt with.
    pub position: Cursor,
}

/// How far the journal has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the journal got the last entry.
    pub time: WallTime,
    /// The journal's own name of that entry; unknown if fail2ban read it.
    pub name: Option<String>,
}

/// A journal that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("journalctl cannot be run; install systemd, or write backend = auto and a logpath")]
    Program(#[source] io::Error),
    /// An option of the backend that is none.
    #[error(
        "{found}: not an option of backend = systemd; write journalpath, journalfiles, journalflags, namespace or rotated"
    )]
    Option {
        /// What stood there.
        found: String,
    },
    /// Options of the backend that cannot be read.
    #[error("systemd{found}: not options; write systemd[journalpath=/var/log/journal]")]
    Options {
        /// What stood there.
        found: String,
    },
    /// Flags that are no number.
    #[error("journalflags = {found}: not a number; write 1 for this machine's journals, 0 for all")]
    Flags {
        /// What stood there.
        found: String,
    },
    /// A match that is none.
    #[error(
        "journalmatch = {found}: not a match; write FIELD=value, as in _SYSTEMD_UNIT=ssh.service"
    )]
    Match {
        /// What stood there.
        found: String,
    },
}

impl Journal {
    /// From the options in the brackets of `backend = systemd[…]`, and the lists of `journalmatch`.
    ///
    /// # Errors
    /// Options and matches that mean nothing.
    pub fn new(options: &str, matches: &[Vec<String>]) -> Result<Self, Error> {
        let flags = std::env::var(DEFAULT_FLAGS).ok().and_then(|flags| flags.parse().ok());
        Ok(Self {
            places: options::of_backend(options, flags.unwrap_or(options::LOCAL_ONLY))?,
            matches: options::of_matches(matches)?,
            program: PROGRAM,
        })
    }

    /// Whether every entry is read.
    #[must_use]
    pub fn has_no_match(&self) -> bool {
        self.matches.is_empty()
    }

    /// Sends entries after `position` that came after `not_before`, and then what is written, until `shutdown`, or
    /// until nobody receives it any more.
    ///
    /// # Errors
    /// There is no `journalctl`. Whatever else it complains about is logged, and it is started again.
    pub async fn run(
        self,
        position: Option<Cursor>,
        not_before: WallTime,
        entries: Sender<Entries>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let begun = position.filter(|position| position.time >= not_before);
        let mut following = Following {
            journal: self,
            position: begun.unwrap_or(Cursor { time: not_before, name: None }),
            reading: Written::Before,
            zone: TimeZone::system(),
            restart: RESTART_MIN,
        };
        tokio::select! {
            biased;
            () = pin!(shutdown) => Ok(()),
            () = entries.closed() => Ok(()),
            ended = following.run(&entries) => ended,
        }
    }

    fn command(&self, position: &Cursor) -> Command {
        let mut command = Command::new(self.program);
        command.args(["--quiet", "--follow", "--no-tail", "--no-pager", "--output=export"]);
        command.arg(format!("--output-fields={}", WANTED.join(",")));
        command.args(&self.places);
        match &position.name {
            // Not after it: where that entry is gone, its successor would be passed over.
            Some(name) => command.arg(format!("--cursor={name}")),
            None => command.arg(format!("--since=@{}", position.time.as_micros() / 1_000_000)),
        };
        command.arg("--").args(&self.matches);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }
}

/// A journal being followed.
struct Following {
    journal: Journal,
    position: Cursor,
    /// What is being read; past entries until all that were there have come.
    reading: Written,
    zone: TimeZone,
    restart: Duration,
}

/// Nobody takes entries any more.
struct Closed;

/// How a run of the program ended.
struct Ended {
    complaint: String,
    entries: usize,
}

impl Following {
    async fn run(&mut self, to: &Sender<Entries>) -> Result<(), Error> {
        let mut child = self.journal.command(&self.position).spawn().map_err(Error::Program)?;
        loop {
            let Ok(ended) = self.follow(&mut child, to).await else { return Ok(()) };
            let status = child.wait().await.map(|status| status.to_string()).unwrap_or_default();
            let seconds = self.restart.as_secs();
            let complaint = ended.complaint;
            tracing::warn!(status, complaint, "journalctl ended; starting it again in {seconds} s");
            if ended.entries == 0 {
                // Perhaps it does not know the cursor any more.
                self.position.name = None;
            }
            child = loop {
                sleep(self.restart).await;
                self.restart = (self.restart * 2).min(RESTART_MAX);
                match self.journal.command(&self.position).spawn() {
                    Ok(child) => break child,
                    Err(error) => tracing::warn!(%error, "journalctl cannot be started"),
                }
            };
        }
    }

    /// Sends what the program says until it ends.
    async fn follow(&mut self, child: &mut Child, to: &Sender<Entries>) -> Result<Ended, Closed> {
        let complaint = child.stderr.take().map(|stderr| tokio::spawn(last_words(stderr)));
        let mut ended = Ended { complaint: String::new(), entries: 0 };
        let (mut parser, mut buffer) = (Parser::default(), vec![0; READ_BYTES]);
        let Some(mut stdout) = child.stdout.take() else { return Ok(ended) };
        while let Some(len) = self.read(&mut stdout, &mut buffer).await {
            let mut fields = Vec::new();
            parser.push(&buffer[..len], &mut fields);
            if let Some(batch) = self.batch(&fields, Now::read().wall) {
                ended.entries += batch.entries.len();
                self.restart = RESTART_MIN;
                to.send(batch).await.map_err(|_| Closed)?;
            }
        }
        if let Some(complaint) = complaint {
            ended.complaint = complaint.await.unwrap_or_default();
        }
        Ok(ended)
    }

    /// The next bytes; `None` at the end. Notices when there are none for a while.
    async fn read(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        buffer: &mut [u8],
    ) -> Option<usize> {
        if self.reading == Written::Before {
            match timeout(QUIET, from.read(buffer)).await {
                Ok(read) => return read.ok().filter(|len| *len > 0),
                Err(_) => self.reading = Written::Now,
            }
        }
        from.read(buffer).await.ok().filter(|len| *len > 0)
    }

    /// Entries that have not been read yet.
    fn batch(&mut self, fields: &[Fields], now: WallTime) -> Option<Entries> {
        let mut entries = Vec::with_capacity(fields.len());
        for fields in fields {
            let Some(received) = fields.received() else { continue };
            let is_known = match &self.position.name {
                Some(name) => fields.cursor() == Some(name),
                // The program seeks to the second.
                None => received <= self.position.time,
            };
            if is_known {
                continue;
            }
            entries.extend(fields.entry(&self.zone));
            self.position = Cursor { time: received, name: fields.cursor().map(ToOwned::to_owned) };
        }
        let written = self.reading;
        if now.since(self.position.time) <= QUIET {
            self.reading = Written::Now;
        }
        let position = self.position.clone();
        (!entries.is_empty()).then_some(Entries { entries, written, position })
    }
}

/// The end of what the program complains about.
async fn last_words(mut from: impl AsyncRead + Unpin) -> String {
    let (mut words, mut buffer) = (Vec::new(), [0; COMPLAINT_MAX_BYTES]);
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        words.extend_from_slice(&buffer[..len]);
        words.drain(..words.len().saturating_sub(COMPLAINT_MAX_BYTES));
    }
    String::from_utf8_lossy(&words).trim().replace('\n', "; ")
}
