//! What was found out a short while ago.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::time::Duration;

use crate::clock::MonoTime;

/// Values that are good for a while, so many at most: the oldest makes room.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    max_count: NonZeroUsize,
    good: Duration,
    values: HashMap<K, (V, MonoTime)>,
    /// Their keys and ends, the oldest first. One that was put in anew stands here twice.
    by_age: VecDeque<(K, MonoTime)>,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn new(max_count: NonZeroUsize, good: Duration) -> Self {
        Self { max_count, good, values: HashMap::new(), by_age: VecDeque::new() }
    }

    /// The value, if there is one and it is still good.
    pub(crate) fn find(&mut self, key: &K, now: MonoTime) -> Option<&mut V> {
        self.values.get_mut(key).filter(|(_, end)| now < *end).map(|(value, _)| value)
    }

    /// Puts a value in, in place of any other of that key.
    pub(crate) fn put(&mut self, key: K, value: V, now: MonoTime) {
        let end = now.saturating_add(self.good);
        self.by_age.push_back((key.clone(), end));
        self.values.insert(key, (value, end));
        while let Some((key, end)) = self.by_age.front()
            && (*end <= now || self.by_age.len() > self.max_count.get())
        {
            if self.values.get(key).is_some_and(|(_, latest)| latest == end) {
                self.values.remove(key);
            }
            self.by_age.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> MonoTime {
        MonoTime::from_nanos(secs * 1_000_000_000)
    }

    /// Room for two, good for ten seconds; these are put in at these seconds. Which are found at 10?
    #[track_caller]
    fn check(put: &[(u64, &'static str)], found: &[&str]) {
        let mut recent = Recent::new(NonZeroUsize::new(2).unwrap(), Duration::from_secs(10));
        for (secs, key) in put {
            recent.put(*key, *secs, at(*secs));
        }
        let mut keys: Vec<&str> = put.iter().map(|(_, key)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| recent.find(key, at(10)).is_some());
        assert_eq!(keys, found);
        assert!(recent.values.len() <= 2 && recent.by_age.len() <= 2);
    }

    #[test]
    fn a_value_is_good_for_so_long() {
        check(&[(0, "a")], &[]);
        check(&[(1, "a")], &["a"]);
        check(&[(0, "a"), (1, "a")], &["a"]);
    }

    #[test]
    fn the_oldest_makes_room() {
        check(&[(1, "a"), (2, "b"), (3, "c")], &["b", "c"]);
        check(&[(1, "a"), (2, "b"), (3, "a"), (4, "c")], &["a", "c"]);
        check(&[(1, "a"), (2, "a"), (3, "a")], &["a"]);
    }
}
