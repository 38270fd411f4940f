//! Bans → effects on this host. The map first: a ban is in the kernel before anything slower hears of it.
//!
//! The [`Enforcer`] owns every live ban; the maps are a cache of what it knows.

mod ledger;
pub mod xdp;

use ledger::Ledger;
pub use ledger::{Claim, Composed};
use xdp::{Bans, Event, Pins, Request, Standing, XdpError};

use crate::addr::Offender;
use crate::clock::{Now, WallTime};
use crate::event::{Ban, JailName, Origin};

/// Who is kept out, and the kernel that does it.
pub struct Enforcer {
    bans: Bans,
    ledger: Ledger,
}

impl Enforcer {
    /// Takes over what is pinned: bans that the kernel has are claims of nobody in particular.
    ///
    /// # Errors
    /// Where the pins are absent or not ours.
    pub fn open(pins: &Pins, now: Now) -> Result<Self, XdpError> {
        let bans = Bans::open(pins)?;
        let mut ledger = Ledger::default();
        for record in bans.all()? {
            if record.until.is_some_and(|until| until <= now.mono) {
                continue;
            }
            let until = record.until.map(|until| now.to_wall(until));
            let ban = Ban::by_hand(None, record.offender.into(), now.wall, until);
            if let Some(claim) = Claim::new(Ban { origin: Origin::Restored, ..ban }, record.scope) {
                ledger.add(claim);
            }
        }
        Ok(Self { bans, ledger })
    }

    /// Puts claims into effect, all or none.
    ///
    /// # Errors
    /// Where the kernel has no room or refuses.
    pub fn claim(&mut self, claims: Vec<Claim>, now: Now) -> Result<(), XdpError> {
        let offenders: Vec<Offender> = claims.iter().map(|claim| claim.offender).collect();
        let before: Vec<(Option<JailName>, Offender, Option<Claim>)> = claims
            .iter()
            .map(|claim| {
                let (jail, offender) = (&claim.ban.jail, claim.offender);
                let mut standing = self.ledger.claims(offender).iter();
                let earlier = standing.find(|other| other.ban.jail == *jail);
                (jail.clone(), offender, earlier.cloned())
            })
            .collect();
        for claim in claims {
            self.ledger.add(claim);
        }
        let enforced = self.enforce(&offenders, now);
        if enforced.is_err() {
            for (jail, offender, earlier) in before {
                self.ledger.withdraw(jail.as_ref(), offender);
                earlier.into_iter().for_each(|claim| self.ledger.add(claim));
            }
        }
        enforced
    }

    /// Withdraws one party's claim; the ban ends if nobody else has one.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn withdraw(
        &mut self,
        jail: Option<&JailName>,
        offender: Offender,
        now: Now,
    ) -> Result<(), XdpError> {
        self.ledger.withdraw(jail, offender);
        self.enforce(&[offender], now)
    }

    /// Lifts every ban of these; a prefix that is not itself banned lifts all within it. Tells which were lifted.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn lift(&mut self, offenders: &[Offender], now: Now) -> Result<Vec<Offender>, XdpError> {
        let (mut lifted, mut unknown) = (Vec::new(), Vec::new());
        for offender in offenders {
            match self.ledger.withdraw_all(*offender) {
                none if none.is_empty() => unknown.push(*offender),
                some => lifted.extend(some),
            }
        }
        self.enforce(&lifted, now)?;
        // What the maps hold of the others was put there behind our back; it goes as well.
        lifted.extend(self.bans.unban(&unknown)?);
        Ok(lifted)
    }

    /// Lifts every ban; tells which there were.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn lift_all(&mut self) -> Result<Vec<Offender>, XdpError> {
        self.ledger.clear();
        self.bans.clear()
    }

    /// Ends what has ended. The kernel has stopped dropping by itself; this frees its memory.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn expire(&mut self, now: Now) -> Result<(), XdpError> {
        let touched = self.ledger.expire(now.wall);
        self.enforce(&touched, now)
    }

    /// When [`expire`](Self::expire) has something to do.
    #[must_use]
    pub fn next_end(&self) -> Option<WallTime> {
        self.ledger.next_end()
    }

    /// Writes every ban anew: after the wall clock was set, or the machine slept, its end is another moment for the
    /// kernel.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn rebase(&mut self, now: Now) -> Result<(), XdpError> {
        let all: Vec<Offender> = self.ledger.offenders().collect();
        self.enforce(&all, now)
    }

    /// Notes the first drop of a ban.
    pub fn note(&mut self, event: &Event) {
        if event.dropped == 1 {
            for claim in self.ledger.claims_mut(event.offender) {
                let earlier = claim.first_drop.map_or(event.at, |at| at.min(event.at));
                claim.first_drop = Some(earlier);
            }
        }
    }

    /// The claims on an offender.
    #[must_use]
    pub fn claims(&self, offender: Offender) -> &[Claim] {
        self.ledger.claims(offender)
    }

    /// Every claim.
    pub fn all_claims(&self) -> impl Iterator<Item = &Claim> {
        self.ledger.offenders().flat_map(|offender| self.ledger.claims(offender))
    }

    /// Makes the kernel have what the ledger says of these.
    fn enforce(&mut self, offenders: &[Offender], now: Now) -> Result<(), XdpError> {
        let (wanted, unwanted): (Vec<Offender>, Vec<Offender>) =
            offenders.iter().partition(|offender| self.ledger.composed(**offender).is_some());
        self.put(&wanted, now)?;
        if unwanted.is_empty() {
            return Ok(());
        }
        // A prefix that stands in the map in parts is lifted with all within it, of which others may want some.
        let lifted = self.bans.unban(&unwanted)?;
        let collateral: Vec<Offender> =
            lifted.into_iter().filter(|it| self.ledger.composed(*it).is_some()).collect();
        self.put(&collateral, now)
    }

    fn put(&mut self, offenders: &[Offender], now: Now) -> Result<(), XdpError> {
        let request = |offender: &Offender| {
            let (until, scope) = self.ledger.composed(*offender)?;
            let until = until.map(|until| now.to_mono(until));
            Some(Request { offender: *offender, until, scope })
        };
        let requests: Vec<Request> = offenders.iter().filter_map(request).collect();
        if requests.is_empty() {
            return Ok(());
        }
        self.bans.ban(&requests, Standing::Replace, now.mono)?;
        let enforced = Now::read().mono;
        for offender in offenders {
            for claim in self.ledger.claims_mut(*offender) {
                claim.enforced.get_or_insert(enforced);
            }
        }
        Ok(())
    }
}
