//! The detector as the daemon sees it, with a filter of two patterns.

use super::*;

/// 2026-11-21T10:00:00Z.
const NOW: WallTime = WallTime::from_secs(1_795_255_200);

fn detector() -> Detector {
    let spec = Spec {
        prefregex: r"^\W*(?:<F-MLFID>srv x\[\d+\]</F-MLFID>: )?<F-CONTENT>.+</F-CONTENT>$".into(),
        failregex: vec!["^bad .* from <HOST>$".into(), "^worse <HOST>$".into()],
    };
    Detector::new(&spec, TimeZone::UTC).unwrap()
}

/// When, in seconds from now, does the line say that 192.0.2.7 failed?
#[track_caller]
fn check(line: &str, ahead_secs: Option<i64>) {
    let found = detector().line(line.as_bytes(), NOW);
    let expected = ahead_secs.map(|secs| {
        ("192.0.2.7".parse().unwrap(), WallTime::from_micros(NOW.as_micros() + secs * 1_000_000))
    });
    assert_eq!(found, expected, "{line}");
}

#[test]
fn the_date_is_cut_out_and_tells_when() {
    check("Nov 21 09:59:50 srv x[1]: worse 192.0.2.7", Some(-10));
    check("2026-11-21T10:59:00.9+01:00 srv x[1]: worse 192.0.2.7", Some(-60));
    check("[Nov 21 09:59:50] worse 192.0.2.7", Some(-10));
    check("Nov 21 09:59:50 srv x[1]: good 192.0.2.7", None);
}

#[test]
fn a_line_without_a_date_is_of_now() {
    check("srv x[1]: worse 192.0.2.7", Some(0));
    check("worse 192.0.2.7", Some(0));
    check("Feb 30 09:59:50 srv x[1]: worse 192.0.2.7", Some(0));
}

#[test]
fn a_date_far_from_now_is_taken_as_now() {
    check("Nov 21 09:58:59 srv x[1]: worse 192.0.2.7", Some(0));
    check("Nov 21 10:02:00 srv x[1]: worse 192.0.2.7", Some(0));
    check("2001-11-21 10:02:00 srv x[1]: worse 192.0.2.7", Some(0));
}

#[test]
fn no_failure_is_later_than_now() {
    check("Nov 21 10:00:30 srv x[1]: worse 192.0.2.7", Some(0));
}

#[test]
fn what_tells_again_of_an_attempt_is_no_failure() {
    let mut detector = detector();
    let mut count = |line: &str| usize::from(detector.line(line.as_bytes(), NOW).is_some());
    assert_eq!(count("srv x[1]: worse 192.0.2.7") + count("srv x[1]: bad a from 192.0.2.7"), 1);
    assert_eq!(count("srv x[1]: bad a from 192.0.2.7"), 1, "the next attempt");
    assert_eq!(count("srv x[1]: worse 192.0.2.8"), 1, "somebody else");
    assert_eq!(count("srv x[2]: worse 192.0.2.7"), 1, "another session");
}
