//! One task that follows all files of all jails.
//!
//! A file is read once, whoever wants its lines; they go by one channel to all that take them from it. Feeds of one
//! file that begin at different places each have it to themselves until they stand at the same place.

mod feed;
mod log;
mod logs;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

pub use feed::{Feed, FeedId};
use log::Noticed;
use logs::{Logs, Look};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::pace::{Polling, Rush};
use super::watch::{Structure, Watcher, Woken, is_remote};
use super::{Backend, Batch, Error, Position, warn};

/// So much of one file is read before others have their turn, files and tasks both.
const READ_BYTES: usize = 64 * 1024;

/// Requests that may wait. Full: whoever asks waits.
const ASKS: usize = 16;

/// After files came or went, so long nobody looks whether more did.
const STRUCTURE_PAUSE: Duration = Duration::from_millis(100);

/// What a running reader is asked.
#[derive(Debug)]
pub enum Ask {
    /// Follow this as well. Answered with the logs that it has now.
    Add(Feed, oneshot::Sender<Result<Vec<Seen>, Error>>),
    /// Follow this no more; its channel is let go. Answered with how far its logs were read.
    Remove(FeedId, oneshot::Sender<Vec<Seen>>),
    /// How are the logs?
    Report(oneshot::Sender<Vec<Seen>>),
}

/// Where to ask.
pub type Mailbox = mpsc::Sender<Ask>;

/// What is known of a log.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The log.
    pub path: Arc<Path>,
    /// Who follows it.
    pub feeds: Vec<FeedId>,
    /// How far it has been delivered; `None` = there is no such file yet.
    pub position: Option<Position>,
    /// So many bytes have not been read.
    pub behind_bytes: u64,
    /// For so long it has not been read to its end; zero if it has.
    pub behind_for: Duration,
}

/// Logs being followed.
#[derive(Debug)]
pub struct Reader {
    feeds: BTreeMap<FeedId, (Feed, Noticed)>,
    logs: Logs,
    /// Without it, everything is polled.
    watcher: Option<Watcher>,
    polling: Polling,
    rush: Rush,
    structure: Due,
    buffer: Vec<u8>,
    mailbox: (Mailbox, mpsc::Receiver<Ask>),
}

/// Whether files may have come or gone that we have not looked for.
#[derive(Debug)]
enum Due {
    No { looked: Option<Instant> },
    At(Instant),
}

impl Reader {
    /// Follows nothing yet. Must be called on a tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        let watcher = Watcher::new().map_err(|error| warn(&Error::Inotify(error))).ok();
        let now = Instant::now();
        Self {
            feeds: BTreeMap::new(),
            logs: Logs::default(),
            watcher,
            polling: Polling::new(now),
            rush: Rush::new(now),
            structure: Due::No { looked: None },
            buffer: vec![0; READ_BYTES],
            mailbox: mpsc::channel(ASKS),
        }
    }

    /// Where it can be asked while it runs.
    #[must_use]
    pub fn mailbox(&self) -> Mailbox {
        self.mailbox.0.clone()
    }

    /// Follows a feed: what is written from now on will be delivered. Returns its logs.
    ///
    /// # Errors
    /// A log that is there and cannot be followed; then none of the feed's are. One that is missing is waited for.
    pub fn add(&mut self, mut feed: Feed) -> Result<Vec<Seen>, Error> {
        let absolute = std::path::absolute(&feed.path);
        feed.path = absolute.map_err(|source| Error::Open { path: feed.path.clone(), source })?;
        let id = feed.id;
        self.remove(id);
        let noticed = noticed(&feed);
        let others = self.feeds.values().filter(|(other, _)| other.serves_all_of(&feed));
        let others: Vec<FeedId> = others.map(|(other, _)| other.id).collect();
        for path in feed.paths() {
            if self.logs.join_others(&path, &feed, &others) {
                continue;
            }
            match self.logs.join(path, &feed, noticed) {
                // One of many that a pattern finds is looked at again and again.
                Err(error) if feed.pattern().is_some() => warn(&error),
                joined => joined?,
            }
        }
        self.feeds.insert(id, (feed, noticed));
        self.watch();
        let seen = self.logs.seen_by(id);
        for log in seen.iter().filter(|log| log.position.is_none()) {
            tracing::warn!(path = %log.path.display(), "log is missing; waiting for it");
        }
        Ok(seen)
    }

    /// Follows a feed no more. Returns how far its logs were read.
    pub fn remove(&mut self, id: FeedId) -> Vec<Seen> {
        if self.feeds.remove(&id).is_none() {
            return Vec::new();
        }
        let seen = self.logs.seen_by(id);
        self.logs.leave(id);
        self.watch();
        seen
    }

    /// All logs, whether or not they are there.
    pub fn report(&mut self) -> Vec<Seen> {
        self.logs.seen()
    }

    /// Sends what is written until `shutdown`. Returns how far all logs were read.
    ///
    /// Trouble with one log is logged, and does not keep the others from being followed.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Vec<Seen> {
        let mut shutdown = pin!(shutdown);
        loop {
            let found = self.turn();
            let now = Instant::now();
            if let Some(pause) = self.rush.found(found, now).filter(|_| !self.logs.are_due()) {
                tokio::select! {
                    biased;
                    () = &mut shutdown => return self.logs.seen(),
                    () = sleep(pause) => {}
                }
            }
            let (polled, structure) = (self.is_polling(), self.structure.at());
            let waiting = self.logs.waiting();
            let due = self.logs.are_due();
            tokio::select! {
                biased;
                () = &mut shutdown => return self.logs.seen(),
                Some(ask) = self.mailbox.1.recv() => self.answer(ask),
                woken = woken(&mut self.watcher) => self.wake(woken),
                () = sleep_until(structure.unwrap_or(now)), if structure.is_some() => self.survey(),
                () = sleep_until(self.polling.next), if polled => self.poll(),
                () = room(&waiting), if !waiting.is_empty() => {}
                () = tokio::task::yield_now(), if due => {}
            }
        }
    }

    fn answer(&mut self, ask: Ask) {
        // Who asked may have left.
        match ask {
            Ask::Add(feed, answer) => drop(answer.send(self.add(feed))),
            Ask::Remove(id, answer) => drop(answer.send(self.remove(id))),
            Ask::Report(answer) => drop(answer.send(self.report())),
        }
    }

    /// Reads a buffer full of each log that is due. Returns how many lines that were.
    fn turn(&mut self) -> usize {
        let mut look = Look { buffer: &mut self.buffer, watcher: self.watcher.as_mut(), lines: 0 };
        let closed = self.logs.turn(&mut look);
        let lines = look.lines;
        for id in closed {
            self.remove(id);
        }
        lines
    }

    fn wake(&mut self, woken: std::io::Result<Woken>) {
        match woken {
            Ok(woken) => {
                self.logs.stir(&woken.changed);
                if woken.structure == Structure::Changed {
                    self.structure.wake();
                }
            }
            Err(error) => {
                warn(&Error::Inotify(error));
                self.watcher = None;
                self.logs.poll_all();
            }
        }
    }

    /// Looks for files that came or went.
    fn survey(&mut self) {
        self.structure = Due::No { looked: Some(Instant::now()) };
        self.find_files();
        self.logs.stir_all();
        self.watch();
    }

    /// Finds what patterns stand for now. Returns how much of it is new.
    fn find_files(&mut self) -> usize {
        let mut new = 0;
        for (feed, noticed) in self.feeds.values().filter(|(feed, _)| feed.pattern().is_some()) {
            let paths = feed.paths();
            self.logs.keep(feed.id, &paths);
            let known = self.logs.paths(feed.id);
            for path in paths.into_iter().filter(|path| !known.contains(&**path)) {
                tracing::info!(path = %path.display(), "log has come");
                self.logs.join_new(path, feed, *noticed);
                new += 1;
            }
        }
        new
    }

    fn poll(&mut self) {
        let began = Instant::now();
        if self.find_files() > 0 {
            self.watch();
        }
        self.logs.stir_polled();
        let lines = self.turn();
        self.polling.looked(began, began.elapsed(), lines);
    }

    /// Whether there is anything that nobody tells us of.
    fn is_polling(&self) -> bool {
        let unwatched = |(_, noticed): &(Feed, Noticed)| *noticed == Noticed::Polled;
        self.watcher.is_none() || self.feeds.values().any(unwatched) || self.logs.are_polled()
    }

    /// Watches what is to be watched now. What cannot be is polled.
    fn watch(&mut self) {
        let Some(watcher) = &mut self.watcher else { return self.logs.poll_all() };
        self.logs.watch(watcher);
        let feeds = self.feeds.values().filter(|(_, noticed)| *noticed == Noticed::Watched);
        let appearances: Vec<_> = feeds.flat_map(|(feed, _)| feed.appearances()).collect();
        for (path, error) in watcher.watch_directories(appearances.iter().map(|it| it.as_path())) {
            self.logs.poll_below(path, &error);
        }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Due {
    /// When it is time to look.
    fn at(&self) -> Option<Instant> {
        match self {
            Self::No { .. } => None,
            Self::At(at) => Some(*at),
        }
    }

    /// Something came or went: to be looked for at once, but not again and again.
    fn wake(&mut self) {
        if let Self::No { looked } = self {
            let now = Instant::now();
            *self = Self::At(looked.map_or(now, |looked| now.max(looked + STRUCTURE_PAUSE)));
        }
    }
}

/// How it is to be noticed that its logs have changed.
fn noticed(feed: &Feed) -> Noticed {
    match feed.backend {
        Backend::Polling => Noticed::Polled,
        Backend::Auto if is_remote(&feed.path) => Noticed::Polled,
        Backend::Auto | Backend::Pyinotify | Backend::Systemd(_) => Noticed::Watched,
    }
}

/// What the kernel has to say; never anything without inotify.
async fn woken(watcher: &mut Option<Watcher>) -> std::io::Result<Woken> {
    match watcher {
        Some(watcher) => watcher.woken().await,
        None => std::future::pending().await,
    }
}

/// Until one of these takes a batch, or nobody does any more.
async fn room(waiting: &[mpsc::Sender<Batch>]) {
    type Reserve<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
    let reserve = |to| -> Reserve<'_> { Box::pin(reserve(to)) };
    let mut reserves: Vec<Reserve<'_>> = waiting.iter().map(reserve).collect();
    poll_fn(|context| {
        let ready = reserves.iter_mut().any(|it| it.as_mut().poll(context).is_ready());
        if ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn reserve(to: &mpsc::Sender<Batch>) {
    drop(to.reserve().await);
}
