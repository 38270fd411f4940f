//! The pieces that dates are written in, read byte by byte.
//!
//! Each piece takes what the token of the same name accepts (spec, filter 3.1), on the condition that no digit follows
//! where a number ends: so it is in every default template, and then there is only one way to read a number. Only
//! ASCII is understood; a line in which other characters could be part of a date goes to the patterns.

use std::num::NonZeroI16;
use std::ops::RangeInclusive;

use super::chars::{self, is_word, is_word_byte};
use super::fields::{MONTHS_SHORT, Time, WEEKDAYS_SHORT};

/// A place in a line. A piece that does not fit leaves it anywhere.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    decades: Decades,
}

/// The tens digits of a year that `%ExY` takes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decades(u32);

/// A fraction of a second has at most so many digits.
const FRACTION_DIGITS_MAX: usize = 6;

impl Decades {
    /// Those of every third year since 2000, of last year, and of the year in three years.
    pub(super) fn new(year_now: i16) -> Self {
        let year_now = i32::from(year_now);
        let every_third = (2000..=year_now).step_by(3);
        let years = every_third.chain([year_now - 1, year_now + 3]);
        Self(years.fold(0, |bits, year| bits | 1 << (year / 10).rem_euclid(10)))
    }

    fn has(self, digit: u8) -> bool {
        self.0 & (1 << (digit - b'0')) != 0
    }

    /// As a character class.
    pub(super) fn class(self) -> String {
        let digits: String =
            (b'0'..=b'9').filter(|digit| self.has(*digit)).map(char::from).collect();
        format!("[{digits}]")
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize, decades: Decades) -> Self {
        Self { text, at, decades }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text from there to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    #[inline]
    pub(super) fn skip(&mut self, byte: u8) -> Option<()> {
        self.take(|found| found == byte).map(|_| ())
    }

    pub(super) fn skip_text(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text.as_bytes()).then(|| self.at += text.len())
    }

    /// The next byte, if it is one of these.
    #[inline]
    pub(super) fn take(&mut self, is_it: impl Fn(u8) -> bool) -> Option<u8> {
        let byte = self.peek().filter(|byte| is_it(*byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Goes on behind the byte if it is here.
    #[inline]
    pub(super) fn maybe(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.at += 1;
        }
    }

    /// Takes the step, or stays.
    #[inline]
    pub(super) fn optional<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.at;
        let found = step(self);
        if found.is_none() {
            self.at = before;
        }
        found
    }

    #[inline]
    fn digit(&mut self) -> Option<u8> {
        self.take(|byte| byte.is_ascii_digit()).map(|digit| digit - b'0')
    }

    /// How many digits of any script there are from here on; goes behind them.
    pub(super) fn digits(&mut self) -> usize {
        let ascii = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += ascii;
        if self.peek().is_none_or(|byte| byte.is_ascii()) {
            return ascii;
        }
        let mut count = ascii;
        let from = self.at;
        for c in self.text[from..].chars().take_while(|c| chars::digit(*c).is_some()) {
            self.at += c.len_utf8();
            count += 1;
        }
        count
    }

    /// One or two digits, in range.
    #[inline]
    fn number(&mut self, range: RangeInclusive<u8>) -> Option<u8> {
        let mut value = self.digit()?;
        if let Some(digit) = self.digit() {
            value = value * 10 + digit;
        }
        range.contains(&value).then_some(value)
    }

    /// Two digits, in range.
    #[inline]
    pub(super) fn two(&mut self, range: RangeInclusive<u8>) -> Option<u8> {
        let value = self.digit()? * 10 + self.digit()?;
        range.contains(&value).then_some(value)
    }

    /// `%ExY`.
    #[inline]
    pub(super) fn year(&mut self) -> Option<NonZeroI16> {
        let &[b'2', b'0', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
            self.rest().first_chunk::<4>()?
        else {
            return None;
        };
        self.at += 4;
        let year = 2000 + i16::from(tens - b'0') * 10 + i16::from(ones - b'0');
        NonZeroI16::new(year).filter(|_| self.decades.has(tens))
    }

    /// `%Exy`.
    pub(super) fn short_year(&mut self) -> Option<NonZeroI16> {
        NonZeroI16::new(2000 + i16::from(self.two(0..=99)?))
    }

    /// `%m`.
    #[inline]
    pub(super) fn month(&mut self) -> Option<u8> {
        self.number(1..=12)
    }

    /// `%d`: the blank stands for a leading zero.
    #[inline]
    pub(super) fn day(&mut self) -> Option<u8> {
        if self.peek() == Some(b' ') {
            self.at += 1;
            return self.digit().filter(|day| *day > 0);
        }
        self.number(1..=31)
    }

    /// `%H:%M:%S`.
    #[inline]
    pub(super) fn time(&mut self) -> Option<Time> {
        self.time_to(23)
    }

    /// `%k:%M:%S`: hours to 29 are taken, and are no time in the end.
    #[inline]
    pub(super) fn blank_time(&mut self) -> Option<Time> {
        self.maybe(b' ');
        self.time_to(29)
    }

    /// `%I:%M:%S`.
    pub(super) fn half_day_time(&mut self) -> Option<Time> {
        self.time_to(12).filter(|(hour, ..)| *hour > 0)
    }

    #[inline]
    fn time_to(&mut self, hour_max: u8) -> Option<Time> {
        let time = match self.rest().first_chunk().and_then(|text| whole_time(*text)) {
            Some(time) => {
                self.at += 8;
                time
            }
            None => {
                let hour = self.number(0..=hour_max)?;
                self.skip(b':')?;
                let minute = self.number(0..=59)?;
                self.skip(b':')?;
                (hour, minute, self.number(0..=61)?)
            }
        };
        let (hour, minute, second) = time;
        (hour <= hour_max && minute <= 59 && second <= 61).then_some(time)
    }

    /// A point and `%f`.
    #[inline]
    pub(super) fn fraction(&mut self, is_point: impl Fn(u8) -> bool) -> Option<()> {
        self.take(is_point)?;
        let digits = self.rest().iter().take(FRACTION_DIGITS_MAX);
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }

    /// `\s*`, of any script.
    #[inline]
    pub(super) fn blanks(&mut self) {
        if self.peek().is_none_or(|byte| byte > b' ' && byte.is_ascii()) {
            return;
        }
        let is_blank = |c: &char| matches!(c, '\u{1c}'..='\u{1f}') || c.is_whitespace();
        let blanks = self.text[self.at..].chars().take_while(is_blank);
        self.at += blanks.map(char::len_utf8).sum::<usize>();
    }

    /// `%b`, in any case.
    #[inline]
    pub(super) fn month_name(&mut self) -> Option<u8> {
        self.name(&MONTHS_SHORT).map(|index| index + 1)
    }

    /// `%a` in any case and a blank, if they are here. The date tells the day all the same.
    #[inline]
    pub(super) fn maybe_weekday(&mut self) {
        self.optional(|reader| {
            reader.name(&WEEKDAYS_SHORT)?;
            reader.skip(b' ')
        });
    }

    #[inline]
    fn name<const N: usize>(&mut self, names: &[&str; N]) -> Option<u8> {
        let &[a, b, c] = self.rest().first_chunk::<3>()?;
        // Only letters become small letters by this.
        let small = key([a, b, c]) | 0x0020_2020;
        let index = names.iter().position(|name| match name.as_bytes() {
            &[a, b, c] => key([a, b, c]) == small,
            _ => false,
        })?;
        self.at += 3;
        Some(index as u8)
    }

    /// So many letters, at least and at most; as many as there are.
    pub(super) fn letters(&mut self, count: RangeInclusive<usize>) -> Option<()> {
        let letters = self.rest().iter().take(*count.end());
        let letters = letters.take_while(|byte| byte.is_ascii_alphabetic()).count();
        self.at += letters;
        count.contains(&letters).then_some(())
    }

    /// `[+-][01]\d(?::?\d{2})?` in minutes; those after the hours only if `goes_on` then.
    #[inline]
    pub(super) fn offset(&mut self, goes_on: impl Fn(&Self) -> bool) -> Option<i16> {
        let sign = if self.take(|byte| matches!(byte, b'+' | b'-'))? == b'-' { -1 } else { 1 };
        let hours = self.two(0..=19)?;
        let minutes = self.optional(|reader| {
            reader.maybe(b':');
            reader.two(0..=99).filter(|_| goes_on(reader))
        });
        Some(sign * (i16::from(hours) * 60 + i16::from(minutes.unwrap_or(0))))
    }

    /// Whether here is not inside a word, so that a date may begin or end.
    #[inline]
    pub(super) fn at_edge(&self) -> bool {
        let after = match self.peek() {
            None => return true,
            Some(byte) if byte.is_ascii() => is_word_byte(byte),
            Some(_) => self.text[self.at..].chars().next().is_some_and(is_word),
        };
        !after || {
            match self.at.checked_sub(1).map(|at| self.text.as_bytes()[at]) {
                None => true,
                Some(byte) if byte.is_ascii() => !is_word_byte(byte),
                Some(_) => !self.text[..self.at].chars().next_back().is_some_and(is_word),
            }
        }
    }
}

/// Whether these are the letters of a month or a weekday, in any case.
pub(super) fn is_name(word: [u8; 3]) -> bool {
    let is = |name: &&str| name.as_bytes().eq_ignore_ascii_case(&word);
    MONTHS_SHORT.iter().any(is) || WEEKDAYS_SHORT.iter().any(is)
}

/// `hh:mm:ss`, all at once. Not yet checked for what hours there are.
#[inline]
fn whole_time(text: [u8; 8]) -> Option<Time> {
    // What is left of digits is their value, and nothing of the colons.
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(*b"00:00:00");
    let above_nine = values.wrapping_add(0x0606_0006_0600_0606);
    if (values | above_nine) & 0xf0f0_fff0_f0ff_f0f0 != 0 {
        return None;
    }
    let two = |at: u32| {
        let [tens, ones] =
            [values >> (at * 8), values >> (at * 8 + 8)].map(|value| value as u8 & 0xf);
        tens * 10 + ones
    };
    Some((two(0), two(3), two(6)))
}

/// Three letters as a number, which is compared at once.
#[inline]
const fn key([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_decades_of_a_year_are_those_of_the_specification() {
        assert_eq!(Decades::new(2026).class(), "[012]");
        assert_eq!(Decades::new(2027).class(), "[0123]");
        assert_eq!(Decades::new(2005).class(), "[0]");
        assert_eq!(Decades::new(2030).class(), "[0123]");
    }
}
