//! Failures of hosts that a log names rather than numbers (`usedns`): one failure for each address of the name.
//!
//! Detectors hand over and go on. Names that a resolver might take for numbers never reach it (see [`HostName`]).

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::names::Names;
use super::wiring;
use crate::addr::{HostName, Offender};
use crate::clock::{MonoTime, Now, WallTime};
use crate::event::{Failure, Id, JailName, Line};
use crate::recent::Recent;

/// An answer is good for so long, and so is that there is none (spec, filter 8.1).
const GOOD: Duration = Duration::from_secs(300);

/// So many answers are remembered (spec, filter 8.1).
const ANSWERS_MAX: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");

/// So many failures wait for answers or for their jail at once. Full: further ones queue up, and then are shed.
const WAITING_MAX: usize = 1_024;

/// Failures shed are told of at most so often.
const SHED_TOLD: Duration = Duration::from_secs(60);

/// So long may answers take once no failures come any more; what waits longer is lost.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Whether an admin hears whom a name was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// `usedns = warn`.
    Warns,
    /// `usedns = yes`.
    Silent,
}

/// A failure of somebody who is known by name only.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) jail: JailName,
    /// As the log has it.
    pub(super) name: String,
    pub(super) telling: Telling,
    pub(super) time: WallTime,
    pub(super) lines: Vec<Line>,
    pub(super) captures: Vec<(Arc<str>, String)>,
    /// The jail.
    pub(super) to: mpsc::Sender<Vec<Failure>>,
}

/// Where detectors hand such failures over.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    inbox: mpsc::Sender<Sighting>,
    shed: Arc<AtomicU64>,
}

impl Resolver {
    /// Runs until all of its copies are gone.
    pub(super) fn start(names: Names) -> Self {
        let (sender, inbox) = mpsc::channel(wiring::SIGHTINGS);
        let shed = Arc::new(AtomicU64::new(0));
        tokio::spawn(Desk::new(names, shed.clone()).run(inbox));
        Self { inbox: sender, shed }
    }

    /// Takes over a failure, without waiting: where too many wait already, it is shed and counted.
    pub(super) fn take(&self, sighting: Sighting) {
        if let Err(TrySendError::Full(_)) = self.inbox.try_send(sighting) {
            self.shed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What was found out about a name.
#[derive(Debug)]
struct Answer {
    /// Nobody, where it has no address.
    offenders: Vec<Offender>,
    /// Whether an admin has heard of it.
    told: bool,
}

/// Something that was begun came to its end.
enum Done {
    Lookup(HostName, io::Result<Vec<Offender>>),
    Delivery,
}

struct Desk {
    names: Names,
    answers: Recent<HostName, Answer>,
    /// Who waits for which name; each is being looked up.
    waiting: HashMap<HostName, Vec<Sighting>>,
    /// How many wait for a name, or for their jail.
    count: usize,
    running: JoinSet<Done>,
    shed: Arc<AtomicU64>,
    shed_told: Option<MonoTime>,
}

impl Desk {
    fn new(names: Names, shed: Arc<AtomicU64>) -> Self {
        Self {
            names,
            answers: Recent::new(ANSWERS_MAX, GOOD),
            waiting: HashMap::new(),
            count: 0,
            running: JoinSet::new(),
            shed,
            shed_told: None,
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Sighting>) {
        loop {
            tokio::select! {
                sighting = inbox.recv(), if self.count < WAITING_MAX => match sighting {
                    Some(sighting) => self.receive(sighting, Now::read().mono),
                    None => break,
                },
                Some(done) = self.running.join_next() => {
                    self.finish(done.ok(), Now::read().mono);
                }
            }
            self.tell_of_shed(Now::read().mono);
        }
        let drained = timeout(DRAIN_PATIENCE, async {
            while let Some(done) = self.running.join_next().await {
                self.finish(done.ok(), Now::read().mono);
            }
        });
        if drained.await.is_err() {
            warn!(count = self.count, "failures of hosts known by name were not looked up in time");
        }
    }

    fn receive(&mut self, sighting: Sighting, now: MonoTime) {
        let name: HostName = match sighting.name.parse() {
            Ok(name) => name,
            Err(error) => return debug!(jail = %sighting.jail, "{error}"),
        };
        if self.answers.find(&name, now).is_some() {
            return self.deliver(&name, sighting, now);
        }
        self.count += 1;
        if let Some(others) = self.waiting.get_mut(&name) {
            return others.push(sighting);
        }
        self.waiting.insert(name.clone(), vec![sighting]);
        let names = self.names.clone();
        self.running.spawn(async move {
            let found = names.addresses(&name).await;
            Done::Lookup(name, found)
        });
    }

    /// `None`: it broke, which lookups and deliveries do not.
    fn finish(&mut self, done: Option<Done>, now: MonoTime) {
        match done {
            Some(Done::Lookup(name, found)) => {
                let offenders = found.unwrap_or_else(|error| {
                    warn!("Unable to find a corresponding IP address for {name}: {error}");
                    Vec::new()
                });
                self.answers.put(name.clone(), Answer { offenders, told: false }, now);
                for sighting in self.waiting.remove(&name).unwrap_or_default() {
                    self.count -= 1;
                    self.deliver(&name, sighting, now);
                }
            }
            Some(Done::Delivery) | None => self.count = self.count.saturating_sub(1),
        }
    }

    /// Sends a failure for each address to the jail.
    fn deliver(&mut self, name: &HostName, sighting: Sighting, now: MonoTime) {
        let Some(answer) = self.answers.find(name, now) else { return };
        if answer.offenders.is_empty() {
            return;
        }
        if sighting.telling == Telling::Warns && !answer.told {
            answer.told = true;
            warn!("{}", determined(name, &answer.offenders));
        }
        let failure = |offender: &Offender| Failure {
            jail: sighting.jail.clone(),
            id: Id::Net(*offender),
            ip: None,
            time: sighting.time,
            lines: sighting.lines.clone(),
            captures: sighting.captures.clone(),
        };
        let failures = answer.offenders.iter().map(failure).collect();
        if let Err(TrySendError::Full(failures)) = sighting.to.try_send(failures) {
            self.count += 1;
            self.running.spawn(async move {
                drop(sighting.to.send(failures).await); // gone = bans nobody
                Done::Delivery
            });
        }
    }

    fn tell_of_shed(&mut self, now: MonoTime) {
        if self.shed_told.is_some_and(|told| now < told.saturating_add(SHED_TOLD)) {
            return;
        }
        let count = self.shed.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.shed_told = Some(now);
            warn!(
                count,
                "failures of hosts known by name were shed; set usedns = no, and have the log tell addresses"
            );
        }
    }
}

/// As fail2ban's log has it.
fn determined(name: &HostName, offenders: &[Offender]) -> String {
    let offenders: Vec<String> = offenders.iter().map(|offender| format!("'{offender}'")).collect();
    format!("Determined IP using DNS Lookup: {name} = {{{}}}", offenders.join(", "))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Mutex;
    use std::sync::mpsc as sync;

    use super::*;
    use crate::daemon::names::Families;

    /// A test that waits longer has failed.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// A resolver with an answer for `*.example`, whoever it asks, and a jail.
    struct World {
        resolver: Resolver,
        asked: Arc<Mutex<Vec<String>>>,
        to: mpsc::Sender<Vec<Failure>>,
        failures: mpsc::Receiver<Vec<Failure>>,
    }

    impl World {
        fn new() -> Self {
            Self::asking(|| {})
        }

        /// A resolver that does this before it answers.
        fn asking(before: impl Fn() + Send + Sync + 'static) -> Self {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let noted = asked.clone();
            let names = Names::asking(Families::Both, move |name| {
                noted.lock().unwrap().push(name.to_string());
                before();
                match name.as_str().strip_suffix(".example") {
                    Some("both") => {
                        Ok(vec!["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()])
                    }
                    Some(number) => {
                        Ok(vec![IpAddr::from([192, 0, 2, number.parse().unwrap_or_default()])])
                    }
                    None => Err(io::Error::other("no such name")),
                }
            });
            let (to, failures) = mpsc::channel(1);
            Self { resolver: Resolver::start(names), asked, to, failures }
        }

        fn sight(&self, name: &str, secs: i64) {
            self.resolver.take(Sighting {
                jail: "sshd".into(),
                name: name.to_owned(),
                telling: Telling::Warns,
                time: WallTime::from_secs(secs),
                lines: vec![Line::from(name.to_owned())],
                captures: Vec::new(),
                to: self.to.clone(),
            });
        }

        /// Whose failure comes next, and when that was.
        async fn next(&mut self) -> Vec<(String, i64)> {
            let batch = timeout(PATIENCE, self.failures.recv()).await.expect("none came").unwrap();
            let told =
                |failure: Failure| (failure.id.to_string(), failure.time.as_micros() / 1_000_000);
            batch.into_iter().map(told).collect()
        }
    }

    fn one(offender: &str, secs: i64) -> Vec<(String, i64)> {
        vec![(offender.to_owned(), secs)]
    }

    #[tokio::test]
    async fn every_address_of_a_name_fails() {
        let mut world = World::new();
        world.sight("both.example", 7);
        let expected = [("192.0.2.1".to_owned(), 7), ("2001:db8::1".to_owned(), 7)];
        assert_eq!(world.next().await, expected);
    }

    #[tokio::test]
    async fn an_answer_is_remembered_whatever_it_is() {
        let mut world = World::new();
        for secs in 0..3 {
            world.sight("Nobody", secs);
            world.sight("5.EXAMPLE", secs);
            assert_eq!(world.next().await, one("192.0.2.5", secs));
        }
        // Nobody tells when the name without an address was asked for; it was before any later one.
        world.sight("5.later.example", 3);
        while world.asked.lock().unwrap().len() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut asked = world.asked.lock().unwrap().clone();
        asked.sort_unstable();
        assert_eq!(asked, ["5.example", "5.later.example", "nobody"]);
    }

    #[tokio::test]
    async fn failures_of_one_name_share_a_lookup_and_keep_their_order() {
        let (release, held) = sync::sync_channel::<()>(0);
        let held = Mutex::new(held);
        let mut world = World::asking(move || held.lock().unwrap().recv().unwrap_or_default());
        for secs in 0..5 {
            world.sight("5.example", secs);
        }
        drop(release);
        for secs in 0..5 {
            assert_eq!(world.next().await, one("192.0.2.5", secs));
        }
        assert_eq!(*world.asked.lock().unwrap(), ["5.example"]);
    }

    #[tokio::test]
    async fn what_looks_numeric_is_never_looked_up() {
        let mut world = World::new();
        for name in
            ["4242", "0x7f.1", "127.1", "0177.0.0.1", "192.0.2.08", "192.0.2.9", "::1", "a b", ""]
        {
            world.sight(name, 0);
        }
        world.sight("5.example", 1);
        assert_eq!(world.next().await, one("192.0.2.5", 1));
        assert_eq!(*world.asked.lock().unwrap(), ["5.example"]);
    }

    #[tokio::test]
    async fn what_is_too_much_is_shed_and_not_waited_for() {
        let (release, held) = sync::sync_channel::<()>(0);
        let held = Mutex::new(held);
        let world = World::asking(move || held.lock().unwrap().recv().unwrap_or_default());
        for number in 0..10_000 {
            world.sight(&format!("{number}.example"), 0);
            if number % 100 == 0 {
                tokio::task::yield_now().await;
            }
        }
        let shed = world.resolver.shed.load(Ordering::Relaxed);
        assert!(shed > 0, "all were kept");
        assert!(world.asked.lock().unwrap().len() <= 8, "all were asked for at once");
        drop((release, world));
    }

    #[tokio::test]
    async fn what_waits_for_an_answer_is_delivered_before_the_end() {
        let mut world = World::new();
        world.sight("5.example", 0);
        let (inbox, _) = mpsc::channel(1);
        world.resolver = Resolver { inbox, shed: Arc::default() };
        assert_eq!(world.next().await, one("192.0.2.5", 0));
    }

    #[test]
    fn the_warning_is_the_one_of_the_specification() {
        let offenders = ["192.0.2.1", "2001:db8::1"].map(|offender| offender.parse().unwrap());
        assert_eq!(
            determined(&"host.example".parse().unwrap(), &offenders),
            "Determined IP using DNS Lookup: host.example = {'192.0.2.1', '2001:db8::1'}"
        );
    }
}
