//! What the store knows of offenders' pasts, and what follows of it (spec, jail 5). Nobody waits for it: the failure
//! was counted, and the ban is in force, before it is asked.

use std::hash::{BuildHasher, RandomState};

use compact_str::CompactString;
use tokio::task::JoinSet;
use tracing::warn;

use super::carry_out::{Effects, stored, ticket};
use crate::actions;
use crate::clock::WallTime;
use crate::event::{Ban, Change, Id, JailName};
use crate::jail::{Bad, Grown, Jail, Record, Standing};
use crate::log::lines::{self, LeadsTo};
use crate::store::{self, Within, Write};

/// With so many questions open, no more are asked of failures; those count as anybody's.
const OPEN_MAX: usize = 1_024;

/// Asks the store.
pub(super) struct Past {
    store: Option<store::Handle>,
    open: JoinSet<Recalled>,
}

/// Something that has come.
pub(super) enum Recalled {
    /// What is known of somebody who failed.
    Failure(Id, WallTime, Option<Record>),
    /// What is known of somebody who was banned.
    Ban(Box<Ban>, Option<Record>),
    /// It is time for the actions to prolong this one's ban.
    Due(Id),
}

impl Past {
    pub(super) fn new(store: Option<store::Handle>) -> Self {
        Self { store, open: JoinSet::new() }
    }

    /// Whether a ban may turn out to be a longer one; then it is written down once that is known.
    pub(super) fn may_grow(&self, jail: &Jail, ban: &Ban) -> bool {
        self.store.is_some() && jail.spec().increment.is_some() && ban.until.is_some()
    }

    pub(super) fn ask_of_failure(&mut self, jail: &Jail, id: Id, time: WallTime) {
        if self.open.len() < OPEN_MAX
            && let Some(question) = self.question(jail, &id)
        {
            self.open.spawn(async move { Recalled::Failure(id, time, question.await) });
        }
    }

    pub(super) fn ask_of_ban(&mut self, jail: &Jail, ban: &Ban) {
        if let Some(question) = self.question(jail, &ban.id) {
            let ban = Box::new(ban.clone());
            self.open.spawn(async move { Recalled::Ban(ban, question.await) });
        }
    }

    fn question(
        &self,
        jail: &Jail,
        id: &Id,
    ) -> Option<impl Future<Output = Option<Record>> + Send + 'static> {
        let store = self.store.clone()?;
        let overall = jail.spec().increment.as_ref()?.overalljails;
        let within = if overall { Within::AllJails } else { Within::Jail };
        let (name, id) = (jail.spec().name.clone(), CompactString::from(id.to_string()));
        Some(async move {
            let records = store.records(Some(name), vec![id], within).await.ok()?;
            let record = records.into_iter().next().flatten()?;
            Some(Record { count: record.count, time: record.since })
        })
    }

    /// Waits for something to come; for ever while nothing can. Nothing is lost if the wait is given up.
    pub(super) async fn recalled(&mut self) -> Recalled {
        match self.open.join_next().await {
            Some(Ok(recalled)) => recalled,
            _ => std::future::pending().await,
        }
    }

    /// What follows of it.
    pub(super) fn weigh(&mut self, jail: &mut Jail, recalled: Recalled, now: WallTime) -> Effects {
        let mut effects = Effects::default();
        match recalled {
            Recalled::Failure(id, time, Some(record)) => {
                if let Some(bad) = jail.know(&id, time, record, now) {
                    tell_of_bad(&mut effects, &jail.spec().name, &id, time, bad);
                }
            }
            Recalled::Failure(_, _, None) => {}
            Recalled::Ban(ban, record) => self.grow(&mut effects, jail, *ban, record, now),
            Recalled::Due(id) => {
                if let Some(ban) = jail.find(&id) {
                    effects.act(actions::Task::Prolong(ticket(&ban)));
                }
            }
        }
        effects
    }

    /// A ban is written down as long as it is, unless it is an old one again.
    fn grow(
        &mut self,
        effects: &mut Effects,
        jail: &mut Jail,
        ban: Ban,
        record: Option<Record>,
        now: WallTime,
    ) {
        let grown = record.map_or(Ok(None), |record| jail.grow(&ban.id, record, random()));
        let grown = grown.unwrap_or_else(|error| {
            warn!(jail = %jail.spec().name, %error, "bantime.formula has no value; the ban stays as long as it is");
            None
        });
        let Some(grown) = grown else { return effects.write(Write::Ban(stored(&ban))) };
        let zone = jiff::tz::TimeZone::system();
        let (name, id) = (&jail.spec().name, &grown.ban.id);
        if grown.standing == Standing::New {
            let (count, last) = (grown.before.count, grown.before.time);
            let (from, to) = (grown.from.as_secs_f64(), grown.to.as_secs_f64());
            effects.say(lines::is_bad(name, id, count, last, from, to, &zone));
            effects.write(Write::Ban(stored(&grown.ban)));
        }
        if grown.is_prolonged(now) {
            self.prolong(effects, name, grown);
        }
    }

    fn prolong(&mut self, effects: &mut Effects, name: &JailName, grown: Grown) {
        let (delay, ban) = (grown.delay(), grown.ban);
        let longer = ban.until.map(|until| (until.since(ban.since).as_secs_f64(), until));
        let zone = jiff::tz::TimeZone::system();
        effects.say(lines::increase_ban(name, &ban.id, ban.bancount, longer, &zone));
        let id = ban.id.clone();
        effects.changes.push(Change::Prolong(ban));
        self.open.spawn(async move {
            tokio::time::sleep(delay).await;
            Recalled::Due(id)
        });
    }
}

fn tell_of_bad(effects: &mut Effects, name: &JailName, id: &Id, at: WallTime, bad: Bad) {
    let leads_to = if bad.is_enough { LeadsTo::Ban } else { LeadsTo::Nothing };
    let failures = bad.weight.failures;
    let weight = match bad.weight.is_capped {
        true => lines::Weight::Capped(failures),
        false => lines::Weight::Reckoned(f64::from(failures)),
    };
    let told = lines::Bad { at, count: bad.count, weight, leads_to };
    effects.say(lines::found_bad(name, id, &told, &jiff::tz::TimeZone::system()));
    effects.steps(bad.step);
}

/// From 0 up to 1. Nobody gains by guessing it: it only spreads the ends of bans.
fn random() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}
