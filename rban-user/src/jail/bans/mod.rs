//! Who is banned, and until when.
//!
//! A jail may hold a million bans: a ban takes about 90 bytes here, and is put together when somebody asks for it.
//! What led to it is kept of the latest bans only.

mod detail;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use detail::{Detail, Details};
use hashbrown::HashTable;
use ipnet::IpNet;
use queue::Queue;

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::{Ban, Id, JailName, Origin};

/// So many bans are in force at once. One more, and the one that would end first ends now; of those that never end, any.
pub(super) const BANS_MAX: usize = 4_194_304;

/// The end of what never ends.
const NEVER: WallTime = WallTime::from_micros(i64::MAX);

/// The bans of one jail that are in force, at most one for each offender.
#[derive(Debug)]
pub(super) struct Bans {
    jail: JailName,
    bans_max: usize,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    hasher: RandomState,
    by_end: Queue,
    /// Where failures came from, of those few whose id is something else.
    ips: HashMap<u32, Offender>,
    details: Details,
    /// The number of the next ban, by which they are told in order.
    next: u64,
}

/// How long a ban lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// As long as its jail bans; it may grow.
    OfJail,
    /// As long as somebody said.
    Given,
}

/// What is kept of every ban.
#[derive(Debug)]
struct Slot {
    id: Id,
    since: WallTime,
    number: u64,
    attempts: u32,
    bancount: u32,
    origin: Origin,
    length: Length,
}

/// What became of a ban that was to be put in force.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is in force.
    New,
    /// An earlier one of the same offender, as it now is, ends later than it did.
    Later(Ban),
    /// An earlier one of the same offender is in force for as long.
    Already(Ban),
}

impl Bans {
    pub(super) fn new(jail: JailName) -> Self {
        Self {
            jail,
            bans_max: BANS_MAX,
            slots: Vec::new(),
            free: Vec::new(),
            by_id: HashTable::new(),
            hasher: RandomState::new(),
            by_end: Queue::default(),
            ips: HashMap::new(),
            details: Details::default(),
            next: 0,
        }
    }

    /// Makes room for so many more at once, instead of bit by bit.
    pub(super) fn reserve(&mut self, bans: usize) {
        let bans = bans.min(self.bans_max);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_id.reserve(bans, |slot| hasher.hash_one(&at(slots, *slot).id));
        self.slots.reserve(bans);
        self.by_end.reserve(bans);
    }

    /// Puts a ban in force, or lets one in force end later.
    ///
    /// A ban in force keeps its beginning, attempts and lines (spec, jail 4).
    pub(super) fn add(&mut self, ban: &Ban, length: Length) -> Added {
        let until = ban.until.unwrap_or(NEVER);
        if let Some(slot) = self.find(&ban.id) {
            if until <= self.by_end.time(slot) {
                return Added::Already(self.ban(slot));
            }
            self.by_end.put_off(slot, until);
            return Added::Later(self.ban(slot));
        }
        let kept = Slot {
            id: ban.id.clone(),
            since: ban.since,
            number: self.next,
            attempts: ban.attempts,
            bancount: ban.bancount,
            origin: ban.origin,
            length,
        };
        let slot = self.occupy(kept);
        self.by_end.push(slot, until);
        self.ips.extend(ban.ip.map(|ip| (slot, ip)));
        self.details.keep(self.next, Detail::of(ban));
        self.next += 1;
        Added::New
    }

    fn occupy(&mut self, kept: Slot) -> u32 {
        let hash = self.hasher.hash_one(&kept.id);
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(kept);
                slot
            }
            None => {
                self.slots.push(Some(kept));
                (self.slots.len() - 1) as u32
            }
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.by_id.insert_unique(hash, slot, |slot| hasher.hash_one(&at(slots, *slot).id));
        slot
    }

    fn find(&self, id: &Id) -> Option<u32> {
        let same = |slot: &u32| at(&self.slots, *slot).id == *id;
        self.by_id.find(self.hasher.hash_one(id), same).copied()
    }

    fn ban(&self, slot: u32) -> Ban {
        let kept = at(&self.slots, slot);
        let until = self.by_end.time(slot);
        let detail = self.details.find(kept.number);
        Ban {
            jail: Some(self.jail.clone()),
            id: kept.id.clone(),
            ip: self.ips.get(&slot).copied(),
            since: kept.since,
            until: (until != NEVER).then_some(until),
            attempts: kept.attempts,
            matches: detail.map(|detail| detail.matches.clone()).unwrap_or_default(),
            captures: detail.map(|detail| detail.captures.clone()).unwrap_or_default(),
            bancount: kept.bancount,
            origin: kept.origin,
        }
    }

    fn take(&mut self, slot: u32) -> Ban {
        let ban = self.ban(slot);
        let same = |it: &u32| *it == slot;
        if let Ok(entry) = self.by_id.find_entry(self.hasher.hash_one(&ban.id), same) {
            entry.remove();
        }
        self.by_end.remove(slot);
        self.ips.remove(&slot);
        self.details.forget(at(&self.slots, slot).number);
        self.slots[slot as usize] = None;
        self.free.push(slot);
        ban
    }

    /// The ban of this offender, and whose word its length is.
    pub(super) fn get(&self, id: &Id) -> Option<(Ban, Length)> {
        let slot = self.find(id)?;
        Some((self.ban(slot), at(&self.slots, slot).length))
    }

    /// Gives a ban in force another end, count and origin, as this one has them.
    pub(super) fn change(&mut self, ban: &Ban) {
        let Some(slot) = self.find(&ban.id) else { return };
        self.by_end.put_off(slot, ban.until.unwrap_or(NEVER));
        if let Some(kept) = &mut self.slots[slot as usize] {
            (kept.bancount, kept.origin) = (ban.bancount, ban.origin);
        }
    }

    /// Ends a ban before its time.
    pub(super) fn remove(&mut self, id: &Id) -> Option<Ban> {
        let slot = self.find(id)?;
        Some(self.take(slot))
    }

    /// Ends the bans whose end is past, and those that there is no room for, and returns them, the earliest first.
    pub(super) fn expire(&mut self, now: WallTime) -> Vec<Ban> {
        let mut ended = Vec::new();
        while let Some((slot, until)) = self.by_end.first()
            && (until < now || self.len() > self.bans_max)
        {
            let number = at(&self.slots, slot).number;
            ended.push((until, number, self.take(slot)));
        }
        ended.sort_unstable_by_key(|(until, number, _)| (*until, *number));
        ended.into_iter().map(|(_, _, ban)| ban).collect()
    }

    /// From when [`expire`](Self::expire) has something to do.
    pub(super) fn next_expiry(&self) -> Option<WallTime> {
        if self.len() > self.bans_max {
            return Some(WallTime::from_micros(i64::MIN));
        }
        let (_, until) = self.by_end.first().filter(|(_, until)| *until != NEVER)?;
        Some(WallTime::from_micros(until.as_micros() + 1))
    }

    /// The bans in force, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Ban> {
        self.ids().filter_map(|id| Some(self.get(id)?.0))
    }

    /// Who is banned, in no order.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Id> {
        self.slots.iter().flatten().map(|slot| &slot.id)
    }

    /// The bans in force, in the order in which they began.
    pub(super) fn in_order(&self) -> Vec<Ban> {
        self.sorted(|slot| at(&self.slots, slot).number)
    }

    /// The bans in force, the one that ends first first; those that end together in the order in which they began.
    pub(super) fn by_end(&self) -> Vec<Ban> {
        self.sorted(|slot| (self.by_end.time(slot), at(&self.slots, slot).number))
    }

    fn sorted<K: Ord>(&self, key: impl Fn(u32) -> K) -> Vec<Ban> {
        let mut slots: Vec<u32> = self.by_id.iter().copied().collect();
        slots.sort_unstable_by_key(|slot| key(*slot));
        slots.into_iter().map(|slot| self.ban(slot)).collect()
    }

    /// Ends all bans within a prefix.
    pub(super) fn remove_within(&mut self, net: IpNet) -> Vec<Ban> {
        let is_within = |id: &Id| id.net().is_some_and(|it| net.contains(&it.as_net()));
        let within = self.by_id.iter().copied().filter(|it| is_within(&at(&self.slots, *it).id));
        let mut slots: Vec<u32> = within.collect();
        slots.sort_unstable_by_key(|slot| at(&self.slots, *slot).number);
        slots.into_iter().map(|slot| self.take(slot)).collect()
    }

    /// Ends all bans, and returns them in the order in which they began.
    pub(super) fn clear(&mut self) -> Vec<Ban> {
        let all = self.in_order();
        let next = self.next;
        *self = Self { next, ..Self::new(self.jail.clone()) };
        all
    }

    /// How many are in force.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many ever were.
    pub(super) fn total(&self) -> u64 {
        self.next
    }
}

fn at(slots: &[Option<Slot>], slot: u32) -> &Slot {
    slots[slot as usize].as_ref().expect("indices name slots that are taken")
}
