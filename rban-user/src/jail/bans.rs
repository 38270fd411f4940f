//! Who is banned, in order of expiry.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use crate::clock::WallTime;
use crate::event::{Ban, Id};

/// The bans of one jail that are in force, at most one for each offender.
#[derive(Debug, Default)]
pub(super) struct Bans {
    by_id: HashMap<Id, Ban>,
    /// Those that end, the soonest first.
    by_end: BTreeSet<(WallTime, Id)>,
    total: u64,
}

impl Bans {
    /// Puts a ban in force, or lets one in force end later; returns it as it then is, `None` if nothing changed.
    ///
    /// A ban in force keeps its beginning, attempts and lines (spec, jail 4).
    pub(super) fn add(&mut self, ban: Ban) -> Option<&Ban> {
        let (id, until) = (ban.id.clone(), ban.until);
        let present = match self.by_id.entry(id.clone()) {
            Entry::Vacant(vacant) => {
                self.total += 1;
                vacant.insert(ban)
            }
            Entry::Occupied(occupied) => {
                let present = occupied.into_mut();
                let end = present.until?;
                if until.is_some_and(|until| until <= end) {
                    return None;
                }
                self.by_end.remove(&(end, id.clone()));
                present.until = until;
                present
            }
        };
        self.by_end.extend(until.map(|until| (until, id)));
        Some(present)
    }

    /// Ends a ban before its time.
    pub(super) fn remove(&mut self, id: &Id) -> Option<Ban> {
        let ban = self.by_id.remove(id)?;
        if let Some(until) = ban.until {
            self.by_end.remove(&(until, id.clone()));
        }
        Some(ban)
    }

    /// Ends the bans whose end has come, and returns them, the earliest first.
    pub(super) fn expire(&mut self, now: WallTime) -> Vec<Ban> {
        let mut ended = Vec::new();
        while self.by_end.first().is_some_and(|(until, _)| *until <= now) {
            let id = self.by_end.pop_first().map(|(_, id)| id);
            ended.extend(id.and_then(|id| self.by_id.remove(&id)));
        }
        ended
    }

    /// When the next ban ends.
    pub(super) fn next_expiry(&self) -> Option<WallTime> {
        self.by_end.first().map(|(until, _)| *until)
    }

    /// The bans in force, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ban> {
        self.by_id.values()
    }

    /// How many are in force.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many ever were.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(text: &str, since: i64, until: Option<i64>) -> Ban {
        let (since, until) = (WallTime::from_secs(since), until.map(WallTime::from_secs));
        Ban::by_hand(None, text.into(), since, until)
    }

    #[test]
    fn bans_end_in_order_and_at_their_time() {
        let mut bans = Bans::default();
        bans.add(ban("192.0.2.1", 0, Some(30)));
        bans.add(ban("192.0.2.2", 0, Some(10)));
        bans.add(ban("192.0.2.3", 0, None));
        assert_eq!(bans.next_expiry(), Some(WallTime::from_secs(10)));
        assert_eq!(bans.expire(WallTime::from_micros(9_999_999)), []);
        let ended = bans.expire(WallTime::from_secs(30));
        assert_eq!(ended, [ban("192.0.2.2", 0, Some(10)), ban("192.0.2.1", 0, Some(30))]);
        assert_eq!((bans.len(), bans.total(), bans.next_expiry()), (1, 3, None));
    }

    #[test]
    fn a_later_end_replaces_an_earlier_one_and_nothing_else() {
        let mut bans = Bans::default();
        bans.add(ban("192.0.2.1", 0, Some(30)));
        assert_eq!(bans.add(ban("192.0.2.1", 5, Some(20))), None);
        assert_eq!(bans.add(ban("192.0.2.1", 5, Some(30))), None);
        assert_eq!(bans.add(ban("192.0.2.1", 5, Some(40))), Some(&ban("192.0.2.1", 0, Some(40))));
        assert_eq!(bans.expire(WallTime::from_secs(39)), []);
        assert_eq!(bans.add(ban("192.0.2.1", 5, None)), Some(&ban("192.0.2.1", 0, None)));
        assert_eq!(bans.add(ban("192.0.2.1", 5, Some(50))), None, "for ever stays for ever");
        assert_eq!(bans.expire(WallTime::from_micros(i64::MAX)), []);
        assert_eq!((bans.len(), bans.total()), (1, 1));
    }

    #[test]
    fn a_removed_ban_does_not_expire() {
        let mut bans = Bans::default();
        bans.add(ban("192.0.2.1", 0, Some(30)));
        assert_eq!(bans.remove(&"192.0.2.1".into()), Some(ban("192.0.2.1", 0, Some(30))));
        assert_eq!(bans.remove(&"192.0.2.1".into()), None);
        assert_eq!(bans.expire(WallTime::from_secs(99)), []);
        assert_eq!(bans.next_expiry(), None);
    }
}
