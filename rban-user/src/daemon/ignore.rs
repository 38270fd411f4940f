//! What a jail has to know before it can judge a failure, found out while it goes on with others: whom names of
//! `ignoreip` belong to, what its files say, what `ignorecommand` answers.
//!
//! The jail decides; here is what waits, and who is asked. An offender's failures stay in their order.

mod file;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use file::{Fresh, Stamp};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tracing::{error, warn};

use super::names::Names;
use super::wiring::chain;
use crate::addr::Offender;
use crate::clock::Now;
use crate::event::{Failure, Id, JailName};
use crate::jail::ignore::{About, Answer, Command, Found, Question};
use crate::jail::{Jail, Outcome, Tally};
use crate::shell;

/// With so many failures waiting, a jail takes no further batch of them; its detector waits, and the log keeps the rest.
const WAITING_MAX: usize = 1_024;

/// No failure waits longer than this for a name or a file; then it is judged by what was known before.
const FACT_PATIENCE: Duration = Duration::from_secs(2);

/// A command that takes longer is ended, and the failure counts (spec, jail 12).
const COMMAND_PATIENCE: Duration = Duration::from_secs(60);

/// So many commands of all jails run at once. Full: the others wait.
const COMMANDS_AT_ONCE: usize = 4;

/// Whom all jails ask.
#[derive(Clone)]
pub(super) struct World {
    names: Names,
    commands: Arc<Semaphore>,
    command_patience: Duration,
}

impl World {
    pub(super) fn new(names: Names) -> Self {
        let commands = Arc::new(Semaphore::new(COMMANDS_AT_ONCE));
        Self { names, commands, command_patience: COMMAND_PATIENCE }
    }
}

/// One jail's failures that cannot be judged yet.
pub(super) struct Screen {
    jail: JailName,
    world: World,
    waiting: HashMap<Id, Queue>,
    /// How many failures wait.
    count: usize,
    running: JoinSet<Done>,
    /// Questions that are being answered, and what is remembered of their last answers.
    facts: HashMap<usize, Fact>,
}

/// An offender's failures, the oldest first.
struct Queue {
    failures: VecDeque<Failure>,
    head: Head,
}

/// What came of a judgement.
#[expect(
    clippy::large_enum_variant,
    reason = "taken apart at once; a box would cost every failure an allocation"
)]
enum Settled {
    Judged(Outcome),
    Waits(Head),
}

/// What the first of them waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Fact,
    Command,
}

#[derive(Debug, Default)]
struct Fact {
    is_running: bool,
    /// Until when failures wait for it.
    overdue: Option<Instant>,
    stamp: Option<Stamp>,
    /// Whether we have said that it cannot be found out.
    ailing: bool,
}

/// Something that was found out, or should have been.
#[derive(Debug)]
pub(super) enum Done {
    Command(Id, Command, Answer),
    Name(Question, io::Result<Vec<Offender>>),
    File(Question, io::Result<Option<Fresh>>),
    Overdue,
}

/// A failure that was judged.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) failure: Failure,
    /// It counted, or is let off.
    pub(super) outcome: Outcome,
}

impl Screen {
    pub(super) fn new(jail: JailName, world: World) -> Self {
        let (waiting, facts) = (HashMap::new(), HashMap::new());
        Self { jail, world, waiting, count: 0, running: JoinSet::new(), facts }
    }

    /// Whether no more should be brought before some are judged.
    pub(super) fn is_full(&self) -> bool {
        self.count >= WAITING_MAX
    }

    /// How many failures wait.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// Has these judged, now or later, and returns those that are judged now.
    pub(super) fn judge(&mut self, jail: &mut Jail, batch: Vec<Failure>, now: Now) -> Vec<Verdict> {
        self.ask(jail, now);
        let mut judged = Vec::new();
        for failure in batch {
            if let Some(queue) = self.waiting.get_mut(&failure.id) {
                queue.failures.push_back(failure);
                self.count += 1;
                continue;
            }
            let outcome = jail.judge(&failure, Tally::One, now);
            match self.settle(outcome, &failure.id) {
                Settled::Judged(outcome) => judged.push(Verdict { failure, outcome }),
                Settled::Waits(head) => {
                    let id = failure.id.clone();
                    self.waiting.insert(id, Queue { failures: VecDeque::from([failure]), head });
                    self.count += 1;
                }
            }
        }
        judged
    }

    /// Waits for something to be found out; for ever while there is nothing. Nothing is lost if the wait is given up.
    pub(super) async fn done(&mut self) -> Result<Done> {
        let overdue = self.facts.values().filter_map(|fact| fact.overdue).min();
        tokio::select! {
            biased;
            Some(done) = self.running.join_next() => done.context("finding out whom to ignore"),
            () = sleep_until(overdue.unwrap_or_else(Instant::now)), if overdue.is_some() => Ok(Done::Overdue),
            else => std::future::pending().await,
        }
    }

    /// Has those judged who waited for this, and returns them.
    pub(super) fn hear(&mut self, jail: &mut Jail, done: Done, now: Now) -> Vec<Verdict> {
        let mut judged = Vec::new();
        match done {
            Done::Command(id, command, answer) => {
                self.advance(jail, id, Some((&command, answer)), now, &mut judged);
                return judged;
            }
            Done::Name(question, found) => {
                let found =
                    found.map(|found| Found::Nets(found.iter().map(Offender::as_net).collect()));
                self.learn(jail, &question, found, now);
            }
            Done::File(question, read) => {
                let found = read.map(|fresh| self.note(&question, fresh));
                self.learn(jail, &question, found, now);
            }
            Done::Overdue => {
                let instant = Instant::now();
                for (number, fact) in &mut self.facts {
                    if fact.overdue.take_if(|overdue| *overdue <= instant).is_some() {
                        jail.learn(*number, Found::Nothing, now.mono);
                    }
                }
            }
        }
        let held = |(id, queue): (&Id, &Queue)| (queue.head == Head::Fact).then(|| id.clone());
        let held: Vec<Id> = self.waiting.iter().filter_map(held).collect();
        for id in held {
            self.advance(jail, id, None, now, &mut judged);
        }
        judged
    }

    /// Judges an offender's failures up to the first that has to wait again. Those behind it that would ask the same of
    /// the command take its answer.
    fn advance(
        &mut self,
        jail: &mut Jail,
        id: Id,
        answer: Option<(&Command, Answer)>,
        now: Now,
        judged: &mut Vec<Verdict>,
    ) {
        let Some(mut queue) = self.waiting.remove(&id) else { return };
        while let Some(failure) = queue.failures.front() {
            let outcome = match (jail.judge(failure, Tally::One, now), answer) {
                (Outcome::Asks(command), Some((asked, answer))) if command == *asked => {
                    jail.settle(failure, Tally::One, answer, now)
                }
                (outcome, _) => outcome,
            };
            match self.settle(outcome, &id) {
                Settled::Judged(outcome) => {
                    let failure = queue.failures.pop_front();
                    judged.extend(failure.map(|failure| Verdict { failure, outcome }));
                    self.count -= 1;
                }
                Settled::Waits(head) => {
                    queue.head = head;
                    self.waiting.insert(id, queue);
                    return;
                }
            }
        }
    }

    /// Has found out what a judgement waits for, if it does.
    fn settle(&mut self, outcome: Outcome, id: &Id) -> Settled {
        match outcome {
            judged @ (Outcome::Counted(_) | Outcome::LetOff(_)) => Settled::Judged(judged),
            Outcome::Waits => Settled::Waits(Head::Fact),
            Outcome::Asks(command) => {
                let (jail, world, id) = (self.jail.clone(), self.world.clone(), id.clone());
                self.running.spawn(async move {
                    let answer = world.answer(&jail, &id, &command).await;
                    Done::Command(id, command, answer)
                });
                Settled::Waits(Head::Command)
            }
        }
    }

    /// Has answered what the jail wants to know.
    fn ask(&mut self, jail: &mut Jail, now: Now) {
        for question in jail.questions(now.mono) {
            let fact = self.facts.entry(question.number).or_default();
            if fact.is_running {
                // It hangs, and nobody waits for it again.
                jail.learn(question.number, Found::Nothing, now.mono);
                continue;
            }
            fact.is_running = true;
            fact.overdue = Some(Instant::now() + FACT_PATIENCE);
            let names = self.world.names.clone();
            match question.about.clone() {
                About::Name(name) => self.running.spawn(async move {
                    let found = names.addresses(&name).await;
                    Done::Name(question, found)
                }),
                About::File(path) => {
                    let stamp = fact.stamp;
                    self.running.spawn(async move {
                        let read = spawn_blocking(move || file::read(&path, stamp)).await;
                        Done::File(
                            question,
                            read.unwrap_or_else(|error| Err(io::Error::other(error))),
                        )
                    })
                }
            };
        }
    }

    /// What a file says, if it says something new.
    fn note(&mut self, question: &Question, fresh: Option<Fresh>) -> Found {
        let Some(Fresh { stamp, listed }) = fresh else { return Found::Same };
        self.facts.entry(question.number).or_default().stamp = Some(stamp);
        if let (Some(strange), About::File(path)) = (&listed.strange, &question.about) {
            let (jail, path) = (&self.jail, path.display());
            warn!(%jail, %path, "{strange:?} is neither an address nor a prefix, and so lets nobody off");
        }
        Found::Nets(listed.nets)
    }

    /// Tells the jail what was found out; and the admin, once, if it could not be.
    fn learn(&mut self, jail: &mut Jail, question: &Question, found: io::Result<Found>, now: Now) {
        let fact = self.facts.entry(question.number).or_default();
        (fact.is_running, fact.overdue) = (false, None);
        let was_ailing = std::mem::replace(&mut fact.ailing, found.is_err());
        let found = found.unwrap_or_else(|error| {
            if !was_ailing {
                tell(&self.jail, &question.about, &error);
            }
            Found::Nothing
        });
        jail.learn(question.number, found, now.mono);
    }
}

impl World {
    /// What a command says of a failure. Whatever goes wrong, the failure counts.
    async fn answer(&self, jail: &JailName, id: &Id, command: &Command) -> Answer {
        // Never closed.
        let slot = self.commands.acquire().await;
        let ended = shell::run(&command.script, &command.values, self.command_patience).await;
        drop(slot);
        let script = &command.script;
        match ended {
            Ok(ended) => match ended.status.code() {
                Some(0) => return Answer::LetOff,
                Some(1) => {}
                _ => {
                    let (reason, stdout, stderr) = (ended.reason(), &ended.stdout, &ended.stderr);
                    error!(%jail, %id, script, reason, stdout, stderr, "ignorecommand failed; write one that returns 0 (ignore) or 1 (do not)");
                }
            },
            Err(error) => {
                error!(%jail, %id, script, error = chain(error), "ignorecommand failed")
            }
        }
        Answer::Counts
    }
}

fn tell(jail: &JailName, about: &About, error: &io::Error) {
    match about {
        About::Name(name) => {
            warn!(%jail, %name, %error, "name in ignoreip is not found; whom it let off before still are");
        }
        About::File(path) => {
            let path = path.display();
            warn!(%jail, %path, %error, "file in ignoreip is not read; whom it let off before still are");
        }
    }
}
