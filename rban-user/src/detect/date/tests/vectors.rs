//! The date vectors of the specification (filter, appendix B).

use super::*;

/// By a fresh detector of these patterns: which time in Berlin does the line mean? `None`: no date at all.
#[track_caller]
fn check_with(
    patterns: &[&str],
    logtimezone: Option<&str>,
    line: &str,
    expected: Option<Result<&str, NotATime>>,
) {
    let seen = see(&mut detector(patterns, logtimezone).unwrap(), line);
    let expected = expected.map(|expected| expected.map(shown_in_berlin));
    assert_eq!(seen.map(|seen| seen.time), expected, "{line}");
}

#[track_caller]
fn check(line: &str, time: &str) {
    check_with(&[], None, line, Some(Ok(time)));
}

#[track_caller]
fn check_pattern(pattern: &str, line: &str, time: &str) {
    check_with(&[pattern], None, line, Some(Ok(time)));
}

#[track_caller]
fn check_in_zone(zone: &str, line: &str, time: &str) {
    check_with(&[], Some(zone), line, Some(Ok(time)));
}

/// By a fresh detector of this pattern, or the default ones: which epoch does the line mean?
#[track_caller]
fn check_epoch(patterns: &[&str], line: &str, epoch: f64) {
    let seen = see(&mut detector(patterns, None).unwrap(), line);
    assert_eq!(seen.map(|seen| seen.time), Some(Ok(epoch)), "{line}");
}

#[test]
fn a_date_without_a_year_is_of_this_or_the_last() {
    check("Nov 21 05:00:00 x", "2025-11-21 05:00:00");
    check("Nov 22 05:39:59 x", "2025-11-22 05:39:59");
    check("Nov 22 05:41:00 x", "2024-11-22 05:41:00");
    check("Dec 31 23:59:59 x", "2024-12-31 23:59:59");
}

#[test]
fn what_is_no_date_is_matched_all_the_same() {
    for line in
        ["Feb 29 10:00:00 x", "Feb 30 10:00:00 x", "2025-11-21 05:00:60 x", "Nov 21 24:00:00 x"]
    {
        check_with(&[], None, line, Some(Err(NotATime::Impossible)));
    }
}

#[test]
fn a_time_without_a_date_is_of_today_or_yesterday() {
    check("05:39:00 x", "2025-11-21 05:39:00");
    check("05:41:00 x", "2025-11-20 05:41:00");
}

#[test]
fn a_zone_that_is_told_counts() {
    check("2025-11-21T05:00:00Z x", "2025-11-21 06:00:00");
    check("2025-11-21 05:00:00 UTC x", "2025-11-21 06:00:00");
    check("2025-11-21 05:00:00.123456 +0300 x", "2025-11-21 03:00:00");
    check("2025-11-21 05:00:00+03 x", "2025-11-21 03:00:00");
    check("2025-11-21 05:00:00 -03:30 x", "2025-11-21 09:30:00");
}

#[test]
fn years_far_from_now_are_none() {
    for line in [
        "2031-11-21 05:00:00 x",
        "2035-11-21 05:00:00 x",
        "1999-11-21 05:00:00 x",
        "2025-11-21 24:00:00 x",
    ] {
        check_with(&[], None, line, None);
    }
}

#[test]
fn an_hour_that_clocks_skipped_is_the_one_after() {
    check("2025-03-30 02:30:00 x", "2025-03-30 03:30:00");
}

#[test]
fn the_zone_of_the_log_counts() {
    check_in_zone("UTC", "Nov 21 05:00:00 x", "2025-11-21 06:00:00");
    check_in_zone("UTC+0300", "Nov 21 05:00:00 x", "2025-11-21 03:00:00");
    check_in_zone("UTC-1200", "Nov 22 05:00:00 x", "2024-11-22 18:00:00");
    check_in_zone("UTC", "05:39:00 x", "2025-11-21 06:39:00");
    check_in_zone("UTC", "04:41:00 x", "2025-11-21 05:41:00");
    check_in_zone("UTC+0300", "2025-11-21 05:00:00Z x", "2025-11-21 06:00:00");
}

#[test]
fn the_zone_may_be_a_name() {
    check("PDT Nov 21 05:00:00 x", "2025-11-21 13:00:00");
    check_with(&[], None, "XYZ Nov 21 05:00:00 x", Some(Err(NotATime::UnknownZone)));
    check_with(&[], None, "pdt Nov 21 05:00:00 x", Some(Err(NotATime::Impossible)));
}

#[test]
fn every_default_template_has_its_format() {
    for line in [
        "2025-11-21 05:00:00 x",
        "2025/11/21T05:00:00,5 x",
        "2025.11.21  5:00:00 x",
        "Nov 21 05:00:00 x",
        "Fri Nov 21 05:00:00.25 2025 x",
        "Fri Nov 21 2025 05:00:00 x",
        "21/11/25 05:00:00 x",
        "21-11-2025 05:00:00 x",
        "21/Nov/2025:05:00:00 +0100 x",
        "21-Nov-2025 05:00:00.5 x",
        "11/21/2025:05:00:00 x",
        "11-21-2025 05:00:00.11 x",
        "1763697600 x",
        "05:00:00 x",
        "<11/21/25@05:00:00> x",
        "251121  5:00:00 x",
        "Nov 21, 2025 5:00:00 AM x",
        "Nov-21-25 05:00:00 x",
        "20251121T050000 x",
        "20251121-05:00:00.5 x",
        "CET Nov 21 05:00:00 x",
        "+01:00 Fri Nov 21 05:00:00 2025 x",
        "@40000000691fe38b00000000 x",
    ] {
        let time =
            if line.starts_with('@') { "2025-11-21 04:59:07" } else { "2025-11-21 05:00:00" };
        check(line, time);
    }
}

#[test]
fn the_day_comes_before_the_month_if_both_could_be() {
    check("10-11-2025 05:00:00 x", "2025-11-10 05:00:00");
}

#[test]
fn an_hour_of_twelve_is_before_or_after_noon() {
    check("Nov 21, 2025 5:00:00 PM x", "2025-11-21 17:00:00");
    check("Nov 21, 2025 12:00:00 AM x", "2025-11-21 00:00:00");
    check("Nov 21, 2025 12:00:00 pm x", "2025-11-21 12:00:00");
}

#[test]
fn a_count_of_seconds_stands_where_logs_have_it() {
    check_epoch(&[], "1763690000 x", 1_763_690_000.0);
    check_epoch(&[], "[1763690000] x", 1_763_690_000.0);
    check_epoch(&[], "[1763690000.123] x", 1_763_690_000.123);
    check_epoch(&[], "type=x msg=audit(1763690000.123:45): x", 1_763_690_000.123);
    check_epoch(&[], "@4000000037c219bf2ef02e94 x", 935_467_455.0);
    check_with(&[], None, "x 1763690000 y", None);
}

#[test]
fn no_date_is_part_of_a_word() {
    check_with(&[], None, "xNov 21 05:00:00 x", None);
    check_with(&[], None, "Nov 21 05:00:001 x", None);
}

#[test]
fn two_other_characters_may_stand_before_it() {
    let marked =
        |line| see(&mut detector(&["{^LN-BEG}"], None).unwrap(), line).map(|seen| seen.marked);
    assert_eq!(marked("((Nov 21 05:00:00] x").as_deref(), Some("((|Nov 21 05:00:00|] x"));
    assert_eq!(marked("  [Nov 21 05:00:00] x"), None);
    let marked = |line| see(&mut detector(&[], None).unwrap(), line).map(|seen| seen.marked);
    assert_eq!(marked("  [Nov 21 05:00:00] x").as_deref(), Some("  [|Nov 21 05:00:00|] x"));
}

#[test]
fn years_of_two_digits_are_of_this_century() {
    check_pattern("%y-%m-%d", "99-11-21", "2099-11-21 00:00:00");
    check_pattern("%y-%m-%d", "00-11-21", "2000-11-21 00:00:00");
}

#[test]
fn the_day_may_be_told_by_the_year_or_the_week() {
    check_pattern("%j %H:%M:%S", "325 05:00:00", "2025-11-21 05:00:00");
    check_pattern("%Y %W %a", "2025 46 Fri", "2025-11-21 00:00:00");
    check_pattern("%Y %W %w", "2025 46 0", "2025-11-23 00:00:00");
    check_pattern("%Y %U %A", "2025 46 Sunday", "2025-11-16 00:00:00");
    check_pattern("%Y %W %a", "2025 00 Mon", "2024-12-30 00:00:00");
    check_pattern("%Y %j", "2024 366", "2024-12-31 00:00:00");
}

#[test]
fn without_a_day_it_is_today_but_not_without_half_of_it() {
    check_pattern("%Y %H:%M", "2025 05:00", "2025-11-21 05:00:00");
    check_with(&["%d %H:%M:%S"], None, "21 05:00:00", Some(Err(NotATime::Incomplete)));
}

#[test]
fn long_counts_are_of_parts_of_a_second() {
    check_epoch(&["LEPOCH"], "1763690000123", 1_763_690_000.123);
    check_epoch(&["LEPOCH"], "1763690000123456", 1_763_690_000.123_456);
    check_epoch(&["LEPOCH"], "1763690000", 1_763_690_000.0);
}

#[test]
fn a_name_and_an_offset_add_up() {
    check_pattern("%Exz %Y-%m-%d %H:%M:%S", "PST+0100 2025-11-21 05:00:00", "2025-11-21 13:00:00");
}

#[test]
fn the_zone_of_the_log_is_a_fixed_one() {
    for zone in ["UTC", "UTC+0200", "GMT-0100", "+0200", "Z", "CET", "EST-0100"] {
        assert!(detector(&[], Some(zone)).is_ok(), "{zone}");
    }
    for zone in ["UTC+1", "Europe/Paris", "cet", "XYZ"] {
        assert!(matches!(detector(&[], Some(zone)), Err(Error::Zone { .. })), "{zone}");
    }
}
