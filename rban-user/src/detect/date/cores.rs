//! The seventeen default templates, written out by hand (spec, filter 3.4).
//!
//! Each is also there as a pattern, which says what it accepts; what is here must accept the same and is only faster.
//! The tests hold them against each other.

use std::num::NonZeroI16;

use super::fields::{Day, Fields, NotATime, Stamp, Time};
use super::reader::Reader;
use super::{epoch, zone};

/// A default template without its begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Core {
    Iso,
    Syslog,
    SyslogYear,
    DayMonthYear,
    Apache,
    MonthDayYearColon,
    MonthDayYear,
    Epoch,
    TimeOnly,
    Angled,
    ShortCompact,
    HalfDay,
    Dashed,
    Compact,
    ZoneName,
    ZoneOffset,
    Tai64n,
    /// In no list of defaults, but a template on request.
    LongEpoch,
}

/// All of them, in the order in which they are tried.
pub(super) const CORES: [Core; 17] = [
    Core::Iso,
    Core::Syslog,
    Core::SyslogYear,
    Core::DayMonthYear,
    Core::Apache,
    Core::MonthDayYearColon,
    Core::MonthDayYear,
    Core::Epoch,
    Core::TimeOnly,
    Core::Angled,
    Core::ShortCompact,
    Core::HalfDay,
    Core::Dashed,
    Core::Compact,
    Core::ZoneName,
    Core::ZoneOffset,
    Core::Tai64n,
];

impl Core {
    /// As a pattern; the words `Epoch` and `TAI64N` where it is none.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Iso => r"%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
            Self::Syslog => r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            Self::SyslogYear => r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?",
            Self::DayMonthYear => r"%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
            Self::Apache => r"%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?",
            Self::MonthDayYearColon => r"%m/%d/%ExY:%H:%M:%S",
            Self::MonthDayYear => r"%m-%d-%ExY %k:%M:%S(?:\.%f)?",
            Self::Epoch => "Epoch",
            Self::LongEpoch => "LongEpoch",
            Self::TimeOnly => r"%H:%M:%S",
            Self::Angled => r"^<%m/%d/%Exy@%H:%M:%S>",
            Self::ShortCompact => r"%Exy%Exm%Exd  ?%H:%M:%S",
            Self::HalfDay => r"%b %d, %ExY %I:%M:%S %p",
            Self::Dashed => r"^%b-%d-%Exy %k:%M:%S",
            Self::Compact => r"%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?",
            Self::ZoneName => r"(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            Self::ZoneOffset => r"(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            Self::Tai64n => "TAI64N",
        }
    }

    /// Whether its pattern begins with the begin of the line, whatever is asked for.
    pub(super) fn is_line_begin(self) -> bool {
        matches!(self, Self::Angled | Self::Dashed)
    }

    /// Whether it is a count of seconds, which needs no pattern.
    pub(super) fn is_count(self) -> bool {
        matches!(self, Self::Epoch | Self::LongEpoch | Self::Tai64n)
    }

    /// Reads it from here to an edge of a word.
    #[inline]
    pub(super) fn read(self, reader: &mut Reader<'_>) -> Option<Stamp> {
        match self {
            Self::Iso => iso(reader),
            Self::Syslog => syslog(reader).map(Stamp::date),
            Self::SyslogYear => syslog_year(reader),
            Self::DayMonthYear => day_month_year(reader),
            Self::Apache => apache(reader),
            Self::MonthDayYearColon => month_day_year_colon(reader),
            Self::MonthDayYear => month_day_year(reader),
            Self::Epoch => epoch::short(reader),
            Self::LongEpoch => epoch::long(reader),
            Self::TimeOnly => time_only(reader),
            Self::Angled => angled(reader),
            Self::ShortCompact => short_compact(reader),
            Self::HalfDay => half_day(reader),
            Self::Dashed => dashed(reader),
            Self::Compact => compact(reader),
            Self::ZoneName => zoned(reader, zone_name),
            Self::ZoneOffset => zoned(reader, zone_offset),
            Self::Tai64n => epoch::tai64n(reader),
        }
    }
}

/// Minutes east of Greenwich.
type Offset = Result<i16, NotATime>;
/// Reads a piece, if it is there.
type Step<T> = fn(&mut Reader<'_>) -> Option<T>;

fn iso(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.year()?;
    let separator = reader.take(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    let month = reader.month()?;
    reader.skip(separator)?;
    let day = reader.day()?;
    if reader.take(|byte| matches!(byte, b'T' | b' '))? == b' ' {
        reader.maybe(b' ');
    }
    let time = reader.time()?;
    let offset = tail(reader, is_point_or_comma, iso_offset)?;
    Some(stamp(civil(Some(year), month, day, time), offset))
}

fn syslog(reader: &mut Reader<'_>) -> Option<Fields> {
    reader.maybe_weekday();
    let month = reader.month_name()?;
    reader.skip(b' ')?;
    let day = reader.day()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    let year = tail(reader, is_point, |reader| {
        reader.skip(b' ')?;
        reader.year()
    })?;
    Some(civil(year, month, day, time))
}

fn syslog_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    reader.maybe_weekday();
    let month = reader.month_name()?;
    reader.skip(b' ')?;
    let day = reader.day()?;
    reader.skip(b' ')?;
    let year = reader.year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    tail(reader, is_point, nothing)?;
    Some(Stamp::date(civil(Some(year), month, day, time)))
}

fn day_month_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    let day = reader.day()?;
    let separator = reader.take(|byte| matches!(byte, b'-' | b'/'))?;
    let month = reader.month()?;
    reader.skip(separator)?;
    let long = |reader: &mut Reader<'_>| {
        let year = reader.year()?;
        reader.skip(b' ').map(|()| year)
    };
    let year = match reader.optional(long) {
        Some(year) => year,
        None => {
            let year = reader.short_year()?;
            reader.skip(b' ')?;
            year
        }
    };
    let time = reader.blank_time()?;
    reader.at_edge().then(|| Stamp::date(civil(Some(year), month, day, time)))
}

fn apache(reader: &mut Reader<'_>) -> Option<Stamp> {
    let day = reader.day()?;
    let separator = reader.take(|byte| matches!(byte, b'-' | b'/'))?;
    let month = reader.month_name()?;
    reader.skip(separator)?;
    let year = reader.year()?;
    reader.take(|byte| matches!(byte, b' ' | b':'));
    let time = reader.time()?;
    let offset = tail(reader, is_point, |reader| {
        reader.skip(b' ')?;
        edged_offset(reader, Case::Ignored)
    })?;
    Some(stamp(civil(Some(year), month, day, time), offset))
}

fn month_day_year_colon(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month()?;
    reader.skip(b'/')?;
    let day = reader.day()?;
    reader.skip(b'/')?;
    let year = reader.year()?;
    reader.skip(b':')?;
    let time = reader.time()?;
    reader.at_edge().then(|| Stamp::date(civil(Some(year), month, day, time)))
}

fn month_day_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month()?;
    reader.skip(b'-')?;
    let day = reader.day()?;
    reader.skip(b'-')?;
    let year = reader.year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    tail(reader, is_point, nothing)?;
    Some(Stamp::date(civil(Some(year), month, day, time)))
}

fn time_only(reader: &mut Reader<'_>) -> Option<Stamp> {
    let time = reader.time()?;
    let fields = Fields { year: None, day: Day::Unknown, time, offset_mins: None };
    reader.at_edge().then_some(Stamp::date(fields))
}

fn angled(reader: &mut Reader<'_>) -> Option<Stamp> {
    reader.skip(b'<')?;
    let month = reader.month()?;
    reader.skip(b'/')?;
    let day = reader.day()?;
    reader.skip(b'/')?;
    let year = reader.short_year()?;
    reader.skip(b'@')?;
    let time = reader.time()?;
    reader.skip(b'>')?;
    Some(Stamp::date(civil(Some(year), month, day, time)))
}

fn short_compact(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.short_year()?;
    let month = reader.two(1..=12)?;
    let day = reader.two(1..=31)?;
    reader.skip(b' ')?;
    reader.maybe(b' ');
    let time = reader.time()?;
    reader.at_edge().then(|| Stamp::date(civil(Some(year), month, day, time)))
}

fn half_day(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month_name()?;
    reader.skip(b' ')?;
    let day = reader.day()?;
    reader.skip_text(", ")?;
    let year = reader.year()?;
    reader.skip(b' ')?;
    let (hour, minute, second) = reader.half_day_time()?;
    reader.skip(b' ')?;
    let noon = match reader.take(|byte| matches!(byte, b'a' | b'A' | b'p' | b'P'))? {
        b'a' | b'A' => 0,
        _ => 12,
    };
    reader.take(|byte| matches!(byte, b'm' | b'M'))?;
    let time = (hour % 12 + noon, minute, second);
    reader.at_edge().then(|| Stamp::date(civil(Some(year), month, day, time)))
}

fn dashed(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month_name()?;
    reader.skip(b'-')?;
    let day = reader.day()?;
    reader.skip(b'-')?;
    let year = reader.short_year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    reader.at_edge().then(|| Stamp::date(civil(Some(year), month, day, time)))
}

fn compact(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.year()?;
    let month = reader.two(1..=12)?;
    let day = reader.two(1..=31)?;
    if reader.take(|byte| matches!(byte, b'-' | b'T' | b' '))? == b' ' {
        reader.maybe(b' ');
    }
    let hour = reader.two(0..=23)?;
    reader.maybe(b':');
    let minute = reader.two(0..=59)?;
    reader.maybe(b':');
    let second = reader.two(0..=61)?;
    let offset = tail(reader, is_point_or_comma, iso_offset)?;
    Some(stamp(civil(Some(year), month, day, (hour, minute, second)), offset))
}

/// What syslog writes, behind a zone or not.
fn zoned(reader: &mut Reader<'_>, zone: Step<Offset>) -> Option<Stamp> {
    let with_zone = reader.optional(|reader| {
        let offset = zone(reader)?;
        reader.skip(b' ')?;
        Some(stamp(syslog(reader)?, Some(offset)))
    });
    with_zone.or_else(|| syslog(reader).map(Stamp::date))
}

/// `%Z` in any case, to a blank.
fn zone_name(reader: &mut Reader<'_>) -> Option<Offset> {
    let start = reader.at();
    let long = reader.optional(|reader| reader.letters(3..=5));
    long.or_else(|| reader.take(|byte| matches!(byte, b'z' | b'Z')).map(|_| ()))?;
    Some(zone::offset_mins(reader.since(start)))
}

/// `%z` in any case, to a blank.
fn zone_offset(reader: &mut Reader<'_>) -> Option<Offset> {
    if reader.peek()?.is_ascii_alphabetic() {
        return greenwich(reader, Case::Ignored);
    }
    reader.offset(|_| true).map(Ok)
}

/// `\s*%z`.
#[inline]
fn iso_offset(reader: &mut Reader<'_>) -> Option<Offset> {
    reader.blanks();
    edged_offset(reader, Case::Matters)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

/// `%z`, as much of it as ends at an edge.
#[inline]
fn edged_offset(reader: &mut Reader<'_>, case: Case) -> Option<Offset> {
    match reader.peek()? {
        b'+' | b'-' => reader.offset(Reader::at_edge).map(Ok),
        _ => greenwich(reader, case),
    }
}

/// The three names of `%z`. In small letters they are found, but not known.
fn greenwich(reader: &mut Reader<'_>, case: Case) -> Option<Offset> {
    let start = reader.at();
    reader.letters(1..=3)?;
    let name = reader.since(start);
    let names = ["Z", "UTC", "GMT"];
    if names.contains(&name) {
        return Some(Ok(0));
    }
    let is_known =
        case == Case::Ignored && names.iter().any(|known| name.eq_ignore_ascii_case(known));
    is_known.then_some(Err(NotATime::Impossible))
}

/// Reads over a fraction behind a point, then `more`; each is optional, and the end is an edge: fail2ban takes as much
/// as ends at one.
#[inline]
fn tail<T>(
    reader: &mut Reader<'_>,
    is_point: impl Fn(u8) -> bool,
    more: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<Option<T>> {
    let end = |reader: &mut Reader<'_>| {
        let more = reader.optional(|reader| more(reader).filter(|_| reader.at_edge()));
        // Behind `more` is an edge.
        (more.is_some() || reader.at_edge()).then_some(more)
    };
    let with_fraction = reader.optional(|reader| {
        reader.fraction(is_point)?;
        end(reader)
    });
    with_fraction.or_else(|| end(reader))
}

fn is_point(byte: u8) -> bool {
    byte == b'.'
}

fn is_point_or_comma(byte: u8) -> bool {
    byte == b'.' || byte == b','
}

fn nothing(_: &mut Reader<'_>) -> Option<()> {
    None
}

#[inline(always)]
fn civil(year: Option<NonZeroI16>, month: u8, day: u8, time: Time) -> Fields {
    Fields { year, day: Day::OfMonth { month, day }, time, offset_mins: None }
}

#[inline(always)]
fn stamp(fields: Fields, offset: Option<Offset>) -> Stamp {
    match offset.transpose() {
        Ok(offset_mins) => Stamp::date(Fields { offset_mins, ..fields }),
        Err(reason) => Stamp::unfit(reason),
    }
}
