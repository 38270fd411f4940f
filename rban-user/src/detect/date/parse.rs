//! Bytes → [`Stamp`]. The formats are fail2ban's default templates 1, 2 and 3 (spec, filter 3.4).

use jiff::civil::Time;

use super::{Stamp, is_word};

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const WEEKDAYS: [&[u8; 3]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// The date that begins these bytes, and how many of them it is.
pub(super) fn stamp(text: &[u8]) -> Option<(usize, Stamp)> {
    match text.first()? {
        b'0'..=b'9' => iso(text),
        _ => syslog(text),
    }
}

/// What is left to read. A step that fails leaves it where it was, so that the next alternative can be tried.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a [u8],
}

/// `2026-11-21T10:00:00.123+01:00`: `-`, `/` or `.` between the parts, `T` or blanks after them, fraction and zone
/// optional.
fn iso(text: &[u8]) -> Option<(usize, Stamp)> {
    let mut cursor = Cursor { rest: text };
    let year = cursor.year()?;
    let separator = cursor.one_of(b"-/.")?;
    let month = cursor.number(2, 1..=12)?;
    cursor.one_of(&[separator])?;
    let day = cursor.number(2, 1..=31)?;
    if cursor.one_of(b"T ")? == b' ' {
        cursor.optional(|cursor| cursor.one_of(b" "));
    }
    let time = cursor.time()?;
    cursor.optional(|cursor| cursor.fraction(b".,"));
    let offset_secs = cursor.optional(Cursor::zone);
    let stamp = Stamp { year: Some(year), month: month as i8, day: day as i8, time, offset_secs };
    cursor.at_word_end().then_some((text.len() - cursor.rest.len(), stamp))
}

/// `Nov 21 10:00:00`: weekday, fraction and year optional, the year before or after the time.
fn syslog(text: &[u8]) -> Option<(usize, Stamp)> {
    let mut cursor = Cursor { rest: text };
    cursor.optional(|cursor| {
        cursor.name(&WEEKDAYS)?;
        cursor.one_of(b" ")
    });
    let month = cursor.name(&MONTHS)? + 1;
    cursor.one_of(b" ")?;
    let day = cursor.padded(1..=31)?;
    cursor.one_of(b" ")?;
    let mut year = cursor.optional(|cursor| {
        let year = cursor.year()?;
        cursor.one_of(b" ")?;
        Some(year)
    });
    cursor.optional(|cursor| cursor.one_of(b" "));
    let time = cursor.time()?;
    cursor.optional(|cursor| cursor.fraction(b"."));
    if year.is_none() {
        year = cursor.optional(|cursor| {
            cursor.one_of(b" ")?;
            cursor.year().filter(|_| cursor.at_word_end())
        });
    }
    let stamp = Stamp { year, month: month as i8, day: day as i8, time, offset_secs: None };
    cursor.at_word_end().then_some((text.len() - cursor.rest.len(), stamp))
}

impl Cursor<'_> {
    fn optional<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = *self;
        let found = step(self);
        if found.is_none() {
            *self = before;
        }
        found
    }

    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first().filter(|(first, _)| bytes.contains(first))?;
        self.rest = rest;
        Some(*first)
    }

    /// At least one and at most so many digits.
    fn number(&mut self, digits_max: usize, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
        let digits = self.rest.iter().take(digits_max).take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(digits);
        self.rest = rest;
        let value = digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
        (!digits.is_empty() && range.contains(&value)).then_some(value)
    }

    /// A number of two columns, the first of which may be blank.
    fn padded(&mut self, range: std::ops::RangeInclusive<u16>) -> Option<u16> {
        let blank = self.optional(|cursor| cursor.one_of(b" ")).is_some();
        self.number(if blank { 1 } else { 2 }, range)
    }

    /// A year of this century. (Fail2ban takes years up to three from now; what is later is not now, and so of no
    /// consequence here.)
    fn year(&mut self) -> Option<i16> {
        let year = self.rest.first_chunk::<4>()?;
        self.number(4, 2000..=2099)
            .filter(|_| year.iter().all(u8::is_ascii_digit))
            .map(|y| y as i16)
    }

    fn time(&mut self) -> Option<Time> {
        let hour = self.number(2, 0..=23)?;
        self.one_of(b":")?;
        let minute = self.number(2, 0..=59)?;
        self.one_of(b":")?;
        let second = self.number(2, 0..=59)?;
        Time::new(hour as i8, minute as i8, second as i8, 0).ok()
    }

    /// One to nine digits behind one of these; they are read over.
    fn fraction(&mut self, points: &[u8]) -> Option<()> {
        self.one_of(points)?;
        let digits = self.rest.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[digits..];
        (digits > 0).then_some(())
    }

    /// Seconds east of Greenwich: `Z`, `UTC`, `GMT`, `+01`, `+0100`, `+01:00`, perhaps after blanks.
    fn zone(&mut self) -> Option<i32> {
        self.rest = self.rest.trim_ascii_start();
        for name in [&b"UTC"[..], b"GMT", b"Z"] {
            if let Some(rest) = self.rest.strip_prefix(name) {
                self.rest = rest;
                return self.at_word_end().then_some(0);
            }
        }
        let sign = if self.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.two_digits(19)?;
        let minutes = self.optional(|cursor| {
            cursor.optional(|cursor| cursor.one_of(b":"));
            cursor.two_digits(59)
        });
        let secs = i32::from(hours) * 3_600 + i32::from(minutes.unwrap_or(0)) * 60;
        self.at_word_end().then_some(sign * secs)
    }

    fn two_digits(&mut self, max: u16) -> Option<u16> {
        let both = self.rest.first_chunk::<2>()?;
        both.iter().all(u8::is_ascii_digit).then(|| self.number(2, 0..=max))?
    }

    fn name(&mut self, names: &[&[u8; 3]]) -> Option<usize> {
        let (name, rest) = self.rest.split_first_chunk::<3>()?;
        let index = names.iter().position(|known| name.eq_ignore_ascii_case(*known))?;
        self.rest = rest;
        Some(index)
    }

    /// Whether no word goes on here; a date is never part of one.
    fn at_word_end(&self) -> bool {
        !self.rest.first().is_some_and(|byte| is_word(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How these bytes are understood: the date as text, and what follows it.
    #[track_caller]
    fn check(text: &str, understood: Option<(&str, &str)>) {
        let found = stamp(text.as_bytes()).map(|(len, stamp)| {
            let Stamp { year, month, day, time, offset_secs } = stamp;
            let year = year.map_or("?".into(), |year| year.to_string());
            let offset = offset_secs.map_or(String::new(), |secs| format!(" {secs:+}"));
            (format!("{year}-{month}-{day} {time}{offset}"), &text[len..])
        });
        assert_eq!(found.as_ref().map(|(date, rest)| (date.as_str(), *rest)), understood, "{text}");
    }

    #[test]
    fn syslog_pads_the_day_with_a_blank_or_not_at_all() {
        check("Nov 21 10:02:03 srv", Some(("?-11-21 10:02:03", " srv")));
        check("Nov  1 10:02:03 srv", Some(("?-11-1 10:02:03", " srv")));
        check("Nov 1 10:02:03 srv", Some(("?-11-1 10:02:03", " srv")));
        check("Nov 01  1:02:03 srv", Some(("?-11-1 01:02:03", " srv")));
        check("nov 21 10:02:03.123 srv", Some(("?-11-21 10:02:03", " srv")));
        check("Sat Nov 21 10:02:03 srv", Some(("?-11-21 10:02:03", " srv")));
    }

    #[test]
    fn syslog_may_tell_the_year_before_or_after_the_time() {
        check("Nov 21 2026 10:02:03 srv", Some(("2026-11-21 10:02:03", " srv")));
        check("Sat Nov 21 10:02:03 2026 srv", Some(("2026-11-21 10:02:03", " srv")));
        check("Nov 21 10:02:03 2026x", Some(("?-11-21 10:02:03", " 2026x")));
    }

    #[test]
    fn iso_takes_blanks_and_other_separators() {
        check("2026-11-21T10:02:03 srv", Some(("2026-11-21 10:02:03", " srv")));
        check("2026-11-21 10:02:03,123 srv", Some(("2026-11-21 10:02:03", " srv")));
        check("2026/11/21  10:02:03.123456 srv", Some(("2026-11-21 10:02:03", " srv")));
        check("2026-11/21 10:02:03 srv", None);
        check("20261121T100203 srv", None);
    }

    #[test]
    fn iso_may_tell_the_zone() {
        check("2026-11-21T10:02:03Z srv", Some(("2026-11-21 10:02:03 +0", " srv")));
        check("2026-11-21 10:02:03 UTC srv", Some(("2026-11-21 10:02:03 +0", " srv")));
        check("2026-11-21T10:02:03.1+01:00 srv", Some(("2026-11-21 10:02:03 +3600", " srv")));
        check("2026-11-21T10:02:03-0330 srv", Some(("2026-11-21 10:02:03 -12600", " srv")));
        check("2026-11-21 10:02:03+03 srv", Some(("2026-11-21 10:02:03 +10800", " srv")));
        check("2026-11-21 10:02:03 Zebra", Some(("2026-11-21 10:02:03", " Zebra")));
        check("2026-11-21 10:02:03 +4x", Some(("2026-11-21 10:02:03", " +4x")));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "Nov",
            "Nov 21",
            "Nov 32 10:00:00",
            "Nov 0 10:00:00",
            "Nov 21 24:00:00",
            "Nov 21 10:60:00",
            "Nov 21 10:00:001",
            "Nov 21 10:00:00x",
            "1999-11-21 10:00:00",
            "2026-13-21 10:00:00",
            "2026-11-21 24:00:00",
            "202-11-21 10:00:00",
        ] {
            check(text, None);
        }
    }
}
