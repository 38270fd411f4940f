//! Who wants which offender out, and until when.
//!
//! Several jails, and an admin besides, may ban the same offender; the kernel has one entry for it. The entry is
//! composed here, of all claims that stand: the union of their scopes, the latest of their ends. Does no I/O.
//!
//! There may be a million claims: one takes some 50 bytes.

mod ends;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};

use ends::Ends;
use hashbrown::HashTable;

use super::claim::{Claim, Party};
use super::moments::{Latest, Moments};
use crate::addr::Offender;
use crate::clock::{MonoTime, WallTime};
use crate::event::Origin;
use crate::scope::Scope;

/// All claims that stand.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    /// The slots of each offender.
    by_offender: HashTable<u32>,
    hasher: RandomState,
    terms: Vec<Terms>,
    /// The ends of claims of those who do not tell.
    ends: Ends,
    latest: Latest,
}

/// What is kept of a claim.
#[derive(Debug)]
struct Slot {
    offender: Offender,
    terms: u32,
    since: WallTime,
    /// `i64::MAX` = never.
    until: WallTime,
}

/// What many claims have in common.
#[derive(Debug)]
struct Terms {
    party: Party,
    scope: Scope,
    claims: usize,
}

/// The end of what never ends.
const NEVER: WallTime = WallTime::from_micros(i64::MAX);

/// What the kernel is to have for an offender: until when (`None` = for ever), and which packets.
pub type Composed = (Option<WallTime>, Scope);

/// What [`Ledger::add`] did, so that it can be undone.
#[derive(Debug)]
pub(super) enum Added {
    /// This claim stands no more.
    Gone(Claim),
    /// This one does, beside so many others.
    New { offender: Offender, slot: u32, others: usize },
}

impl Slot {
    fn end(&self) -> Option<WallTime> {
        (self.until != NEVER).then_some(self.until)
    }
}

impl Ledger {
    /// Makes room for so many more at once, instead of bit by bit.
    pub(super) fn reserve(&mut self, claims: usize) {
        // After a restart that left the maps as they were, most take the place of what is there.
        let found = self.terms.iter().filter(|terms| terms.party == Party::Unknown);
        let claims = claims.saturating_sub(found.map(|terms| terms.claims).sum());
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_offender.reserve(claims, |slot| hasher.hash_one(at(slots, *slot).offender));
        self.slots.reserve(claims);
    }

    /// Adds a claim. It takes the place of an earlier one of the same party, and, where it is in force again after a
    /// restart, of the one that the maps had meanwhile.
    pub(super) fn add(&mut self, claim: Claim, done: &mut Vec<Added>) {
        let offender = claim.offender;
        let standing = self.slots_of(offender);
        let others = standing.len();
        for slot in standing {
            let earlier = self.claim(slot);
            let is_replaced = match earlier.party {
                Party::Unknown if claim.origin == Origin::Restored => claim.outlasts(earlier.until),
                _ => earlier.party == claim.party,
            };
            if is_replaced {
                self.take(slot);
                done.push(Added::Gone(earlier));
            }
        }
        let slot = self.occupy(claim);
        done.push(Added::New { offender, slot, others });
    }

    /// Has everything be as before these were done.
    pub(super) fn undo(&mut self, done: Vec<Added>) {
        for added in done.into_iter().rev() {
            match added {
                Added::Gone(claim) => drop(self.occupy(claim)),
                // Slots are freed and taken in turn, the last freed first: it is in this one again.
                Added::New { slot, .. } => self.take(slot),
            }
        }
    }

    /// Withdraws one party's claim.
    pub(super) fn withdraw(&mut self, party: &Party, offender: Offender) {
        for slot in self.slots_of(offender) {
            if self.terms_of(slot).party == *party {
                self.take(slot);
            }
        }
    }

    /// Withdraws every claim on this offender, or, of a prefix without claims of its own, on all within it.
    pub(super) fn withdraw_all(&mut self, offender: Offender) -> Vec<Offender> {
        let own = self.slots_of(offender);
        if !own.is_empty() {
            own.into_iter().for_each(|slot| self.take(slot));
            return vec![offender];
        }
        if offender.as_addr().is_some() {
            return Vec::new();
        }
        let net = offender.as_net();
        let mut within: Vec<Offender> =
            self.offenders().filter(|it| net.contains(&it.as_net())).collect();
        within.sort_unstable();
        within.dedup();
        for offender in &within {
            self.slots_of(*offender).into_iter().for_each(|slot| self.take(slot));
        }
        within
    }

    /// Withdraws everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Withdraws the claims that have ended, but for those of jails, and tells on whom there were such.
    pub(super) fn expire(&mut self, now: WallTime) -> Vec<Offender> {
        let mut touched = Vec::new();
        while let Some((until, slot)) = self.ends.first()
            && until <= now
        {
            self.ends.pop();
            if let Some(kept) = self.slots[slot as usize].as_ref().filter(|it| it.until == until) {
                touched.push(kept.offender);
                self.take(slot);
            }
        }
        touched
    }

    /// When [`expire`](Self::expire) has something to do.
    #[must_use]
    pub(super) fn next_end(&self) -> Option<WallTime> {
        self.ends.first().map(|(until, _)| until)
    }

    /// What all claims on an offender come to; `None` = nobody wants it out.
    #[must_use]
    pub(super) fn composed(&self, offender: Offender) -> Option<Composed> {
        let of = |slot: u32| (self.at(slot).end(), &self.terms_of(slot).scope);
        let mut claims = self.find(offender).map(of);
        let (until, scope) = claims.next()?;
        let widen = |(until, scope): Composed, (other, wider): (Option<WallTime>, &Scope)| {
            (until.zip(other).map(|(a, b)| a.max(b)), scope.union(wider))
        };
        Some(claims.fold((until, scope.clone()), widen))
    }

    /// The claims on an offender, and what the kernel did about them.
    pub(super) fn claims(&self, offender: Offender) -> impl Iterator<Item = (Claim, Moments)> {
        self.find(offender).map(|slot| (self.claim(slot), self.latest.of(slot)))
    }

    /// Whom every claim is on, and who has it.
    pub(super) fn parties(&self) -> impl Iterator<Item = (Offender, &Party)> {
        let party = |slot: &Slot| &self.terms[slot.terms as usize].party;
        self.slots.iter().flatten().map(move |slot| (slot.offender, party(slot)))
    }

    /// All who are to be kept out, some more than once.
    pub(super) fn offenders(&self) -> impl Iterator<Item = Offender> {
        self.slots.iter().flatten().map(|slot| slot.offender)
    }

    /// The kernel has this claim now.
    pub(super) fn enforced(&mut self, slot: u32, at: MonoTime) {
        self.latest.enforced(slot, at);
    }

    /// The kernel dropped an offender's first packet.
    pub(super) fn dropped(&mut self, offender: Offender, at: MonoTime) {
        for slot in self.slots_of(offender) {
            self.latest.dropped(slot, at);
        }
    }

    fn occupy(&mut self, claim: Claim) -> u32 {
        let tells = matches!(claim.party, Party::Jail(_));
        let kept = Slot {
            offender: claim.offender,
            terms: self.agree(claim.party, claim.scope),
            since: claim.since,
            until: claim.until.unwrap_or(NEVER),
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                (self.slots.len() - 1) as u32
            }
        };
        if !tells && kept.until != NEVER {
            self.ends.push(kept.until, slot);
        }
        let hash = self.hasher.hash_one(kept.offender);
        self.slots[slot as usize] = Some(kept);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_offender
            .insert_unique(hash, slot, |slot| hasher.hash_one(at(slots, *slot).offender));
        slot
    }

    fn take(&mut self, slot: u32) {
        let Some(kept) = self.slots[slot as usize].take() else { return };
        self.free.push(slot);
        let hash = self.hasher.hash_one(kept.offender);
        if let Ok(entry) = self.by_offender.find_entry(hash, |it| *it == slot) {
            entry.remove();
        }
        self.latest.forget(slot);
        let terms = &mut self.terms[kept.terms as usize];
        terms.claims -= 1;
        if !matches!(terms.party, Party::Jail(_)) && kept.until != NEVER {
            let slots = &self.slots;
            self.ends.left(|until, slot| {
                slots[slot as usize].as_ref().is_some_and(|it| it.until == until)
            });
        }
    }

    /// The number of these terms. There are as many as jails, and scopes that an admin used.
    fn agree(&mut self, party: Party, scope: Scope) -> u32 {
        let same = |terms: &Terms| terms.party == party && terms.scope == scope;
        let known = self.terms.iter().position(same);
        let index = known.or_else(|| self.terms.iter().position(|terms| terms.claims == 0));
        let index = index.unwrap_or(self.terms.len());
        match self.terms.get_mut(index) {
            Some(terms) if known.is_some() => terms.claims += 1,
            Some(terms) => *terms = Terms { party, scope, claims: 1 },
            None => self.terms.push(Terms { party, scope, claims: 1 }),
        }
        index as u32
    }

    fn claim(&self, slot: u32) -> Claim {
        let (kept, terms) = (self.at(slot), self.terms_of(slot));
        Claim {
            offender: kept.offender,
            party: terms.party.clone(),
            since: kept.since,
            until: kept.end(),
            scope: terms.scope.clone(),
            origin: Origin::Found,
        }
    }

    fn find(&self, offender: Offender) -> impl Iterator<Item = u32> {
        let same = move |slot: &&u32| self.at(**slot).offender == offender;
        self.by_offender.iter_hash(self.hasher.hash_one(offender)).filter(same).copied()
    }

    fn slots_of(&self, offender: Offender) -> Vec<u32> {
        self.find(offender).collect()
    }

    fn at(&self, slot: u32) -> &Slot {
        at(&self.slots, slot)
    }

    fn terms_of(&self, slot: u32) -> &Terms {
        &self.terms[self.at(slot).terms as usize]
    }
}

fn at(slots: &[Option<Slot>], slot: u32) -> &Slot {
    slots[slot as usize].as_ref().expect("indices name slots that are taken")
}
