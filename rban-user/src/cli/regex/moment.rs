//! The time that `--now` names.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::clock::WallTime;

/// A time of RFC 3339, one of the local zone, or seconds since 1970.
pub(super) fn moment(text: &str) -> Result<WallTime, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(WallTime::from_micros(at.as_microsecond()));
    }
    if let Some(micros) = micros(text) {
        return Ok(WallTime::from_micros(micros));
    }
    let local = text.parse::<civil::DateTime>().and_then(|at| at.to_zoned(TimeZone::system()));
    let wrong = "not a time; write one like 2025-11-21T05:00:00Z, or seconds since 1970";
    local.map(|at| WallTime::from_micros(at.timestamp().as_microsecond())).map_err(|_| wrong.into())
}

fn micros(text: &str) -> Option<i64> {
    let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(secs) || !is_digits(fraction) || fraction.len() > 6 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    secs.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_a_moment() {
        let now = |text: &str| moment(text).map(WallTime::as_micros);
        assert_eq!(now("2005-08-14T10:00:00Z"), Ok(1_124_013_600_000_000));
        assert_eq!(now("2005-08-14T12:00:00+02:00"), Ok(1_124_013_600_000_000));
        assert_eq!(now("1124013600"), Ok(1_124_013_600_000_000));
        assert_eq!(now("1124013600.5"), Ok(1_124_013_600_500_000));
        assert!(now("2005-08-14T10:00:00").is_ok());
        for wrong in ["", "x", "-", "1.2.3", "1e9", "99999999999999999999"] {
            assert!(now(wrong).is_err(), "{wrong}");
        }
    }
}
