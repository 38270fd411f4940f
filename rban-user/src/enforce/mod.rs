//! Bans → effects on this host. The map first: a ban is in the kernel before anything slower hears of it.
//!
//! The [`Enforcer`] owns every live ban; the maps are a cache of what it knows.

mod claim;
mod ledger;
mod moments;
pub mod xdp;

pub use claim::{Claim, Party};
pub use ledger::Composed;
use ledger::{Added, Ledger};
pub use moments::Moments;
use xdp::{Bans, Event, Pins, Request, Standing, XdpError};

use crate::addr::Offender;
use crate::clock::{Now, WallTime};
use crate::event::Origin;

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
        let (mut bans, records) = Bans::open_and_read(pins)?;
        let (mut ledger, mut ended) = (Ledger::default(), Vec::new());
        for record in records {
            if record.until.is_some_and(|until| until <= now.mono) {
                ended.push(record.offender);
                continue;
            }
            let claim = Claim {
                offender: record.offender,
                party: Party::Unknown,
                since: now.wall,
                until: record.until.map(|until| now.to_wall(until)),
                scope: record.scope,
                origin: Origin::Restored,
            };
            ledger.add(claim, &mut Vec::new());
        }
        // From now on the maps hold what the ledger does, and nothing else.
        bans.unban(&ended)?;
        Ok(Self { bans, ledger })
    }

    /// So many claims will come.
    pub fn expect(&mut self, claims: usize) {
        self.ledger.reserve(claims);
    }

    /// Puts claims into effect, all or none.
    ///
    /// # Errors
    /// Where the kernel has no room or refuses.
    pub fn claim(
        &mut self,
        claims: impl IntoIterator<Item = Claim>,
        now: Now,
    ) -> Result<(), XdpError> {
        let mut done = Vec::new();
        for claim in claims {
            self.ledger.add(claim, &mut done);
        }
        let new = |added: &Added| match added {
            Added::New { offender, slot, .. } => Some((*offender, *slot)),
            Added::Gone(_) => None,
        };
        let offenders: Vec<Offender> = done.iter().filter_map(new).map(|(it, _)| it).collect();
        let is_first = |added: &Added| matches!(added, Added::New { others: 0, .. });
        let enforced = match done.iter().all(is_first) {
            true => self.enforce_first(&offenders, now),
            false => self.enforce(&offenders, now),
        };
        if let Err(error) = enforced {
            self.ledger.undo(done);
            return Err(error);
        }
        let enforced = Now::read().mono;
        for (_, slot) in done.iter().filter_map(new) {
            self.ledger.enforced(slot, enforced);
        }
        Ok(())
    }

    /// Withdraws one party's claim; the ban ends if nobody else has one.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn withdraw(
        &mut self,
        party: &Party,
        offender: Offender,
        now: Now,
    ) -> Result<(), XdpError> {
        self.ledger.withdraw(party, offender);
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
            self.ledger.dropped(event.offender, event.at);
        }
    }

    /// The claims on an offender, and what the kernel did about them.
    pub fn claims(&self, offender: Offender) -> impl Iterator<Item = (Claim, Moments)> {
        self.ledger.claims(offender)
    }

    /// Whom every claim is on, and who has it.
    pub fn parties(&self) -> impl Iterator<Item = (Offender, &Party)> {
        self.ledger.parties()
    }

    /// Makes the kernel have what the ledger says of these.
    fn enforce(&mut self, offenders: &[Offender], now: Now) -> Result<(), XdpError> {
        let (mut requests, mut unwanted) = (Vec::with_capacity(offenders.len()), Vec::new());
        for offender in offenders {
            match self.request(*offender, now) {
                Some(request) => requests.push(request),
                None => unwanted.push(*offender),
            }
        }
        self.put(&requests, now)?;
        if unwanted.is_empty() {
            return Ok(());
        }
        // A prefix that stands in the map in parts is lifted with all within it, of which others may want some.
        let lifted = self.bans.unban(&unwanted)?;
        let collateral: Vec<Request> =
            lifted.into_iter().filter_map(|it| self.request(it, now)).collect();
        self.put(&collateral, now)
    }

    /// The same for those on whom there was no claim.
    fn enforce_first(&mut self, offenders: &[Offender], now: Now) -> Result<(), XdpError> {
        let requests: Vec<Request> =
            offenders.iter().filter_map(|offender| self.request(*offender, now)).collect();
        match requests.is_empty() {
            true => Ok(()),
            false => self.bans.ban(&requests, Standing::None, now.mono),
        }
    }

    /// What the kernel is to have; `None` = nobody wants this one out.
    fn request(&self, offender: Offender, now: Now) -> Option<Request> {
        let (until, scope) = self.ledger.composed(offender)?;
        Some(Request { offender, until: until.map(|until| now.to_mono(until)), scope })
    }

    fn put(&mut self, requests: &[Request], now: Now) -> Result<(), XdpError> {
        match requests {
            [] => Ok(()),
            _ => self.bans.ban(requests, Standing::Replace, now.mono),
        }
    }
}
