//! `-o` on some of the package's samples: with sessions, of several lines, with zones in dates.

use std::ffi::OsStr;

use crate::each;
use crate::program::{Samples, fail2ban, rban};

const FILTERS: [&str; 6] =
    ["apache-auth", "dovecot", "guacamole", "named-refused", "postfix", "sshd"];

const FORMATS: [&str; 8] = [
    "id",
    "ip",
    "msg",
    "user",
    "nothing",
    "<fid> <ip> <family> <ip-rev> <F-USER>|<F-NOTHING>|<nothing>",
    "<ip>: <msg>",
    "<br><sp><matches> <restored><bancount><failures>",
];

#[test]
fn what_is_printed_of_a_failure_is_the_same() {
    let samples = Samples::new();
    let pairs: Vec<(&str, &str)> =
        FILTERS.iter().flat_map(|filter| FORMATS.map(|format| (*filter, format))).collect();
    each(&pairs, |(name, format)| {
        let (path, filter) = (samples.path(name), format!("{name}.conf"));
        let args = ["-r", "-o", format].map(OsStr::new);
        let args = [&args[..], &[path.as_os_str(), OsStr::new(&filter)]].concat();
        let (theirs, ours) = (fail2ban(&args), rban(&args));
        if theirs.out == ours.out && !ours.out.is_empty() {
            return Ok(());
        }
        let first = theirs.out.lines().zip(ours.out.lines()).find(|(theirs, ours)| theirs != ours);
        Err(format!("{name} -o {format}: {} {first:#?}", ours.complaint))
    });
}

/// Prints a failure of one line as a row.
#[track_caller]
fn check_row(line: &str, failregex: &str) {
    let args = [line, failregex, "-o", "row"];
    assert_eq!(rban(args).out, fail2ban(args).out, "{line}");
}

#[test]
fn a_row_is_pythons() {
    check_row(
        "2025-01-23 21:59:59 a 192.0.2.1 it's \\ \"é\" \u{200b}",
        "a <ADDR> <F-USER>.*</F-USER>$",
    );
    check_row("2025-01-23 21:59:59 x 192.0.2.77/24", r"<F-ID>\S+</F-ID> <ADDR>/<CIDR>");
    check_row(
        "2025-01-23 21:59:59 a x y 192.0.2.1",
        "a <F-ID>x</F-ID> <F-TUPLE_ID>y</F-TUPLE_ID> <HOST>",
    );
    check_row("no date: 192.0.2.1", r"(?P<a>no) (?P<b>x)?date: <HOST>");
}
