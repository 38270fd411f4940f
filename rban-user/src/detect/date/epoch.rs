//! Counts of seconds: since 1970, and TAI64N (spec, filter 3.3).

use super::chars;
use super::fields::{NotATime, Stamp};
use super::reader::Reader;
use crate::clock::WallTime;

/// `@` and so many hexadecimal digits are a TAI64N label.
const TAI64N_DIGITS: usize = 24;

/// Ten or eleven digits, and perhaps a fraction.
pub(super) fn short(reader: &mut Reader<'_>) -> Option<Stamp> {
    let start = reader.at();
    matches!(reader.digits(), 10 | 11).then_some(())?;
    if !reader.at_edge() {
        return None;
    }
    reader.optional(|reader| {
        reader.skip(b'.')?;
        (3..=6).contains(&reader.digits()).then_some(())?;
        reader.at_edge().then_some(())
    });
    Some(moment(reader.since(start)))
}

/// The same, or 13 to 14 digits for milliseconds, perhaps with a fraction, or 16 to 17 for microseconds.
pub(super) fn long(reader: &mut Reader<'_>) -> Option<Stamp> {
    let start = reader.at();
    let digits = reader.digits();
    matches!(digits, 10 | 11 | 13 | 14 | 16 | 17).then_some(())?;
    if !reader.at_edge() {
        return None;
    }
    if let 13 | 14 = digits {
        reader.optional(|reader| {
            reader.skip(b'.')?;
            (1..=6).contains(&reader.digits()).then_some(())?;
            reader.at_edge().then_some(())
        });
    }
    Some(moment(reader.since(start)))
}

/// `@` and 24 small hexadecimal digits.
pub(super) fn tai64n(reader: &mut Reader<'_>) -> Option<Stamp> {
    reader.skip(b'@')?;
    let start = reader.at();
    for _ in 0..TAI64N_DIGITS {
        reader.take(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))?;
    }
    reader.at_edge().then(|| tai_moment(reader.since(start)))
}

/// The moment that a label means, but for its `@`: the seconds are all of its first sixteen digits but the first.
pub(super) fn tai_moment(label: &str) -> Stamp {
    match label.get(1..16).map(|digits| i64::from_str_radix(digits, 16)) {
        Some(Ok(secs)) => Stamp::moment(WallTime::from_secs(secs)),
        _ => Stamp::unfit(NotATime::Impossible),
    }
}

/// The moment that digits and perhaps a fraction mean; by their count they are seconds, milliseconds or microseconds.
pub(super) fn moment(text: &str) -> Stamp {
    micros(text).map_or(Stamp::unfit(NotATime::Impossible), |micros| {
        Stamp::moment(WallTime::from_micros(micros))
    })
}

fn micros(text: &str) -> Option<i64> {
    let mut value = 0i64;
    let mut count = 0;
    let mut chars = text.chars();
    for c in chars.by_ref().take_while(|c| *c != '.') {
        value = value.checked_mul(10)?.checked_add(chars::digit(c)?.into())?;
        count += 1;
    }
    let mut unit = match count {
        0..=12 => 1_000_000,
        13..=15 => 1_000,
        _ => 1,
    };
    value = value.checked_mul(unit)?;
    for c in chars {
        let digit = i64::from(chars::digit(c)?);
        if unit == 1 {
            // Rounded by the digit behind the last.
            return Some(value + i64::from(digit >= 5));
        }
        unit /= 10;
        value += digit * unit;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::super::fields::Said;
    use super::*;

    #[track_caller]
    fn check(text: &str, micros: i64) {
        assert_eq!(moment(text), Stamp::moment(WallTime::from_micros(micros)), "{text}");
    }

    #[test]
    fn ten_digits_are_seconds() {
        check("1763690000", 1_763_690_000_000_000);
        check("00000000001", 1_000_000);
        check("1763690000.123", 1_763_690_000_123_000);
        check("1763690000.123456", 1_763_690_000_123_456);
        check("17636900\u{661}\u{661}", 1_763_690_011_000_000);
    }

    #[test]
    fn more_digits_are_parts_of_a_second() {
        check("1763690000123", 1_763_690_000_123_000);
        check("1763690000123.456", 1_763_690_000_123_456);
        check("1763690000123.456789", 1_763_690_000_123_457);
        check("1763690000123456", 1_763_690_000_123_456);
        check("17636900001234567", 17_636_900_001_234_567);
    }

    #[test]
    fn a_label_beyond_all_time_is_its_end() {
        let secs = |label| match tai_moment(label).said() {
            Said::Moment(time) => time.as_micros() / 1_000_000,
            other => panic!("{other:?}"),
        };
        assert_eq!(secs("4000000037c219bf2ef02e94"), 935_467_455);
        assert_eq!(secs("8000000037c219bf2ef02e94"), 935_467_455);
        assert_eq!(secs("ffffffffffffffff2ef02e94"), i64::MAX / 1_000_000);
    }
}
