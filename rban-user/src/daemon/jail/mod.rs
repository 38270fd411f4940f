//! A jail's task: owns the jail, and sleeps until something fails, a ban ends, or somebody asks for something.
//!
//! What the jail decides goes to the kernel first; then to the log, the store and the actions, none of which is waited
//! for.

mod asked;
mod carry_out;
mod past;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use anyhow::{Result, bail};
use carry_out::Effects;
pub(super) use carry_out::stored;
use ipnet::IpNet;
use past::{Past, Recalled};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::ignore::{Screen, Verdict};
use super::wiring::{Rest, ToEnforcer, ToJail};
use crate::actions;
use crate::clock::{Now, WallTime};
use crate::event::{Ban, Change, Failure, Why};
use crate::jail::{Jail, Outcome};
use crate::log::{Log, lines};
use crate::store;

/// Sleep in pieces of at most this: the wall clock, by which bans end, may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// So long may it take to find out whom to ignore once no failures come any more; what waits longer is lost.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Of the failures during a rest so many are judged afterwards, the last ones.
const UNJUDGED_MAX: usize = 10_000;

/// Where a jail's decisions go.
pub(super) struct Outlets {
    pub(super) to_enforcer: mpsc::Sender<ToEnforcer>,
    /// `None` = nothing is remembered (`dbfile = None`).
    pub(super) store: Option<store::Handle>,
    pub(super) actions: actions::Handle,
    /// Whether the actions have anything to do.
    pub(super) has_actions: bool,
    pub(super) log: Log,
    /// Whom the kernel lets off: this host, and what it cannot do without.
    pub(super) own: watch::Receiver<BTreeSet<IpNet>>,
}

/// A jail at work.
pub(super) struct Task {
    jail: Jail,
    screen: Screen,
    outlets: Outlets,
    past: Past,
    rest: Rest,
    /// What was found while it rests, to be judged afterwards.
    unjudged: VecDeque<Failure>,
    /// Bans to be restored once it is known whether they are let off.
    held: Vec<Ban>,
}

/// Whether the task goes on.
enum Next {
    Go,
    End,
}

impl Task {
    pub(super) fn new(mut jail: Jail, screen: Screen, mut outlets: Outlets) -> Self {
        jail.let_off(outlets.own.borrow_and_update().iter().copied());
        let past = Past::new(outlets.store.clone());
        Self {
            jail,
            screen,
            outlets,
            past,
            rest: Rest::Off,
            unjudged: VecDeque::new(),
            held: Vec::new(),
        }
    }

    /// Runs until it is told to stop, or nobody can tell it anything any more.
    ///
    /// # Errors
    /// The enforcer is gone.
    pub(super) async fn run(
        mut self,
        mut failures: mpsc::Receiver<Vec<Failure>>,
        mut inbox: mpsc::Receiver<ToJail>,
    ) -> Result<()> {
        let mut open = true;
        loop {
            let next = tokio::select! {
                batch = failures.recv(), if open && !self.screen.is_full() => match batch {
                    Some(batch) => self.judge(batch).await?,
                    None => {
                        open = false;
                        Next::Go
                    }
                },
                done = self.screen.done() => {
                    let verdicts = self.screen.hear(&mut self.jail, done?, Now::read());
                    if !self.held.is_empty() {
                        self.restore_held().await?;
                    }
                    self.sentence(verdicts).await?
                }
                recalled = self.past.recalled() => self.recall(recalled).await?,
                message = inbox.recv() => match message {
                    Some(ToJail::Stop(how, done)) => {
                        self.drain(&mut failures).await?;
                        self.stop(how, done).await?;
                        Next::End
                    }
                    Some(message) => self.obey(message).await?,
                    None => Next::End,
                },
                Ok(()) = self.outlets.own.changed() => {
                    let own = self.outlets.own.borrow_and_update().clone();
                    self.jail.let_off(own);
                    Next::Go
                }
                () = sleep_until(self.jail.next_expiry()) => self.expire().await?,
            };
            if let Next::End = next {
                return Ok(());
            }
        }
    }

    async fn judge(&mut self, batch: Vec<Failure>) -> Result<Next> {
        if self.rest == Rest::On {
            self.unjudged.extend(batch);
            let surplus = self.unjudged.len().saturating_sub(UNJUDGED_MAX);
            self.unjudged.drain(..surplus);
            return Ok(Next::Go);
        }
        let verdicts = self.screen.judge(&mut self.jail, batch, Now::read());
        self.sentence(verdicts).await
    }

    /// Goes on after a rest, or begins one.
    pub(super) async fn rest(&mut self, rest: Rest) -> Result<()> {
        self.rest = rest;
        if rest == Rest::Off {
            let unjudged = std::mem::take(&mut self.unjudged);
            self.judge(unjudged.into()).await?;
        }
        Ok(())
    }

    /// Carries out what was judged.
    async fn sentence(&mut self, verdicts: Vec<Verdict>) -> Result<Next> {
        let mut effects = Effects::default();
        let zone = jiff::tz::TimeZone::system();
        for Verdict { failure, outcome } in verdicts {
            let name = &failure.jail;
            match outcome {
                Outcome::Counted(counted) => {
                    effects.say(lines::found(name, &counted.id, failure.time, &zone));
                    if self.jail.spec().increment.is_some() {
                        self.past.ask_of_failure(&self.jail, counted.id.clone(), failure.time);
                    }
                    effects.steps(counted.step);
                }
                Outcome::LetOff(Some(rule)) => {
                    effects.say(lines::ignored(name, &failure.id, &rule));
                }
                Outcome::LetOff(None) | Outcome::Waits | Outcome::Asks(_) => {}
            }
        }
        self.carry_out(effects).await?;
        Ok(Next::Go)
    }

    /// What the store knows of an offender has come, or a ban that grew is to be told of.
    async fn recall(&mut self, recalled: Recalled) -> Result<Next> {
        let effects = self.past.weigh(&mut self.jail, recalled, Now::read().wall);
        self.carry_out(effects).await?;
        Ok(Next::Go)
    }

    async fn expire(&mut self) -> Result<Next> {
        let ended = self.jail.expire(Now::read().wall);
        self.end(ended, Why::Ended).await?;
        Ok(Next::Go)
    }

    /// Bans have ended: everybody hears of it.
    async fn end(&mut self, ended: Vec<Ban>, why: Why) -> Result<()> {
        let mut effects = Effects::default();
        effects.changes.extend(ended.into_iter().map(|ban| Change::Unban(ban, why)));
        self.carry_out(effects).await
    }

    /// Has judged what still can be.
    async fn drain(&mut self, failures: &mut mpsc::Receiver<Vec<Failure>>) -> Result<()> {
        failures.close();
        let judged = timeout(DRAIN_PATIENCE, async {
            while let Some(batch) = failures.recv().await {
                self.judge(batch).await?;
            }
            while self.screen.waiting() > 0 {
                let done = self.screen.done().await?;
                let verdicts = self.screen.hear(&mut self.jail, done, Now::read());
                self.sentence(verdicts).await?;
            }
            Ok(())
        });
        match judged.await {
            Ok(outcome) => outcome,
            Err(_) => {
                let count = self.screen.waiting();
                warn!(count, "failures do not count: whether to ignore them was not known in time");
                Ok(())
            }
        }
    }

    async fn tell_enforcer(&self, message: ToEnforcer) -> Result<()> {
        if self.outlets.to_enforcer.send(message).await.is_err() {
            bail!("the enforcer is gone");
        }
        Ok(())
    }
}

/// Sleeps until this moment, or so long that looking at the clock again is due.
pub(super) async fn sleep_until(moment: Option<WallTime>) {
    let span = moment.map_or(SLEEP_MAX, |moment| moment.since(Now::read().wall));
    sleep(span.min(SLEEP_MAX)).await;
}
