//! One log, and whom its lines go to.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Permit, error::TrySendError};
use tokio::time::Instant;

use super::super::file::{Chunk, Followed, Progress};
use super::super::watch::Watcher;
use super::super::{Batch, Error, warn};
use super::{FeedId, Seen};

/// One log.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) followed: Followed,
    routes: Vec<Route>,
    pub(super) state: State,
    pub(super) noticed: Noticed,
    /// Whether we have complained about it.
    ailing: bool,
    /// Since when it has not been read to its end.
    behind_since: Option<Instant>,
    /// Since when the pattern that found it does not.
    pub(super) gone_since: Option<Instant>,
}

/// A channel for its lines.
#[derive(Debug)]
struct Route {
    to: mpsc::Sender<Batch>,
    feeds: Arc<[FeedId]>,
}

/// What is to be done with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing until it changes.
    Idle,
    /// It is to be read.
    Due,
    /// It is to be read once there is room for its lines.
    Waiting,
}

/// How it is noticed that a log has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noticed {
    /// The kernel says so.
    Watched,
    /// By looking from time to time.
    Polled,
}

/// What became of a log's lines.
#[derive(Debug)]
pub(super) enum Sent {
    /// So many were sent.
    Lines(usize),
    /// There is no room for any.
    Waits,
    /// None were read, for these feeds' channels are closed.
    Closed(Vec<FeedId>),
}

impl Log {
    pub(super) fn new(followed: Followed, noticed: Noticed) -> Self {
        Self {
            followed,
            routes: Vec::new(),
            state: State::Due,
            noticed,
            ailing: false,
            behind_since: None,
            gone_since: None,
        }
    }

    /// Who follows it, in ascending order.
    pub(super) fn feeds(&self) -> Vec<FeedId> {
        let mut feeds: Vec<FeedId> =
            self.routes.iter().flat_map(|route| route.feeds.iter().copied()).collect();
        feeds.sort_unstable();
        feeds
    }

    /// Lets this feed follow it as well.
    pub(super) fn feed(&mut self, feed: FeedId, to: &mpsc::Sender<Batch>) {
        match self.routes.iter_mut().find(|route| route.to.same_channel(to)) {
            Some(route) => {
                let mut feeds = route.feeds.to_vec();
                feeds.push(feed);
                feeds.sort_unstable();
                feeds.dedup();
                route.feeds = feeds.into();
            }
            None => self.routes.push(Route { to: to.clone(), feeds: Arc::from([feed]) }),
        }
    }

    /// Lets this feed follow it no more.
    pub(super) fn unfeed(&mut self, feed: FeedId) {
        for route in self.routes.iter_mut().filter(|route| route.feeds.contains(&feed)) {
            route.feeds = route.feeds.iter().copied().filter(|it| *it != feed).collect();
        }
        self.routes.retain(|route| !route.feeds.is_empty());
    }

    /// Takes over the feeds of a log that stands at the same place.
    pub(super) fn merge(&mut self, other: &Self) {
        for route in &other.routes {
            route.feeds.iter().for_each(|feed| self.feed(*feed, &route.to));
        }
        if other.noticed == Noticed::Watched {
            self.noticed = Noticed::Watched;
        }
    }

    /// It may have changed.
    pub(super) fn stir(&mut self) {
        if self.state == State::Idle {
            self.state = State::Due;
        }
    }

    /// Watches its files. If they cannot be, it is polled.
    pub(super) fn watch(&mut self, watcher: &mut Watcher) {
        if self.noticed == Noticed::Polled {
            return;
        }
        let path = self.followed.path();
        let mut files = self.followed.files();
        if let Err(error) = files.try_for_each(|(id, file)| watcher.watch_file(path, id, file)) {
            warn(&error);
            self.noticed = Noticed::Polled;
        }
    }

    /// Reads one buffer full, if there is room for it everywhere, and sends it.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<Sent, Error> {
        let permits = match permits(&self.routes) {
            Ok(permits) => permits,
            Err(Sent::Waits) => {
                self.state = State::Waiting;
                self.behind_since.get_or_insert_with(Instant::now);
                return Ok(Sent::Waits);
            }
            Err(other) => return Ok(other),
        };
        self.state = State::Idle;
        let (chunk, progress) = self.followed.read(buffer)?;
        match progress {
            Progress::More => {
                self.state = State::Due;
                self.behind_since.get_or_insert_with(Instant::now);
            }
            Progress::AtEnd => self.behind_since = None,
        }
        let Some(Chunk { bytes, lines, written, position }) = chunk else {
            return Ok(Sent::Lines(0));
        };
        for (permit, Route { feeds, .. }) in permits.into_iter().zip(&self.routes) {
            permit.send(Batch {
                feeds: feeds.clone(),
                path: self.followed.path().clone(),
                chunk: bytes.clone(),
                lines,
                written,
                position,
            });
        }
        Ok(Sent::Lines(lines))
    }

    /// Channels that have no room.
    pub(super) fn full(&self) -> impl Iterator<Item = mpsc::Sender<Batch>> {
        let full = self.routes.iter().filter(|route| route.to.capacity() == 0);
        full.map(|route| route.to.clone())
    }

    /// Tells of trouble, once until it is over.
    pub(super) fn troubled(&mut self, trouble: Option<Error>) {
        let before = std::mem::replace(&mut self.ailing, trouble.is_some());
        if let Some(error) = trouble.filter(|_| !before) {
            warn(&error);
        }
    }

    pub(super) fn seen(&mut self, now: Instant) -> Seen {
        let behind = self.followed.behind();
        Seen {
            path: self.followed.path().clone(),
            feeds: self.feeds(),
            position: self.followed.position(),
            behind_bytes: behind,
            behind_for: self.behind_since.map(|since| now - since).unwrap_or_default(),
        }
    }
}

/// Room for one batch in each of these channels, in their order.
fn permits(routes: &[Route]) -> Result<Vec<Permit<'_, Batch>>, Sent> {
    let mut permits = Vec::with_capacity(routes.len());
    let mut closed = Vec::new();
    for Route { to, feeds } in routes {
        match to.try_reserve() {
            Ok(permit) => permits.push(permit),
            Err(TrySendError::Full(())) => return Err(Sent::Waits),
            Err(TrySendError::Closed(())) => closed.extend(feeds.iter().copied()),
        }
    }
    if closed.is_empty() { Ok(permits) } else { Err(Sent::Closed(closed)) }
}
