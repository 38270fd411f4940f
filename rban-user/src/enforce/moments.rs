//! When the kernel had a claim, and when it dropped the first packet: of the latest claims only, which is whom people
//! ask about.

use std::collections::{HashMap, VecDeque};

use crate::clock::MonoTime;

/// Of so many claims.
const KEPT_MAX: usize = 16_384;

/// What the kernel did about a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// When it had it; `None` = before us, not yet, or too many claims ago.
    pub enforced: Option<MonoTime>,
    /// When it dropped the first packet after that.
    pub first_drop: Option<MonoTime>,
}

/// The moments of the latest claims, by the ledger's slots.
#[derive(Debug, Default)]
pub(super) struct Latest {
    by_slot: HashMap<u32, (u64, Moments)>,
    /// The oldest first; of slots that were freed meanwhile, too.
    order: VecDeque<(u64, u32)>,
    next: u64,
}

impl Latest {
    /// The kernel has this claim now.
    pub(super) fn enforced(&mut self, slot: u32, at: MonoTime) {
        let moments = Moments { enforced: Some(at), first_drop: None };
        self.by_slot.insert(slot, (self.next, moments));
        self.order.push_back((self.next, slot));
        self.next += 1;
        if self.order.len() > KEPT_MAX
            && let Some((number, slot)) = self.order.pop_front()
            && self.by_slot.get(&slot).is_some_and(|(it, _)| *it == number)
        {
            self.by_slot.remove(&slot);
        }
    }

    /// The kernel dropped its first packet.
    pub(super) fn dropped(&mut self, slot: u32, at: MonoTime) {
        if let Some((_, moments)) = self.by_slot.get_mut(&slot) {
            moments.first_drop = Some(moments.first_drop.map_or(at, |earlier| earlier.min(at)));
        }
    }

    /// The slot is free.
    pub(super) fn forget(&mut self, slot: u32) {
        self.by_slot.remove(&slot);
    }

    /// What is known.
    pub(super) fn of(&self, slot: u32) -> Moments {
        self.by_slot.get(&slot).map(|(_, moments)| *moments).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> MonoTime {
        MonoTime::from_nanos(nanos)
    }

    #[test]
    fn the_first_drop_is_the_earliest() {
        let mut latest = Latest::default();
        latest.enforced(3, at(10));
        latest.dropped(3, at(30));
        latest.dropped(3, at(20));
        assert_eq!(latest.of(3), Moments { enforced: Some(at(10)), first_drop: Some(at(20)) });
        latest.forget(3);
        latest.dropped(3, at(40));
        assert_eq!(latest.of(3), Moments::default());
    }

    #[test]
    fn only_the_latest_are_kept() {
        let mut latest = Latest::default();
        let count = KEPT_MAX as u32 + 10;
        latest.enforced(5, at(1));
        latest.forget(5);
        (0..count).for_each(|slot| latest.enforced(slot, at(2)));
        assert_eq!(latest.of(9), Moments::default());
        assert_eq!(latest.of(10).enforced, Some(at(2)));
        assert_eq!((latest.by_slot.len(), latest.order.len()), (KEPT_MAX, KEPT_MAX));
    }
}
