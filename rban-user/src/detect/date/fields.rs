//! What a match says of a time, before anybody asks which moment that is.

use std::num::NonZeroI16;

use crate::clock::WallTime;

/// A time as a template read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stamp {
    /// The parts of a calendar date; what is left out is known only when it is resolved.
    Civil(Fields),
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
    /// Whether fail2ban fails to process such a line at all (spec, filter 4, last paragraph).
    pub fn fails_the_line(self) -> bool {
        self != Self::Impossible
    }
}

/// The parts of a date that were written. Nothing is checked but that they are numbers, and not large ones. A stamp is
/// made for every line: it fits into two registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    pub(super) year: Option<NonZeroI16>,
    pub(super) day: Day,
    pub(super) time: Time,
    /// Minutes east of Greenwich; `None` = the zone of the log.
    pub(super) offset_mins: Option<i16>,
}

const _: () = assert!(size_of::<Option<Stamp>>() == 16);

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
