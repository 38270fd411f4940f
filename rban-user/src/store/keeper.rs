//! The thread that owns the database: commits in groups, gets over what happens to the file.

use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::damage;
use super::notice::Notice;
use super::schema::{self, Began, Database, is_damage};
use super::{Mail, Place, Spec, Write};
use crate::clock::{Now, WallTime};

/// A write is in the file so long after it came, at the latest.
const COMMIT_AFTER: Duration = Duration::from_millis(50);
/// So many writes are committed without waiting for more.
const COMMIT_MAX: usize = 10_000;
/// How soon a file that refused is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How many writes wait in memory for such a file; the oldest go first.
const WAITING_MAX: usize = 100_000;
/// How many rows of a kind are purged at once, and how soon the next; in between, others are served.
const PURGE_ROWS: u32 = 10_000;
const PURGE_PAUSE: Duration = Duration::from_millis(20);

pub(super) type Notify = Box<dyn FnMut(Notice) + Send>;

/// The owner of the database.
pub(super) struct Keeper {
    pub(super) spec: Spec,
    pub(super) notify: Notify,
    began: Began,
    /// `None` while it cannot be opened.
    pub(super) database: Option<Database>,
    /// What came since the last commit: so that it can be written again if the commit fails.
    pub(super) waiting: Vec<Write>,
    /// How many of those were given up.
    pub(super) lost: u64,
    pub(super) due: Due,
    /// A purge that is under way: the moment by which it judges age, and when it goes on.
    pub(super) purging: Option<(WallTime, Instant)>,
}

/// What the keeper does next of its own accord.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// Nothing: all that came is in the file.
    Nothing,
    /// Commit: a transaction is open.
    Commit(Instant),
    /// Try again: the file refused.
    Retry(Instant),
}

impl Keeper {
    /// Opens the database. One that cannot be opened is tried again later.
    pub(super) fn open(spec: Spec, notify: Notify) -> Self {
        let mut keeper = Self {
            spec,
            notify,
            began: Began::Nowhere,
            database: None,
            waiting: Vec::new(),
            lost: 0,
            due: Due::Nothing,
            purging: None,
        };
        if let Err(notice) = keeper.reopen() {
            (keeper.notify)(notice);
            keeper.due = Due::Retry(Instant::now() + RETRY_AFTER);
        }
        keeper
    }

    /// What was found.
    pub(super) fn began(&self) -> Began {
        self.began
    }

    /// Serves until nobody can ask any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Mail>) {
        loop {
            let mail = match self.wake_at() {
                None => Ok(inbox.recv().await),
                Some(at) => timeout_at(at, inbox.recv()).await,
            };
            match mail {
                Ok(Some(Mail::Write(writes))) => self.write(writes),
                Ok(Some(Mail::Ask(question))) => self.answer(question).await,
                Ok(None) => return self.end(),
                Err(_elapsed) => {}
            }
            self.do_what_is_due(Instant::now());
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let purge = self.purging.map(|(_, at)| at);
        match self.due {
            Due::Nothing => purge,
            Due::Commit(at) => Some(purge.map_or(at, |purge| purge.min(at))),
            Due::Retry(at) => Some(at),
        }
    }

    fn do_what_is_due(&mut self, now: Instant) {
        match self.due {
            Due::Commit(at) if now >= at || self.waiting.len() >= COMMIT_MAX => self.commit(),
            Due::Retry(at) if now >= at => self.retry(),
            _ => {}
        }
        if let Some((cut, at)) = self.purging
            && now >= at
            && !matches!(self.due, Due::Retry(_))
        {
            self.purge(cut);
        }
    }

    fn purge(&mut self, by: WallTime) {
        let limits = self.spec.limits;
        let Some(database) = &mut self.database else { return };
        match database.purge(&limits, by, PURGE_ROWS) {
            Ok(0) => self.purging = None,
            Ok(_) => self.purging = Some((by, Instant::now() + PURGE_PAUSE)),
            Err(error) => {
                self.purging = None;
                self.fail(error);
            }
        }
    }

    pub(super) fn write(&mut self, mut writes: Vec<Write>) {
        let from = self.waiting.len();
        self.waiting.append(&mut writes);
        if matches!(self.due, Due::Retry(_)) {
            return self.shed();
        }
        if let Err(error) = self.apply(from) {
            self.fail(error);
        }
    }

    fn shed(&mut self) {
        let surplus = self.waiting.len().saturating_sub(WAITING_MAX);
        self.waiting.drain(..surplus);
        self.lost += surplus as u64;
    }

    /// Carries out the waiting writes from the given one on, within the open transaction or a new one.
    fn apply(&mut self, from: usize) -> Result<(), Error> {
        let Some(database) = &mut self.database else { return Ok(()) };
        if database.conn.is_autocommit() {
            database.conn.execute_batch("BEGIN IMMEDIATE")?;
            self.due = Due::Commit(Instant::now() + COMMIT_AFTER);
        }
        let now = Now::read().wall;
        let writes = &self.waiting[from..];
        writes.iter().try_for_each(|write| database.apply(write, self.spec.matches_max, now))
    }

    pub(super) fn commit(&mut self) {
        let Some(database) = &mut self.database else { return };
        match database.conn.execute_batch("COMMIT") {
            Ok(()) => self.committed(),
            Err(error) => self.fail(error),
        }
    }

    fn committed(&mut self) {
        self.due = Due::Nothing;
        // A burst should not hold its memory for ever.
        match self.waiting.capacity() > COMMIT_MAX {
            true => self.waiting = Vec::new(),
            false => self.waiting.clear(),
        }
    }

    /// The database failed: nothing since the last commit is in the file. A damaged one is replaced at once.
    pub(super) fn fail(&mut self, error: Error) {
        self.roll_back();
        let damaged = is_damage(&error);
        if !damaged && !matches!(self.due, Due::Retry(_)) {
            let path = self.path();
            (self.notify)(Notice::Unwritten { path, source: error });
        }
        self.due = Due::Retry(Instant::now() + RETRY_AFTER);
        self.shed();
        if damaged {
            self.go_on_in_new_file();
        }
    }

    /// Tries again what failed before, all of it.
    pub(super) fn retry(&mut self) {
        self.due = Due::Retry(Instant::now() + RETRY_AFTER);
        if self.database.is_none() && self.reopen().is_err() {
            return;
        }
        match self.apply_all() {
            Ok(()) => {
                self.committed();
                (self.notify)(Notice::Recovered { lost: mem::take(&mut self.lost) });
            }
            Err(error) => self.fail(error),
        }
    }

    fn go_on_in_new_file(&mut self) {
        self.database = None;
        if let Err(notice) = self.replace() {
            return (self.notify)(notice);
        }
        match self.apply_all() {
            Ok(()) => self.committed(),
            Err(error) => {
                self.roll_back();
                self.due = Due::Retry(Instant::now() + RETRY_AFTER);
                let path = self.path();
                (self.notify)(Notice::Unwritten { path, source: error });
            }
        }
    }

    fn roll_back(&mut self) {
        if let Some(database) = &mut self.database {
            database.roll_back();
        }
    }

    fn apply_all(&mut self) -> Result<(), Error> {
        self.apply(0)?;
        let Some(database) = &mut self.database else { return Ok(()) };
        match database.conn.is_autocommit() {
            true => Ok(()),
            false => database.conn.execute_batch("COMMIT"),
        }
    }

    /// Opens the file; a damaged one is replaced.
    fn reopen(&mut self) -> Result<(), Notice> {
        let Place::File(path) = &self.spec.place else {
            let memory = schema::open_in_memory();
            self.database =
                Some(memory.map_err(|source| Notice::Unwritten { path: None, source })?);
            self.began = Began::New;
            return Ok(());
        };
        match schema::open(path) {
            Ok((database, began)) => {
                if began == Began::New {
                    (self.notify)(Notice::Created { path: path.clone() });
                }
                (self.database, self.began) = (Some(database), began);
                Ok(())
            }
            Err(error) if error.is_damage() => self.replace(),
            Err(error) => Err(Notice::Unopened(error)),
        }
    }

    fn replace(&mut self) -> Result<(), Notice> {
        let Place::File(path) = &self.spec.place else { return Ok(()) };
        let now = Now::read().wall;
        let (database, moved_to, saved) = damage::replace(path, now).map_err(Notice::Unopened)?;
        (self.database, self.began) = (Some(database), Began::Replaced);
        (self.notify)(Notice::Replaced { path: path.clone(), moved_to, saved });
        Ok(())
    }

    /// Writes what can be written, and closes.
    fn end(mut self) {
        match self.due {
            Due::Nothing => {}
            Due::Commit(_) => self.commit(),
            Due::Retry(_) => self.retry(),
        }
        let writes = self.lost + self.waiting.len() as u64;
        if writes > 0 {
            (self.notify)(Notice::Lost { writes });
        }
    }

    pub(super) fn path(&self) -> Option<PathBuf> {
        match &self.spec.place {
            Place::File(path) => Some(path.clone()),
            Place::Memory => None,
        }
    }
}
