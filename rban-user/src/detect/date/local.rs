//! Local time ↔ moments, as C's `mktime` and `localtime` have it, but without asking the zone for every line.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::fields::NotATime;
use super::resolve::{Date, SHOWN};
use crate::clock::WallTime;

/// A zone, and what was last asked of it: lines that follow one another are mostly of one day, and of no other than
/// that of the reader.
#[derive(Clone, Debug)]
pub(super) struct Local {
    zone: TimeZone,
    /// The time around the last answer in which clocks were not set.
    span: Span,
    /// The same around the reader's now.
    span_now: Span,
    /// What an hour that clocks showed twice is taken by: the offset of the last answer, as the C library does.
    last_offset_secs: Option<i64>,
    /// A day, and when it begins.
    last_date: Option<(Date, Shown)>,
    /// A year, and when it begins and ends.
    last_year: (i16, Range<Shown>),
}

/// A time in which the zone keeps its offset.
#[derive(Clone, Debug)]
struct Span {
    /// In seconds since 1970.
    moments: Range<i64>,
    /// The same in seconds that clocks show, but for those that they show twice.
    shown: Range<Shown>,
    offset_secs: i64,
}

/// Seconds that clocks show since the begin of 1970, wherever they are.
pub(super) type Shown = i64;

impl Local {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            span: Span::EMPTY,
            span_now: Span::EMPTY,
            last_offset_secs: None,
            last_date: None,
            last_year: (0, 0..0),
        }
    }

    /// When a day begins.
    ///
    /// # Errors
    /// There is no such day.
    #[inline]
    pub(super) fn date_secs(&mut self, date: Date) -> Result<Shown, NotATime> {
        if let Some((last, secs)) = self.last_date
            && last == date
        {
            return Ok(secs);
        }
        let secs = date.checked_secs()?;
        self.last_date = Some((date, secs));
        Ok(secs)
    }

    /// The year of a time.
    pub(super) fn year_of(&mut self, shown: Shown) -> i16 {
        if !self.last_year.1.contains(&shown) {
            let year = Date::of(shown).year();
            self.last_year = (year, Date::new_year(year)..Date::new_year(year + 1));
        }
        self.last_year.0
    }

    /// What clocks show now, and the microseconds that they do not show.
    pub(super) fn shown_now(&mut self, now: WallTime) -> (Shown, i64) {
        let micros = now.as_micros();
        let secs = micros.div_euclid(1_000_000);
        if !self.span_now.moments.contains(&secs) {
            self.span_now = Span::around(&self.zone, secs);
        }
        (secs + self.span_now.offset_secs, micros.rem_euclid(1_000_000))
    }

    /// The moment, in seconds since 1970, when clocks showed this. Time that they skipped counts on from before; of
    /// time that they showed twice, the one by the same offset as the last answer. `None` beyond the calendar.
    #[inline]
    pub(super) fn moment(&mut self, shown: Shown, now: WallTime) -> Option<i64> {
        if !self.span.shown.contains(&shown) {
            let last = match self.last_offset_secs {
                Some(last) => last,
                None => {
                    self.shown_now(now);
                    self.span_now.offset_secs
                }
            };
            self.span = Span::around(&self.zone, shown - last);
            if !self.span.shown.contains(&shown) {
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
}

impl Span {
    const EMPTY: Self = Self { moments: 0..0, shown: 0..0, offset_secs: 0 };

    fn around(zone: &TimeZone, secs: i64) -> Self {
        let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        let at =
            |secs: i64| Timestamp::from_second(secs.clamp(first, last)).expect("it is clamped");
        let offset = |moment: Timestamp| i64::from(zone.to_offset(moment).seconds());
        let moment = at(secs);
        let offset_secs = offset(moment);
        let begin = zone.preceding(at(secs.saturating_add(1))).next();
        let end = zone.following(moment).next();
        let mut span = Self { moments: first..last, shown: SHOWN, offset_secs };
        if let Some(begin) = begin.map(|begin| begin.timestamp().as_second()) {
            span.moments.start = begin;
            span.shown.start = begin + offset_secs.max(offset(at(begin - 1)));
        }
        if let Some(end) = end.map(|end| end.timestamp().as_second()) {
            span.moments.end = end;
            span.shown.end = end + offset_secs.min(offset(at(end)));
        }
        span
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Local {
        Local::new(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap())
    }

    /// One after the other, at a time of summer: which moment is each of these, and in which zone?
    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        let mut local = berlin();
        for (shown, moment) in cases {
            let shown_time: DateTime = shown.parse().unwrap();
            let shown = shown_time.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
            let now = WallTime::from_secs(1_750_000_000);
            let found = local.moment(shown.as_secs(), now).unwrap();
            assert_eq!(Timestamp::from_second(found).unwrap().to_string(), *moment, "{shown_time}");
        }
    }

    #[test]
    fn winter_and_summer_have_their_offsets() {
        check(&[
            ("2025-01-01 00:00:00", "2024-12-31T23:00:00Z"),
            ("2025-07-01 00:00:00", "2025-06-30T22:00:00Z"),
            ("2025-03-30 01:59:59", "2025-03-30T00:59:59Z"),
            ("2025-03-30 03:00:00", "2025-03-30T01:00:00Z"),
            ("2025-10-26 01:59:59", "2025-10-25T23:59:59Z"),
            ("2025-10-26 03:00:00", "2025-10-26T02:00:00Z"),
            ("0001-01-01 00:00:00", "0000-12-31T23:00:00Z"),
            ("9999-12-30 00:00:00", "9999-12-29T23:00:00Z"),
        ]);
    }

    #[test]
    fn an_hour_that_clocks_skipped_is_the_one_after() {
        check(&[
            ("2025-03-30 02:00:00", "2025-03-30T01:00:00Z"),
            ("2025-07-01 00:00:00", "2025-06-30T22:00:00Z"),
            ("2025-03-30 02:59:59", "2025-03-30T01:59:59Z"),
        ]);
    }

    #[test]
    fn of_an_hour_shown_twice_the_one_like_the_line_before_is_meant() {
        check(&[
            ("2025-10-26 02:30:00", "2025-10-26T00:30:00Z"),
            ("2025-10-26 03:00:01", "2025-10-26T02:00:01Z"),
            ("2025-10-26 02:30:00", "2025-10-26T01:30:00Z"),
            ("2025-07-26 02:30:00", "2025-07-26T00:30:00Z"),
            ("2025-10-26 02:30:00", "2025-10-26T00:30:00Z"),
            ("2025-12-26 02:30:00", "2025-12-26T01:30:00Z"),
            ("2025-10-26 02:30:00", "2025-10-26T01:30:00Z"),
        ]);
    }

    #[test]
    fn clocks_show_the_time_of_the_season() {
        let mut local = berlin();
        assert_eq!(
            local.shown_now(WallTime::from_micros(1_763_700_000_000_001)),
            (1_763_703_600, 1)
        );
        assert_eq!(local.shown_now(WallTime::from_secs(1_750_000_000)), (1_750_007_200, 0));
        assert_eq!(local.year_of(1_767_225_599), 2025);
        assert_eq!(local.year_of(1_767_225_600), 2026);
    }
}
