//! What users write as `datepattern`.

use super::*;

/// By a fresh detector of these patterns: what of the line is its date?
#[track_caller]
fn check_all(patterns: &[&str], line: &str, marked: Option<&str>) {
    let seen = see(&mut detector(patterns, None).unwrap(), line);
    assert_eq!(seen.map(|seen| seen.marked).as_deref(), marked, "{patterns:?} on {line}");
}

#[track_caller]
fn check(pattern: &str, line: &str, marked: Option<&str>) {
    check_all(&[pattern], line, marked);
}

#[test]
fn a_date_is_not_inside_a_word_unless_asked_for() {
    check("%Y-%m-%d", "(2025-11-21)", Some("(|2025-11-21|)"));
    check("%Y-%m-%d", "x2025-11-21y", None);
    check("{UNB}%Y-%m-%d", "x2025-11-21y", Some("x|2025-11-21|y"));
    check("**%Y-%m-%d**", "x2025-11-21y", Some("x|2025-11-21|y"));
    check("**%Y-%m-%d", "x2025-11-21 y", Some("x|2025-11-21| y"));
    check("%Y-%m-%d**", "x 2025-11-21y", Some("x |2025-11-21|y"));
    check("(**%Y-%m-%d**)", "x2025-11-21y", Some("x|2025-11-21|y"));
    check("%Y-%m-%d", "é2025-11-21", None);
}

#[test]
fn a_pattern_may_say_itself_where_it_begins_and_ends() {
    check("^%Y-%m-%d", " 2025-11-21", None);
    check("(?:^%Y-%m-%d)", "2025-11-21 x", Some("|2025-11-21| x"));
    check("%Y-%m-%d$", "2025-11-21 x", None);
    check("%Y-%m-%d$", "x 2025-11-21", Some("x |2025-11-21|"));
    check(r"%Y-%m-%d\s", "2025-11-21x", None);
    check(r"%Y-%m-%d\s", "2025-11-21 x", Some("|2025-11-21 |x"));
}

#[test]
fn the_first_group_is_cut_out() {
    check("^[^2]*(%Y-%m-%d)", "(2025-11-21)", Some("(|2025-11-21|)"));
    check("^[^2]*%Y-%m-%d", "(2025-11-21)", Some("|(2025-11-21|)"));
    check("(%Y)-%m-%d", "2025-11-21", Some("|2025|-11-21"));
    check("()%Y-%m-%d", "x 2025-11-21", Some("x ||2025-11-21"));
    // The parenthesis in brackets passes for a group, so the first group is the year.
    check("[(]?%Y-%m-%d", "(2025-11-21", Some("(|2025|-11-21"));
}

#[test]
fn the_begin_of_the_line_leaves_two_characters() {
    check("{^LN-BEG}%Y-%m-%d", "[(2025-11-21", Some("[(|2025-11-21|"));
    check("{^LN-BEG}%Y-%m-%d", "[((2025-11-21", None);
    check("{^LN-BEG}%Y-%m-%d", "x 2025-11-21", None);
    // As many as it can.
    check("{^LN-BEG}%d %b %Y", "  5 Nov 2025", Some("  |5 Nov 2025|"));
    check("{^LN-BEG}%d %b %Y", "   5 Nov 2025", Some("  | 5 Nov 2025|"));
}

#[test]
fn case_is_ignored_with_names_of_months() {
    check("%d %b %Y %Z", "21 nov 2025 utc", Some("|21 nov 2025 utc|"));
    check("%d.%m.%Y %Z", "21.11.2025 utc", None);
    check("(?i)%Yx", "2025X", Some("|2025X|"));
    check("(?:(?i)%Yx)", "2025X", Some("|2025X|"));
}

#[test]
fn a_blank_may_come_first() {
    check("%k:%M", "x  5:00", Some("x | 5:00|"));
    check("^%k:%M", " 5:00", Some("| 5:00|"));
}

#[test]
fn groups_named_by_hand_are_tokens() {
    check("(?P<Y>[0-9]{4}):(?P<m>[0-9]+):(?P<d>[0-9]+)", "2025:11:21", Some("|2025:11:21|"));
    let time = |line| {
        let pattern = r"(?P<Y>\S+) (?P<m>\S+) (?P<d>\S+)";
        see(&mut detector(&[pattern], None).unwrap(), line).unwrap().time
    };
    assert_eq!(time("2025 1_1 +21"), Ok(shown_in_berlin("2025-11-21")));
    assert_eq!(time("2025 11 2x"), Err(NotATime::Impossible));
    assert_eq!(time("10000 11 21"), Err(NotATime::Impossible));
    assert_eq!(time("99999999999 11 21"), Err(NotATime::OutOfRange));
    assert_eq!(time("\u{662}\u{660}25 11 21"), Ok(shown_in_berlin("2025-11-21")));
}

#[test]
fn special_words_are_known_in_any_case() {
    check("epoch", "1763690000 x", Some("|1763690000| x"));
    check("EPOCH", "x 1763690000", None);
    check("EPOCH", "[1763690000 x", Some("[|1763690000| x"));
    check("EPOCH", "x audit(1763690000.123): y", Some("x audit(|1763690000.123|): y"));
    check("EPOCH", "xaudit(1763690000.123:45)", None);
    check("^Epoch", "((1763690000 x", Some("((|1763690000| x"));
    check("{^LN-BEG}Epoch", "[1763690000] x", Some("[|1763690000|] x"));
    check("x={EPOCH}", "a x=1763690000.5", Some("a |x=1763690000|.5"));
    check("x=({epoch})", "a x=1763690000.500", Some("a x=|1763690000.500|"));
    check("{lepoch}", "x 1763690000123 y", Some("x |1763690000123| y"));
    check("tai64n", "x@4000000037c219bf2ef02e94", Some("x|@4000000037c219bf2ef02e94|"));
    check("{none}", "2025-11-21", Some("||2025-11-21"));
    check("{default}", "x 2025-11-21 05:00:00", Some("x |2025-11-21 05:00:00|"));
    check("{^ln-beg}", "x 2025-11-21 05:00:00", None);
    check("ISO8601", "x ISO8601 y", Some("x |ISO8601| y"));
}

#[test]
fn default_templates_fit_into_patterns() {
    let access = r"^[^\[]*\[({DATE})";
    check(access, "x [21/Nov/2025:05:00:00 +0100] y", Some("x [|21/Nov/2025:05:00:00 +0100|] y"));
    check(access, "x [[2025-11-21 05:00:00] y", None);
    check(access, "x [Epoch] y", Some("x [|Epoch|] y"));
    check("t={DATE}", "a t=Nov 21 05:00:00 x", Some("a |t=Nov 21 05:00:00| x"));
    check("t={date}", "a t=05:00:00 x", Some("a |t=05:00:00| x"));
    check("{DATE}", "x 05:00:00 y", Some("x |05:00:00| y"));
    check("^{DATE}", "05:00:00 y", Some("|05:00:00| y"));
    check("^{DATE}", " 05:00:00 y", None);
    check("^{DATE}", "[1763690000] y", Some("[|1763690000|] y"));
    check("{^LN-BEG}{DATE}", "[05:00:00] y", Some("[|05:00:00|] y"));
}

#[test]
fn several_patterns_are_several_templates() {
    check_all(&["%Y-%m-%d", "%H:%M"], "05:00", Some("|05:00|"));
    check_all(&["EPOCH", "{^LN-BEG}"], "Nov 21 05:00:00", Some("|Nov 21 05:00:00|"));
    check_all(&["{^LN-BEG}Epoch", "{^LN-BEG}"], "Nov 21 05:00:00", Some("|Nov 21 05:00:00|"));
    // With others the default ones are none.
    check_all(&["%Y", "{DEFAULT}"], "Nov 21 05:00:00", None);
    check_all(&["{DEFAULT}", "%Y"], "Nov 21 05:00:00", None);
}

#[test]
fn what_means_nothing_is_refused() {
    let error = |patterns: &[&str]| detector(patterns, None).unwrap_err().to_string();
    assert_eq!(
        error(&["%Y %Q"]),
        "datepattern = %Y %Q: %Q: no such token; write %% for a percent sign"
    );
    assert_eq!(error(&["%Y", "%Y"]), "datepattern = %Y: is there already; write each pattern once");
    assert_eq!(error(&["{UNB}%Y", "%Y"]), error(&["%Y", "%Y"]));
    assert_eq!(error(&["(%Y"]), "datepattern = (%Y: not a regular expression");
    assert_eq!(error(&["%Y %Y"]), "datepattern = %Y %Y: not a regular expression");
    assert!(matches!(detector(&["{DATE}", "EPOCH"], None), Err(Error::Twice { .. })));
    assert!(detector(&["EPOCH", "{DATE}"], None).is_ok());
}
