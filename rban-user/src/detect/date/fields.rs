//! What a match says of a time, before anybody asks which moment that is.

use std::fmt;
use std::num::{NonZeroI16, NonZeroU64};

use crate::clock::WallTime;

/// A time as a template read it.
///
/// One is made for every line and handed on a few times, so it is no enum of structs but two numbers, which stay in
/// registers: memory that is written in small pieces and read in large ones makes the processor wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// What it is, in the lowest byte, which is never 0; above it hour, minute, second, the two numbers of the day, and
    /// the year in two bytes.
    parts: NonZeroU64,
    /// Of a count of seconds the microseconds, of a date the minutes east of Greenwich.
    rest: i64,
}

/// What a [`Stamp`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The parts of a calendar date; what is left out is known only when it is resolved.
    Date(Fields),
    /// A count of seconds, which needs no calendar.
    Moment(WallTime),
    /// It matched, but no time can be made of it.
    Unfit(NotATime),
}

/// Why a matched date has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATime {
    /// There is no such day or time of day, or a part is no number: the line counts as one without a date.
    #[error("there is no such date")]
    Impossible,
    /// Capital letters where a zone is named, and no zone has that name: fail2ban drops the line.
    #[error("no time zone has this name")]
    UnknownZone,
    /// A month without a day, or a day without a month: fail2ban drops the line.
    #[error("the date has only one of month and day")]
    Incomplete,
    /// An hour of twelve, and where the pattern has the half of the day, the line has nothing.
    #[error("the hour has no half of the day")]
    HalfOfDay,
    /// Beyond the calendar: fail2ban drops the line.
    #[error("the date is out of range")]
    OutOfRange,
}

impl NotATime {
    fn of_number(number: i64) -> Self {
        let all = [Self::Impossible, Self::UnknownZone, Self::Incomplete, Self::HalfOfDay];
        all.into_iter().find(|reason| *reason as i64 == number).unwrap_or(Self::OutOfRange)
    }

    /// Whether fail2ban fails to process such a line at all (spec, filter 4, last paragraph).
    pub fn fails_the_line(self) -> bool {
        self != Self::Impossible
    }
}

/// The parts of a date that were written. Nothing is checked but that they are numbers, and not large ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) year: Option<NonZeroI16>,
    pub(super) day: Day,
    pub(super) time: Time,
    /// Minutes east of Greenwich; `None` = the zone of the log.
    pub(super) offset_mins: Option<i16>,
}

/// Hour, minute, second.
pub(super) type Time = (u8, u8, u8);

/// What is said of the day in its year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    OfMonth {
        month: u8,
        day: u8,
    },
    /// 1 is the first of January.
    OfYear(i16),
    OfWeek(Week),
    /// Nothing.
    Unknown,
    /// A month without a day, or a day without a month.
    Half,
}

/// A day of a week of the year; the days before its first Monday or Sunday are week 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Week {
    pub(super) number: i8,
    /// 0 is Monday.
    pub(super) weekday: i8,
    pub(super) begins: WeekBegins,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WeekBegins {
    Monday,
    Sunday,
}

/// What a stamp is, in its lowest byte.
mod kind {
    pub(super) const OF_MONTH: u8 = 1;
    pub(super) const OF_YEAR: u8 = 2;
    pub(super) const OF_MONDAY_WEEK: u8 = 3;
    pub(super) const OF_SUNDAY_WEEK: u8 = 4;
    pub(super) const UNKNOWN: u8 = 5;
    pub(super) const HALF: u8 = 6;
    pub(super) const MOMENT: u8 = 7;
    pub(super) const UNFIT: u8 = 8;
}

/// No offset.
const NO_OFFSET: i64 = i64::MIN;

impl Stamp {
    /// A date.
    #[inline(always)]
    pub(super) fn date(fields: Fields) -> Self {
        let Fields { year, day, time: (hour, minute, second), offset_mins } = fields;
        let (kind, a, b) = match day {
            Day::OfMonth { month, day } => (kind::OF_MONTH, month, day),
            Day::OfYear(day) => {
                let [a, b] = day.to_le_bytes();
                (kind::OF_YEAR, a, b)
            }
            Day::OfWeek(Week { number, weekday, begins }) => {
                let kind = match begins {
                    WeekBegins::Monday => kind::OF_MONDAY_WEEK,
                    WeekBegins::Sunday => kind::OF_SUNDAY_WEEK,
                };
                (kind, number as u8, weekday as u8)
            }
            Day::Unknown => (kind::UNKNOWN, 0, 0),
            Day::Half => (kind::HALF, 0, 0),
        };
        let year = year.map_or(0, |year| year.get() as u16);
        let bytes = [kind, hour, minute, second, a, b].map(u64::from);
        let low = bytes.into_iter().rev().fold(u64::from(year), |parts, byte| parts << 8 | byte);
        Self::new(low, offset_mins.map_or(NO_OFFSET, i64::from))
    }

    /// A count of seconds.
    #[inline]
    pub(super) fn moment(time: WallTime) -> Self {
        Self::new(kind::MOMENT.into(), time.as_micros())
    }

    /// What no time can be made of.
    pub(super) fn unfit(reason: NotATime) -> Self {
        Self::new(kind::UNFIT.into(), reason as i64)
    }

    #[inline]
    fn new(parts: u64, rest: i64) -> Self {
        Self { parts: NonZeroU64::new(parts).unwrap_or(NonZeroU64::MIN), rest }
    }

    /// What it says.
    #[inline]
    pub(super) fn said(self) -> Said {
        let [kind, hour, minute, second, a, b, year @ ..] = self.parts.get().to_le_bytes();
        let week = |begins| Day::OfWeek(Week { number: a as i8, weekday: b as i8, begins });
        let day = match kind {
            kind::OF_MONTH => Day::OfMonth { month: a, day: b },
            kind::MOMENT => return Said::Moment(WallTime::from_micros(self.rest)),
            kind::UNFIT => return Said::Unfit(NotATime::of_number(self.rest)),
            kind::OF_YEAR => Day::OfYear(i16::from_le_bytes([a, b])),
            kind::OF_MONDAY_WEEK => week(WeekBegins::Monday),
            kind::OF_SUNDAY_WEEK => week(WeekBegins::Sunday),
            kind::UNKNOWN => Day::Unknown,
            _ => Day::Half,
        };
        Said::Date(Fields {
            year: NonZeroI16::new(i16::from_le_bytes(year)),
            day,
            time: (hour, minute, second),
            offset_mins: (self.rest != NO_OFFSET).then_some(self.rest as i16),
        })
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.said().fmt(f)
    }
}

/// Months as fail2ban abbreviates them, in small letters; the full names are [`MONTHS`].
pub(super) const MONTHS_SHORT: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
pub(super) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Weekdays, Monday first.
pub(super) const WEEKDAYS_SHORT: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
pub(super) const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_says_what_it_was_made_of() {
        let week = |begins| Day::OfWeek(Week { number: -1, weekday: 6, begins });
        for day in [
            Day::OfMonth { month: 12, day: 31 },
            Day::OfYear(-366),
            week(WeekBegins::Monday),
            week(WeekBegins::Sunday),
            Day::Unknown,
            Day::Half,
        ] {
            for (year, offset_mins) in
                [(None, None), (NonZeroI16::new(-1), Some(-720)), (NonZeroI16::new(2025), Some(0))]
            {
                let fields = Fields { year, day, time: (23, 59, 255), offset_mins };
                assert_eq!(Stamp::date(fields).said(), Said::Date(fields));
            }
        }
        for micros in [i64::MIN, -1, 0, i64::MAX] {
            let time = WallTime::from_micros(micros);
            assert_eq!(Stamp::moment(time).said(), Said::Moment(time));
        }
        for reason in [
            NotATime::Impossible,
            NotATime::UnknownZone,
            NotATime::Incomplete,
            NotATime::HalfOfDay,
            NotATime::OutOfRange,
        ] {
            assert_eq!(Stamp::unfit(reason).said(), Said::Unfit(reason));
        }
    }
}
