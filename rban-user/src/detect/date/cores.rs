//! The seventeen default templates, written out by hand (spec, filter 3.4).
//!
//! Each is also there as a pattern, which says what it accepts; what is here must accept the same and is only faster.
//! The tests hold them against each other.

use super::fields::{Fields, NotATime, Stamp};
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
            Self::Iso => r"%ExY(?P<sep>[-/.])%m(?P=sep)%d(?:T| {1,2})%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
            Self::Syslog => r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            Self::SyslogYear => r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?",
            Self::DayMonthYear => r"%d(?P<sep>[-/])%m(?P=sep)(?:%ExY|%Exy) %k:%M:%S",
            Self::Apache => r"%d(?P<sep>[-/])%b(?P=sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?",
            Self::MonthDayYearColon => r"%m/%d/%ExY:%H:%M:%S",
            Self::MonthDayYear => r"%m-%d-%ExY %k:%M:%S(?:\.%f)?",
            Self::Epoch => "Epoch",
            Self::LongEpoch => "LongEpoch",
            Self::TimeOnly => r"%H:%M:%S",
            Self::Angled => r"^<%m/%d/%Exy@%H:%M:%S>",
            Self::ShortCompact => r"%Exy%Exm%Exd {1,2}%H:%M:%S",
            Self::HalfDay => r"%b %d, %ExY %I:%M:%S %p",
            Self::Dashed => r"^%b-%d-%Exy %k:%M:%S",
            Self::Compact => r"%ExY%Exm%Exd(?:-|T| {1,2})%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?",
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
            Self::Syslog => syslog(reader).map(Stamp::Civil),
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

/// What follows the time: fail2ban takes as much of it as ends at an edge.
type Tail<T> = fn(&mut Reader<'_>) -> Option<T>;

fn iso(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.year()?;
    let separator = reader.one_of(b"-/.")?;
    let month = reader.month()?;
    reader.skip(separator)?;
    let day = reader.day()?;
    if reader.one_of(b"T ")? == b' ' {
        reader.maybe(b' ');
    }
    let time = reader.time()?;
    let offset = tail(reader, b".,", iso_offset)?;
    Some(stamp(civil(Some(year), month, day, time), offset))
}

fn syslog(reader: &mut Reader<'_>) -> Option<Fields> {
    let weekday = reader.maybe_weekday();
    let month = reader.month_name()?;
    reader.skip(b' ')?;
    let day = reader.day()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    let year = tail(reader, b".", |reader| {
        reader.skip(b' ')?;
        reader.year()
    })?;
    Some(Fields { weekday, ..civil(year, month, day, time) })
}

fn syslog_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    let weekday = reader.maybe_weekday();
    let month = reader.month_name()?;
    reader.skip(b' ')?;
    let day = reader.day()?;
    reader.skip(b' ')?;
    let year = reader.year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    tail(reader, b".", nothing)?;
    Some(Stamp::Civil(Fields { weekday, ..civil(Some(year), month, day, time) }))
}

fn day_month_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    let day = reader.day()?;
    let separator = reader.one_of(b"-/")?;
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
    reader.at_edge().then(|| Stamp::Civil(civil(Some(year), month, day, time)))
}

fn apache(reader: &mut Reader<'_>) -> Option<Stamp> {
    let day = reader.day()?;
    let separator = reader.one_of(b"-/")?;
    let month = reader.month_name()?;
    reader.skip(separator)?;
    let year = reader.year()?;
    reader.one_of(b" :");
    let time = reader.time()?;
    let offset = tail(reader, b".", |reader| {
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
    reader.at_edge().then(|| Stamp::Civil(civil(Some(year), month, day, time)))
}

fn month_day_year(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month()?;
    reader.skip(b'-')?;
    let day = reader.day()?;
    reader.skip(b'-')?;
    let year = reader.year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    tail(reader, b".", nothing)?;
    Some(Stamp::Civil(civil(Some(year), month, day, time)))
}

fn time_only(reader: &mut Reader<'_>) -> Option<Stamp> {
    let (hour, minute, second) = reader.time()?;
    let fields = Fields { hour, minute, second, ..Fields::default() };
    reader.at_edge().then_some(Stamp::Civil(fields))
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
    Some(Stamp::Civil(civil(Some(year), month, day, time)))
}

fn short_compact(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.short_year()?;
    let month = reader.two(1..=12)?;
    let day = reader.two(1..=31)?;
    reader.skip(b' ')?;
    reader.maybe(b' ');
    let time = reader.time()?;
    reader.at_edge().then(|| Stamp::Civil(civil(Some(year), month, day, time)))
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
    let noon = match reader.one_of(b"aApP")? {
        b'a' | b'A' => 0,
        _ => 12,
    };
    reader.one_of(b"mM")?;
    let time = (hour % 12 + noon, minute, second);
    reader.at_edge().then(|| Stamp::Civil(civil(Some(year), month, day, time)))
}

fn dashed(reader: &mut Reader<'_>) -> Option<Stamp> {
    let month = reader.month_name()?;
    reader.skip(b'-')?;
    let day = reader.day()?;
    reader.skip(b'-')?;
    let year = reader.short_year()?;
    reader.skip(b' ')?;
    let time = reader.blank_time()?;
    reader.at_edge().then(|| Stamp::Civil(civil(Some(year), month, day, time)))
}

fn compact(reader: &mut Reader<'_>) -> Option<Stamp> {
    let year = reader.year()?;
    let month = reader.two(1..=12)?;
    let day = reader.two(1..=31)?;
    if reader.one_of(b"-T ")? == b' ' {
        reader.maybe(b' ');
    }
    let hour = reader.two(0..=23)?;
    reader.maybe(b':');
    let minute = reader.two(0..=59)?;
    reader.maybe(b':');
    let second = reader.two(0..=61)?;
    let offset = tail(reader, b".,", iso_offset)?;
    Some(stamp(civil(Some(year), month, day, (hour, minute, second)), offset))
}

/// What syslog writes, behind a zone or not.
fn zoned(reader: &mut Reader<'_>, name: Tail<()>) -> Option<Stamp> {
    let start = *reader;
    let with_zone = reader.optional(|reader| {
        name(reader)?;
        let offset = zone::offset_secs(reader.since(start.at()));
        reader.skip(b' ')?;
        Some(stamp(syslog(reader)?, Some(offset)))
    });
    with_zone.or_else(|| syslog(reader).map(Stamp::Civil))
}

/// `%Z` in any case, to a blank.
fn zone_name(reader: &mut Reader<'_>) -> Option<()> {
    let start = *reader;
    reader.letters(1..=5)?;
    matches!(reader.since(start.at()).len(), 3..).then_some(()).or_else(|| {
        *reader = start;
        reader.one_of(b"zZ").map(|_| ())
    })
}

/// `%z` in any case, to a blank.
fn zone_offset(reader: &mut Reader<'_>) -> Option<()> {
    if reader.peek()?.is_ascii_alphabetic() {
        return greenwich(reader, Case::Ignored);
    }
    reader.offset_hours()?;
    reader.optional(Reader::offset_minutes);
    Some(())
}

/// `\s*%z`.
fn iso_offset(reader: &mut Reader<'_>) -> Option<Result<i32, NotATime>> {
    reader.blanks();
    edged_offset(reader, Case::Matters)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

/// `%z`, as much of it as ends at an edge.
fn edged_offset(reader: &mut Reader<'_>, case: Case) -> Option<Result<i32, NotATime>> {
    let start = *reader;
    if reader.peek()?.is_ascii_alphabetic() {
        greenwich(reader, case)?;
    } else {
        reader.offset_hours()?;
        reader.optional(|reader| {
            reader.offset_minutes()?;
            reader.at_edge().then_some(())
        });
    }
    Some(zone::offset_secs(reader.since(start.at())))
}

/// The three names of `%z`.
fn greenwich(reader: &mut Reader<'_>, case: Case) -> Option<()> {
    let start = *reader;
    reader.letters(1..=3)?;
    let name = reader.since(start.at());
    let is = |known: &str| match case {
        Case::Matters => name == known,
        Case::Ignored => name.eq_ignore_ascii_case(known),
    };
    (is("Z") || is("UTC") || is("GMT")).then_some(())
}

/// Reads over a fraction behind one of these points, then `more`; each is optional, and the end is an edge.
#[inline]
fn tail<T>(
    reader: &mut Reader<'_>,
    points: &[u8],
    more: impl Fn(&mut Reader<'_>) -> Option<T>,
) -> Option<Option<T>> {
    let end = |reader: &mut Reader<'_>| {
        let more = reader.optional(|reader| more(reader).filter(|_| reader.at_edge()));
        reader.at_edge().then_some(more)
    };
    let with_fraction = reader.optional(|reader| {
        reader.fraction(points)?;
        end(reader)
    });
    with_fraction.or_else(|| end(reader))
}

fn nothing(_: &mut Reader<'_>) -> Option<()> {
    None
}

fn civil(year: Option<i32>, month: i32, day: i32, time: (i32, i32, i32)) -> Fields {
    let (hour, minute, second) = time;
    Fields { year, month: Some(month), day: Some(day), hour, minute, second, ..Fields::default() }
}

fn stamp(fields: Fields, offset: Option<Result<i32, NotATime>>) -> Stamp {
    match offset.transpose() {
        Ok(offset_secs) => Stamp::Civil(Fields { offset_secs, ..fields }),
        Err(reason) => Stamp::Unfit(reason),
    }
}
