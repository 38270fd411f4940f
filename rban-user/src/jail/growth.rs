//! What a jail does about offenders of the past: fewer failures lead to a ban, and it lasts longer (spec, jail 5).
//!
//! Their past is kept elsewhere. So both come after the fact: the failure was counted, the ban put in force.

use super::Jail;
use super::bans::Length;
use super::formula::Incalculable;
use super::increment::Weight;
use super::outcome::{Bad, Grown, Record, Standing};
use crate::clock::WallTime;
use crate::event::{Id, Origin};

impl Jail {
    /// Counts a failure for more, as its offender was banned before. It was found in a log, not reported (`attempt`), and
    /// counted already, as this one's.
    ///
    /// `None` if it changes nothing: bans do not grow here, or the line is one that was read before.
    pub fn know(&mut self, id: &Id, time: WallTime, record: Record, now: WallTime) -> Option<Bad> {
        self.spec.increment.as_ref()?;
        let maxretry = self.spec.maxretry.get();
        let weight = Weight::after(record.count, maxretry);
        if record.count == 0 || time <= record.time || weight.failures <= 1 {
            return None;
        }
        let retry = self.attempts.weigh(id, weight.failures - 1, record.count);
        let step = match retry {
            Some(retry) if retry >= maxretry => self.condemn(id, now),
            _ => None,
        };
        Some(Bad { count: record.count, weight, is_enough: weight.failures >= maxretry, step })
    }

    /// Makes a ban longer that just began, as its offender was banned before. `random` is from 0 up to 1.
    ///
    /// `None` if it stays as it is: bans do not grow here, it is for ever, or somebody said how long it lasts.
    ///
    /// # Errors
    /// Where the formula has no value; then the ban stays as it is.
    pub fn grow(
        &mut self,
        id: &Id,
        record: Record,
        random: f64,
    ) -> Result<Option<Grown>, Incalculable> {
        let (Some(increment), Some(from)) = (&self.spec.increment, self.spec.bantime) else {
            return Ok(None);
        };
        let Some((mut ban, length)) = self.bans.get(id) else { return Ok(None) };
        let may_grow = length == Length::OfJail && ban.origin != Origin::Restored;
        if !may_grow || record.count == 0 || from.is_zero() {
            return Ok(None);
        }
        let to = increment.length(from, record.count, random)?;
        let (end, grown_end) = (ban.since.saturating_add(from), ban.since.saturating_add(to));
        // Who went on failing has a later end already, and keeps it.
        if ban.until == Some(end) || ban.until.is_some_and(|until| until < grown_end) {
            ban.until = Some(grown_end);
        }
        ban.bancount = ban.bancount.max(record.count.saturating_add(1));
        let standing = if ban.since > record.time { Standing::New } else { Standing::Replayed };
        if standing == Standing::Replayed {
            ban.origin = Origin::Restored;
        }
        self.bans.change(&ban);
        Ok(Some(Grown { ban, before: record, from, to, standing }))
    }
}
