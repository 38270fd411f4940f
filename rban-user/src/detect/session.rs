//! One attempt, one failure, however many lines a daemon writes about it.
//!
//! sshd tells of one wrong password of an unknown user three times: the user is invalid, PAM refused, the password
//! failed. One attempt writes at most one line of each kind; so a line of a kind that was already seen begins the next
//! attempt, and any other belongs to the one before.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::filter::Match;
use crate::clock::WallTime;

/// So many sessions are remembered; then the one that was silent longest is forgotten, and its next line counts.
const SESSIONS_MAX: usize = 1_024;

/// After so long the same session's lines are another attempt's; sshd closes one that takes two minutes.
const ATTEMPT_MAX: Duration = Duration::from_secs(300);

/// The attempts in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    /// Keyed, so that nobody can choose names that collide.
    hasher: RandomState,
    by_session: HashMap<u64, Attempt>,
    by_time: BTreeSet<(WallTime, u64)>,
}

#[derive(Clone, Debug)]
struct Attempt {
    latest: WallTime,
    /// One bit for each kind of line seen; kinds past 63 share the last.
    kinds: u64,
}

impl Sessions {
    /// Whether this line begins an attempt. Lines that do not name their session go by offender alone.
    pub(super) fn begins_attempt(&mut self, found: &Match<'_>, now: WallTime) -> bool {
        let session = self.hasher.hash_one((found.session, found.offender));
        let kind = 1 << found.kind.min(63);
        let seen =
            self.by_session.get(&session).filter(|seen| now.since(seen.latest) < ATTEMPT_MAX);
        let joined = seen.map(|seen| seen.kinds).filter(|kinds| kinds & kind == 0);
        self.remember(session, Attempt { latest: now, kinds: joined.unwrap_or(0) | kind });
        joined.is_none()
    }

    fn remember(&mut self, session: u64, attempt: Attempt) {
        self.by_time.insert((attempt.latest, session));
        if let Some(before) = self.by_session.insert(session, attempt)
            && self.by_session[&session].latest != before.latest
        {
            self.by_time.remove(&(before.latest, session));
        }
        if self.by_session.len() > SESSIONS_MAX
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.by_session.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// These lines, each a session and a kind of line, a second apart: how many attempts are they?
    #[track_caller]
    fn check(lines: &[(&str, usize)], attempts: usize) {
        let mut sessions = Sessions::default();
        let counted = lines.iter().enumerate().filter(|(secs, (session, kind))| {
            let session = (!session.is_empty()).then_some(session.as_bytes());
            let found = Match { offender: "192.0.2.7".parse().unwrap(), kind: *kind, session };
            sessions.begins_attempt(&found, WallTime::from_secs(*secs as i64))
        });
        assert_eq!(counted.count(), attempts, "{lines:?}");
    }

    #[test]
    fn lines_of_different_kinds_are_one_attempt() {
        check(&[("a", 0), ("a", 1), ("a", 2)], 1);
    }

    #[test]
    fn a_kind_seen_again_is_the_next_attempt() {
        check(&[("a", 1), ("a", 1), ("a", 1)], 3);
        check(&[("a", 0), ("a", 1), ("a", 1), ("a", 2)], 2);
        check(&[("a", 0), ("a", 2), ("a", 1), ("a", 2), ("a", 1)], 2);
    }

    #[test]
    fn sessions_are_counted_apart() {
        check(&[("a", 0), ("b", 0), ("a", 1), ("b", 1)], 2);
    }

    #[test]
    fn lines_without_a_session_go_by_offender() {
        check(&[("", 0), ("", 1), ("", 0), ("", 1)], 2);
    }

    #[test]
    fn an_attempt_does_not_last_for_ever() {
        let mut sessions = Sessions::default();
        let mut line = |kind, secs| {
            let found = Match { offender: "192.0.2.7".parse().unwrap(), kind, session: Some(b"a") };
            sessions.begins_attempt(&found, WallTime::from_secs(secs))
        };
        assert!(line(0, 0));
        assert!(!line(1, 299));
        assert!(line(2, 599));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut sessions = Sessions::default();
        for secs in 0..3 * SESSIONS_MAX as i64 {
            let name = secs.to_string();
            let found = Match {
                offender: "192.0.2.7".parse().unwrap(),
                kind: 0,
                session: Some(name.as_bytes()),
            };
            sessions.begins_attempt(&found, WallTime::from_secs(secs));
        }
        assert_eq!(
            (sessions.by_session.len(), sessions.by_time.len()),
            (SESSIONS_MAX, SESSIONS_MAX)
        );
    }
}
