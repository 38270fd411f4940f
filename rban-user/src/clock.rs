//! The two clocks and the way from one to the other.
//!
//! Logs and people speak of [`WallTime`]; the kernel judges expiry by [`MonoTime`]. Only this module reads a clock.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use serde::{Serialize, Serializer};

/// A moment as logs and people tell it: microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(i64);

impl WallTime {
    /// From microseconds since 1970 UTC.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since 1970 UTC.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970 UTC.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The year of our calendar that it is in, by UTC.
    #[must_use]
    pub fn year(self) -> i16 {
        Timestamp::from_microsecond(self.0).map_or(1970, |at| TimeZone::UTC.to_datetime(at).year())
    }

    /// So much later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// So much earlier; stops at the beginning of time instead of wrapping.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long ago `earlier` was; zero if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for WallTime {
    /// RFC 3339 in the local zone, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(at) => {
                let local = at.to_zoned(TimeZone::system());
                write!(f, "{}", local.strftime("%Y-%m-%dT%H:%M:%S%:z"))
            }
            Err(_) => f.write_str("never"),
        }
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A moment of `CLOCK_MONOTONIC`, in nanoseconds: what the kernel compares expiry with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoTime(u64);

impl MonoTime {
    /// From nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds of `CLOCK_MONOTONIC`.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// So much later; stops at the end of time instead of wrapping.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Both clocks, read together, so that a moment of one can be told by the other.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// What people call now.
    pub wall: WallTime,
    /// What the kernel calls now.
    pub mono: MonoTime,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        let wall = clock_gettime(ClockId::Realtime);
        let mono = clock_gettime(ClockId::Monotonic);
        Self {
            wall: WallTime(wall.tv_sec.saturating_mul(1_000_000) + wall.tv_nsec / 1_000),
            mono: MonoTime(mono.tv_sec as u64 * 1_000_000_000 + mono.tv_nsec as u64),
        }
    }

    /// The kernel's name for a moment; what lay before boot becomes its first nanosecond.
    #[must_use]
    pub fn to_mono(self, at: WallTime) -> MonoTime {
        let ahead_ns = i128::from(at.0 - self.wall.0) * 1_000;
        MonoTime((i128::from(self.mono.0) + ahead_ns).clamp(1, i128::from(u64::MAX - 1)) as u64)
    }

    /// People's name for a moment of the kernel's.
    #[must_use]
    pub fn to_wall(self, at: MonoTime) -> WallTime {
        let ahead_us = (i128::from(at.0) - i128::from(self.mono.0)) / 1_000;
        let wall = i128::from(self.wall.0) + ahead_us;
        WallTime(wall.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Now = Now { wall: WallTime::from_secs(1_000_000), mono: MonoTime(5_000_000_000) };

    #[test]
    fn a_moment_survives_the_way_there_and_back() {
        let at = WallTime::from_secs(1_000_600);
        assert_eq!(NOW.to_mono(at), MonoTime(605_000_000_000));
        assert_eq!(NOW.to_wall(NOW.to_mono(at)), at);
    }

    #[test]
    fn what_lay_before_boot_is_the_first_nanosecond() {
        assert_eq!(NOW.to_mono(WallTime::from_secs(0)), MonoTime(1));
    }

    #[test]
    fn a_far_end_is_not_taken_for_a_permanent_ban() {
        assert!(NOW.to_mono(WallTime::from_micros(i64::MAX)).as_nanos() < u64::MAX);
    }

    #[test]
    fn times_stop_at_their_ends() {
        let end = WallTime::from_micros(i64::MAX);
        assert_eq!(end.saturating_add(Duration::MAX), end);
        assert_eq!(WallTime::from_secs(5).since(end), Duration::ZERO);
    }
}
