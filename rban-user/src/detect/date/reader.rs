//! The pieces that dates are written in, read byte by byte.
//!
//! Each piece takes what the token of the same name accepts (spec, filter 3.1), on the condition that no digit follows
//! where a number ends: so it is in every default template, and then there is only one way to read a number. Only
//! ASCII is understood; a line in which other characters could be part of a date goes to the patterns.

use std::ops::RangeInclusive;

use super::chars::{self, is_word, is_word_byte};
use super::fields::{MONTHS_SHORT, WEEKDAYS_SHORT};

/// A place in a line. A piece that does not fit leaves it anywhere; keep a copy to go back to.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    decades: Decades,
}

/// The tens digits of a year that `%ExY` takes, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decades(u16);

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

    pub(super) fn at(self) -> usize {
        self.at
    }

    /// The text from there to here.
    pub(super) fn since(self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    pub(super) fn peek(self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    pub(super) fn skip(&mut self, byte: u8) -> Option<()> {
        self.one_of(&[byte]).map(|_| ())
    }

    pub(super) fn skip_text(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text.as_bytes()).then(|| self.at += text.len())
    }

    #[inline]
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| bytes.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Goes on behind the byte if it is here.
    pub(super) fn maybe(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.at += 1;
        }
    }

    /// Takes the step, or stays.
    pub(super) fn optional<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = *self;
        let found = step(self);
        if found.is_none() {
            *self = before;
        }
        found
    }

    fn digit(&mut self) -> Option<i32> {
        let digit = self.peek().filter(u8::is_ascii_digit)?;
        self.at += 1;
        Some(i32::from(digit - b'0'))
    }

    /// How many digits of any script there are from here on; goes behind them.
    pub(super) fn digits(&mut self) -> usize {
        let from = self.at;
        let mut count = 0;
        for c in self.text[from..].chars().take_while(|c| chars::digit(*c).is_some()) {
            self.at += c.len_utf8();
            count += 1;
        }
        count
    }

    /// One or two digits, in range.
    #[inline]
    fn number(&mut self, range: RangeInclusive<i32>) -> Option<i32> {
        let mut value = self.digit()?;
        if let Some(digit) = self.digit() {
            value = value * 10 + digit;
        }
        range.contains(&value).then_some(value)
    }

    /// Two digits, in range.
    #[inline]
    pub(super) fn two(&mut self, range: RangeInclusive<i32>) -> Option<i32> {
        let value = self.digit()? * 10 + self.digit()?;
        range.contains(&value).then_some(value)
    }

    /// `%ExY`.
    #[inline]
    pub(super) fn year(&mut self) -> Option<i32> {
        let &[b'2', b'0', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] =
            self.rest().first_chunk::<4>()?
        else {
            return None;
        };
        self.at += 4;
        self.decades.has(tens).then(|| 2000 + i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
    }

    /// `%Exy`.
    pub(super) fn short_year(&mut self) -> Option<i32> {
        Some(2000 + self.two(0..=99)?)
    }

    /// `%m`.
    pub(super) fn month(&mut self) -> Option<i32> {
        self.number(1..=12)
    }

    /// `%d`: the blank stands for a leading zero.
    #[inline]
    pub(super) fn day(&mut self) -> Option<i32> {
        if self.peek() == Some(b' ') {
            self.at += 1;
            return self.digit().filter(|day| *day > 0);
        }
        self.number(1..=31)
    }

    /// `%H:%M:%S`.
    #[inline]
    pub(super) fn time(&mut self) -> Option<(i32, i32, i32)> {
        let hour = self.number(0..=23)?;
        self.minute_and_second(hour)
    }

    /// `%k:%M:%S`: hours to 29 are taken, and are no time in the end.
    #[inline]
    pub(super) fn blank_time(&mut self) -> Option<(i32, i32, i32)> {
        self.maybe(b' ');
        let hour = self.number(0..=29)?;
        self.minute_and_second(hour)
    }

    /// `%I:%M:%S`.
    pub(super) fn half_day_time(&mut self) -> Option<(i32, i32, i32)> {
        let hour = self.number(1..=12)?;
        self.minute_and_second(hour)
    }

    #[inline]
    fn minute_and_second(&mut self, hour: i32) -> Option<(i32, i32, i32)> {
        self.skip(b':')?;
        let minute = self.number(0..=59)?;
        self.skip(b':')?;
        let second = self.number(0..=61)?;
        Some((hour, minute, second))
    }

    /// A point, one of these, and `%f`.
    pub(super) fn fraction(&mut self, points: &[u8]) -> Option<()> {
        self.one_of(points)?;
        let digits =
            self.rest().iter().take(FRACTION_DIGITS_MAX).take_while(|b| b.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }

    /// `\s*`, of any script.
    pub(super) fn blanks(&mut self) {
        let is_blank = |c: &char| matches!(c, '\u{1c}'..='\u{1f}') || c.is_whitespace();
        let blanks = self.text[self.at..].chars().take_while(is_blank);
        self.at += blanks.map(char::len_utf8).sum::<usize>();
    }

    /// `%b`, in any case.
    #[inline]
    pub(super) fn month_name(&mut self) -> Option<i32> {
        self.name(&MONTHS_SHORT).map(|index| index as i32 + 1)
    }

    /// `%a` in any case and a blank, if they are here.
    pub(super) fn maybe_weekday(&mut self) -> Option<i32> {
        self.optional(|reader| {
            let day = reader.name(&WEEKDAYS_SHORT)?;
            reader.skip(b' ')?;
            Some(day as i32)
        })
    }

    fn name(&mut self, names: &[&str]) -> Option<usize> {
        let &[a, b, c] = self.rest().first_chunk::<3>()?;
        // Only letters become small letters by this.
        let small = [a | 0x20, b | 0x20, c | 0x20];
        let index = names.iter().position(|name| name.as_bytes() == small)?;
        self.at += 3;
        Some(index)
    }

    /// So many letters, at least and at most; as many as there are.
    pub(super) fn letters(&mut self, count: RangeInclusive<usize>) -> Option<()> {
        let letters =
            self.rest().iter().take(*count.end()).take_while(|b| b.is_ascii_alphabetic()).count();
        self.at += letters;
        count.contains(&letters).then_some(())
    }

    /// The sign and hours of an offset, `[+-][01]d`.
    pub(super) fn offset_hours(&mut self) -> Option<()> {
        self.one_of(b"+-")?;
        self.two(0..=19).map(|_| ())
    }

    /// The minutes of an offset, `dd` or `:dd`.
    pub(super) fn offset_minutes(&mut self) -> Option<()> {
        self.maybe(b':');
        self.two(0..=99).map(|_| ())
    }

    /// Whether here is not inside a word, so that a date may begin or end.
    #[inline]
    pub(super) fn at_edge(self) -> bool {
        let before = match self.at.checked_sub(1).map(|at| self.text.as_bytes()[at]) {
            None => return true,
            Some(byte) if byte.is_ascii() => is_word_byte(byte),
            Some(_) => self.text[..self.at].chars().next_back().is_some_and(is_word),
        };
        let after = match self.peek() {
            None => return true,
            Some(byte) if byte.is_ascii() => is_word_byte(byte),
            Some(_) => self.text[self.at..].chars().next().is_some_and(is_word),
        };
        !(before && after)
    }
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
