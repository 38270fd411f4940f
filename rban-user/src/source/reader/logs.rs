//! The logs, who follows each of them, and which of them are due.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::super::file::{Elsewhere, Followed};
use super::super::resume::Part;
use super::super::watch::Watcher;
use super::super::{Batch, Begin, Error, FileId, Position, warn};
use super::log::{Log, Noticed, Sent, State};

use super::{Feed, FeedId, Seen};

/// So many files are remembered that were read and moved away. Only patterns that find rotated logs need them.
const LEFT_MAX: usize = 256;

/// A log that a pattern finds no more is followed for so long, in case its writer has not noticed.
const GONE_KEPT: Duration = Duration::from_secs(600);

/// All logs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    logs: Vec<Log>,
    /// Files that were read to their end, with who wanted them.
    left: VecDeque<(Position, Vec<FeedId>)>,
    /// How many logs share their path with another one.
    twins: usize,
}

/// What a look needs, and what it found.
pub(super) struct Look<'a> {
    pub(super) buffer: &'a mut [u8],
    pub(super) watcher: Option<&'a mut Watcher>,
    pub(super) lines: usize,
}

impl Logs {
    /// Lets a feed follow the log at a path, begun as the feed says.
    pub(super) fn join(
        &mut self,
        path: PathBuf,
        feed: &Feed,
        noticed: Noticed,
    ) -> Result<(), Error> {
        let mut followed = Followed::new(path, feed.encoding);
        let position = feed.positions.get(&**followed.path());
        match position.filter(|_| feed.begin == Begin::Start) {
            Some(position) => {
                let all: Vec<Position> = feed.positions.values().copied().collect();
                for part in followed.parts(position, &all)? {
                    self.follow(&mut followed, part, &[feed.id])?;
                }
            }
            None => match (followed.find_new()?, feed.begin) {
                (Some(part), Begin::End) => followed.follow_from_end(part)?,
                (Some(part), Begin::Start) => {
                    self.follow(&mut followed, part, &[feed.id])?;
                }
                (None, _) => {}
            },
        }
        self.add(followed, feed, noticed);
        Ok(())
    }

    /// Lets a feed follow a log that one of these follows already, from where that stands. False if none does.
    pub(super) fn join_others(&mut self, path: &Path, feed: &Feed, others: &[FeedId]) -> bool {
        let is_theirs = |log: &&mut Log| {
            **log.followed.path() == *path && log.feeds().iter().any(|it| others.contains(it))
        };
        let Some(log) = self.logs.iter_mut().find(is_theirs) else { return false };
        log.feed(feed.id, &feed.to);
        true
    }

    /// Lets a feed follow a log that has just come.
    pub(super) fn join_new(&mut self, path: PathBuf, feed: &Feed, noticed: Noticed) {
        self.add(Followed::new(path, feed.encoding), feed, noticed);
    }

    fn add(&mut self, followed: Followed, feed: &Feed, noticed: Noticed) {
        let at_path = |log: &&mut Log| log.followed.path() == followed.path();
        let mut twins = self.logs.iter_mut().filter(at_path).peekable();
        let has_twin = twins.peek().is_some();
        if let Some(log) = twins.find(|log| log.followed.stands_with(&followed)) {
            log.feed(feed.id, &feed.to);
            if noticed == Noticed::Watched {
                log.noticed = noticed;
            }
            return;
        }
        let mut log = Log::new(followed, noticed);
        log.feed(feed.id, &feed.to);
        self.logs.push(log);
        self.twins += usize::from(has_twin);
    }

    /// Follows a file, unless another log of these feeds does.
    fn follow(&self, followed: &mut Followed, part: Part, feeds: &[FeedId]) -> Result<bool, Error> {
        let elsewhere = self.elsewhere(part.id(), followed, feeds);
        followed.follow(part, elsewhere)
    }

    fn elsewhere(&self, id: FileId, followed: &Followed, feeds: &[FeedId]) -> Elsewhere {
        let shared = |of: &[FeedId]| of.iter().any(|feed| feeds.contains(feed));
        let mut others = self.logs.iter().filter(|log| log.followed.path() != followed.path());
        if others.any(|log| log.followed.files().any(|(it, _)| it == id) && shared(&log.feeds())) {
            return Elsewhere::Open;
        }
        let mut left = self.left.iter().rev();
        let left = left.find(|(position, of)| position.file == Some(id) && shared(of));
        left.map_or(Elsewhere::Unknown, |(position, _)| Elsewhere::Left(*position))
    }

    /// Where the logs of a feed are.
    pub(super) fn paths(&self, feed: FeedId) -> HashSet<Arc<Path>> {
        let of_feed = self.logs.iter().filter(|log| log.feeds().contains(&feed));
        of_feed.map(|log| log.followed.path().clone()).collect()
    }

    /// Lets a feed go of what has not been at these paths for long.
    pub(super) fn keep(&mut self, feed: FeedId, paths: &[PathBuf]) {
        let paths: HashSet<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let now = Instant::now();
        for log in self.logs.iter_mut().filter(|log| log.feeds().contains(&feed)) {
            let gone_since = match paths.contains(&**log.followed.path()) {
                true => None,
                // Whoever wrote it may still do, under its new name.
                false => Some(log.gone_since.unwrap_or(now)),
            };
            log.gone_since = gone_since;
            if gone_since.is_some_and(|since| now - since > GONE_KEPT) {
                log.unfeed(feed);
            }
        }
        self.drop_unwanted();
    }

    /// Lets a feed go of everything.
    pub(super) fn leave(&mut self, feed: FeedId) {
        self.logs.iter_mut().for_each(|log| log.unfeed(feed));
        self.left.iter_mut().for_each(|(_, feeds)| feeds.retain(|it| *it != feed));
        self.drop_unwanted();
    }

    fn drop_unwanted(&mut self) {
        self.logs.retain(|log| !log.feeds().is_empty());
        self.count_twins();
    }

    fn count_twins(&mut self) {
        let paths: HashSet<_> = self.logs.iter().map(|log| log.followed.path()).collect();
        self.twins = self.logs.len() - paths.len();
    }

    /// Looks at each log that is due, and reads one buffer full of it. Returns feeds whose channels are closed.
    pub(super) fn turn(&mut self, look: &mut Look<'_>) -> Vec<FeedId> {
        let mut closed = Vec::new();
        for index in 0..self.logs.len() {
            if self.logs[index].state == State::Due {
                closed.extend(self.look(index, look));
            }
        }
        if self.twins > 0 {
            self.merge_twins();
        }
        closed
    }

    /// Opens what is new at a log's path, and reads.
    fn look(&mut self, index: usize, look: &mut Look<'_>) -> Vec<FeedId> {
        let opened = self.open_new(index);
        let log = &mut self.logs[index];
        // Watched before it is read: what comes after the read must wake us.
        if let (Ok(true), Some(watcher)) = (&opened, look.watcher.as_deref_mut()) {
            log.watch(watcher);
        }
        let before: Vec<FileId> = log.followed.files().map(|(id, _)| id).collect();
        let sent = log.read(look.buffer);
        let (closed, trouble) = match sent {
            Ok(Sent::Lines(lines)) => {
                look.lines += lines;
                (Vec::new(), None)
            }
            Ok(Sent::Closed(feeds)) => (feeds, None),
            Ok(Sent::Waits) => (Vec::new(), None),
            Err(error) => (Vec::new(), Some(error)),
        };
        log.troubled(opened.err().or(trouble));
        let is_open = |id: &FileId| log.followed.files().any(|(open, _)| open == *id);
        let done: Vec<FileId> = before.into_iter().filter(|id| !is_open(id)).collect();
        if !done.is_empty() {
            self.done(index, &done, look);
        }
        closed
    }

    /// Opens the file at a log's path, if it is a new one.
    fn open_new(&mut self, index: usize) -> Result<bool, Error> {
        let Some(part) = self.logs[index].followed.find_new()? else { return Ok(false) };
        let log = &self.logs[index];
        let elsewhere = self.elsewhere(part.id(), &log.followed, &log.feeds());
        self.logs[index].followed.follow(part, elsewhere)
    }

    /// Files were read to their end for good. They may be looked for at other paths.
    fn done(&mut self, index: usize, done: &[FileId], look: &mut Look<'_>) {
        let feeds = self.logs[index].feeds();
        if let Some(left) = self.logs[index].followed.take_left() {
            if self.left.len() == LEFT_MAX {
                self.left.pop_front();
            }
            self.left.push_back((left, feeds.clone()));
        }
        let is_open = |id: &FileId| {
            self.logs.iter().any(|log| log.followed.files().any(|(open, _)| open == *id))
        };
        if let Some(watcher) = look.watcher.as_deref_mut() {
            done.iter().filter(|id| !is_open(id)).for_each(|id| watcher.forget_file(*id));
        }
        for other in &mut self.logs {
            if other.feeds().iter().any(|feed| feeds.contains(feed)) {
                other.stir();
            }
        }
    }

    /// Makes one of two logs that have come to the same place.
    fn merge_twins(&mut self) {
        let mut at_path: HashMap<Arc<Path>, Vec<usize>> = HashMap::new();
        let mut merged = Vec::new();
        for index in 0..self.logs.len() {
            if self.logs[index].state != State::Idle {
                continue;
            }
            let path = self.logs[index].followed.path().clone();
            let others = at_path.entry(path).or_default();
            let (before, rest) = self.logs.split_at_mut(index);
            let same =
                others.iter().find(|it| before[**it].followed.stands_with(&rest[0].followed));
            match same {
                Some(same) => {
                    before[*same].merge(&rest[0]);
                    merged.push(index);
                }
                None => others.push(index),
            }
        }
        for index in merged.into_iter().rev() {
            self.logs.remove(index);
        }
        self.count_twins();
    }

    /// Watches every file that is open. What cannot be watched is polled.
    pub(super) fn watch(&mut self, watcher: &mut Watcher) {
        let open: HashSet<FileId> =
            self.logs.iter().flat_map(|log| log.followed.files().map(|(id, _)| id)).collect();
        watcher.forget_others(&open);
        self.logs.iter_mut().for_each(|log| log.watch(watcher));
    }

    /// These files changed.
    pub(super) fn stir(&mut self, changed: &HashSet<FileId>) {
        let is_it = |log: &&mut Log| log.followed.files().any(|(id, _)| changed.contains(&id));
        self.logs.iter_mut().filter(is_it).for_each(Log::stir);
    }

    pub(super) fn stir_all(&mut self) {
        self.logs.iter_mut().for_each(Log::stir);
    }

    pub(super) fn stir_polled(&mut self) {
        let is_it = |log: &&mut Log| log.noticed == Noticed::Polled;
        self.logs.iter_mut().filter(is_it).for_each(Log::stir);
    }

    /// Those who have no room for what is waiting. What they all have room for is due.
    pub(super) fn waiting(&mut self) -> Vec<mpsc::Sender<Batch>> {
        let mut waiting = Vec::new();
        for log in self.logs.iter_mut().filter(|log| log.state == State::Waiting) {
            let before = waiting.len();
            waiting.extend(log.full());
            if waiting.len() == before {
                log.state = State::Due;
            }
        }
        waiting
    }

    pub(super) fn are_due(&self) -> bool {
        self.logs.iter().any(|log| log.state == State::Due)
    }

    pub(super) fn are_polled(&self) -> bool {
        self.logs.iter().any(|log| log.noticed == Noticed::Polled)
    }

    pub(super) fn poll_all(&mut self) {
        self.logs.iter_mut().for_each(|log| log.noticed = Noticed::Polled);
    }

    /// A directory cannot be watched, in which a log of this path may appear.
    pub(super) fn poll_below(&mut self, path: &Path, error: &Error) {
        let directory = path.parent();
        let is_it = |log: &&mut Log| {
            log.noticed == Noticed::Watched && log.followed.path().parent() == directory
        };
        let mut refused = self.logs.iter_mut().filter(is_it).peekable();
        if refused.peek().is_some() {
            warn(error);
        }
        refused.for_each(|log| log.noticed = Noticed::Polled);
    }

    pub(super) fn seen(&mut self) -> Vec<Seen> {
        let now = Instant::now();
        self.logs.iter_mut().map(|log| log.seen(now)).collect()
    }

    pub(super) fn seen_by(&mut self, feed: FeedId) -> Vec<Seen> {
        let now = Instant::now();
        let of_feed = self.logs.iter_mut().filter(|log| log.feeds().contains(&feed));
        of_feed.map(|log| log.seen(now)).collect()
    }
}
