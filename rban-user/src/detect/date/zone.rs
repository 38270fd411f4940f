//! [`Stamp`] → moment: the year and the zone that were left out (spec, filter 3.6).

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::Stamp;
use crate::clock::WallTime;

/// A date without a year may lie so far ahead before it means last year.
const AHEAD_MAX: Duration = Duration::from_secs(24 * 60 * 60);

impl Stamp {
    /// The moment that is meant, for a reader at `now` in `zone`; `None` if there is no such day.
    pub(in crate::detect) fn resolve(self, now: WallTime, zone: &TimeZone) -> Option<WallTime> {
        if let Some(year) = self.year {
            return self.in_year(year, now, zone);
        }
        let this_year = zone.to_datetime(Timestamp::from_microsecond(now.as_micros()).ok()?).year();
        let time = self.in_year(this_year, now, zone)?;
        if time > now.saturating_add(AHEAD_MAX) {
            return self.in_year(this_year - 1, now, zone);
        }
        Some(time)
    }

    fn in_year(self, year: i16, now: WallTime, zone: &TimeZone) -> Option<WallTime> {
        let written = Date::new(year, self.month, self.day).ok()?.to_datetime(self.time);
        let meant = match self.offset_secs {
            Some(secs) => Offset::from_seconds(secs).ok()?.to_timestamp(written).ok()?,
            None => local(written, now, zone)?,
        };
        Some(WallTime::from_micros(meant.as_microsecond()))
    }
}

/// The moment when clocks in `zone` showed this. An hour that they skipped is taken as the one after; of an hour that
/// they showed twice, the later time unless that is yet to come.
fn local(written: DateTime, now: WallTime, zone: &TimeZone) -> Option<Timestamp> {
    let meant = zone.to_ambiguous_timestamp(written);
    if let AmbiguousOffset::Fold { .. } = meant.offset() {
        let later = meant.later().ok()?;
        if later.as_microsecond() <= now.as_micros() {
            return Some(later);
        }
    }
    meant.compatible().ok()
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    /// Read at this time (UTC), in Berlin: which moment (UTC) does the line mean?
    #[track_caller]
    fn check_at(now: &str, line: &str, moment: Option<&str>) {
        let now: Timestamp = now.parse().unwrap();
        let (_, stamp) = find(line.as_bytes()).unwrap();
        let meant = stamp.resolve(WallTime::from_micros(now.as_microsecond()), &berlin());
        let meant =
            meant.map(|at| Timestamp::from_microsecond(at.as_micros()).unwrap().to_string());
        assert_eq!(meant.as_deref(), moment, "{line} read at {now}");
    }

    /// The same at the time of the specification's vectors (filter, appendix B).
    #[track_caller]
    fn check(line: &str, moment: Option<&str>) {
        check_at("2025-11-21T04:40:00Z", line, moment);
    }

    #[test]
    fn a_year_that_is_left_out_is_this_one_or_the_last() {
        check("Nov 21 05:00:00 x", Some("2025-11-21T04:00:00Z"));
        check("Nov 22 05:39:59 x", Some("2025-11-22T04:39:59Z"));
        check("Nov 22 05:41:00 x", Some("2024-11-22T04:41:00Z"));
        check("Dec 31 23:59:59 x", Some("2024-12-31T22:59:59Z"));
        check_at("2025-12-31T23:00:30Z", "Dec 31 23:59:59 x", Some("2025-12-31T22:59:59Z"));
        check_at("2025-12-31T22:59:30Z", "Jan  1 00:00:01 x", Some("2024-12-31T23:00:01Z"));
    }

    #[test]
    fn a_day_that_is_not_has_no_moment() {
        check("Feb 29 10:00:00 x", None);
        check("Feb 30 10:00:00 x", None);
        check("2025-02-29 10:00:00 x", None);
        check("2024-02-29 10:00:00 x", Some("2024-02-29T09:00:00Z"));
        check_at("2028-02-29T09:00:01Z", "Feb 29 10:00:00 x", Some("2028-02-29T09:00:00Z"));
        check_at("2028-01-15T00:00:00Z", "Feb 29 10:00:00 x", None);
    }

    #[test]
    fn a_zone_that_is_told_counts() {
        check("2025-11-21T05:00:00Z x", Some("2025-11-21T05:00:00Z"));
        check("2025-11-21 05:00:00.123456 +0300 x", Some("2025-11-21T02:00:00Z"));
        check("2025-11-21 05:00:00 -03:30 x", Some("2025-11-21T08:30:00Z"));
        check("2025-07-01 05:00:00 x", Some("2025-07-01T03:00:00Z"));
    }

    #[test]
    fn a_skipped_hour_is_the_one_after() {
        check("2025-03-30 02:30:00 x", Some("2025-03-30T01:30:00Z"));
    }

    #[test]
    fn of_an_hour_shown_twice_the_later_is_meant_unless_it_is_yet_to_come() {
        check_at("2025-10-26T00:30:05Z", "Oct 26 02:30:00 x", Some("2025-10-26T00:30:00Z"));
        check_at("2025-10-26T01:30:05Z", "Oct 26 02:30:00 x", Some("2025-10-26T01:30:00Z"));
    }
}
