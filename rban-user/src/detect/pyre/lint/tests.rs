use super::*;
use crate::detect::pyre::syntax::{Flags, parse};

#[track_caller]
fn slow(pattern: &str, expected: bool) {
    let ast = parse(pattern, Flags::default()).unwrap();
    assert_eq!(catastrophic(&ast).is_some(), expected, "{pattern}: {:?}", catastrophic(&ast));
}

#[test]
fn a_repeat_in_a_repeat_that_match_the_same_text_is_catastrophic() {
    for pattern in [
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)*b",
        r"^(\S+\s*)*$",
        r"^(?:\w+,?)+:",
        "(?:a?b?)*c",
        "(x{1,20})*y",
        "(?=(a+)+b)",
        "(?>(a+)+b)",
        "(?i:(?:a|A)*)b",
        r"^(?:[^:]*\s*)+: x",
    ] {
        slow(pattern, true);
    }
}

#[test]
fn four_repeats_side_by_side_are_catastrophic() {
    slow(r"^\s*\s*\s*\s*x", true);
    slow(r"^\s*(?:a)?\s*(?:b)?\s*\s?\s+x", true);
    slow(r"^\S+\S+\S+\S+ x", true);
    slow(r"^\s*\s*\s*x", false);
    slow(r"^\s*\S*\s*x", false);
    slow("^.*a.*b.*c", false);
}

#[test]
fn repeats_that_match_in_one_way_only_are_fine() {
    for pattern in [
        "(?:ab)*c",
        r"^(?:\S+ )*x",
        r"^(?:\w+,)+:",
        "(a{3})*b",
        r"^(?:[^\s:]+:\s+)*x",
        "(?:(?>a+)b?)*c",
        "(?:a++)*b",
        r"^(?:\d{1,3}\.){3}\d{1,3}$",
        r"^(?:[0-9a-f]{1,4}::?|:){1,7}(?:[0-9a-f]{1,4}|:)$",
    ] {
        slow(pattern, false);
    }
}

#[test]
fn what_nothing_follows_cannot_fail() {
    slow("x(a+)+", false);
    slow("x(a+)+.*$", false);
    slow("x(a+)+.*y$", true);
}

#[track_caller]
fn forgeable(pattern: &str, expected: Option<Forgery>) {
    let pattern = pattern.replace("<HOST>", r"(?:(?P<ip4>\d+\.\d+\.\d+\.\d+)|(?P<dns>[\w.-]*\w))");
    let ast = parse(&pattern, Flags::default()).unwrap();
    assert_eq!(client_can_name_address(&ast, &["ip4", "dns"]), expected, "{pattern}");
}

#[test]
fn a_match_that_begins_anywhere_may_be_the_clients() {
    for pattern in [
        "Failed for .* from <HOST>",
        "Failed from <HOST>$",
        "^.*Failed from <HOST>$",
        "^[^:]*Failed from <HOST>$",
        "^a <HOST>|b",
        "(?:^x: )?Failed from <HOST>$",
        "<HOST>",
    ] {
        forgeable(pattern, Some(Forgery::BeginsAnywhere));
    }
}

#[test]
fn an_address_that_another_may_follow_may_be_the_clients() {
    for pattern in [
        "^x .* from <HOST>",
        "^x .*? from <HOST>",
        "^x .* from <HOST> .*$",
        r"^x .* from <HOST>(?: port \d+)?(?:: .*)?$",
        r"^x \S+ .* from <HOST>",
        r"^x \S*=<HOST>\S*$",
        "^x(?: for .*)? from <HOST>",
        r"^x user .*? <HOST>(?: (?:port \d+|on \S+)){0,2}$",
        r#"^".*" from <HOST> ".*"$"#,
        "^x (?P<u>\\S+|.*) from <HOST>",
    ] {
        forgeable(pattern, Some(Forgery::TwoAddresses));
    }
}

#[test]
fn an_address_in_a_fixed_place_is_the_services() {
    for pattern in [
        r"^Failed password for .* from <HOST> port \d+ ssh2$",
        "^x .* from <HOST>$",
        r"^x .* from <HOST>\s*$",
        "^x .* from <HOST> port 22\\Z",
        r"^x \S+ from <HOST>",
        r#"^x "[^"]*" from <HOST> .*$"#,
        "^<HOST> .*$",
        r"^\s*(?:\S+ )?x from <HOST> and .*$",
        "^x (?:(?! from ).)* from <HOST> .*",
        "^x (?P<u>a )?(?(u).*|b) from <HOST>(?(u)$|.*)",
        r"^[^[]*\[<HOST>\]: x$",
        r"^(?:<[^.]+>\s+)?x=<HOST>,.*$",
        r"^x user .* from <HOST>(?: (?:port \d+|on \S+)){0,2}$",
        "^no address .* at all .*",
    ] {
        forgeable(pattern, None);
    }
}
