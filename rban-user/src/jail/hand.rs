//! What a jail does because somebody asks for it, or because it did so before it was started (spec, jail 6 and 8).

use std::time::Duration;

use super::Jail;
use super::bans::Length;
use super::ignore::{Asker, Decision};
use super::outcome::{Restored, Step};
use crate::clock::{Now, WallTime};
use crate::event::{Ban, Failure, Id, Origin};

/// How long a ban by hand lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// As long as those of its jail; it may grow.
    OfJail,
    /// So long.
    For(Duration),
    /// For ever.
    Ever,
}

impl Jail {
    /// Bans by hand: `ignoreip` is not asked, and prefixes are as they were said (spec, jail 6).
    pub fn ban(&mut self, id: Id, span: Span, now: WallTime) -> Step {
        let (length, lasts) = match span {
            Span::OfJail => (Length::OfJail, self.spec.bantime),
            Span::For(span) => (Length::Given, Some(span)),
            Span::Ever => (Length::Given, None),
        };
        let until = lasts.map(|lasts| now.saturating_add(lasts));
        self.put(Ban::by_hand(Some(self.spec.name.clone()), id, now, until), length, now)
    }

    /// Ends a ban before its time. A prefix that is not itself banned ends all bans within it; an IPv6 address, the ban
    /// of the prefix that it counts as. What comes back is in the order in which it began.
    pub fn unban(&mut self, id: &Id) -> Vec<Ban> {
        let wide = id.net().map(|offender| Id::Net(offender.widened(self.spec.ipv6_prefix)));
        let ban = self.bans.remove(id).or_else(|| self.bans.remove(&wide?));
        let ended: Vec<Ban> = match (ban, id.net()) {
            (Some(ban), _) => vec![ban],
            (None, Some(net)) if net.as_addr().is_none() => self.bans.remove_within(net.as_net()),
            (None, _) => Vec::new(),
        };
        self.left(&ended);
        ended
    }

    /// Ends all bans, and returns them in the order in which they began.
    pub fn unban_all(&mut self) -> Vec<Ban> {
        let ended = self.bans.clear();
        self.left(&ended);
        ended
    }

    /// So many bans will be restored.
    pub fn expect(&mut self, bans: usize) {
        self.bans.reserve(bans);
    }

    /// Puts a ban in force that was before the jail was started: since when, until when and the how-manieth it was, as
    /// it was kept. `ignorecommand` is not asked again.
    pub fn restore(&mut self, stored: Ban, now: Now) -> Restored {
        let Some(until) = self.end_of_restored(&stored, now.wall) else { return Restored::Over };
        let failure = Failure {
            jail: self.spec.name.clone(),
            id: stored.id.clone(),
            ip: stored.ip,
            time: stored.since,
            lines: stored.matches.clone(),
            captures: stored.captures.clone(),
        };
        let asker = Asker { failure: &failure, bantime: self.spec.bantime };
        match self.ignore.judge(&asker, now.mono) {
            Decision::Counts | Decision::Asks(_) => {}
            Decision::LetOff(rule) => return Restored::LetOff(rule),
            Decision::Waits => return Restored::Waits(stored),
        }
        let first_match = stored.matches.len().saturating_sub(self.spec.maxmatches);
        let ban = Ban {
            jail: Some(self.spec.name.clone()),
            until,
            matches: stored.matches[first_match..].to_vec(),
            bancount: stored.bancount.saturating_add(1),
            origin: Origin::Restored,
            ..stored
        };
        Restored::Step(self.put(ban, Length::Given, now.wall))
    }

    /// Until when a restored ban lasts, by how long the jail bans now; `None` = it is over.
    fn end_of_restored(&self, stored: &Ban, now: WallTime) -> Option<Option<WallTime>> {
        let longest = match &self.spec.increment {
            Some(increment) => increment.maxtime,
            None => self.spec.bantime,
        };
        let latest = longest.map(|longest| stored.since.saturating_add(longest));
        let until = match (stored.until, latest) {
            (Some(until), Some(latest)) => Some(until.min(latest)),
            (until, latest) => until.or(latest),
        };
        match until {
            Some(until) if until <= now => None,
            until => Some(until),
        }
    }
}
