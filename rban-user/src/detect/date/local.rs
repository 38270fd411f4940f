//! Local time ↔ moments, as C's `mktime` and `localtime` have it, but without asking the zone for every line.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::clock::WallTime;

/// A zone, and what was last asked of it.
#[derive(Clone, Debug)]
pub(super) struct Local {
    zone: TimeZone,
    /// The time around the last answer in which clocks were not set.
    span: Span,
    /// What an hour that clocks showed twice is taken by: the offset of the last answer, as the C library does.
    last_offset_secs: Option<i64>,
}

/// A time in which the zone keeps its offset.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// In seconds since 1970, first and one past last.
    moments: (i64, i64),
    /// The same in seconds that clocks show, but for those that they show twice.
    shown: (i64, i64),
    offset_secs: i64,
}

/// Seconds that clocks show since the begin of 1970, wherever they are.
pub(super) type Shown = i64;

impl Local {
    pub(super) fn new(zone: TimeZone) -> Self {
        let span = Span { moments: (0, 0), shown: (0, 0), offset_secs: 0 };
        Self { zone, span, last_offset_secs: None }
    }

    /// What clocks show at a moment, and the microseconds that they do not show.
    pub(super) fn shown_at(&mut self, moment: WallTime) -> (Shown, i64) {
        let micros = moment.as_micros();
        let secs = micros.div_euclid(1_000_000);
        (secs + self.span_at(secs).offset_secs, micros.rem_euclid(1_000_000))
    }

    /// The moment, in seconds since 1970, when clocks showed this. Time that they skipped counts on from before; of
    /// time that they showed twice, the one by the same offset as the last answer. `None` beyond the calendar.
    pub(super) fn moment(&mut self, shown: Shown, now: WallTime) -> Option<i64> {
        if !(self.span.shown.0..self.span.shown.1).contains(&shown) {
            let last = match self.last_offset_secs {
                Some(last) => last,
                None => self.span_at(now.as_micros().div_euclid(1_000_000)).offset_secs,
            };
            let guess = self.span_at(shown - last);
            if !(guess.shown.0..guess.shown.1).contains(&shown) {
                let offset = self.offset_when(shown, last)?;
                self.last_offset_secs = Some(offset);
                return Some(shown - offset);
            }
        }
        self.last_offset_secs = Some(self.span.offset_secs);
        Some(shown - self.span.offset_secs)
    }

    /// The offset of a time near to one when clocks are set, going by the last offset.
    fn offset_when(&self, shown: Shown, last: i64) -> Option<i64> {
        let shown_time = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        let shown_time = shown_time.checked_add(jiff::SignedDuration::from_secs(shown)).ok()?;
        let secs = |offset: jiff::tz::Offset| i64::from(offset.seconds());
        Some(match self.zone.to_ambiguous_timestamp(shown_time).offset() {
            AmbiguousOffset::Unambiguous { offset } => secs(offset),
            AmbiguousOffset::Gap { before, .. } => secs(before),
            AmbiguousOffset::Fold { before, after } => {
                // The guess by the last offset lies before or after clocks were set.
                let guess = Timestamp::from_second(shown - last).ok()?;
                let at_guess = self.zone.to_offset(guess);
                if at_guess == before || at_guess == after { secs(at_guess) } else { secs(after) }
            }
        })
    }

    /// The span that a moment lies in.
    fn span_at(&mut self, secs: i64) -> Span {
        if !(self.span.moments.0..self.span.moments.1).contains(&secs) {
            self.span = Span::around(&self.zone, secs);
        }
        self.span
    }
}

impl Span {
    fn around(zone: &TimeZone, secs: i64) -> Self {
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let at =
            |secs: i64| Timestamp::from_second(secs.clamp(first, last)).expect("it is clamped");
        let offset = |moment: Timestamp| i64::from(zone.to_offset(moment).seconds());
        let moment = at(secs);
        let offset_secs = offset(moment);
        let begin = zone.preceding(at(secs.saturating_add(1))).next();
        let end = zone.following(moment).next();
        let mut span = Self {
            moments: (i64::MIN / 4, i64::MAX / 4),
            shown: (i64::MIN / 4, i64::MAX / 4),
            offset_secs,
        };
        if let Some(begin) = begin.map(|begin| begin.timestamp().as_second()) {
            span.moments.0 = begin;
            span.shown.0 = begin + offset_secs.max(offset(at(begin - 1)));
        }
        if let Some(end) = end.map(|end| end.timestamp().as_second()) {
            span.moments.1 = end;
            span.shown.1 = end + offset_secs.min(offset(at(end)));
        }
        span
    }
}
