//! [`Fields`] → moment: what was left out is filled in, and made a time of the zone (spec, filter 3.6).

use std::num::NonZeroI16;
use std::ops::{Range, RangeInclusive};

use super::fields::{Day, Fields, NotATime, Week, WeekBegins};
use super::local::{Local, Shown};
use crate::clock::WallTime;

/// A date without a year may lie so far ahead before it means last year.
const AHEAD_MAX_SECS: i64 = DAY_SECS;
const DAY_SECS: i64 = 24 * 60 * 60;
/// The years of fail2ban's calendar.
const YEARS: RangeInclusive<i16> = 1..=9999;
/// All that clocks show in them.
pub(super) const SHOWN: Range<Shown> = -62_135_596_800..253_402_300_800;

/// A day of the calendar, if there is such a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    year: i16,
    month: u8,
    day: u8,
}

impl Fields {
    /// The moment that is meant, for a reader at `now` whose clocks are `local`. `log_offset_mins` is the zone of the
    /// log, if it is another.
    #[inline]
    pub(super) fn resolve(
        &self,
        now: WallTime,
        log_offset_mins: Option<i16>,
        local: &mut Local,
    ) -> Result<WallTime, NotATime> {
        let offset_mins = self.offset_mins.or(log_offset_mins);
        let (Some(year), Day::OfMonth { month, day }) = (self.year, self.day) else {
            return self.resolve_around(now, offset_mins, local);
        };
        let date = Date { year: year.get(), month, day };
        moment(local.date_secs(date)? + self.time_secs()?, offset_mins, now, local)
    }

    /// The same where today or this year must be assumed.
    fn resolve_around(
        &self,
        now: WallTime,
        offset_mins: Option<i16>,
        local: &mut Local,
    ) -> Result<WallTime, NotATime> {
        let (now_shown, now_micros) = local.shown_now(now);
        let is_year_assumed = self.year.is_none();
        let year = self.year.map_or_else(|| local.year_of(now_shown), NonZeroI16::get);
        let date = match self.day {
            Day::OfMonth { month, day } => Date { year, month, day },
            Day::OfYear(day) => Date::of_year(year, day.into())?,
            Day::OfWeek(week) => Date::of_year(year, week.day_of(year)?)?,
            Day::Unknown => Date { year, ..Date::of(now_shown) },
            Day::Half => return Err(NotATime::Incomplete),
        };
        // What clocks show in Greenwich if an offset is known. It is compared with what they show here all the same,
        // as fail2ban does.
        let offset_secs = i64::from(offset_mins.unwrap_or(0)) * 60;
        let mut shown = local.date_secs(date)? + self.time_secs()? - offset_secs;
        let is_ahead = |shown: Shown, secs| (shown, 0) > (now_shown + secs, now_micros);
        if self.day == Day::Unknown && is_ahead(shown, 0) {
            shown -= DAY_SECS;
        }
        if is_year_assumed && is_ahead(shown, AHEAD_MAX_SECS) {
            let last_year = Date { year: date.year - 1, ..date };
            shown = last_year.checked_secs()? + shown.rem_euclid(DAY_SECS);
        }
        moment(shown + offset_secs, offset_mins, now, local)
    }

    /// Seconds since midnight.
    #[inline]
    fn time_secs(&self) -> Result<i64, NotATime> {
        let (hour, minute, second) = self.time;
        let secs = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
        let is_time = hour < 24 && minute < 60 && second < 60;
        is_time.then_some(secs).ok_or(NotATime::Impossible)
    }
}

/// The moment when clocks show this: those of an offset, or the local ones.
#[inline]
fn moment(
    shown: Shown,
    offset_mins: Option<i16>,
    now: WallTime,
    local: &mut Local,
) -> Result<WallTime, NotATime> {
    let secs = match offset_mins {
        Some(offset) => Some(shown - i64::from(offset) * 60).filter(|secs| SHOWN.contains(secs)),
        None => local.moment(shown, now),
    };
    secs.map(WallTime::from_secs).ok_or(NotATime::OutOfRange)
}

impl Week {
    /// Which day of the year it is; 1 is the first of January, and 0 the day before it.
    fn day_of(self, year: i16) -> Result<i64, NotATime> {
        let new_year = Date { year, month: 1, day: 1 }.checked_secs()?.div_euclid(DAY_SECS);
        // The first of January 1970 was a Thursday.
        let mut first_weekday = (new_year + 3).rem_euclid(7);
        let mut weekday = i64::from(self.weekday);
        if self.begins == WeekBegins::Sunday {
            first_weekday = (first_weekday + 1) % 7;
            weekday = (weekday + 1) % 7;
        }
        let week_begin = match self.number {
            0 => -first_weekday,
            number => (7 - first_weekday) % 7 + 7 * (i64::from(number) - 1),
        };
        Ok(1 + week_begin + weekday)
    }
}

impl Date {
    /// A day that is counted from the begin of the year, from 1.
    fn of_year(year: i16, day: i64) -> Result<Self, NotATime> {
        let shown = Self { year, month: 1, day: 1 }.checked_secs()? + (day - 1) * DAY_SECS;
        SHOWN.contains(&shown).then(|| Self::of(shown)).ok_or(NotATime::Impossible)
    }

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
