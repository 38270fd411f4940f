//! Failures become bans.
//!
//! In: a [`Failure`], what an admin wants, what is known of somebody's past, and the time. Out: the [`Ban`]s that begin,
//! change and end; or what has to be known before a failure can be judged. A jail does no I/O and reads no clock;
//! whoever owns it sleeps until [`Jail::next_expiry`]. What a ban does is not known here.
//!
//! A jail's memory is bounded whatever the logs say: so many offenders are counted, so many bans are in force, so much is
//! remembered of what led to them (`attempts`, `bans`). What makes room is said there.

mod attempts;
mod bans;
pub mod formula;
mod growth;
mod hand;
pub mod ignore;
mod increment;
mod neighbours;
mod nets;
mod outcome;
mod policy;
#[cfg(test)]
mod tests;

use attempts::Attempts;
use bans::{Added, Bans, Length};
pub use hand::Span;
use ignore::{Answer, Asker, Decision, Found, Ignore, Question};
pub use increment::Weight;
use ipnet::IpNet;
use neighbours::Neighbourhood;
pub use outcome::{Bad, Counted, End, Grown, Outcome, Record, Restored, Standing, Step, Surprise};
pub use policy::{Increment, Neighbours, Spec};
use serde::Serialize;

use crate::clock::{MonoTime, Now, WallTime};
use crate::event::{Ban, Failure, Id, Origin};

/// Of a longer text that somebody is known by, only so much counts.
const ID_MAX_BYTES: usize = 256;

/// One jail: who failed how often, and who is banned for it.
#[derive(Debug)]
pub struct Jail {
    spec: Spec,
    ignore: Ignore,
    attempts: Attempts,
    bans: Bans,
    neighbourhood: Option<Neighbourhood>,
}

/// As how many a failure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tally {
    /// One, however many lines tell of it: it was found in a log.
    One,
    /// One for each line, and one at least: somebody reported it (`attempt`).
    Lines,
}

impl Tally {
    fn times(self, failure: &Failure) -> u32 {
        match self {
            Self::One => 1,
            Self::Lines => u32::try_from(failure.lines.len()).unwrap_or(u32::MAX).max(1),
        }
    }
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
    pub fn new(spec: Spec) -> Self {
        let ignore = Ignore::new(spec.ignore.clone());
        let attempts = Attempts::new(spec.findtime, spec.maxmatches);
        let bans = Bans::new(spec.name.clone());
        let neighbourhood = spec.neighbours.map(|policy| Neighbourhood::of(policy, bans.ids()));
        Self { spec, ignore, attempts, bans, neighbourhood }
    }

    /// Obeys another configuration from now on. Bans stay as they are, and so do counts (spec, jail 13).
    pub fn set_spec(&mut self, spec: Spec) {
        self.ignore.change(spec.ignore.clone());
        self.attempts.count_by(spec.findtime, spec.maxmatches);
        if self.neighbourhood.as_ref().map(Neighbourhood::policy) != spec.neighbours {
            let of = |policy| Neighbourhood::of(policy, self.bans.ids());
            self.neighbourhood = spec.neighbours.map(of);
        }
        self.spec = spec;
    }

    /// What it obeys.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
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
    pub fn judge(&mut self, failure: &Failure, tally: Tally, now: Now) -> Outcome {
        let asker = Asker { failure, bantime: self.spec.bantime };
        let decision = self.ignore.judge(&asker, now.mono);
        self.carry_out(decision, failure, tally, now.wall)
    }

    /// The same, once the command that it asked for has answered.
    pub fn settle(&mut self, failure: &Failure, tally: Tally, answer: Answer, now: Now) -> Outcome {
        let asker = Asker { failure, bantime: self.spec.bantime };
        let decision = self.ignore.settle(&asker, answer, now.mono);
        self.carry_out(decision, failure, tally, now.wall)
    }

    fn carry_out(
        &mut self,
        decision: Decision,
        failure: &Failure,
        tally: Tally,
        now: WallTime,
    ) -> Outcome {
        match decision {
            Decision::Counts => Outcome::Counted(self.record(failure, tally, now)),
            Decision::LetOff(rule) => Outcome::LetOff(rule),
            Decision::Waits => Outcome::Waits,
            Decision::Asks(command) => Outcome::Asks(command),
        }
    }

    /// Counts a failure, and bans the offender if it was one too many.
    fn record(&mut self, failure: &Failure, tally: Tally, now: WallTime) -> Counted {
        let id = self.counted_as(&failure.id);
        let retry = self.attempts.add(&id, failure, tally.times(failure));
        let is_enough = retry >= self.spec.maxretry.get();
        let step = if is_enough { self.condemn(&id, now) } else { None };
        self.attempts.purge(now);
        Counted { id, retry, step }
    }

    /// As whose a failure counts: an IPv6 address as its prefix, unless that holds somebody who is let off.
    fn counted_as(&self, id: &Id) -> Id {
        match id {
            Id::Net(offender) => {
                let wide = offender.widened(self.spec.ipv6_prefix);
                let is_narrow = wide == *offender || self.ignore.is_touched_by(wide.as_net());
                Id::Net(if is_narrow { *offender } else { wide })
            }
            Id::Text(text) => {
                let end = (0..=text.len().min(ID_MAX_BYTES)).rfind(|at| text.is_char_boundary(*at));
                match end {
                    Some(end) if end < text.len() => Id::Text(text[..end].into()),
                    _ => id.clone(),
                }
            }
        }
    }

    /// Bans somebody for the failures that count. The ban begins with the latest of them by the log's clock (spec,
    /// jail 4).
    fn condemn(&mut self, id: &Id, now: WallTime) -> Option<Step> {
        let entry = self.attempts.remove(id)?;
        let ban = Ban {
            jail: Some(self.spec.name.clone()),
            id: id.clone(),
            ip: entry.ip,
            since: entry.time,
            until: self.spec.bantime.map(|bantime| entry.time.saturating_add(bantime)),
            attempts: entry.failures,
            matches: entry.matches.into(),
            captures: entry.captures,
            bancount: entry.bancount.saturating_add(1),
            origin: Origin::Found,
        };
        Some(self.put(ban, Length::OfJail, now))
    }

    /// Puts a ban in force, unless it is over or there is one.
    fn put(&mut self, ban: Ban, length: Length, now: WallTime) -> Step {
        if ban.until.is_some_and(|until| until < now) {
            return Step::Expired(ban);
        }
        let (present, end) = match self.bans.add(&ban, length) {
            Added::New => {
                let wider = self.spread(&ban);
                return Step::Banned { ban, wider };
            }
            Added::Later(present) => (present, End::Later),
            Added::Already(present) => (present, End::Same),
        };
        let surprise = Surprise::after(ban.since.since(present.since));
        Step::Already { ban: present, end, surprise }
    }

    /// Bans the prefix of somebody who was just banned, if so many of its hosts now are and nobody in it is let off.
    fn spread(&mut self, ban: &Ban) -> Option<Ban> {
        let prefix = self.neighbourhood.as_mut()?.entered(&ban.id)?;
        if ban.origin != Origin::Found || self.ignore.is_touched_by(prefix.as_net()) {
            return None;
        }
        let wider = Ban { id: prefix.into(), ip: None, ..ban.clone() };
        if self.bans.get(&wider.id).is_some() {
            return None;
        }
        self.bans.add(&wider, Length::OfJail);
        Some(wider)
    }

    /// Ends the bans whose end is past, and those that there is no room for, and returns them, the earliest first.
    pub fn expire(&mut self, now: WallTime) -> Vec<Ban> {
        let ended = self.bans.expire(now);
        self.left(&ended);
        ended
    }

    fn left(&mut self, bans: &[Ban]) {
        if let Some(neighbourhood) = &mut self.neighbourhood {
            bans.iter().for_each(|ban| neighbourhood.left(&ban.id));
        }
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

    /// The ban of this offender that is in force.
    #[must_use]
    pub fn find(&self, id: &Id) -> Option<Ban> {
        self.bans.get(id).map(|(ban, _)| ban)
    }

    /// The bans in force, in no order. Each is put together as it is asked for.
    pub fn bans(&self) -> impl Iterator<Item = Ban> {
        self.bans.iter()
    }

    /// The bans in force, in the order in which they began.
    #[must_use]
    pub fn bans_in_order(&self) -> Vec<Ban> {
        self.bans.in_order()
    }

    /// The bans in force, the one that ends first first.
    #[must_use]
    pub fn bans_by_end(&self) -> Vec<Ban> {
        self.bans.by_end()
    }
}
