//! How many of an offender's failures count now.
//!
//! Fail2ban's findtime is a rate, not a sliding window: past findtime, the count shrinks in proportion (spec, jail 2).
//! Jails are tuned to that, so we keep it. Knows nothing of bans.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::clock::WallTime;
use crate::event::{Id, Line};

/// So many offenders are counted at once. One more, and whoever failed longest ago is forgotten: a flood of sources
/// can so hide nobody who keeps failing.
pub(super) const OFFENDERS_MAX: usize = 65_536;

/// So much is kept of a remembered line; it is a copy, lest one line hold the buffer it was read into.
pub(super) const MATCH_MAX_BYTES: usize = 1_024;

/// Offenders who failed, but not yet often enough.
#[derive(Debug)]
pub(super) struct Attempts {
    findtime: Duration,
    maxmatches: usize,
    offenders_max: usize,
    by_id: HashMap<Id, Entry>,
    /// The same offenders, whoever failed longest ago first.
    by_time: BTreeSet<(WallTime, Id)>,
    total: u64,
}

/// What is known of one offender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where the window over which `retry` counts begins.
    first: WallTime,
    /// The latest failure.
    pub(super) time: WallTime,
    /// The failures that count now.
    pub(super) retry: u32,
    /// The last lines, oldest first.
    pub(super) matches: VecDeque<Line>,
}

impl Attempts {
    pub(super) fn new(findtime: Duration, maxmatches: usize) -> Self {
        Self {
            findtime,
            maxmatches,
            offenders_max: OFFENDERS_MAX,
            by_id: HashMap::new(),
            by_time: BTreeSet::new(),
            total: 0,
        }
    }

    /// Counts one failure, however many lines tell of it, and returns how many count now.
    pub(super) fn add(&mut self, id: &Id, time: WallTime, lines: &[Line]) -> u32 {
        self.total += 1;
        let findtime = self.findtime;
        let entry = self.by_id.entry(id.clone()).or_insert_with(|| {
            self.by_time.insert((time, id.clone()));
            Entry { first: time, time, retry: 0, matches: VecDeque::new() }
        });
        if time > entry.time {
            self.by_time.remove(&(entry.time, id.clone()));
            self.by_time.insert((time, id.clone()));
            entry.advance(time, findtime);
        }
        entry.retry = entry.retry.saturating_add(1);
        for line in &lines[lines.len().saturating_sub(self.maxmatches)..] {
            if entry.matches.len() == self.maxmatches {
                entry.matches.pop_front();
            }
            let kept = &line[..line.len().min(MATCH_MAX_BYTES)];
            entry.matches.push_back(Line::copy_from_slice(kept));
        }
        let retry = entry.retry;
        if self.by_id.len() > self.offenders_max {
            self.forget_oldest();
        }
        retry
    }

    /// Takes the offender off the list.
    pub(super) fn remove(&mut self, id: &Id) -> Option<Entry> {
        let entry = self.by_id.remove(id)?;
        self.by_time.remove(&(entry.time, id.clone()));
        Some(entry)
    }

    /// Forgets whoever has not failed within findtime.
    pub(super) fn purge(&mut self, now: WallTime) {
        let end = now.saturating_sub(self.findtime);
        while self.by_time.first().is_some_and(|(time, _)| *time <= end) {
            self.forget_oldest();
        }
    }

    /// How many offenders are on the list.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// How many failures were ever counted.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    fn forget_oldest(&mut self) {
        if let Some((_, id)) = self.by_time.pop_first() {
            self.by_id.remove(&id);
        }
    }
}

impl Entry {
    /// Moves the window on to a later failure, scaling down what lies before it.
    fn advance(&mut self, time: WallTime, findtime: Duration) {
        let start = time.saturating_sub(findtime);
        if self.first < start {
            let rate = f64::from(self.retry) / time.since(self.first).as_secs_f64();
            self.retry = (rate * findtime.as_secs_f64()).round_ties_even() as u32;
            self.first = start;
        }
        self.time = time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offender(text: &str) -> Id {
        text.into()
    }

    /// One address fails at these seconds with a findtime of 600 s: what counts after each?
    #[track_caller]
    fn check(times: &[i64], retries: &[u32]) {
        let mut attempts = Attempts::new(Duration::from_secs(600), 0);
        let counted: Vec<u32> = times
            .iter()
            .map(|secs| attempts.add(&offender("192.0.2.7"), WallTime::from_secs(*secs), &[]))
            .collect();
        assert_eq!(counted, retries, "failures at {times:?}");
    }

    #[test]
    fn the_counts_are_those_of_the_specification() {
        check(&[0, 100, 200, 300, 700], &[1, 2, 3, 4, 4]);
        check(&[0, 100, 200, 300, 650, 1300, 1301], &[1, 2, 3, 4, 5, 3, 4]);
        check(&[0, 601], &[1, 2]);
        check(&[0, 1200], &[1, 1]);
        check(&[0, 1, 2, 3, 1200], &[1, 2, 3, 4, 3]);
        check(&[0, 300, 600, 900, 1200, 1500], &[1, 2, 3, 3, 3, 3]);
        check(&[1000, 900, 800, 100], &[1, 2, 3, 4]);
    }

    #[test]
    fn only_the_last_lines_are_kept_and_of_each_only_so_much() {
        let mut attempts = Attempts::new(Duration::from_secs(600), 2);
        let long = Line::from(vec![b'x'; MATCH_MAX_BYTES + 1]);
        for line in [Line::from_static(b"a"), Line::from_static(b"b"), long] {
            attempts.add(&offender("192.0.2.7"), WallTime::from_secs(0), &[line]);
        }
        let matches = attempts.remove(&offender("192.0.2.7")).unwrap().matches;
        assert_eq!(matches.iter().map(|line| line.len()).collect::<Vec<_>>(), [1, MATCH_MAX_BYTES]);
        assert_eq!(matches[0], &b"b"[..]);
    }

    #[test]
    fn all_lines_of_one_failure_are_remembered_up_to_as_many() {
        let mut attempts = Attempts::new(Duration::from_secs(600), 2);
        let lines = ["a", "b", "c"].map(Line::from);
        assert_eq!(attempts.add(&offender("192.0.2.7"), WallTime::from_secs(0), &lines), 1);
        assert_eq!(attempts.remove(&offender("192.0.2.7")).unwrap().matches, ["b", "c"]);
    }

    #[test]
    fn whoever_failed_longest_ago_makes_room() {
        let mut attempts = Attempts::new(Duration::from_secs(600), 0);
        attempts.offenders_max = 2;
        let fail = |attempts: &mut Attempts, text: &str, secs| {
            attempts.add(&offender(text), WallTime::from_secs(secs), &[])
        };
        fail(&mut attempts, "192.0.2.1", 0);
        fail(&mut attempts, "192.0.2.2", 1);
        fail(&mut attempts, "192.0.2.1", 2);
        fail(&mut attempts, "192.0.2.3", 3);
        assert_eq!(attempts.len(), 2);
        assert_eq!(fail(&mut attempts, "192.0.2.1", 4), 3, "who keeps failing stays");
        assert_eq!(fail(&mut attempts, "192.0.2.2", 5), 1, "who stopped was forgotten");
    }

    #[test]
    fn a_purge_forgets_who_last_failed_findtime_ago() {
        let mut attempts = Attempts::new(Duration::from_secs(600), 0);
        attempts.add(&offender("192.0.2.1"), WallTime::from_secs(0), &[]);
        attempts.add(&offender("192.0.2.2"), WallTime::from_secs(1), &[]);
        attempts.purge(WallTime::from_secs(600));
        assert_eq!(attempts.len(), 1);
        assert!(attempts.remove(&offender("192.0.2.2")).is_some());
        assert_eq!(attempts.total(), 2);
    }
}
