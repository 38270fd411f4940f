//! Lines of one session, put together (spec, filter 7).
//!
//! A daemon may name the user in one line and the address in another; `<F-MLFID>`, mostly the process id, says that they
//! belong together. Later lines complete earlier ones, a success takes back what it explains.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use compact_str::CompactString;

use super::fields::{Fields, Name, Value};
use super::text::detach;
use crate::clock::WallTime;
use crate::event::Line;

/// So many sessions are remembered; then the oldest are forgotten.
const SESSIONS_MAX: usize = 100;

/// So long is a session remembered, from its first line.
const LIFETIME: Duration = Duration::from_secs(300);

/// So many lines, and users, of one session are kept; the first ones beyond that go. Fail2ban has no such limits;
/// without them, one session could fill the memory.
const KEPT_MAX: usize = 100;

/// What is known of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) fields: Fields,
    /// Lines that belong to failures not yet reported, or just now.
    pub(super) matches: Vec<Line>,
    /// Lines that were no failures by themselves.
    held: Vec<Line>,
    /// In order of their names.
    users: Vec<CompactString>,
    pending: bool,
}

/// What a line of a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A failure, of whoever the session's fields tell of.
    Failure,
    /// None.
    NoFailure,
}

/// The sessions of one filter.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    /// Where each is kept.
    by_id: HashMap<CompactString, usize, foldhash::fast::RandomState>,
    kept: Vec<Kept>,
    /// Places whose memory can be used again.
    free: Vec<usize>,
    /// Oldest first; those forgotten since may still be in it.
    order: VecDeque<(u64, usize)>,
    /// How many there have been.
    count: u64,
    /// Where a session that is not remembered is put together.
    forgotten: Session,
}

/// A session that is remembered.
#[derive(Clone, Debug)]
struct Kept {
    id: CompactString,
    /// 0 where none is.
    number: u64,
    since: WallTime,
    session: Session,
}

impl Kept {
    fn has_expired(&self, now: WallTime) -> bool {
        now.since(self.since) >= LIFETIME
    }
}

impl Sessions {
    /// Adds a line that captured `fields` and touched `lines` to its session, and tells what it makes of it. The fields
    /// are used up.
    ///
    /// `now` is the clock's time, not the log's.
    pub(super) fn merge(
        &mut self,
        id: &str,
        fields: &mut Fields,
        lines: &[Line],
        now: WallTime,
    ) -> (Outcome, &mut Session) {
        let taken = |value: Option<Value>| value.is_some_and(|value| !value.is_empty());
        let gain = fields.find(Name::MLFGAINED).filter(|value| !value.is_empty());
        let gained = gain.is_some();
        if let Some(gain) = gain
            && fields.text(Name::NOFAIL).is_none()
        {
            fields.set(Name::NOFAIL, gain.clone());
        }
        let mut no_failure = fields.text(Name::NOFAIL).is_some();
        let forget = taken(fields.remove(Name::MLFFORGET));

        let session = match (self.recall(id, now), forget) {
            (Some(place), _) => {
                let session = if forget {
                    std::mem::swap(&mut self.forgotten, &mut self.kept[place].session);
                    self.forget(place);
                    &mut self.forgotten
                } else {
                    &mut self.kept[place].session
                };
                session.go_on(fields, gained);
                session
            }
            (None, false) => {
                let session = self.remember(id, now);
                session.begin(fields);
                session.meet_itself();
                session
            }
            (None, true) => {
                self.forgotten.begin(fields);
                &mut self.forgotten
            }
        };
        if std::mem::take(&mut session.pending) || session.users.len() > 1 {
            session.fields.remove(Name::NOFAIL);
            session.fields.remove(Name::MLFGAINED);
            no_failure = false;
        }
        if !no_failure {
            session.held.append(&mut session.matches);
            std::mem::swap(&mut session.held, &mut session.matches);
            keep(&mut session.matches, lines);
        } else if !forget {
            keep(&mut session.held, lines);
        }
        let failed = session.fields.text(Name::NOFAIL).is_none();
        (if failed { Outcome::Failure } else { Outcome::NoFailure }, session)
    }

    /// The chunk goes: what is kept of it is copied, lest one line keep all of it.
    pub(super) fn leave(&mut self, chunk: &[u8]) {
        for kept in self.kept.iter_mut().filter(|kept| kept.number != 0) {
            let Session { matches, held, .. } = &mut kept.session;
            matches.iter_mut().chain(held).for_each(|line| detach(line, chunk));
        }
    }

    /// Where the session is kept, if it is remembered.
    fn recall(&mut self, id: &str, now: WallTime) -> Option<usize> {
        let place = *self.by_id.get(id)?;
        if self.kept[place].has_expired(now) {
            self.forget(place);
            return None;
        }
        Some(place)
    }

    fn forget(&mut self, place: usize) {
        let kept = &mut self.kept[place];
        kept.number = 0;
        kept.session.matches.clear();
        kept.session.held.clear();
        self.by_id.remove(&kept.id);
        self.free.push(place);
    }

    /// A place for a new session, where what an older one left still is.
    fn remember(&mut self, id: &str, now: WallTime) -> &mut Session {
        if self.by_id.len() >= SESSIONS_MAX {
            self.forget_oldest(now);
        }
        if self.order.len() >= 4 * SESSIONS_MAX {
            let kept = &self.kept;
            self.order.retain(|(number, place)| kept[*place].number == *number);
        }
        self.count += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            let (id, session) = (CompactString::default(), Session::default());
            self.kept.push(Kept { id, number: 0, since: now, session });
            self.kept.len() - 1
        });
        let kept = &mut self.kept[place];
        (kept.id, kept.number, kept.since) = (id.into(), self.count, now);
        self.by_id.insert(kept.id.clone(), place);
        self.order.push_back((self.count, place));
        &mut kept.session
    }

    /// Those that have expired, and one that has not.
    fn forget_oldest(&mut self, now: WallTime) {
        while let Some((number, place)) = self.order.pop_front() {
            let kept = &self.kept[place];
            if kept.number == number {
                let had_expired = kept.has_expired(now);
                self.forget(place);
                if !had_expired {
                    return;
                }
            }
        }
    }
}

impl Session {
    /// The session waits for a line that tells the address; its next line is a failure whatever it says.
    pub(super) fn wait_for_address(&mut self) {
        self.pending = true;
    }

    /// A session begins with these fields, in the memory of another.
    fn begin(&mut self, fields: &mut Fields) {
        self.fields.clear();
        std::mem::swap(&mut self.fields, fields);
        self.matches.clear();
        self.held.clear();
        self.users.clear();
        self.pending = false;
    }

    /// A further line of it captured these.
    fn go_on(&mut self, fields: &mut Fields, gained: bool) {
        if let Some(user) = fields.text(Name::USER) {
            self.meet(user);
        }
        let before = [Name::NOFAIL, Name::MLFGAINED];
        let had = before.map(|name| self.fields.remove(name).is_some_and(|it| !it.is_empty()));
        self.pending &= !gained;
        if had == [false, false] && !self.pending {
            self.matches.clear();
        }
        self.fields.take_over(fields);
    }

    fn meet(&mut self, user: &str) {
        if let Err(place) = self.users.binary_search_by(|known| known.as_str().cmp(user))
            && self.users.len() < KEPT_MAX
        {
            self.users.insert(place, user.into());
        }
        self.fields.set(Name::USERS, Value::Many(self.users.clone()));
    }

    /// The same for the user of its first line; `users` are told of first.
    fn meet_itself(&mut self) {
        if let Some(user) = self.fields.text(Name::USER) {
            self.users.push(user.into());
            self.fields.set_first(Name::USERS, Value::Many(self.users.clone()));
        }
    }
}

fn keep(kept: &mut Vec<Line>, lines: &[Line]) {
    kept.extend_from_slice(lines);
    let beyond = kept.len().saturating_sub(KEPT_MAX);
    kept.drain(..beyond);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_secs(1_000);

    /// A line's captures, and the number of lines that its failure has, if it is one.
    type Told<'a> = (&'a [(Name, &'a str)], Option<usize>);

    /// What the lines of one session come to: each given as its captures, each answered with the number of lines that
    /// its failure has, or `None`.
    #[track_caller]
    fn check(lines: &[Told<'_>]) {
        let mut sessions = Sessions::default();
        for (number, (captures, expected)) in lines.iter().enumerate() {
            let mut fields = Fields::default();
            for (name, text) in *captures {
                fields.set(*name, Value::Text((*text).into()));
            }
            let line = Line::from(format!("line {number}"));
            let (outcome, session) = sessions.merge("1", &mut fields, &[line], NOW);
            let known = session.fields.text(Name::IP4).is_some();
            if outcome == Outcome::Failure && !known {
                session.wait_for_address();
            }
            let failed = (outcome == Outcome::Failure && known).then_some(session.matches.len());
            assert_eq!(failed, *expected, "line {number}");
        }
    }

    const FROM: (Name, &str) = (Name::IP4, "192.0.2.1");
    const NOFAIL: (Name, &str) = (Name::NOFAIL, "x");
    const ROOT: (Name, &str) = (Name::USER, "root");
    const ALICE: (Name, &str) = (Name::USER, "alice");
    const GAINED: (Name, &str) = (Name::MLFGAINED, "x");
    const FORGET: (Name, &str) = (Name::MLFFORGET, "x");

    #[test]
    fn a_later_line_tells_the_address() {
        check(&[(&[ROOT], None), (&[FROM, NOFAIL], Some(2))]);
    }

    #[test]
    fn an_earlier_line_tells_the_address() {
        check(&[
            (&[FROM, NOFAIL], None),
            (&[ROOT], Some(2)),
            (&[ROOT], Some(1)),
            (&[FROM, GAINED, ROOT], None),
        ]);
    }

    #[test]
    fn a_success_takes_back_what_waits() {
        check(&[(&[ROOT], None), (&[FROM, ROOT, GAINED], None)]);
    }

    #[test]
    fn several_users_are_a_failure_even_if_the_last_succeeds() {
        check(&[(&[ALICE, NOFAIL], None), (&[FROM, ROOT, GAINED], Some(2))]);
        check(&[
            (&[ROOT, NOFAIL], None),
            (&[ROOT, NOFAIL], None),
            (&[FROM, ALICE, NOFAIL], Some(3)),
        ]);
    }

    #[test]
    fn what_is_no_failure_alone_stays_none() {
        check(&[(&[ROOT, NOFAIL], None), (&[FROM, NOFAIL, FORGET], None), (&[ROOT], None)]);
    }

    #[test]
    fn a_forgotten_session_begins_anew() {
        check(&[(&[FROM, FORGET], Some(1)), (&[ROOT], None)]);
        check(&[(&[FROM], Some(1)), (&[FORGET], Some(1)), (&[ROOT], None)]);
    }

    #[test]
    fn a_session_ends_after_its_lifetime() {
        let mut sessions = Sessions::default();
        let mut merge = |mut fields: Fields, secs: i64| {
            let now = WallTime::from_secs(1_000 + secs);
            sessions.merge("1", &mut fields, &[], now).1.fields.text(Name::IP4).is_some()
        };
        let mut from = Fields::default();
        from.set(Name::IP4, Value::Text("192.0.2.1".into()));
        assert!(merge(from, 0));
        assert!(merge(Fields::default(), 299));
        assert!(!merge(Fields::default(), 300));
    }

    #[test]
    fn what_was_forgotten_takes_nobodys_place() {
        let mut sessions = Sessions::default();
        let mut merge = |id: &str, captures: &[(Name, &str)]| {
            let mut fields = Fields::default();
            for (name, text) in captures {
                fields.set(*name, Value::Text((*text).into()));
            }
            sessions.merge(id, &mut fields, &[], NOW).1.fields.text(Name::IP4).is_some()
        };
        merge("kept", &[FROM]);
        for number in 0..10 * SESSIONS_MAX {
            merge(&number.to_string(), &[FROM]);
            merge(&number.to_string(), &[FORGET]);
            merge("again", &[FROM]);
            merge("again", &[FORGET]);
        }
        assert!(merge("kept", &[]));
        merge("again", &[FROM]);
        for number in 0..SESSIONS_MAX - 1 {
            merge(&number.to_string(), &[]);
        }
        assert!(merge("again", &[]));
        assert!(!merge("kept", &[]));
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let mut sessions = Sessions::default();
        for number in 0..10 * SESSIONS_MAX {
            sessions.merge(&number.to_string(), &mut Fields::default(), &[], NOW);
            sessions.merge("again", &mut Fields::default(), &[Line::from("x")], NOW);
        }
        assert!(sessions.by_id.len() <= SESSIONS_MAX && sessions.order.len() <= 4 * SESSIONS_MAX);
        assert!(sessions.kept.len() <= SESSIONS_MAX);
        assert!(sessions.kept.iter().all(|kept| kept.session.matches.len() <= KEPT_MAX));
    }
}
