//! Text → values, in fail2ban's notation. So far: times (spec, config 11).

use std::time::Duration;

/// The text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found}: not a time; write seconds (600) or a unit (10m, 2h, 1d)")]
pub struct NotATime {
    /// What stood there.
    pub found: String,
}

/// A longer text is no time; so nesting is bounded too.
const TEXT_MAX_BYTES: usize = 128;

/// Each unit's spellings, and how many seconds it has.
const UNITS: [(&[&str], f64); 7] = [
    (&["s", "ss", "se", "sec", "second", "seconds"], 1.0),
    (&["m", "mm", "mi", "min", "minute", "minutes"], 60.0),
    (&["h", "hh", "ho", "hou", "hour", "hours"], 3_600.0),
    (&["d", "dd", "da", "day", "days"], 86_400.0),
    (&["w", "ww", "we", "wee", "week", "weeks"], 604_800.0),
    (&["mo", "mon", "month", "months"], 2_629_800.0),
    (&["y", "yy", "ye", "yea", "year", "years"], 31_557_600.0),
];

/// A span: `600`, `10m`, `1d 12h`, `1h30`, `60*60`, `(1h+2m)*3`.
///
/// # Errors
/// What is no arithmetic of numbers and units, or comes out negative.
pub fn span(text: &str) -> Result<Duration, NotATime> {
    let secs = seconds(text).filter(|secs| *secs >= 0.0);
    secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok()).ok_or_else(|| not_a_time(text))
}

/// How long a ban lasts: a span, or `None` (for ever) if negative, such as `-1`.
///
/// # Errors
/// What is no arithmetic of numbers and units.
pub fn bantime(text: &str) -> Result<Option<Duration>, NotATime> {
    match seconds(text) {
        Some(secs) if secs < 0.0 => Ok(None),
        _ => span(text).map(Some),
    }
}

/// Seconds, which may be negative.
///
/// # Errors
/// What is no arithmetic of numbers and units.
pub(crate) fn seconds_of(text: &str) -> Result<f64, NotATime> {
    seconds(text).ok_or_else(|| not_a_time(text))
}

/// A number, or arithmetic of numbers: `2.5`, `2.0/3`.
pub(super) fn number(text: &str) -> Option<f64> {
    let is_arithmetic = !text.contains(|c: char| c.is_alphabetic());
    is_arithmetic.then(|| seconds(text)).flatten()
}

fn not_a_time(text: &str) -> NotATime {
    NotATime { found: text.chars().take(TEXT_MAX_BYTES).collect() }
}

fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.len() > TEXT_MAX_BYTES {
        return None;
    }
    let mut parser = Parser { rest: text, after_number: false };
    let secs = parser.sum()?;
    (parser.rest.is_empty() && secs.is_finite()).then_some(secs)
}

struct Parser<'a> {
    /// Never begins with a blank.
    rest: &'a str,
    /// Whether a number was read last: another one behind it is added, as in `1h 30m`.
    after_number: bool,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product()?;
        loop {
            if self.eat('+') || (self.after_number && self.at_digit()) {
                sum += self.product()?;
            } else if self.eat('-') {
                sum -= self.product()?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.factor()?;
        loop {
            if self.eat('*') {
                product *= self.factor()?;
            } else if self.eat('/') {
                product /= self.factor()?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        if self.eat('-') {
            return self.factor().map(|value| -value);
        }
        if self.eat('+') {
            return self.factor();
        }
        if self.eat('(') {
            let value = self.sum()?;
            return self.eat(')').then_some(value);
        }
        let number = self.take(|c| c.is_ascii_digit() || c == '.');
        if number.len() > 1 && number.starts_with('0') && !number.contains('.') {
            return None;
        }
        let number: f64 = number.parse().ok()?;
        self.skip_blanks();
        let unit = self.take(|c| c.is_alphabetic() || c == '_').to_ascii_lowercase();
        self.skip_blanks();
        self.after_number = true;
        if unit.is_empty() {
            return Some(number);
        }
        let (_, secs) = UNITS.iter().find(|(names, _)| names.contains(&unit.as_str()))?;
        Some(number * secs)
    }

    fn at_digit(&self) -> bool {
        self.rest.starts_with(|c: char| c.is_ascii_digit())
    }

    fn eat(&mut self, symbol: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(symbol) else { return false };
        self.rest = rest;
        self.skip_blanks();
        self.after_number = false;
        true
    }

    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, secs: f64) {
        assert_eq!(span(text), Ok(Duration::from_secs_f64(secs)), "{text}");
    }

    #[track_caller]
    fn refused(text: &str) {
        assert!(bantime(text).is_err(), "{text} was taken for a time");
    }

    #[test]
    fn seconds_need_no_unit() {
        check("600", 600.0);
        check(" 0 ", 0.0);
        check("1.5", 1.5);
    }

    #[test]
    fn units_have_many_spellings() {
        for (text, secs) in
            [("10m", 600.0), ("10 Minutes", 600.0), ("1M", 60.0), ("1mo", 2_629_800.0)]
        {
            check(text, secs);
        }
        for (text, secs) in
            [("1w", 604_800.0), ("1.5h", 5_400.0), ("2w", 1_209_600.0), ("3ss", 3.0)]
        {
            check(text, secs);
        }
    }

    #[test]
    fn numbers_side_by_side_are_added() {
        check("1d 12h", 129_600.0);
        check("1d12h", 129_600.0);
        check("1h30", 3_630.0);
        check("1y 6mo", 47_336_400.0);
        check("2 1h", 3_602.0);
    }

    #[test]
    fn arithmetic_is_done() {
        check("60*60", 3_600.0);
        check("1hour+30min", 5_400.0);
        check("1year-6mo", 15_778_800.0);
        check("(1h+2m)*3", 11_160.0);
        check("1d / 2", 43_200.0);
        check("60*1h 30m", 217_800.0);
    }

    #[test]
    fn a_negative_bantime_is_for_ever() {
        assert_eq!(bantime("-1"), Ok(None));
        assert_eq!(bantime("1h-2h"), Ok(None));
        assert_eq!(bantime("10m"), Ok(Some(Duration::from_secs(600))));
        assert!(span("-1").is_err());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "", "x", "10x", "foo", "10mins", "08", "1h)", "(1h", "1h h", "()5", "(1)h", "(1) 5",
            "1..5", ".", "5 +", "1/0", "1e5", "inf", "nan", "1_0", "10µs",
        ] {
            refused(text);
        }
        refused(&"(".repeat(1_000_000));
        refused(&"9".repeat(400));
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let message = "10x: not a time; write seconds (600) or a unit (10m, 2h, 1d)";
        assert_eq!(span("10x").unwrap_err().to_string(), message);
    }
}
