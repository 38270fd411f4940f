//! The properties, on what is made up here and on what was found once.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// What logs are made of that filters mind.
const LOG: &[&str] = &[
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\t",
    "'",
    "\"",
    "[1]",
    "sshd: ",
    "sshd[1]: ",
    "Failed password for ",
    "Failed password for x from 192.0.2.1\n",
    "Failed password for x from 192.0.2.1 port 1 from 198.51.100.7 port 22\n",
    " from ",
    " port 22",
    "bad ",
    "a1: connect from ",
    "a1: connect from 192.0.2.9\n",
    "a1: fail\n",
    "a1: gone\n",
    "a1: welcome\n",
    "start\n",
    "end ",
    "net ",
    "user ",
    "dns ",
    "ignored ",
    "192.0.2.1",
    "192.0.2.1/24",
    "::ffff:192.0.2.1",
    "2001:db8::1",
    "[2001:db8::1]",
    "2001:db8::1%eth0",
    "192.0.2.256",
    "192.030.0.6",
    "4242",
    "0x7f.1",
    "127.1",
    "0x7F000001",
    "1.0x",
    "host.example",
    "host.example.",
    "xn--a.4",
    "Nov 21 05:00:00 ",
    "2026-11-21 05:00:00,123 ",
    "2026-11-21T05:00:00+01:00 ",
    "1790000000 ",
    "@400000004a5c2f3a1b2c3d4e ",
    "x x x x x x x x ",
    "\u{e4}",
    "\u{2028}",
];
const PATTERNS: &[&str] = &[
    "a", "b", "ab", ".", "[ab]", "[^a]", r"\w", r"\d", r"\s", r"\S", "^", "$", r"\b", r"\Z", "(",
    "(?:", "(?P<n>", "(?=", "(?!", "(?<=", "(?<!", "(?i)", "(?s)", "(?P=n)", r"\1", "(?(1)", ")",
    ")", ")", "|", "*", "+", "?", "{2}", "{1,3}", "{,2}", "*?", "++", "é", "K", "[", "]", "\\",
];
const TEXTS: &[&str] =
    &["a", "a", "b", "ab", "aaaaaaaa", " ", "1", "é", "K", "\u{212a}", "\n", "!"];
const DATES: &[&str] = &[
    "%Y",
    "%y",
    "%m",
    "%d",
    "%H",
    "%M",
    "%S",
    "%f",
    "%z",
    "%Z",
    "%b",
    "%B",
    "%a",
    "%j",
    "%p",
    "%s",
    "%ExY",
    "%Exm",
    "%Exd",
    "%%",
    "%",
    "%q",
    "EPOCH",
    "{EPOCH}",
    "LEPOCH",
    "TAI64N",
    "{^LN-BEG}",
    "{UNB}",
    "^",
    "$",
    "-",
    " ",
    ":",
    ".",
    "/",
    "T",
    "[",
    "]",
    "(",
    ")",
    "?",
    "*",
    r"\d",
];
const TIMES: &[&str] = &[
    "\n",
    "\n",
    " ",
    "-",
    "/",
    ":",
    ",",
    ".",
    "T",
    "Z",
    "[",
    "]",
    "2026",
    "11",
    "21",
    "05",
    "00",
    "31",
    "02",
    "29",
    "60",
    "99",
    "Nov",
    "November",
    "Sat",
    "UTC",
    "CET",
    "+0100",
    "+99:99",
    "AM",
    "1790000000",
    "1790000000.123",
    "99999999999999999999",
    "@400000004a5c2f3a1b2c3d4e",
    "Nov 21 05:00:00",
    "2026-11-21 05:00:00,123",
    "21/Nov/2026:05:00:00 +0100",
    "x",
    "\u{665}",
];

fn text(tokens: &'static [&'static str], max: usize) -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        20 => prop::sample::select(tokens).prop_map(|token| token.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(token, 0..max).prop_map(|tokens| tokens.concat())
}

/// A pattern in the first line.
fn headed(
    head: &'static [&'static str],
    body: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    (text(head, 12), text(body, 40)).prop_map(|(head, body)| [&head[..], b"\n", &body].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn patterns_match_within_the_text(bytes in headed(PATTERNS, TEXTS)) {
        pyre(&bytes);
    }

    #[test]
    fn dates_lie_within_their_line(bytes in headed(DATES, TIMES)) {
        date(&bytes);
    }

    #[test]
    fn the_default_templates_find_dates_within_the_line(bytes in text(TIMES, 60)) {
        date(&[&b"\n"[..], &bytes].concat());
    }

}

proptest! {
    // Each starts with detectors that have yet to warm up, which takes a while.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whoever_is_found_stands_in_the_log(bytes in text(LOG, 60)) {
        detector(&bytes);
    }
}

/// What fuzzing found once, or people thought of.
#[expect(clippy::print_stdout, reason = "says which file it was, where one fails")]
#[track_caller]
fn check_found(target: &str, property: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hostile").join(target);
    for entry in fs::read_dir(&dir).unwrap() {
        let file = entry.unwrap().path();
        println!("{}", file.display());
        property(&fs::read(file).unwrap());
    }
}

#[test]
fn hostile_patterns() {
    check_found("pyre", pyre);
}

#[test]
fn hostile_dates() {
    check_found("date", date);
}

#[test]
fn hostile_logs() {
    check_found("detector", detector);
}

#[test]
fn the_properties_are_not_empty() {
    let log = b"sshd: Failed password for x from 192.0.2.1\na: connect from 192.0.2.2\na: fail\n\
                start\nend 192.0.2.3\nnet 192.0.2.0/24\ndns host.example\nx from 192.0.2.5\n";
    let found = found(&mut filters(), &[log]);
    let filters: std::collections::BTreeSet<usize> = found.iter().map(|seen| seen.filter).collect();
    assert_eq!(filters.len(), specs().len(), "{found:?}");
}
