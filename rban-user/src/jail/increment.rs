//! How long the next ban of a known offender lasts, and how few failures lead to it (spec, jail 5).

use std::time::Duration;

use super::formula::{Incalculable, Known};
use super::policy::Increment;

/// More earlier bans than these change nothing.
const COUNT_MAX: u32 = 20;

impl Increment {
    /// How long a ban lasts that without growth lasts `bantime`, after so many earlier ones. `random` is from 0 up to,
    /// but not including, 1.
    pub(super) fn length(
        &self,
        bantime: Duration,
        count: u32,
        random: f64,
    ) -> Result<Duration, Incalculable> {
        let base_secs = bantime.as_secs_f64();
        let mut secs = self.secs(base_secs, count)?;
        if let Some(maxtime) = self.maxtime {
            secs = secs.min(maxtime.as_secs_f64());
        }
        if let Some(rndtime) = self.rndtime {
            secs += random * rndtime.as_secs_f64();
        }
        let secs = secs.max(0.0);
        Ok(Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX))
    }

    fn secs(&self, base_secs: f64, count: u32) -> Result<f64, Incalculable> {
        let multiplier = self.multipliers.get(count as usize).or(self.multipliers.last());
        if let Some(multiplier) = multiplier {
            return Ok(base_secs * self.factor * multiplier);
        }
        let secs = match &self.formula {
            Some(formula) => {
                formula.seconds(&Known { time_secs: base_secs, count, factor: self.factor })?
            }
            None => base_secs * f64::from(1 << count.min(COUNT_MAX)) * self.factor,
        };
        Ok(secs.max(base_secs))
    }
}

/// What one failure of somebody who was banned so often counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// So many failures.
    pub failures: u32,
    /// Whether these are all that the jail forgives, and fewer than the earlier bans would make of it.
    pub is_capped: bool,
}

impl Weight {
    pub(super) fn after(bans: u32, maxretry: u32) -> Self {
        let failures = (1 << bans.min(COUNT_MAX)) / 2 + 1;
        Self { failures: failures.min(maxretry), is_capped: failures > maxretry }
    }
}

impl std::fmt::Display for Weight {
    /// As fail2ban's log has it: `3.0`, or plain where it is capped.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.failures, if self.is_capped { "" } else { ".0" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn increment() -> Increment {
        Increment {
            factor: 1.0,
            formula: None,
            multipliers: Vec::new(),
            maxtime: None,
            rndtime: None,
            overalljails: false,
        }
    }

    /// With a bantime of 600 s and after so many bans: how many seconds does the next last?
    #[track_caller]
    fn check(increment: &Increment, lengths: &[(u32, u64)]) {
        for (count, secs) in lengths {
            let length = increment.length(Duration::from_secs(600), *count, 0.5);
            assert_eq!(length, Ok(Duration::from_secs(*secs)), "after {count}");
        }
    }

    #[test]
    fn the_lengths_are_those_of_the_specification() {
        let lengths = [(1, 1_200), (2, 2_400), (3, 4_800), (10, 614_400), (20, 629_145_600)];
        check(&increment(), &lengths);
        check(&increment(), &[(21, 629_145_600), (u32::MAX, 629_145_600)]);
        check(&Increment { factor: 0.5, ..increment() }, &[(1, 600), (2, 1_200), (3, 2_400)]);
        let multipliers = vec![1.0, 2.0, 4.0, 8.0];
        let lengths = [(1, 1_200), (2, 2_400), (3, 4_800), (10, 4_800), (20, 4_800)];
        check(&Increment { multipliers, ..increment() }, &lengths);
    }

    #[test]
    fn a_formula_never_makes_a_ban_shorter_but_multipliers_may() {
        let formula = Some("ban.Time / 2 if ban.Count < 3 else ban.Time * 7".parse().unwrap());
        check(&Increment { formula, ..increment() }, &[(1, 600), (3, 4_200)]);
        check(&Increment { multipliers: vec![0.5], ..increment() }, &[(1, 300)]);
        check(&Increment { multipliers: vec![-1.0], ..increment() }, &[(1, 0)]);
    }

    #[test]
    fn the_random_part_goes_beyond_the_longest() {
        let (maxtime, rndtime) = (Some(Duration::from_secs(1_000)), Some(Duration::from_secs(60)));
        check(&Increment { maxtime, rndtime, ..increment() }, &[(1, 1_030), (9, 1_030)]);
    }

    #[test]
    fn what_cannot_be_calculated_is_told() {
        let formula = Some("1 / (ban.Count - 1)".parse().unwrap());
        let increment = Increment { formula, ..increment() };
        let length = increment.length(Duration::from_secs(600), 1, 0.0);
        assert_eq!(length, Err(Incalculable::ByZero));
    }

    #[test]
    fn failures_of_known_offenders_weigh_more() {
        let shown = |bans, maxretry| Weight::after(bans, maxretry).to_string();
        assert_eq!(
            [shown(1, 5), shown(2, 5), shown(3, 5), shown(4, 5)],
            ["2.0", "3.0", "5.0", "5"]
        );
        assert_eq!([shown(1, 1), shown(u32::MAX, u32::MAX)], ["1", "524289.0"]);
    }
}
