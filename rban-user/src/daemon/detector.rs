//! A detector on a thread of its own, for all jails whose logs overlap: lines in, failures out, in batches.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::progress::Progress;
use super::resolve::{Resolver, Sighting, Telling};
use crate::clock::Now;
use crate::detect::{Detector, Entry, Found, How, Notice, Odd, Reading, Sink, Style, Value, Who};
use crate::event::{Captures, Failure, Id, JailName};
use crate::log::Log;
use crate::log::lines::{self, Side, Suspicion};
use crate::source::journal::Entries;
use crate::source::{Batch, FeedId, Written};

/// A jail, as its detector knows it; by its filter's place in the detector.
pub(super) struct End {
    pub(super) jail: JailName,
    pub(super) telling: Telling,
    pub(super) failures: mpsc::Sender<Vec<Failure>>,
}

/// What a detector's thread works with.
pub(super) struct Work {
    pub(super) detector: Detector,
    pub(super) ends: Vec<End>,
    pub(super) resolver: Resolver,
    pub(super) progress: mpsc::Sender<Progress>,
    pub(super) log: Log,
}

/// A feed, as its detector knows it.
pub(super) struct Fed {
    /// Its place in the detector.
    pub(super) index: usize,
    /// Who reads it.
    pub(super) jails: Arc<[JailName]>,
}

impl Work {
    /// Runs until the reader lets go of it, or a jail is gone.
    pub(super) fn read_files(
        mut self,
        feeds: &HashMap<FeedId, Fed>,
        mut batches: mpsc::Receiver<Batch>,
    ) {
        while let Some(batch) = batches.blocking_recv() {
            let how = how(batch.written);
            let fed: Vec<&Fed> = batch.feeds.iter().filter_map(|feed| feeds.get(feed)).collect();
            let done = self.detect(|detector, sink| {
                for fed in once_each(&fed) {
                    detector.lines(fed.index, &batch.chunk, how, sink);
                }
            });
            if done.is_err() {
                return;
            }
            for fed in fed {
                let (path, position) = (batch.path.clone(), batch.position);
                let progress = Progress::File { jails: fed.jails.clone(), path, position };
                drop(self.progress.try_send(progress)); // a later one says more
            }
        }
    }

    /// The same for a journal, which has one jail.
    pub(super) fn read_journal(mut self, mut batches: mpsc::Receiver<Entries>) {
        while let Some(batch) = batches.blocking_recv() {
            let how = how(batch.written);
            let done = self.detect(|detector, sink| {
                for entry in &batch.entries {
                    let entry = Entry { date: &entry.date, text: &entry.text, time: entry.time };
                    detector.entry(0, &entry, how, sink);
                }
            });
            if done.is_err() {
                return;
            }
            let jail = self.ends[0].jail.clone();
            drop(self.progress.try_send(Progress::Journal { jail, position: batch.position }));
        }
    }

    /// Has failures found, and sends them to their jails.
    fn detect(&mut self, work: impl FnOnce(&mut Detector, &mut Failures<'_>)) -> Result<(), Gone> {
        let Self { detector, ends, resolver, log, .. } = self;
        let found = ends.iter().map(|_| Vec::new()).collect();
        let mut sink = Failures { ends, resolver, log, found };
        work(detector, &mut sink);
        let found = sink.found;
        for (end, failures) in self.ends.iter().zip(found) {
            if !failures.is_empty() && end.failures.blocking_send(failures).is_err() {
                return Err(Gone);
            }
        }
        Ok(())
    }
}

/// Without those whose jails get the lines by another already: two patterns of a jail may find one file.
fn once_each<'a>(fed: &'a [&'a Fed]) -> impl Iterator<Item = &'a Fed> {
    let gets = |fed: &&Fed, jail: &JailName| fed.jails.contains(jail);
    let is_first = move |(at, it): &(usize, &&Fed)| {
        it.jails.iter().any(|jail| !fed[..*at].iter().any(|before| gets(before, jail)))
    };
    fed.iter().enumerate().filter(is_first).map(|(_, fed)| *fed)
}

/// A jail has ended.
struct Gone;

fn how(written: Written) -> How {
    let reading = match written {
        Written::Before => Reading::Past,
        Written::Now => Reading::Present,
    };
    How { now: Now::read().wall, reading, style: Style::First }
}

/// Takes what the detector finds.
struct Failures<'a> {
    ends: &'a [End],
    resolver: &'a Resolver,
    log: &'a Log,
    found: Vec<Vec<Failure>>,
}

impl Sink for Failures<'_> {
    fn found(&mut self, filter: usize, found: &Found<'_>) {
        let (Some(identity), Some(time)) = (found.identity, found.time) else { return };
        let end = &self.ends[filter];
        let (jail, lines) = (end.jail.clone(), found.matches.to_vec());
        let captures = captures(found);
        let id = match &identity.id {
            Who::Offender(offender) => Id::Net(*offender),
            Who::Text(text) => Id::Text(text.as_str().into()),
            Who::Name(name) => {
                return self.resolver.take(Sighting {
                    jail,
                    name: name.clone(),
                    telling: end.telling,
                    time,
                    lines,
                    captures,
                    to: end.failures.clone(),
                });
            }
        };
        let ip = identity.addr;
        self.found[filter].push(Failure { jail, id, ip, time, lines, captures });
    }

    fn notice(&mut self, filter: usize, notice: &Notice<'_>) {
        let jail = &*self.ends[filter].jail;
        match notice {
            Notice::Odd { odd, line } => {
                let suspicion =
                    if odd.is_latency() { Suspicion::Latency } else { Suspicion::TimeZone };
                let (off, side) = match odd {
                    Odd::Before(off) => (*off, Side::Before),
                    Odd::After(off) => (*off, Side::After),
                };
                self.log.say(lines::odd_time(jail, off, side, suspicion));
                self.log.say(lines::odd_line(jail, line));
            }
            Notice::Old { findtime } => self.log.say(lines::old_entries(jail, *findtime)),
            Notice::NoDate { line } | Notice::BadDate { line } => {
                for said in lines::no_timestamp(jail, &now_text(), line) {
                    self.log.say(said);
                }
            }
        }
    }
}

fn now_text() -> String {
    lines::moment(Now::read().wall, &jiff::tz::TimeZone::system())
}

fn captures(found: &Found<'_>) -> Captures {
    let text = |value: &Value| match value {
        Value::Text(text) => text.to_string(),
        Value::Many(texts) => texts.join(","),
    };
    found.captures().map(|(name, value)| (name.into(), text(value))).collect()
}
