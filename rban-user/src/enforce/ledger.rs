//! Who wants which offender out, and until when.
//!
//! Several jails, and an admin besides, may ban the same offender; the kernel has one entry for it. The entry is
//! composed here, of all claims that stand: the union of their scopes, the latest of their ends. Does no I/O.

use std::collections::{BTreeSet, HashMap};

use crate::addr::Offender;
use crate::clock::{MonoTime, WallTime};
use crate::event::{Ban, JailName};
use crate::scope::Scope;

/// One party's wish to keep an offender out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whose packets it is about.
    pub offender: Offender,
    /// Who wants it, until when, and why.
    pub ban: Ban,
    /// Which packets it is about.
    pub scope: Scope,
    /// When the kernel had it; `None` = it had it before us, or has it not yet.
    pub enforced: Option<MonoTime>,
    /// When the first packet was dropped after that.
    pub first_drop: Option<MonoTime>,
}

impl Claim {
    /// A claim that the kernel has not heard of; `None` where the ban is of no address, of which it could not hear.
    #[must_use]
    pub fn new(ban: Ban, scope: Scope) -> Option<Self> {
        Some(Self { offender: ban.id.net()?, ban, scope, enforced: None, first_drop: None })
    }
}

/// All claims that stand.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    claims: HashMap<Offender, Vec<Claim>>,
    /// The ends of all claims that end.
    ends: BTreeSet<(WallTime, Offender)>,
}

/// What the kernel is to have for an offender: until when (`None` = for ever), and which packets.
pub type Composed = (Option<WallTime>, Scope);

impl Ledger {
    /// Adds a claim; it takes the place of an earlier one of the same party.
    pub(super) fn add(&mut self, claim: Claim) {
        let offender = claim.offender;
        self.ends.extend(claim.ban.until.map(|until| (until, offender)));
        let claims = self.claims.entry(offender).or_default();
        claims.retain(|other| other.ban.jail != claim.ban.jail);
        claims.push(claim);
    }

    /// Withdraws one party's claim.
    pub(super) fn withdraw(&mut self, jail: Option<&JailName>, offender: Offender) {
        self.retain(offender, |claim| claim.ban.jail.as_ref() != jail);
    }

    /// Withdraws every claim on this offender, or, of a prefix without claims of its own, on all within it.
    pub(super) fn withdraw_all(&mut self, offender: Offender) -> Vec<Offender> {
        if self.claims.remove(&offender).is_some() {
            return vec![offender];
        }
        if offender.as_addr().is_some() {
            return Vec::new();
        }
        let net = offender.as_net();
        let within: Vec<Offender> =
            self.claims.keys().filter(|it| net.contains(&it.as_net())).copied().collect();
        for offender in &within {
            self.claims.remove(offender);
        }
        within
    }

    /// Withdraws everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Withdraws the claims that have ended, and tells on whom there were such.
    pub(super) fn expire(&mut self, now: WallTime) -> Vec<Offender> {
        let mut touched = Vec::new();
        while let Some((until, offender)) = self.ends.first().copied()
            && until <= now
        {
            self.ends.pop_first();
            self.retain(offender, |claim| claim.ban.until.is_none_or(|until| until > now));
            touched.push(offender);
        }
        touched
    }

    /// When [`expire`](Self::expire) has something to do.
    #[must_use]
    pub(super) fn next_end(&self) -> Option<WallTime> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// What all claims on an offender come to; `None` = nobody wants it out.
    #[must_use]
    pub(super) fn composed(&self, offender: Offender) -> Option<Composed> {
        let claims = self.claims.get(&offender)?;
        claims.iter().map(|claim| (claim.ban.until, claim.scope.clone())).reduce(
            |(until, scope), (other, wider)| {
                (until.zip(other).map(|(a, b)| a.max(b)), scope.union(&wider))
            },
        )
    }

    /// The claims on an offender.
    #[must_use]
    pub(super) fn claims(&self, offender: Offender) -> &[Claim] {
        self.claims.get(&offender).map_or(&[], Vec::as_slice)
    }

    /// The claims on an offender, to note in them what the kernel did.
    pub(super) fn claims_mut(&mut self, offender: Offender) -> &mut [Claim] {
        self.claims.get_mut(&offender).map_or(&mut [], Vec::as_mut_slice)
    }

    /// All who are to be kept out.
    pub(super) fn offenders(&self) -> impl Iterator<Item = Offender> {
        self.claims.keys().copied()
    }

    fn retain(&mut self, offender: Offender, keep: impl Fn(&Claim) -> bool) {
        if let Some(claims) = self.claims.get_mut(&offender) {
            claims.retain(keep);
            if claims.is_empty() {
                self.claims.remove(&offender);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offender() -> Offender {
        "192.0.2.7".parse().unwrap()
    }

    fn claim(jail: Option<&str>, until: Option<i64>, scope: &str) -> Claim {
        let (since, until) = (WallTime::from_secs(0), until.map(WallTime::from_secs));
        let ban = Ban::by_hand(jail.map(Into::into), offender().into(), since, until);
        Claim::new(ban, scope.parse().unwrap()).unwrap()
    }

    #[track_caller]
    fn check(ledger: &Ledger, expected: Option<(Option<i64>, &str)>) {
        let expected =
            expected.map(|(until, scope)| (until.map(WallTime::from_secs), scope.parse().unwrap()));
        assert_eq!(ledger.composed(offender()), expected);
    }

    #[test]
    fn claims_add_up_and_fall_away_one_by_one() {
        let mut ledger = Ledger::default();
        ledger.add(claim(Some("sshd"), Some(100), "tcp/22"));
        ledger.add(claim(Some("nginx"), Some(50), "tcp/80"));
        check(&ledger, Some((Some(100), "tcp/22,80")));
        assert_eq!(ledger.next_end(), Some(WallTime::from_secs(50)));
        assert_eq!(ledger.expire(WallTime::from_secs(50)), [offender()]);
        check(&ledger, Some((Some(100), "tcp/22")));
        assert_eq!(ledger.expire(WallTime::from_secs(100)), [offender()]);
        check(&ledger, None);
        assert_eq!(ledger.next_end(), None);
    }

    #[test]
    fn a_permanent_claim_outlasts_all_others() {
        let mut ledger = Ledger::default();
        ledger.add(claim(None, None, "all"));
        ledger.add(claim(Some("sshd"), Some(100), "tcp/22"));
        check(&ledger, Some((None, "all")));
        ledger.expire(WallTime::from_secs(1_000));
        check(&ledger, Some((None, "all")));
    }

    #[test]
    fn a_ban_of_no_address_is_not_for_the_kernel() {
        let ban = Ban::by_hand(None, "root".into(), WallTime::from_secs(0), None);
        assert!(Claim::new(ban, "all".parse().unwrap()).is_none());
    }

    #[test]
    fn a_party_has_one_claim() {
        let mut ledger = Ledger::default();
        ledger.add(claim(Some("sshd"), Some(100), "all"));
        ledger.add(claim(Some("sshd"), Some(200), "all"));
        ledger.expire(WallTime::from_secs(100));
        check(&ledger, Some((Some(200), "all")));
        ledger.withdraw(Some(&"sshd".into()), offender());
        check(&ledger, None);
    }

    #[test]
    fn a_prefix_withdraws_all_within_it() {
        let mut ledger = Ledger::default();
        ledger.add(claim(Some("sshd"), Some(100), "all"));
        assert_eq!(ledger.withdraw_all("198.51.100.0/24".parse().unwrap()), []);
        assert_eq!(ledger.withdraw_all("192.0.2.0/24".parse().unwrap()), [offender()]);
        check(&ledger, None);
    }
}
