//! Sample lines, real sequences, and names made up to mislead.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::clock::WallTime;
use crate::detect::Detector;

/// 2026-11-21T10:00:00Z.
const NOW: WallTime = WallTime::from_secs(1_795_255_200);

/// A detector that has seen nothing.
fn detector() -> Detector {
    static FRESH: LazyLock<Detector> =
        LazyLock::new(|| Detector::new(&filter(), TimeZone::UTC).unwrap());
    FRESH.clone()
}

fn find(line: &[u8]) -> Option<String> {
    detector().line(line, NOW).map(|(offender, _)| offender.to_string())
}

#[test]
fn the_samples_are_found_as_their_comments_say() {
    let samples = include_str!("../../../testdata/detect/sshd.log");
    let (mut detector, mut checked, mut expected) = (detector(), 0, None);
    for line in samples.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            expected = comment.strip_prefix("found: ").map(|what| what.split(' ').next().unwrap());
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let found = detector.line(line.as_bytes(), NOW);
        let found = found.map_or("nobody".into(), |(offender, _)| offender.to_string());
        assert_eq!(
            found,
            expected.take().expect("a comment that says what must be found"),
            "{line}"
        );
        checked += 1;
    }
    assert!(checked >= 60, "only {checked} samples");
}

/// How many attempts are these messages of one connection?
#[track_caller]
fn check(messages: &[&str], attempts: usize) {
    for prefix in ["Nov 21 10:00:00 srv sshd-session[7]: ", ""] {
        let mut detector = detector();
        let count = messages
            .iter()
            .filter(|message| detector.line(format!("{prefix}{message}").as_bytes(), NOW).is_some())
            .count();
        assert_eq!(count, attempts, "{prefix}{messages:#?}");
    }
}

// The sequences are those that OpenSSH 9.2 with PAM writes.

#[test]
fn a_wrong_password_counts_once() {
    check(
        &[
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 rhost=192.0.2.7  user=root",
            "Failed password for root from 192.0.2.7 port 55062 ssh2",
            "Failed password for root from 192.0.2.7 port 55062 ssh2",
            "Connection closed by authenticating user root 192.0.2.7 port 55062 [preauth]",
        ],
        2,
    );
}

#[test]
fn a_wrong_password_of_nobody_counts_once() {
    check(
        &[
            "Invalid user nosuch from 192.0.2.7 port 59490",
            "pam_unix(sshd:auth): check pass; user unknown",
            "pam_unix(sshd:auth): authentication failure; logname= uid=0 rhost=192.0.2.7 ",
            "Failed password for invalid user nosuch from 192.0.2.7 port 59490 ssh2",
            "Failed password for invalid user nosuch from 192.0.2.7 port 59490 ssh2",
            "Connection closed by invalid user nosuch 192.0.2.7 port 59490 [preauth]",
        ],
        2,
    );
}

#[test]
fn a_wrong_answer_counts_once() {
    check(
        &[
            "error: PAM: Authentication failure for root from 192.0.2.7",
            "error: PAM: Authentication failure for root from 192.0.2.7",
            "error: PAM: Authentication failure for root from 192.0.2.7",
            "Failed keyboard-interactive/pam for root from 192.0.2.7 port 40650 ssh2",
            "Connection closed by authenticating user root 192.0.2.7 port 40650 [preauth]",
        ],
        3,
    );
    check(
        &[
            "Invalid user nosuch from 192.0.2.7 port 55070",
            "Postponed keyboard-interactive for invalid user nosuch from 192.0.2.7 port 5 ssh2 [preauth]",
            "error: PAM: Authentication failure for illegal user nosuch from 192.0.2.7",
            "Failed keyboard-interactive/pam for invalid user nosuch from 192.0.2.7 port 55070 ssh2",
            "Postponed keyboard-interactive for invalid user nosuch from 192.0.2.7 port 5 ssh2 [preauth]",
            "error: PAM: Authentication failure for illegal user nosuch from 192.0.2.7",
            "Failed keyboard-interactive/pam for invalid user nosuch from 192.0.2.7 port 55070 ssh2",
        ],
        2,
    );
}

#[test]
fn too_many_attempts_are_no_further_one() {
    check(
        &[
            "Failed password for root from 192.0.2.7 port 55062 ssh2",
            "error: maximum authentication attempts exceeded for root from 192.0.2.7 port 5 ssh2 [preauth]",
            "Disconnecting authenticating user root 192.0.2.7 port 5: Too many authentication failures [preauth]",
        ],
        1,
    );
}

#[test]
fn a_name_that_is_nobodys_counts_though_no_password_is_tried() {
    check(
        &[
            "Invalid user nosuch from 192.0.2.7 port 40664",
            "Connection closed by invalid user nosuch 192.0.2.7 port 40664 [preauth]",
        ],
        1,
    );
}

#[test]
fn a_key_that_does_not_fit_does_not_count() {
    check(
        &[
            "Failed publickey for root from 192.0.2.7 port 40674 ssh2: RSA SHA256:AAAA",
            "Connection closed by authenticating user root 192.0.2.7 port 40674 [preauth]",
        ],
        0,
    );
}

/// sshd's messages with a name in them, and whether they end in the peer's address and so must find it.
const ABOUT_A_NAME: [(&str, &str, bool); 15] = [
    ("Failed password for ", " from {peer} port 22 ssh2", true),
    ("Failed password for invalid user ", " from {peer} port 22 ssh2", true),
    ("Failed password for ", " from {peer} port 22", true),
    ("Failed none for invalid user ", " from {peer} port 22 ssh2", false),
    ("Failed keyboard-interactive/pam for invalid user ", " from {peer} port 22 ssh2", true),
    ("Failed publickey for ", " from {peer} port 22 ssh2: RSA SHA256:AAAA", false),
    ("Invalid user ", " from {peer} port 22", true),
    ("Invalid user ", " from {peer}", true),
    ("User ", " from {peer} not allowed because not listed in AllowUsers", true),
    (
        "error: maximum authentication attempts exceeded for ",
        " from {peer} port 22 ssh2 [preauth]",
        true,
    ),
    ("error: PAM: Authentication failure for illegal user ", " from {peer}", true),
    ("Connection closed by invalid user ", " {peer} port 22 [preauth]", false),
    (
        "Disconnecting invalid user ",
        " {peer} port 22: Too many authentication failures [preauth]",
        false,
    ),
    (
        "Postponed keyboard-interactive for invalid user ",
        " from {peer} port 22 ssh2 [preauth]",
        false,
    ),
    ("pam_unix(sshd:auth): authentication failure; rhost={peer} user=", "", false),
];

/// Names: anything, and pieces of sshd's own messages.
fn names() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        " ",
        "from",
        "for",
        "port 22",
        "ssh2",
        "192.0.2.9",
        "2001:db8::9",
        ": ",
        "[preauth]",
        "]",
        "invalid user",
        " from 192.0.2.9",
        " from 192.0.2.9 port 22 ssh2",
        "Failed password for root",
        "Invalid user x",
        " not allowed because not listed in AllowUsers",
        "sshd[1]: ",
        "Nov 21 10:00:00 srv sshd[1]: ",
        "error: ",
        "PAM: x for y",
        " via 192.0.2.9",
        "(192.0.2.9)",
        "refused connect from x ",
        "rhost=192.0.2.9",
        "\r",
        "message repeated 2 times: [ ",
        "ROOT LOGIN REFUSED FROM 192.0.2.9",
    ];
    let piece = prop_oneof![
        6 => prop::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>().prop_filter("a line has no newline", |b| *b != b'\n'), 0..9),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_name_bans_anybody_but_the_peer(
        name in names(),
        message in prop::sample::select(ABOUT_A_NAME.to_vec()),
        peer in prop::sample::select(vec!["203.0.113.5", "2001:db8:5::5", "fe80::1%eth0", "host.example", "UNKNOWN"]),
        prefix in prop::sample::select(vec!["", "Nov 21 10:00:00 srv sshd[7]: ", "<38>1 2026-11-21T10:00:00Z srv sshd 7 - - "]),
    ) {
        let (before, after, found) = message;
        let line = [
            prefix.as_bytes(), before.replace("{peer}", peer).as_bytes(), &name, after.replace("{peer}", peer).as_bytes(),
        ].concat();
        let expected = (found && peer.parse::<std::net::IpAddr>().is_ok()).then(|| peer.to_owned());
        prop_assert_eq!(find(&line), expected, "{}", line.escape_ascii());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
        find(&line);
    }

    #[test]
    fn any_pieces_are_read_without_a_panic(line in names()) {
        find(&line);
    }
}

#[test]
fn a_long_line_takes_bounded_time() {
    let name = "from 192.0.2.9 port 22 ssh2 ".repeat(40_000);
    for (before, after, _) in ABOUT_A_NAME {
        let line = format!("Nov 21 10:00:00 srv sshd[7]: {before}{name}{after}x");
        let begun = Instant::now();
        find(line.as_bytes());
        let took = begun.elapsed();
        // Even a slow build on a busy machine; what grows with the square would take days.
        assert!(took < Duration::from_secs(60), "{} bytes of {before}: {took:?}", line.len());
    }
}
