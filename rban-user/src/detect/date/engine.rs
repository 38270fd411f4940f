//! A compiled pattern, and what its groups say of the time.

use std::num::NonZeroI16;
use std::ops::Range;

use super::chars;
use super::epoch;
use super::fields::{
    Day, Fields, MONTHS, MONTHS_SHORT, NotATime, Stamp, WEEKDAYS, WEEKDAYS_SHORT, Week, WeekBegins,
};
use super::search::Hit;
use super::zone;
use crate::detect::pyre::{self, Flags, LimitReached, Pattern, Scratch, Steps};

/// A pattern ready to search.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    text: Box<str>,
    pattern: Pattern,
    /// The groups whose names are tokens', in the order of the pattern.
    parts: Vec<(usize, Part)>,
}

/// Memory of searches, kept from line to line, and how they went.
#[derive(Clone, Debug, Default)]
pub(super) struct Workspace {
    scratch: Scratch,
    /// How many searches took too long.
    pub(super) given_up: u64,
}

/// How long one pattern may take to find no date in a line: some milliseconds.
const STEPS_MAX: Steps = Steps(1_000_000);

/// What a group holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    HalfOfDay,
    MonthName,
    MonthNameShort,
    Weekday,
    WeekdayName,
    WeekdayNameShort,
    DayOfYear,
    Week(WeekBegins),
    Zone,
    Epoch,
}

/// The group that a count of seconds stands in.
pub(super) const EPOCH_GROUP: &str = "epoch";

impl Part {
    fn of_group(name: &str) -> Option<Self> {
        Some(match name {
            "Y" => Self::Year,
            "y" => Self::ShortYear,
            "m" => Self::Month,
            "d" => Self::Day,
            "H" => Self::Hour,
            "I" => Self::HalfDayHour,
            "M" => Self::Minute,
            "S" => Self::Second,
            "p" => Self::HalfOfDay,
            "B" => Self::MonthName,
            "b" => Self::MonthNameShort,
            "w" => Self::Weekday,
            "A" => Self::WeekdayName,
            "a" => Self::WeekdayNameShort,
            "j" => Self::DayOfYear,
            "U" => Self::Week(WeekBegins::Sunday),
            "W" => Self::Week(WeekBegins::Monday),
            "z" | "Z" => Self::Zone,
            EPOCH_GROUP => Self::Epoch,
            _ => return None,
        })
    }
}

impl Engine {
    /// The regular expression that it runs.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Compiles a regular expression.
    pub(super) fn new(regex: &str) -> Result<Self, pyre::Error> {
        let pattern = Pattern::new(regex, Flags::default())?;
        let parts = pattern.group_names();
        let parts =
            parts.filter_map(|(name, group)| Some((group, Part::of_group(name)?))).collect();
        Ok(Self { text: regex.into(), pattern, parts })
    }

    /// The first match in a part of the line. What precedes the part is seen, what follows it is not. A search that
    /// takes too long finds nothing.
    pub(super) fn find(&self, line: &str, part: Range<usize>, work: &mut Workspace) -> Option<Hit> {
        let scratch = &mut work.scratch;
        match self.pattern.search_within(scratch, line.as_bytes(), part, STEPS_MAX) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(LimitReached) => {
                work.given_up += 1;
                return None;
            }
        }
        let whole = scratch.group(0)?;
        // A first group that had no part in the match cuts nothing.
        let cut = scratch.group(1).unwrap_or(0..0);
        let stamp = self.stamp(|group| scratch.group(group).map(|range| &line[range]));
        Some(Hit { whole, cut, stamp: stamp.unwrap_or_else(Stamp::unfit) })
    }

    fn stamp<'t>(&self, text_of: impl Fn(usize) -> Option<&'t str>) -> Result<Stamp, NotATime> {
        let mut year = None;
        let (mut month, mut day) = (None, None);
        let (mut day_of_year, mut week, mut weekday) = (None, None, None);
        let (mut hour, mut minute, mut second) = (0, 0, 0);
        let mut offset_mins = None;
        for &(group, part) in &self.parts {
            let Some(text) = text_of(group) else { continue };
            match part {
                Part::Epoch => return Ok(epoch::moment(text)),
                Part::Year => year = Some(small(text)?),
                Part::ShortYear => {
                    let short: i16 = small(text)?;
                    year = Some(if short <= 2000 { short + 2000 } else { short });
                }
                Part::Month => month = Some(small(text)?),
                Part::MonthName => month = Some(index(text, &MONTHS)? + 1),
                Part::MonthNameShort => month = Some(index(text, &MONTHS_SHORT)? + 1),
                Part::Day => day = Some(small(text)?),
                Part::Hour => hour = small(text)?,
                Part::HalfDayHour => hour = self.hour(small(text)?, &text_of)?,
                Part::Minute => minute = small(text)?,
                Part::Second => second = small(text)?,
                Part::HalfOfDay => {}
                Part::Weekday => {
                    let number: i8 = small(text)?;
                    weekday = Some(if number > 0 { number - 1 } else { 6 });
                }
                Part::WeekdayName => weekday = Some(index(text, &WEEKDAYS)? as i8),
                Part::WeekdayNameShort => weekday = Some(index(text, &WEEKDAYS_SHORT)? as i8),
                Part::DayOfYear => day_of_year = Some(small(text)?),
                Part::Week(begins) => week = Some((small(text)?, begins)),
                Part::Zone => offset_mins = Some(zone::offset_mins(text)?),
            }
        }
        // There is no year 0.
        let year =
            year.map(|year| NonZeroI16::new(year).ok_or(NotATime::Impossible)).transpose()?;
        let day = match (month, day, day_of_year, week, weekday) {
            (Some(month), Some(day), ..) => Day::OfMonth { month, day },
            (_, _, Some(day), ..) => Day::OfYear(day),
            (_, _, _, Some((number, begins)), Some(weekday)) => {
                Day::OfWeek(Week { number, weekday, begins })
            }
            (None, None, ..) => Day::Unknown,
            _ => Day::Half,
        };
        Ok(Stamp::date(Fields { year, day, time: (hour, minute, second), offset_mins }))
    }

    /// An hour of the twelve-hour clock, which is before noon unless the pattern says otherwise.
    fn hour<'t>(
        &self,
        hour: u8,
        text_of: &impl Fn(usize) -> Option<&'t str>,
    ) -> Result<u8, NotATime> {
        let half = self.parts.iter().find(|(_, part)| *part == Part::HalfOfDay);
        let half = match half {
            Some((group, _)) => text_of(*group).ok_or(NotATime::HalfOfDay)?,
            None => "",
        };
        Ok(match hour {
            12 if half.is_empty() || half.eq_ignore_ascii_case("am") => 0,
            0..=11 | 13.. if half.eq_ignore_ascii_case("pm") => hour.saturating_add(12),
            hour => hour,
        })
    }
}

fn index(text: &str, names: &[&str]) -> Result<u8, NotATime> {
    let index = names.iter().position(|name| text.eq_ignore_ascii_case(name));
    index.map(|index| index as u8).ok_or(NotATime::Impossible)
}

/// A number that a part of a date could be.
fn small<T: TryFrom<i32>>(text: &str) -> Result<T, NotATime> {
    T::try_from(number(text)?).map_err(|_| NotATime::Impossible)
}

/// A number as Python's `int` reads it: blanks around it, a sign, single underscores between the digits.
fn number(text: &str) -> Result<i32, NotATime> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value = Some(0i32);
    let mut was_digit = false;
    for c in digits.chars() {
        if c == '_' && was_digit {
            was_digit = false;
            continue;
        }
        let digit = chars::digit(c).ok_or(NotATime::Impossible)? as i32;
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit));
        was_digit = true;
    }
    if !was_digit {
        return Err(NotATime::Impossible);
    }
    value.map(|value| sign * value).ok_or(NotATime::OutOfRange)
}
