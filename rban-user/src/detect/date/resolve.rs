//! [`Fields`] → moment: what was left out is filled in, and made a time of the zone (spec, filter 3.6).

use std::ops::{Range, RangeInclusive};

use super::fields::{Fields, NotATime, Week, WeekBegins};
use super::local::{Local, Shown};
use crate::clock::WallTime;

/// A date without a year may lie so far ahead before it means last year.
const AHEAD_MAX_SECS: i64 = DAY_SECS;
const DAY_SECS: i64 = 24 * 60 * 60;
/// The years of fail2ban's calendar.
const YEARS: RangeInclusive<i16> = 1..=9999;
/// All that clocks show in them.
pub(super) const SHOWN: Range<Shown> = -62_135_596_800..253_402_300_800;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    year: i16,
    month: u8,
    day: u8,
}

impl Fields {
    /// The moment that is meant, for a reader at `now` whose clocks are `local`. `log_offset_secs` is the zone of the
    /// log, if it is another.
    pub(super) fn resolve(
        &self,
        now: WallTime,
        log_offset_secs: Option<i32>,
        local: &mut Local,
    ) -> Result<WallTime, NotATime> {
        let (Some(year), Some(month), Some(day)) = (self.year, self.month, self.day) else {
            return self.resolve_around(now, log_offset_secs, local);
        };
        let shown = local.day_secs(Day { year, month, day })? + self.time_secs()?;
        moment(shown, self.offset_secs.or(log_offset_secs), now, local)
    }

    /// The same where today or this year must be assumed.
    fn resolve_around(
        &self,
        now: WallTime,
        log_offset_secs: Option<i32>,
        local: &mut Local,
    ) -> Result<WallTime, NotATime> {
        let (now_shown, now_micros) = local.shown_now(now);
        let is_year_assumed = self.year.is_none();
        let year = match self.year {
            Some(year) => year,
            None => local.year_of(now_shown),
        };
        let (day, is_today_assumed) = self.day(year, now_shown)?;
        let offset_secs = self.offset_secs.or(log_offset_secs);
        // What clocks show in Greenwich if an offset is known. It is compared with what they show here all the same,
        // as fail2ban does.
        let offset = i64::from(offset_secs.unwrap_or(0));
        let mut shown = local.day_secs(day)? + self.time_secs()? - offset;
        let is_ahead = |shown: Shown, secs| (shown, 0) > (now_shown + secs, now_micros);
        if is_today_assumed && is_ahead(shown, 0) {
            shown -= DAY_SECS;
        }
        if is_year_assumed && is_ahead(shown, AHEAD_MAX_SECS) {
            let last_year = Day { year: day.year - 1, ..day };
            shown = last_year.checked_secs()? + shown.rem_euclid(DAY_SECS);
        }
        moment(shown + offset, offset_secs, now, local)
    }

    /// The day that is meant, and whether it is today for want of anything else.
    fn day(&self, year: i16, now_shown: Shown) -> Result<(Day, bool), NotATime> {
        if let (Some(month), Some(day)) = (self.month, self.day) {
            return Ok((Day { year, month, day }, false));
        }
        let day_of_year = match (self.day_of_year, self.week, self.weekday) {
            (Some(day), ..) => Some(i64::from(day)),
            (None, Some(week), Some(weekday)) => Some(day_of_week(year, week, weekday)?),
            _ => None,
        };
        if let Some(day) = day_of_year {
            let first = Day { year, month: 1, day: 1 }.checked_secs()?;
            let shown = first + (day - 1) * DAY_SECS;
            let is_day = SHOWN.contains(&shown);
            return is_day.then(|| (Day::of(shown), false)).ok_or(NotATime::Impossible);
        }
        match (self.month, self.day) {
            (None, None) => Ok((Day { year, ..Day::of(now_shown) }, true)),
            _ => Err(NotATime::Incomplete),
        }
    }

    /// Seconds since midnight.
    fn time_secs(&self) -> Result<i64, NotATime> {
        let is_time = self.hour < 24 && self.minute < 60 && self.second < 60;
        let secs =
            i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        is_time.then_some(secs).ok_or(NotATime::Impossible)
    }
}

/// The moment when clocks show this: those of an offset, or the local ones.
#[inline]
fn moment(
    shown: Shown,
    offset_secs: Option<i32>,
    now: WallTime,
    local: &mut Local,
) -> Result<WallTime, NotATime> {
    let secs = match offset_secs {
        Some(offset) => Some(shown - i64::from(offset)).filter(|secs| SHOWN.contains(secs)),
        None => local.moment(shown, now),
    };
    secs.map(WallTime::from_secs).ok_or(NotATime::OutOfRange)
}

/// The day of the year that this day of a week is; 1 is the first of January, and 0 the day before it.
fn day_of_week(year: i16, week: Week, weekday: i16) -> Result<i64, NotATime> {
    let new_year = Day { year, month: 1, day: 1 }.checked_secs()?.div_euclid(DAY_SECS);
    // The first of January 1970 was a Thursday.
    let mut first_weekday = (new_year + 3).rem_euclid(7);
    let mut weekday = i64::from(weekday);
    if week.begins == WeekBegins::Sunday {
        first_weekday = (first_weekday + 1) % 7;
        weekday = (weekday + 1) % 7;
    }
    let week_begin = match week.number {
        0 => -first_weekday,
        number => (7 - first_weekday) % 7 + 7 * (i64::from(number) - 1),
    };
    Ok(1 + week_begin + weekday)
}

impl Day {
    /// When a year begins.
    pub(super) fn new_year(year: i16) -> Shown {
        Self { year, month: 1, day: 1 }.secs()
    }

    pub(super) fn year(self) -> i16 {
        self.year
    }

    /// Seconds from the begin of 1970 to that of the day; an error if there is no such day.
    pub(super) fn checked_secs(self) -> Result<Shown, NotATime> {
        let is_day = YEARS.contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=month_days(self.year, self.month)).contains(&self.day);
        is_day.then(|| self.secs()).ok_or(NotATime::Impossible)
    }

    /// The year begins in March here, so that a leap day is its last; eras are of 400 years.
    fn secs(self) -> Shown {
        let year = i64::from(self.year) - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era - 719_468) * DAY_SECS
    }

    /// The other way round.
    pub(super) fn of(shown: Shown) -> Self {
        let days = shown.div_euclid(DAY_SECS) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year: year as i16, month: month as u8, day: day as u8 }
    }
}

fn month_days(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
