//! Failures become bans.
//!
//! In: a [`Failure`], an admin's ban or unban, and the time. Out: the [`Ban`]s that begin and those that end; or what
//! has to be known before a failure can be judged. A jail
//! does no I/O and reads no clock; whoever owns it sleeps until [`Jail::next_expiry`]. What a ban does is not known
//! here.

mod attempts;
mod bans;
pub mod ignore;
mod nets;
mod policy;
#[cfg(test)]
mod tests;

use std::time::Duration;

use attempts::Attempts;
use bans::Bans;
use ignore::{Answer, Asker, Decision, Found, Ignore, Question, Rule};
use ipnet::IpNet;
pub use policy::{Increment, Spec};
use serde::Serialize;

use crate::clock::{MonoTime, Now, WallTime};
use crate::event::{Ban, Failure, Id, Origin};

/// One jail: who failed how often, and who is banned for it.
#[derive(Debug)]
pub struct Jail {
    spec: Spec,
    ignore: Ignore,
    attempts: Attempts,
    bans: Bans,
}

/// What becomes of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It counted, and may have been one too many.
    Counted(Option<Ban>),
    /// It does not count by this rule; `None` = by one that was told of before.
    LetOff(Option<Rule>),
    /// Not known before one of the [questions](Jail::questions) is answered; then it is to be judged again.
    Waits,
    /// Not known before this command has run; then it is to be [settled](Jail::settle).
    Asks(ignore::Command),
}

/// A jail in numbers, under fail2ban's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The jail.
    pub name: String,
    /// Offenders who failed within findtime, but not yet often enough.
    pub currently_failed: usize,
    /// Failures counted since the start.
    pub total_failed: u64,
    /// Bans in force.
    pub currently_banned: usize,
    /// Bans since the start; a ban that was made longer is still one.
    pub total_banned: u64,
}

impl Jail {
    /// A jail where nobody has failed yet.
    #[must_use]
    pub fn new(mut spec: Spec) -> Self {
        let ignore = Ignore::new(std::mem::take(&mut spec.ignore));
        let attempts = Attempts::new(spec.findtime, spec.maxmatches);
        Self { spec, ignore, attempts, bans: Bans::default() }
    }

    /// Lets these off from now on, whatever its `ignoreip` says: this host, and what it cannot do without.
    pub fn let_off(&mut self, nets: impl IntoIterator<Item = IpNet>) {
        self.ignore.let_off(nets);
    }

    /// What has to be found out before failures are judged; nothing that was asked and is not answered yet.
    pub fn questions(&mut self, now: MonoTime) -> Vec<Question> {
        self.ignore.questions(now)
    }

    /// The answer to a question. It may come again, or uncalled for.
    pub fn learn(&mut self, number: usize, found: Found, now: MonoTime) {
        self.ignore.learn(number, found, now);
    }

    /// Counts a failure unless it is to be ignored, and bans the offender if it was one too many.
    pub fn judge(&mut self, failure: &Failure, now: Now) -> Outcome {
        let asker = Asker { failure, bantime: self.spec.bantime };
        let decision = self.ignore.judge(&asker, now.mono);
        self.carry_out(decision, failure, now.wall)
    }

    /// The same, once the command that it asked for has answered.
    pub fn settle(&mut self, failure: &Failure, answer: Answer, now: Now) -> Outcome {
        let asker = Asker { failure, bantime: self.spec.bantime };
        let decision = self.ignore.settle(&asker, answer, now.mono);
        self.carry_out(decision, failure, now.wall)
    }

    fn carry_out(&mut self, decision: Decision, failure: &Failure, now: WallTime) -> Outcome {
        match decision {
            Decision::Counts => Outcome::Counted(self.record(failure, now)),
            Decision::LetOff(rule) => Outcome::LetOff(rule),
            Decision::Waits => Outcome::Waits,
            Decision::Asks(command) => Outcome::Asks(command),
        }
    }

    /// Counts a failure, and bans the offender if it was one too many.
    ///
    /// The ban counts from the offender's latest failure by the log's clock; if it would be over by `now` there is
    /// none (spec, jail 4). Of someone already banned, the ban is returned if it now ends later.
    fn record(&mut self, failure: &Failure, now: WallTime) -> Option<Ban> {
        let retry = self.attempts.add(&failure.id, failure.time, &failure.lines);
        if retry < self.spec.maxretry.get() {
            self.attempts.purge(now);
            return None;
        }
        let entry = self.attempts.remove(&failure.id)?;
        self.attempts.purge(now);
        let until = self.spec.bantime.map(|bantime| entry.time.saturating_add(bantime));
        if until.is_some_and(|until| until <= now) {
            return None;
        }
        let ban = Ban {
            jail: Some(self.spec.name.clone()),
            id: failure.id.clone(),
            ip: failure.ip,
            since: entry.time,
            until,
            attempts: entry.retry,
            matches: entry.matches.into(),
            captures: failure.captures.clone(),
            bancount: 1,
            origin: Origin::Found,
        };
        self.bans.add(ban).cloned()
    }

    /// Bans an offender by hand: `ignoreip` is not asked (spec, jail 6). `None` if already banned for as long.
    pub fn ban(&mut self, id: Id, bantime: Option<Duration>, now: WallTime) -> Option<Ban> {
        let until = bantime.map(|bantime| now.saturating_add(bantime));
        let ban = Ban::by_hand(Some(self.spec.name.clone()), id, now, until);
        self.bans.add(ban).cloned()
    }

    /// Ends a ban before its time; `None` if there was none.
    pub fn unban(&mut self, id: &Id) -> Option<Ban> {
        self.bans.remove(id)
    }

    /// Ends the bans whose end has come, and returns them, the earliest first.
    pub fn expire(&mut self, now: WallTime) -> Vec<Ban> {
        self.bans.expire(now)
    }

    /// When [`expire`](Self::expire) has something to do.
    #[must_use]
    pub fn next_expiry(&self) -> Option<WallTime> {
        self.bans.next_expiry()
    }

    /// The jail in numbers.
    pub fn status(&mut self, now: WallTime) -> Status {
        self.attempts.purge(now);
        Status {
            name: self.spec.name.to_string(),
            currently_failed: self.attempts.len(),
            total_failed: self.attempts.total(),
            currently_banned: self.bans.len(),
            total_banned: self.bans.total(),
        }
    }

    /// The bans in force, in no order.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.iter()
    }
}
