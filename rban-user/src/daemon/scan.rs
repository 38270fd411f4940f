//! Who reads what: jails whose logs overlap share a detector, so that each line is looked at once for all of them.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow};
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use super::detector::{End, Fed, Work};
use super::progress::{Known, Progress};
use super::resolve::{Resolver, Telling};
use super::wiring::{self, chain};
use crate::clock::Now;
use crate::config::JailSpec;
use crate::detect::{self, Detector, UseDns};
use crate::event::{Failure, JailName};
use crate::log::{Log, lines};
use crate::source::journal::Journal;
use crate::source::{self, Ask, Backend, Feed, FeedId, Log as LogSpec, Mailbox, Position};

/// A jail, as far as its lines go.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) jail: JailName,
    pub(super) source: source::Spec,
    pub(super) filter: detect::Spec,
    pub(super) failures: mpsc::Sender<Vec<Failure>>,
}

impl Member {
    pub(super) fn of(spec: &JailSpec, failures: mpsc::Sender<Vec<Failure>>) -> Self {
        let (source, filter) = (spec.source.clone(), spec.filter.clone());
        Self { jail: spec.name.clone(), source, filter, failures }
    }

    fn reads_journal(&self) -> bool {
        matches!(self.source.backend, Backend::Systemd(_))
    }

    fn shares_a_log_with(&self, other: &Self) -> bool {
        let path = |log: &LogSpec| other.source.logs.iter().any(|it| it.path == log.path);
        !self.reads_journal() && !other.reads_journal() && self.source.logs.iter().any(path)
    }
}

/// What detectors are given.
pub(super) struct Surroundings {
    pub(super) reader: Mailbox,
    pub(super) resolver: Resolver,
    pub(super) progress: mpsc::Sender<Progress>,
    pub(super) log: Log,
}

/// All detectors at work.
pub(super) struct Scans {
    surroundings: Surroundings,
    known: Known,
    groups: Vec<Group>,
    feeds: u64,
    /// Logs that are not followed for these jails any more, unless a group that is being built does so.
    loose: BTreeSet<(JailName, PathBuf)>,
}

/// Jails that share a detector.
struct Group {
    members: Vec<Member>,
    /// Its feeds, and whose logs they are.
    feeds: Vec<(FeedId, Arc<[JailName]>)>,
    /// Dropped, it ends the reading of a journal.
    _journal: Option<watch::Sender<()>>,
}

/// A log, as one feed has it: what differs in any of these needs a feed of its own.
#[derive(Clone, PartialEq)]
struct Key {
    log: LogSpec,
    encoding: source::Encoding,
    backend: Backend,
    known: HashMap<PathBuf, Position>,
}

impl Scans {
    pub(super) fn new(surroundings: Surroundings, known: Known) -> Self {
        Self { surroundings, known, groups: Vec::new(), feeds: 0, loose: BTreeSet::new() }
    }

    /// Has these jails' lines looked at, in place of what was looked at for them before. Returns which cannot be, and
    /// why; for those everything stays as it was.
    pub(super) async fn arrange(&mut self, members: Vec<Member>) -> Vec<(JailName, String)> {
        let mut failed = Vec::new();
        let mut sound = Vec::new();
        for member in members {
            match sound_alone(&member) {
                Ok(()) => sound.push(member),
                Err(error) => failed.push((member.jail.clone(), chain(error))),
            }
        }
        let names: Vec<JailName> = sound.iter().map(|member| member.jail.clone()).collect();
        for name in &names {
            sound.extend(self.dissolve_group_of(name).await);
        }
        sound.extend(self.dissolve_groups_near(&sound.clone()).await);
        for members in grouped(sound) {
            let names: Vec<JailName> = members.iter().map(|it| it.jail.clone()).collect();
            if let Err(error) = self.build(members).await {
                let reason = chain(error);
                failed.extend(names.into_iter().map(|name| (name, reason.clone())));
            }
        }
        self.tell_of_loose();
        failed
    }

    /// Has this jail's lines looked at no more.
    pub(super) async fn remove(&mut self, jail: &JailName) {
        let others = self.dissolve_group_of(jail).await;
        for members in grouped(others) {
            if let Err(error) = self.build(members).await {
                warn!(error = chain(error), "logs are not followed any more");
            }
        }
        self.tell_of_loose();
    }

    fn tell_of_loose(&mut self) {
        for (_, path) in std::mem::take(&mut self.loose) {
            self.surroundings.log.say(lines::removed_log(&path));
        }
    }

    /// Has no lines looked at any more.
    pub(super) fn end(&mut self) {
        self.groups.clear();
    }

    /// The logs that each jail reads now.
    pub(super) async fn logs(&self) -> HashMap<JailName, Vec<PathBuf>> {
        let (reply, answer) = oneshot::channel();
        let asked = self.surroundings.reader.send(Ask::Report(reply)).await;
        let seen = if asked.is_ok() { answer.await.unwrap_or_default() } else { Vec::new() };
        let mut logs: HashMap<JailName, Vec<PathBuf>> = HashMap::new();
        for log in seen {
            let fed = self.groups.iter().flat_map(|group| &group.feeds);
            for (_, jails) in fed.filter(|(feed, _)| log.feeds.contains(feed)) {
                for jail in jails.iter() {
                    logs.entry(jail.clone()).or_default().push(log.path.to_path_buf());
                }
            }
        }
        logs
    }

    /// Ends the group that a jail is in; returns the others of it.
    async fn dissolve_group_of(&mut self, jail: &JailName) -> Vec<Member> {
        let is_in = |group: &Group| group.members.iter().any(|member| member.jail == *jail);
        let Some(at) = self.groups.iter().position(is_in) else { return Vec::new() };
        let group = self.groups.swap_remove(at);
        let mut members = self.dissolve(group).await;
        members.retain(|member| member.jail != *jail);
        members
    }

    /// Ends the groups that share a log with one of these; returns their jails.
    async fn dissolve_groups_near(&mut self, wanted: &[Member]) -> Vec<Member> {
        let mut found = Vec::new();
        let is_near = |group: &Group| {
            let mut members = group.members.iter();
            members.any(|member| wanted.iter().any(|it| it.shares_a_log_with(member)))
        };
        while let Some(at) = self.groups.iter().position(is_near) {
            let group = self.groups.swap_remove(at);
            found.extend(self.dissolve(group).await);
        }
        found
    }

    /// Ends a group, and notes how far its logs were read.
    async fn dissolve(&mut self, group: Group) -> Vec<Member> {
        for (feed, jails) in &group.feeds {
            let (reply, answer) = oneshot::channel();
            if self.surroundings.reader.send(Ask::Remove(*feed, reply)).await.is_err() {
                continue;
            }
            for seen in answer.await.unwrap_or_default() {
                let Some(position) = seen.position else { continue };
                for jail in jails.iter() {
                    self.known.note(jail, &seen.path, position);
                    self.loose.insert((jail.clone(), seen.path.to_path_buf()));
                }
            }
        }
        group.members
    }

    async fn build(&mut self, members: Vec<Member>) -> Result<()> {
        let journal = members.iter().find(|member| member.reads_journal()).cloned();
        let group = match journal {
            Some(member) => self.follow_journal(member)?,
            None => self.follow_files(members).await?,
        };
        self.groups.push(group);
        Ok(())
    }

    async fn follow_files(&mut self, members: Vec<Member>) -> Result<Group> {
        let wanted = self.wanted(&members);
        let lists: Vec<Vec<usize>> = wanted.iter().map(|(_, readers)| readers.clone()).collect();
        let work = self.work(&members, &lists)?;
        let (to, batches) = mpsc::channel(wiring::LINE_BATCHES);
        let (mut feeds, mut fed) = (Vec::new(), HashMap::new());
        let mut asks = Vec::new();
        for (index, (key, readers)) in wanted.into_iter().enumerate() {
            self.feeds += 1;
            let id = FeedId(self.feeds);
            let jails: Arc<[JailName]> =
                readers.iter().map(|reader| members[*reader].jail.clone()).collect();
            let Key { log, encoding, backend, known } = key;
            // A position says more than where to begin: others' tell which rotated files are done with.
            let mut positions = HashMap::new();
            jails.iter().for_each(|jail| positions.extend(self.known.all_files(jail)));
            positions.extend(known);
            let (path, begin, to) = (log.path, log.begin, to.clone());
            let jails_of_feed = jails.clone();
            let feed =
                Feed { id, path, begin, encoding, backend, positions, jails: jails_of_feed, to };
            asks.push((feed, jails.clone()));
            fed.insert(id, Fed { index, jails: jails.clone() });
            feeds.push((id, jails));
        }
        let name = thread_name(&members);
        let run = move || work.read_files(&fed, batches);
        thread::Builder::new().name(name).spawn(run).context("starting a thread")?;
        for (feed, jails) in asks {
            self.follow(feed, &jails).await?;
        }
        Ok(Group { members, feeds, _journal: None })
    }

    /// Each log that is wanted, and by whom.
    fn wanted(&self, members: &[Member]) -> Vec<(Key, Vec<usize>)> {
        let mut wanted: Vec<(Key, Vec<usize>)> = Vec::new();
        for (reader, member) in members.iter().enumerate() {
            for log in &member.source.logs {
                let key = Key {
                    log: log.clone(),
                    encoding: member.source.encoding,
                    backend: member.source.backend.clone(),
                    known: self.known.files(&member.jail, &log.path),
                };
                match wanted.iter_mut().find(|(it, _)| *it == key) {
                    Some((_, readers)) => readers.push(reader),
                    None => wanted.push((key, vec![reader])),
                }
            }
        }
        wanted
    }

    async fn follow(&mut self, feed: Feed, jails: &[JailName]) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let gone = || anyhow!("logs are not followed any more");
        self.surroundings.reader.send(Ask::Add(feed, reply)).await.map_err(|_| gone())?;
        for seen in answer.await.map_err(|_| gone())?? {
            let Some(position) = seen.position else { continue };
            let hash = position.first_line.map(|it| it.to_string()).unwrap_or_default();
            for jail in jails {
                if !self.loose.remove(&(jail.clone(), seen.path.to_path_buf())) {
                    let said = lines::added_log(&seen.path, position.offset, &hash);
                    self.surroundings.log.say(said);
                }
            }
        }
        Ok(())
    }

    fn follow_journal(&mut self, member: Member) -> Result<Group> {
        let Backend::Systemd(options) = &member.source.backend else {
            unreachable!("asked of those that read a journal")
        };
        let journal = Journal::new(options, &member.source.journalmatch)?;
        if journal.has_no_match() {
            let jail = &member.jail;
            info!(%jail, "no journalmatch is set, so every entry of the journal is looked at");
        }
        let members = vec![member];
        let work = self.work(&members, &[vec![0]])?;
        let member = &members[0];
        let (to, entries) = mpsc::channel(wiring::LINE_BATCHES);
        let (stop, mut stopped) = watch::channel(());
        let known = self.known.journal(&member.jail);
        let not_before = Now::read().wall.saturating_sub(member.filter.findtime);
        let jail = member.jail.clone();
        tokio::spawn(async move {
            let shutdown = async move { drop(stopped.changed().await) };
            if let Err(error) = journal.run(known, not_before, to, shutdown).await {
                warn!(%jail, error = chain(error), "the journal is not followed");
            }
        });
        let run = move || work.read_journal(entries);
        thread::Builder::new()
            .name(thread_name(&members))
            .spawn(run)
            .context("starting a thread")?;
        Ok(Group { members, feeds: Vec::new(), _journal: Some(stop) })
    }

    fn work(&self, members: &[Member], lists: &[Vec<usize>]) -> Result<Work> {
        let specs: Vec<detect::Spec> = members.iter().map(|it| it.filter.clone()).collect();
        let year = Now::read().wall.year();
        let detector = Detector::new(&specs, lists, &TimeZone::system(), year);
        let detector = detector.map_err(|(_, error)| error)?;
        let end = |member: &Member| End {
            jail: member.jail.clone(),
            telling: match member.filter.patterns.usedns {
                UseDns::Warn => Telling::Warns,
                UseDns::Yes | UseDns::No | UseDns::Raw => Telling::Silent,
            },
            failures: member.failures.clone(),
        };
        Ok(Work {
            detector,
            ends: members.iter().map(end).collect(),
            resolver: self.surroundings.resolver.clone(),
            progress: self.surroundings.progress.clone(),
            log: self.surroundings.log.clone(),
        })
    }
}

/// Whether a jail's filter and journal can be used at all.
fn sound_alone(member: &Member) -> Result<()> {
    let filters = std::slice::from_ref(&member.filter);
    let year = Now::read().wall.year();
    Detector::new(filters, &[vec![0]], &TimeZone::system(), year).map_err(|(_, error)| error)?;
    if let Backend::Systemd(options) = &member.source.backend {
        Journal::new(options, &member.source.journalmatch)?;
    }
    Ok(())
}

/// Together with whom each shares a log, however far around.
fn grouped(members: Vec<Member>) -> Vec<Vec<Member>> {
    let mut groups: Vec<Vec<Member>> = Vec::new();
    for member in members {
        let is_near = |group: &Vec<Member>| group.iter().any(|it| it.shares_a_log_with(&member));
        let (near, mut others): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_near);
        let mut group: Vec<Member> = near.into_iter().flatten().collect();
        group.push(member);
        others.push(group);
        groups = others;
    }
    groups
}

/// Linux shows fifteen bytes of it.
fn thread_name(members: &[Member]) -> String {
    format!("detect-{}", members[0].jail)
}
