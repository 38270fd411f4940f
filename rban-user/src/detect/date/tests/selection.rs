//! How one of several templates is chosen, line after line; as fail2ban was seen to do on the same lines.

use super::*;

/// By one detector of these patterns: what of each line is its date?
#[track_caller]
fn check(patterns: &[&str], lines: &[(&str, Option<&str>)]) {
    let mut detector = detector(patterns, None).unwrap();
    for (number, (line, date)) in lines.iter().enumerate() {
        let found = detector.find(line, WallTime::from_secs(NOW));
        assert_eq!(found.map(|found| &line[found.cut]), *date, "line {number}: {line}");
    }
}

#[test]
fn a_date_in_the_message_is_taken_only_for_want_of_another() {
    check(
        &[],
        &[
            ("srv x Nov 21 05:00:00 y", Some("Nov 21 05:00:00")),
            ("Nov 21 05:00:01 srv 2025-11-21 05:00:00 y", Some("Nov 21 05:00:01")),
            ("srv 2025-11-21 05:00:00 y", Some("2025-11-21 05:00:00")),
            ("srv y", None),
            ("Nov 21 05:00:02 srv z", Some("Nov 21 05:00:02")),
        ],
    );
}

#[test]
fn the_nearest_of_several_is_taken() {
    check(
        &[],
        &[
            ("srv at Nov 21 05:00:00 of 2025-11-21 05:00:01", Some("Nov 21 05:00:00")),
            ("srv at 2025-11-21 05:00:01 of Nov 21 05:00:00", Some("2025-11-21 05:00:01")),
        ],
    );
}

#[test]
fn a_date_may_move_with_the_address_before_it() {
    let date = |second| format!("21/Nov/2025:05:00:0{second} +0100");
    let line = |address, second, rest| format!("{address} - - [{}] \"GET /{rest}\"", date(second));
    let lines = [
        line("192.0.2.1", 0, "2025-11-21 05:00:01"),
        line("192.0.2.100", 2, ""),
        line("192.0.2.1", 3, "?t=2025-11-21 05:00:04 x"),
        line("2001:db8::1", 5, ""),
    ];
    let dates = [date(0), date(2), date(3), date(5)];
    let mut cases: Vec<_> =
        lines.iter().zip(&dates).map(|(l, d)| (l.as_str(), Some(d.as_str()))).collect();
    // A user name that looks like a date stands nearer.
    let named = format!("192.0.2.1 - 2025-11-21 05:00:06 [{}]", date(7));
    cases.push((&named, Some("2025-11-21 05:00:06")));
    check(&[], &cases);
}

#[test]
fn a_place_is_kept_while_its_surroundings_are_the_same() {
    check(
        &[],
        &[
            ("x [2025-11-21 05:00:00] a", Some("2025-11-21 05:00:00")),
            ("x [2025-11-21 05:00:01.5] b", Some("2025-11-21 05:00:01.5")),
            ("x [2025-11-21 05:00:02]", Some("2025-11-21 05:00:02")),
            ("x 2025-11-21 05:00:03 c", Some("2025-11-21 05:00:03")),
            ("xy [2025-11-21 05:00:04] d Nov 21 05:00:05", Some("2025-11-21 05:00:04")),
            ("x [Nov 21 05:00:06] 2025-11-21 05:00:07", Some("Nov 21 05:00:06")),
        ],
    );
}

#[test]
fn other_templates_are_tried_where_a_date_moved_to_the_right() {
    check(
        &["%Y-%m-%d %H:%M:%S", "%d.%m.%y %H:%M"],
        &[
            ("a 2025-11-21 05:00:00 b", Some("2025-11-21 05:00:00")),
            ("a 2025-11-21 05:00:01x21.11.25 05:01", None),
            ("a 21.11.25 05:02 2025-11-21 05:00:03", Some("21.11.25 05:02")),
            ("a  2025-11-21 05:00:04", Some("2025-11-21 05:00:04")),
            ("21.11.25 05:05 2025-11-21 05:00:06", Some("21.11.25 05:05")),
        ],
    );
}

#[test]
fn places_count_in_characters() {
    check(
        &["%Y-%m-%d", "%H:%M"],
        &[
            ("é 2025-11-21", Some("2025-11-21")),
            ("o 2025-11-22 05:00", Some("2025-11-22")),
            ("ö  2025-11-23 05:00", Some("05:00")),
            ("ößä 05:01 2025-11-24", Some("05:01")),
            ("ö 2025-11-25 05:02", Some("2025-11-25")),
        ],
    );
}

#[test]
fn the_end_of_the_line_is_trusted_like_its_begin() {
    check(
        &["%H:%M$", "%Y-%m-%d"],
        &[
            ("x 2025-11-21 05:00", Some("05:00")),
            ("2025-11-22 x 05:01", Some("05:01")),
            ("2025-11-23 x", Some("2025-11-23")),
        ],
    );
}

#[test]
fn a_line_may_end_before_the_last_place() {
    check(
        &["(?:x )?%H:%M(?: y)?", "%Y"],
        &[
            ("a long way to the date x 05:00 y", Some("x 05:00 y")),
            ("a long way to the date 05:01", Some("05:01")),
            ("a 05:02", Some("05:02")),
            ("2025 05:03", Some("2025")),
        ],
    );
}
