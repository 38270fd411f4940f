//! What survives a restart: bans and their history, how far logs were read.
//!
//! One thread owns one SQLite file; everyone else has a [`Handle`] to it. Writes never wait: they are put on a queue and
//! committed together a moment later. Questions are answered in the order in which they came among the writes. Whatever
//! happens to the file, protection goes on: what cannot be written waits in memory, up to a limit, and is tried again; a
//! damaged file is moved aside. The admin hears of it by a [`Notice`].
//!
//! Knows nothing of jails' rules: which bans are restored, and for how long, is theirs to say.

mod answer;
mod bans;
mod damage;
mod data;
mod import;
mod keeper;
mod notice;
mod overlay;
mod places;
mod purge;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use compact_str::CompactString;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

pub use self::import::{Bantime, ImportError, Imported};
use self::keeper::Keeper;
pub use self::notice::Notice;
pub use self::purge::Limits;
pub use self::row::{Detail, Merged, Record, StoredBan, StoredCursor, StoredPosition, Within};
pub use self::schema::{Began, OpenError, VERSION, is_fail2bans};
use crate::clock::WallTime;
use crate::event::JailName;

/// Where the database is unless told otherwise.
pub const DEFAULT_PATH: &str = "/var/lib/rban/rban.sqlite3";
/// `dbmaxmatches` unless told otherwise.
pub const DEFAULT_MATCHES_MAX: usize = 10;

/// How many batches of writes and questions may wait for the thread.
const INBOX_MAX: usize = 4_096;
/// How many pages of live bans wait for whoever reads them.
const PAGES_MAX: usize = 4;

/// What configuration asks of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Where the database is.
    pub place: Place,
    /// `dbmaxmatches`: how many lines of a ban are kept.
    pub matches_max: usize,
    /// How much is kept.
    pub limits: Limits,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            place: Place::File(DEFAULT_PATH.into()),
            matches_max: DEFAULT_MATCHES_MAX,
            limits: Limits::default(),
        }
    }
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file; directory and file are made if need be.
    File(PathBuf),
    /// In memory (`:memory:`): gone with the daemon.
    Memory,
}

/// Something to be remembered or forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// A new ban.
    Ban(StoredBan),
    /// A ban's end or count changed.
    Prolong(StoredBan),
    /// An admin unbanned an id: forget its bans in this jail.
    Forget {
        /// Whose ban; `None` = those by hand.
        jail: Option<JailName>,
        /// Who.
        id: CompactString,
    },
    /// An admin unbanned everyone in a jail (`None` = everyone banned by hand).
    ForgetJail(Option<JailName>),
    /// An admin unbanned everyone (`unban --all`).
    ForgetAll,
    /// A log was read so far.
    Position(StoredPosition),
    /// A journal was read so far.
    Cursor(StoredCursor),
}

/// The thread's mail.
enum Mail {
    Write(Vec<Write>),
    Ask(Question),
}

enum Question {
    Records {
        jail: Option<JailName>,
        ids: Vec<CompactString>,
        within: Within,
        answer: oneshot::Sender<Vec<Option<Record>>>,
    },
    Merged {
        jail: Option<JailName>,
        id: CompactString,
        within: Within,
        answer: oneshot::Sender<Merged>,
    },
    Live {
        jail: Option<JailName>,
        detail: Detail,
        now: WallTime,
        pages: mpsc::Sender<Vec<StoredBan>>,
    },
    CountLive {
        jail: Option<JailName>,
        now: WallTime,
        answer: oneshot::Sender<usize>,
    },
    Jails(oneshot::Sender<Vec<Option<JailName>>>),
    Positions(oneshot::Sender<Vec<StoredPosition>>),
    Cursors(oneshot::Sender<Vec<StoredCursor>>),
    Import {
        path: PathBuf,
        bantimes: BTreeMap<JailName, Bantime>,
        now: WallTime,
        answer: oneshot::Sender<Result<Imported, ImportError>>,
    },
    Limit {
        matches_max: usize,
        limits: Limits,
    },
    Purge(WallTime),
    Flush(oneshot::Sender<Flushed>),
}

/// Whether what was written is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// It is, and a `kill -9` does not change that.
    Committed,
    /// The file cannot be written now; it waits in memory.
    Waiting,
}

/// The thread has ended: the daemon is stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store has ended")]
pub struct Ended;

/// A running store.
#[derive(Debug)]
pub struct Store {
    /// To talk to it.
    pub handle: Handle,
    /// What was found where the database should be.
    pub began: Began,
    /// Ends when the last handle is dropped and everything is written.
    pub thread: JoinHandle<()>,
}

/// Opens the database and starts the thread that owns it. What goes wrong with the file, now or later, is told to
/// `notify` (on the thread) and is no error; an error is only that there can be no thread.
///
/// # Errors
/// No thread can be made.
pub fn spawn(spec: Spec, notify: impl FnMut(Notice) + Send + 'static) -> std::io::Result<Store> {
    let (inbox, mail) = mpsc::channel(INBOX_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let keeper = Keeper::open(spec, Box::new(notify));
    let began = keeper.began();
    let run = move || runtime.block_on(keeper.run(mail));
    let thread = thread::Builder::new().name("store".to_owned()).spawn(run)?;
    Ok(Store { handle: Handle { inbox }, began, thread })
}

/// Where to send what the store shall know, and to ask it.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: mpsc::Sender<Mail>,
}

impl Handle {
    /// Puts writes on the queue without waiting.
    ///
    /// # Errors
    /// The queue is full, or the store has ended: the writes come back.
    pub fn write(&self, writes: Vec<Write>) -> Result<(), Vec<Write>> {
        self.inbox.try_send(Mail::Write(writes)).map_err(|error| match error {
            TrySendError::Full(Mail::Write(writes)) | TrySendError::Closed(Mail::Write(writes)) => {
                writes
            }
            _ => Vec::new(),
        })
    }

    /// Puts writes on the queue once there is room.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn write_all(&self, writes: Vec<Write>) -> Result<(), Ended> {
        self.inbox.send(Mail::Write(writes)).await.map_err(|_| Ended)
    }

    /// What is remembered of each of these ids, in their order.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn records(
        &self,
        jail: Option<JailName>,
        ids: Vec<CompactString>,
        within: Within,
    ) -> Result<Vec<Option<Record>>, Ended> {
        self.ask(|answer| Question::Records { jail, ids, within, answer }).await
    }

    /// The lines and failures of all remembered bans of an id: `<ipmatches>` and its like.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn merged(
        &self,
        jail: Option<JailName>,
        id: CompactString,
        within: Within,
    ) -> Result<Merged, Ended> {
        self.ask(|answer| Question::Merged { jail, id, within, answer }).await
    }

    /// The bans of a jail that have not ended by `now`, in order of id, in pages. The store does nothing else while the
    /// pages wait to be taken, so take them, and do not wait for the store meanwhile.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn live(
        &self,
        jail: Option<JailName>,
        detail: Detail,
        now: WallTime,
    ) -> Result<mpsc::Receiver<Vec<StoredBan>>, Ended> {
        let (pages, taken) = mpsc::channel(PAGES_MAX);
        let question = Question::Live { jail, detail, now, pages };
        self.inbox.send(Mail::Ask(question)).await.map_err(|_| Ended)?;
        Ok(taken)
    }

    /// How many [`live`](Self::live) would tell of.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn count_live(&self, jail: Option<JailName>, now: WallTime) -> Result<usize, Ended> {
        self.ask(|answer| Question::CountLive { jail, now, answer }).await
    }

    /// The jails of which bans are remembered; `None` among them are the bans by hand.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn jails(&self) -> Result<Vec<Option<JailName>>, Ended> {
        self.ask(Question::Jails).await
    }

    /// How far each log was read.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn positions(&self) -> Result<Vec<StoredPosition>, Ended> {
        self.ask(Question::Positions).await
    }

    /// How far each journal was read.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn cursors(&self) -> Result<Vec<StoredCursor>, Ended> {
        self.ask(Question::Cursors).await
    }

    /// Takes over what fail2ban's database at `path` knows and this one does not: the latest ban of each id, positions.
    /// That file is only read. `bantimes` are those of the jails as configured, for bans whose own was not noted.
    ///
    /// # Errors
    /// The outer: the store has ended. The inner: nothing was imported.
    pub async fn import(
        &self,
        path: PathBuf,
        bantimes: BTreeMap<JailName, Bantime>,
        now: WallTime,
    ) -> Result<Result<Imported, ImportError>, Ended> {
        self.ask(|answer| Question::Import { path, bantimes, now, answer }).await
    }

    /// `set dbmaxmatches`, `set dbpurgeage`: holds for what is written and purged from now on.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn limit(&self, matches_max: usize, limits: Limits) -> Result<(), Ended> {
        self.send(Question::Limit { matches_max, limits }).await
    }

    /// Forgets what is too old or too much, bit by bit beside other work. For every hour.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn purge(&self, now: WallTime) -> Result<(), Ended> {
        self.send(Question::Purge(now)).await
    }

    /// Waits until everything written before is in the file.
    ///
    /// # Errors
    /// The store has ended.
    pub async fn flush(&self) -> Result<Flushed, Ended> {
        self.ask(Question::Flush).await
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Ended> {
        let (answer, heard) = oneshot::channel();
        self.send(question(answer)).await?;
        heard.await.map_err(|_| Ended)
    }

    async fn send(&self, question: Question) -> Result<(), Ended> {
        self.inbox.send(Mail::Ask(question)).await.map_err(|_| Ended)
    }
}
