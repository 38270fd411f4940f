//! [`Fields`] → moment: what was left out is filled in, and made a time of the zone (spec, filter 3.6).

use super::fields::{Fields, NotATime, Week, WeekBegins};
use super::local::{Local, Shown};
use crate::clock::WallTime;

/// A date without a year may lie so far ahead before it means last year.
const AHEAD_MAX_SECS: i64 = DAY_SECS;
const DAY_SECS: i64 = 24 * 60 * 60;
/// The years of fail2ban's calendar.
const YEARS: std::ops::RangeInclusive<i32> = 1..=9999;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Day {
    year: i32,
    month: i32,
    day: i32,
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
        let is_year_assumed = self.year.is_none();
        let is_whole = !is_year_assumed && self.month.is_some() && self.day.is_some();
        // Most dates are whole, and need not ask for the time.
        let (now_shown, now_micros) = if is_whole { (0, 0) } else { local.shown_at(now) };
        let year = self.year.unwrap_or_else(|| Day::of(now_shown).year);
        let (day, is_today_assumed) = self.day(year, now_shown)?;

        let time = self.time_secs()?;
        let offset_secs = self.offset_secs.or(log_offset_secs);
        // From here on this is what clocks show in Greenwich, if an offset is known. It is compared with what they
        // show here all the same, as fail2ban does.
        let mut shown = day.checked_secs()? + time - i64::from(offset_secs.unwrap_or(0));
        let is_ahead = |shown: Shown, secs| (shown, 0) > (now_shown + secs, now_micros);
        if is_today_assumed && is_ahead(shown, 0) {
            shown -= DAY_SECS;
        }
        if is_year_assumed && is_ahead(shown, AHEAD_MAX_SECS) {
            let last_year = Day { year: day.year - 1, ..day };
            shown = last_year.checked_secs()? + shown.rem_euclid(DAY_SECS);
        }
        if !YEARS.contains(&Day::of(shown).year) {
            return Err(NotATime::OutOfRange);
        }
        let secs = match offset_secs {
            Some(_) => shown,
            None => local.moment(shown, now).ok_or(NotATime::OutOfRange)?,
        };
        Ok(WallTime::from_secs(secs))
    }

    /// The day that is meant, and whether it is today for want of anything else.
    fn day(&self, year: i32, now_shown: Shown) -> Result<(Day, bool), NotATime> {
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
            let day = Day::of(first + (day - 1) * DAY_SECS);
            return if YEARS.contains(&day.year) {
                Ok((day, false))
            } else {
                Err(NotATime::Impossible)
            };
        }
        match (self.month, self.day) {
            (None, None) => Ok((Day { year, ..Day::of(now_shown) }, true)),
            _ => Err(NotATime::Incomplete),
        }
    }

    /// Seconds since midnight.
    fn time_secs(&self) -> Result<i64, NotATime> {
        let is_time = (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second);
        let secs =
            i64::from(self.hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        is_time.then_some(secs).ok_or(NotATime::Impossible)
    }
}

/// The day of the year that this day of a week is; 1 is the first of January, and 0 the day before it.
fn day_of_week(year: i32, week: Week, weekday: i32) -> Result<i64, NotATime> {
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
    /// Seconds from the begin of 1970 to that of the day; an error if there is no such day.
    #[inline]
    fn checked_secs(self) -> Result<Shown, NotATime> {
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
    fn of(shown: Shown) -> Self {
        let days = shown.div_euclid(DAY_SECS) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year: year as i32, month: month as i32, day: day as i32 }
    }
}

fn month_days(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
