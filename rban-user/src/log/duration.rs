//! How long, as fail2ban tells it: rounded, and in at most three parts (spec, jail 14.3).

use std::fmt;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;
const UNITS: [(i64, char); 6] =
    [(YEAR, 'y'), (WEEK, 'w'), (DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm'), (1, 's')];
/// From here on seconds are told to ten.
const NEARLY_AN_HOUR: i64 = HOUR - 5;

/// Seconds, for a person to read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Readable(pub(crate) f64);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Casts stop at the ends; what is no number becomes 0.
        let secs = self.0.abs().round_ties_even() as i64;
        // The largest unit is the span's own, also where rounding makes a full one of the next.
        let (to, units) = match secs {
            YEAR.. => (DAY, &UNITS[..]),
            WEEK.. => (HOUR, &UNITS[1..]),
            DAY.. => (MINUTE, &UNITS[2..]),
            NEARLY_AN_HOUR.. => (10, &UNITS[3..]),
            _ => (1, &UNITS[4..]),
        };
        if self.0 < 0.0 && secs > 0 {
            f.write_str("-")?;
        }
        parts(rounded(secs, to), units, f)
    }
}

fn rounded(secs: i64, unit: i64) -> i64 {
    let (units, rest) = (secs / unit, secs % unit);
    let up = rest * 2 > unit || (rest * 2 == unit && units % 2 == 1);
    (units + i64::from(up)).saturating_mul(unit)
}

fn parts(secs: i64, units: &[(i64, char)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if secs == 0 {
        return f.write_str("0");
    }
    let mut left = secs;
    let mut separator = "";
    for (unit, name) in units {
        let count = left / unit;
        left %= unit;
        if count > 0 {
            write!(f, "{separator}{count}{name}")?;
            separator = " ";
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Readable;

    #[track_caller]
    fn check(secs: f64, shown: &str) {
        assert_eq!(Readable(secs).to_string(), shown, "{secs}");
    }

    #[test]
    fn the_specifications_examples() {
        check(86_399.0, "24h");
        check(604_799.0, "7d");
        check(31_535_999.0, "52w 1d");
        check(59.0, "59s");
        check(0.0, "0");
        check(3_590.0, "59m 50s");
    }

    #[test]
    fn the_longer_the_coarser() {
        check(5_400.0, "1h 30m");
        check(2.0 * 86_400.0 + 7.0 * 3_600.0 + 15.0 * 60.0 + 20.0, "2d 7h 15m");
        check(9.0 * 86_400.0 + 3.0 * 3_600.0 + 60.0, "1w 2d 3h");
        check((365.0 + 25.0) * 86_400.0, "1y 3w 4d");
    }

    #[test]
    fn absurd_spans_end_too() {
        for secs in [f64::NAN, f64::INFINITY, f64::MAX, -1.0] {
            assert!(Readable(secs).to_string().len() < 40);
        }
    }
}
