//! A day in a jail where bans grow, against a model that keeps a list and searches it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const DAY_SECS: i64 = 86_400;

/// Whose ban began when, until when, and the how-manieth it was.
type Row = (i64, i64, u32);

#[derive(Default)]
struct Model {
    /// Who failed when; a window of its last failures, as `retry` says.
    attempts: BTreeMap<u8, (i64, i64, i64, u32)>,
    bans: BTreeMap<u8, Row>,
    history: BTreeMap<u8, Row>,
}

impl Model {
    fn fail(&mut self, who: u8, now: i64) {
        let (first, latest, retry, _) = self.attempts.entry(who).or_insert((now, now, 0, 0));
        if now > *latest && *first < now - FINDTIME_SECS {
            let rate = *retry as f64 / (now - *first) as f64 * FINDTIME_SECS as f64;
            (*retry, *first) = (rate.round_ties_even() as i64, now - FINDTIME_SECS);
        }
        (*latest, *retry) = (now, *retry + 1);
        if *retry >= i64::from(MAXRETRY) {
            return self.condemn(who, now);
        }
        // Who was banned before fails for more.
        if let Some((since, _, count)) = self.history.get(&who).copied()
            && now > since
            && let Some((_, _, retry, bancount)) = self.attempts.get_mut(&who)
        {
            *bancount = count;
            *retry += ((1i64 << count.min(20)) / 2 + 1).min(i64::from(MAXRETRY)) - 1;
            if *retry >= i64::from(MAXRETRY) {
                self.condemn(who, now);
            }
        }
    }

    fn condemn(&mut self, who: u8, now: i64) {
        let Some((.., bancount)) = self.attempts.remove(&who) else { return };
        if let Some((_, until, _)) = self.bans.get_mut(&who) {
            *until = (*until).max(now + BANTIME_SECS);
            return;
        }
        let mut row = (now, now + BANTIME_SECS, bancount + 1);
        if let Some((_, _, count)) = self.history.get(&who) {
            row = (now, now + (BANTIME_SECS << count.min(&20)), row.2.max(count + 1));
        }
        self.bans.insert(who, row);
        self.history.insert(who, row);
    }
}

/// The same with a jail, whose past is kept as its owner would.
struct Watched {
    jail: Jail,
    history: BTreeMap<String, Record>,
}

impl Watched {
    fn fail(&mut self, who: u8, now: i64) {
        let counted = self.jail.record(&failure(who, now), Tally::One, at(now));
        let record = self.history.get(&counted.id.to_string()).copied();
        let bad = record.and_then(|record| self.jail.know(&counted.id, at(now), record, at(now)));
        let step = counted.step.or(bad.and_then(|bad| bad.step));
        if let Some(Step::Banned { ban, .. }) = step {
            let grown = record.map(|record| self.jail.grow(&ban.id, record, 0.0).unwrap().unwrap());
            let ban = grown.map_or(ban, |grown| grown.ban);
            self.history
                .insert(ban.id.to_string(), Record { count: ban.bancount, time: ban.since });
        }
    }
}

fn rows(jail: &Jail) -> Vec<(String, Row)> {
    let secs = |time: WallTime| time.as_micros() / 1_000_000;
    let row =
        |ban: Ban| (ban.id.to_string(), (secs(ban.since), secs(ban.until.unwrap()), ban.bancount));
    let mut rows: Vec<_> = jail.bans().map(row).collect();
    rows.sort();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each step: so many seconds pass, then this one fails; or an admin lifts its ban.
    #[test]
    fn a_day_goes_as_the_model_says(steps in prop::collection::vec((0i64..300, 1u8..6, prop::bool::weighted(0.02)), 0..600)) {
        let increment = Increment { factor: 1.0, formula: None, multipliers: Vec::new(), maxtime: None, rndtime: None, overalljails: false };
        let jail = Jail::new(Spec { increment: Some(increment), ..patient().spec });
        let (mut watched, mut model, mut now) = (Watched { jail, history: BTreeMap::new() }, Model::default(), 0);
        for (pause, who, is_lifted) in steps {
            now += pause;
            if now > DAY_SECS {
                break;
            }
            let ended = watched.jail.expire(at(now)).len();
            let before = model.bans.len();
            model.bans.retain(|_, (_, until, _)| *until >= now);
            prop_assert_eq!(ended, before - model.bans.len());
            if is_lifted {
                watched.jail.unban(&failure(who, 0).id);
                model.bans.remove(&who);
            } else {
                watched.fail(who, now);
                model.fail(who, now);
            }
            let expected: Vec<_> = model.bans.iter().map(|(who, row)| (failure(*who, 0).id.to_string(), *row)).collect();
            prop_assert_eq!(rows(&watched.jail), expected);
            prop_assert_eq!(watched.jail.status(at(now)).currently_failed, {
                model.attempts.retain(|_, (_, latest, ..)| *latest > now - FINDTIME_SECS);
                model.attempts.len()
            });
        }
    }
}
