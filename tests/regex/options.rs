//! Options, arguments and exit codes.

use std::fs;

use tempfile::TempDir;

use crate::differences::plain;
use crate::each;
use crate::program::{Said, as_fail2ban, fail2ban, rban};

const FILTER: &str = "[Definition]
failregex = ^ a fail <HOST>$
            fail <ADDR>
            ^ a <F-NOFAIL>almost</F-NOFAIL> <HOST>
            ^ a <F-MLFID>\\d+</F-MLFID> somebody
            fail <HOST> .*\\n.* again$
ignoreregex = known$
maxlines = 1
";

const LOG: &str = "2025-01-23 21:59:59 a fail 192.0.2.1
# a comment

2025-01-23 22:00:00 a fail 192.0.2.2 known
Jan 23 2025 22:00:01 a fail 192.0.2.3 twice
2025-01-23 22:00:02 a fine
   \t
2025-01-23 22:00:03 a almost 192.0.2.4
2025-01-23 22:00:04 a 17 somebody
2025-01-23 22:00:05 a fail host.invalid
2025-01-23 22:00:06 b fail 192.0.2.5 x
2025-01-23 22:00:07 b again
";

fn directory() -> TempDir {
    let dir = TempDir::new().expect("a directory for this test");
    fs::write(dir.path().join("f.conf"), FILTER).expect("a filter");
    fs::write(dir.path().join("log"), LOG).expect("a log");
    dir
}

#[test]
fn options_mean_the_same() {
    let dir = directory();
    let (log, filter) = (dir.path().join("log"), dir.path().join("f.conf"));
    let options = [
        "",
        "-v",
        "-r -v",
        "--usedns=no -v",
        "--verbosity 2 --print-no-ignored",
        "--print-all-matched --print-all-missed --print-all-ignored",
        "--print-no-missed --print-no-ignored",
        "--no-check-all -v",
        "-d %Y-%m-%d",
        "--datepattern {^LN-BEG}%Y-%m-%d\\s%H:%M:%S",
        "-d {NONE} --no-check-all",
        "-e latin1",
        "--encoding utf-8 -t -l critical",
        "--TZ UTC+0200 -v",
        "--timezone=CET -v",
        "-o id",
        "-o fid -r",
        "-o msg -L 2",
        "-o id -L 100",
    ];
    each(&options, |options| {
        let args: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        let paths = [&log, &filter].map(|path| path.display().to_string());
        let args = [args, paths.to_vec()].concat();
        let (theirs, ours) = (fail2ban(&args), rban(&args));
        let (expected, found) = (plain(&theirs.out), plain(&ours.out));
        if expected == found {
            return Ok(());
        }
        let first = expected.iter().zip(&found).find(|(theirs, ours)| theirs != ours);
        Err(format!("{options}: {} {first:#?}", ours.complaint))
    });
}

/// The same report for these arguments.
#[track_caller]
fn check(args: &[&str]) {
    let (theirs, ours) = (fail2ban(args), rban(args));
    assert_eq!(plain(&ours.out), plain(&theirs.out), "{args:?}: {}", ours.complaint);
}

#[test]
fn a_log_may_stand_on_the_command_line() {
    let long = format!("2025-01-23 21:59:59 fail 192.0.2.1 {}", "x".repeat(60));
    check(&["2025-01-23 21:59:59 fail 192.0.2.1", "fail <HOST>"]);
    check(&[&long, "fail <HOST>", "ignored"]);
    check(&["2025-01-23 21:59:59 fail 192.0.2.1\n#x\n\nfail 192.0.2.2", "fail <HOST>"]);
    check(&[&long, &format!("fail <HOST>(?: x{{60}}|{})", "y".repeat(60)), "-L", "2"]);
    check(&["/nowhere/log", "fail <HOST>"]);
    check(&["2025-01-23 21:59:59 x", "sshd.conf[mode=ddos, publickey=\"in,v\"]"]);
    check(&["2025-01-23 21:59:59 x", "/etc/fail2ban/filter.d/guacamole.conf"]);
}

#[track_caller]
fn says(said: &Said, code: i32, complaint: &str) {
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(said.complaint.contains(complaint), "{said:?}");
}

#[test]
fn the_exit_code_tells_whether_anything_matched() {
    says(&rban(["fail 192.0.2.1", "fail <HOST>"]), 0, "");
    says(&rban(["fail 192.0.2.1", "nothing <HOST>"]), 1, "");
    says(&rban(["fail 192.0.2.1", "nothing <HOST>", "-o", "id"]), 1, "");
    says(&as_fail2ban(&["fail 192.0.2.1", "nothing <HOST>"]), 0, "");
    says(&rban(["x", "fail (<HOST>"]), 255, "rban: failregex = fail (<HOST>: not a usable pattern");
    says(&rban(["x", "sshx"]), 255, "rban: sshx: neither a jail nor a filter");
    says(&rban(["x"]), 255, "FILTER|FAILREGEX");
    says(&rban(["x", "<HOST>", "--nothing"]), 255, "--nothing");
    says(&rban(["x", "<HOST>", "-e", "nothing"]), 255, "not an encoding");
    says(&rban(["x", "<HOST>", "--TZ", "Europe/Paris"]), 255, "not a fixed zone");
    says(&rban(["x", "<HOST>", "-d", "%Q"]), 255, "no such token");
    says(&rban(["systemd-journal", "sshd"]), 255, "journalctl -o short-iso");
    says(&rban(["--help"]), 0, "");
}

#[test]
fn by_its_name_it_is_fail2ban_regex() {
    assert_eq!(as_fail2ban(&["-V"]).out, "1.1.2.1\n");
    assert_eq!(as_fail2ban(&["--version"]).out, "fail2ban-regex 1.1.2.dev1\n");
    let missing = as_fail2ban(&["x"]);
    says(&missing, 255, "ERROR: provide both <LOG> and <REGEX>.");
    assert!(missing.out.contains("Usage: fail2ban-regex"), "{}", missing.out);
    assert!(as_fail2ban(&["-h"]).out.contains("Usage: fail2ban-regex"));
}
