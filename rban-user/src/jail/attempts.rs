//! How many of an offender's failures count now.
//!
//! Fail2ban's findtime is a rate, not a sliding window: past findtime, the count shrinks in proportion (spec, jail 2).
//! Jails are tuned to that, so we keep it. Knows nothing of bans.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::{Captures, Failure, Id, Line};

/// So many offenders are counted at once. One more, and whoever failed longest ago is forgotten: a flood of sources
/// can so hide nobody who keeps failing.
pub(super) const OFFENDERS_MAX: usize = 65_536;

/// So much is kept of a remembered line; it is a copy, lest one line hold the buffer it was read into.
pub(super) const MATCH_MAX_BYTES: usize = 1_024;

/// So much is kept of all lines and captures. Where it is full, failures go on counting, and of each offender only the
/// last line is remembered.
const KEPT_MAX_BYTES: usize = 32 << 20;

/// Offenders who failed, but not yet often enough.
#[derive(Debug)]
pub(super) struct Attempts {
    findtime: Duration,
    maxmatches: usize,
    offenders_max: usize,
    kept_max_bytes: usize,
    by_id: HashMap<Id, Entry>,
    /// The same offenders, whoever failed longest ago first.
    by_time: BTreeSet<(WallTime, Id)>,
    kept_bytes: usize,
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
    /// How many there were, however much they count.
    pub(super) failures: u32,
    /// How many bans there were before, as far as that is known.
    pub(super) bancount: u32,
    /// From where the first came, where that is something else than the offender.
    pub(super) ip: Option<Offender>,
    /// The last lines, oldest first.
    pub(super) matches: VecDeque<Line>,
    /// What was captured of the first.
    pub(super) captures: Captures,
}

impl Attempts {
    pub(super) fn new(findtime: Duration, maxmatches: usize) -> Self {
        Self {
            findtime,
            maxmatches,
            offenders_max: OFFENDERS_MAX,
            kept_max_bytes: KEPT_MAX_BYTES,
            by_id: HashMap::new(),
            by_time: BTreeSet::new(),
            kept_bytes: 0,
            total: 0,
        }
    }

    /// Counts by these from now on; what was counted before stays.
    pub(super) fn count_by(&mut self, findtime: Duration, maxmatches: usize) {
        (self.findtime, self.maxmatches) = (findtime, maxmatches);
    }

    /// Counts one failure, `times` over, and returns how many count now.
    pub(super) fn add(&mut self, id: &Id, failure: &Failure, times: u32) -> u32 {
        self.total += 1;
        let (time, findtime) = (failure.time, self.findtime);
        let is_full = self.kept_bytes >= self.kept_max_bytes;
        let maxmatches = if is_full { self.maxmatches.min(1) } else { self.maxmatches };
        let entry = self.by_id.entry(id.clone()).or_insert_with(|| {
            self.by_time.insert((time, id.clone()));
            let entry = Entry::new(failure, if is_full { &[] } else { &failure.captures });
            self.kept_bytes += entry.bytes();
            entry
        });
        if time > entry.time {
            self.by_time.remove(&(entry.time, id.clone()));
            self.by_time.insert((time, id.clone()));
            entry.advance(time, findtime);
        }
        entry.retry = entry.retry.saturating_add(times);
        entry.failures = entry.failures.saturating_add(1);
        self.kept_bytes -= entry.bytes();
        entry.remember(&failure.lines, maxmatches);
        self.kept_bytes += entry.bytes();
        let retry = entry.retry;
        if self.by_id.len() > self.offenders_max {
            self.forget_oldest();
        }
        retry
    }

    /// Counts so many more of an offender's failures, for there were so many bans before, and returns how many count
    /// now; `None` if there are none. For fail2ban that is one failure more, and so it is here.
    pub(super) fn weigh(&mut self, id: &Id, more: u32, bancount: u32) -> Option<u32> {
        let entry = self.by_id.get_mut(id)?;
        entry.retry = entry.retry.saturating_add(more);
        entry.failures = entry.failures.saturating_add(1);
        entry.bancount = bancount;
        self.total += 1;
        Some(entry.retry)
    }

    /// Takes the offender off the list.
    pub(super) fn remove(&mut self, id: &Id) -> Option<Entry> {
        let entry = self.by_id.remove(id)?;
        self.kept_bytes -= entry.bytes();
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
        if let Some((_, id)) = self.by_time.pop_first()
            && let Some(entry) = self.by_id.remove(&id)
        {
            self.kept_bytes -= entry.bytes();
        }
    }
}

impl Entry {
    fn new(failure: &Failure, captures: &[(std::sync::Arc<str>, String)]) -> Self {
        let (first, time, ip) = (failure.time, failure.time, failure.ip);
        let (retry, failures, bancount, matches) = (0, 0, 0, VecDeque::new());
        Self { first, time, retry, failures, bancount, ip, matches, captures: captures.to_vec() }
    }

    fn remember(&mut self, lines: &[Line], maxmatches: usize) {
        for line in &lines[lines.len().saturating_sub(maxmatches)..] {
            let kept = &line[..line.len().min(MATCH_MAX_BYTES)];
            self.matches.push_back(Line::copy_from_slice(kept));
        }
        while self.matches.len() > maxmatches {
            self.matches.pop_front();
        }
    }

    fn bytes(&self) -> usize {
        let lines: usize = self.matches.iter().map(|line| line.len() + size_of::<Line>()).sum();
        let captures: usize = self.captures.iter().map(|(_, text)| text.len()).sum();
        lines + captures + size_of_val(self.captures.as_slice())
    }

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

    fn failure(text: &str, secs: i64, lines: &[Line]) -> Failure {
        Failure {
            jail: "sshd".into(),
            id: text.into(),
            ip: None,
            time: WallTime::from_secs(secs),
            lines: lines.to_vec(),
            captures: vec![("user".into(), format!("user at {secs}"))],
        }
    }

    fn add(attempts: &mut Attempts, text: &str, secs: i64, lines: &[Line]) -> u32 {
        attempts.add(&text.into(), &failure(text, secs, lines), 1)
    }

    fn attempts(maxmatches: usize) -> Attempts {
        Attempts::new(Duration::from_secs(600), maxmatches)
    }

    fn taken(attempts: &mut Attempts, text: &str) -> Entry {
        attempts.remove(&text.into()).unwrap()
    }

    /// One address fails at these seconds with a findtime of 600 s: what counts after each?
    #[track_caller]
    fn check(times: &[i64], retries: &[u32]) {
        let mut attempts = attempts(0);
        let counted: Vec<u32> =
            times.iter().map(|secs| add(&mut attempts, "192.0.2.7", *secs, &[])).collect();
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
        let mut attempts = attempts(2);
        let long = Line::from(vec![b'x'; MATCH_MAX_BYTES + 1]);
        for line in [Line::from_static(b"a"), Line::from_static(b"b"), long] {
            add(&mut attempts, "192.0.2.7", 0, &[line]);
        }
        let matches = taken(&mut attempts, "192.0.2.7").matches;
        assert_eq!(matches.iter().map(|line| line.len()).collect::<Vec<_>>(), [1, MATCH_MAX_BYTES]);
        assert_eq!(matches[0], &b"b"[..]);
    }

    #[test]
    fn all_lines_of_one_failure_are_remembered_up_to_as_many() {
        let mut attempts = attempts(2);
        assert_eq!(add(&mut attempts, "192.0.2.7", 0, &["a", "b", "c"].map(Line::from)), 1);
        assert_eq!(taken(&mut attempts, "192.0.2.7").matches, ["b", "c"]);
    }

    #[test]
    fn fewer_lines_are_kept_once_fewer_are_wanted() {
        let mut attempts = attempts(3);
        add(&mut attempts, "192.0.2.7", 0, &["a", "b", "c"].map(Line::from));
        attempts.count_by(Duration::from_secs(600), 1);
        add(&mut attempts, "192.0.2.7", 1, &["d".into()]);
        assert_eq!(taken(&mut attempts, "192.0.2.7").matches, ["d"]);
    }

    #[test]
    fn what_was_captured_first_stays() {
        let mut attempts = attempts(0);
        for secs in [5, 6] {
            add(&mut attempts, "192.0.2.7", secs, &[]);
        }
        let entry = taken(&mut attempts, "192.0.2.7");
        assert_eq!(entry.captures, [("user".into(), "user at 5".to_owned())]);
        assert_eq!((entry.failures, entry.retry), (2, 2));
    }

    #[test]
    fn one_failure_may_count_for_several() {
        let mut attempts = attempts(0);
        attempts.add(&"192.0.2.7".into(), &failure("192.0.2.7", 0, &[]), 3);
        assert_eq!(attempts.weigh(&"192.0.2.7".into(), 2, 4), Some(5));
        assert_eq!(attempts.weigh(&"192.0.2.8".into(), 2, 4), None);
        let entry = taken(&mut attempts, "192.0.2.7");
        assert_eq!((entry.failures, entry.retry, entry.bancount), (2, 5, 4));
        assert_eq!(attempts.total(), 2);
    }

    #[test]
    fn without_room_only_the_last_line_is_remembered() {
        let mut attempts = attempts(9);
        attempts.kept_max_bytes = 1;
        for secs in 0..3 {
            add(&mut attempts, "192.0.2.1", secs, &[format!("at {secs}").into()]);
        }
        let entry = taken(&mut attempts, "192.0.2.1");
        assert_eq!((entry.retry, &entry.matches[0][..], entry.matches.len()), (3, &b"at 2"[..], 1));
        assert_eq!(attempts.kept_bytes, 0);
    }

    #[test]
    fn whoever_failed_longest_ago_makes_room() {
        let mut attempts = attempts(0);
        attempts.offenders_max = 2;
        add(&mut attempts, "192.0.2.1", 0, &[]);
        add(&mut attempts, "192.0.2.2", 1, &[]);
        add(&mut attempts, "192.0.2.1", 2, &[]);
        add(&mut attempts, "192.0.2.3", 3, &[]);
        assert_eq!(attempts.len(), 2);
        assert_eq!(add(&mut attempts, "192.0.2.1", 4, &[]), 3, "who keeps failing stays");
        assert_eq!(add(&mut attempts, "192.0.2.2", 5, &[]), 1, "who stopped was forgotten");
    }

    #[test]
    fn a_purge_forgets_who_last_failed_findtime_ago() {
        let mut attempts = attempts(0);
        add(&mut attempts, "192.0.2.1", 0, &[]);
        add(&mut attempts, "192.0.2.2", 1, &[]);
        attempts.purge(WallTime::from_secs(600));
        assert_eq!(attempts.len(), 1);
        assert!(attempts.remove(&"192.0.2.2".into()).is_some());
        assert_eq!((attempts.total(), attempts.kept_bytes), (2, 0));
    }
}
