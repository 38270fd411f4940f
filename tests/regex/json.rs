//! `-o json`: what programs read.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::rban;

/// The objects that are printed for a log.
fn objects(log: &str, options: &[&str], filter: &str) -> Vec<Value> {
    let dir = TempDir::new().expect("a directory for this test");
    let (path, conf) = (dir.path().join("log"), dir.path().join("f.conf"));
    fs::write(&path, log).expect("a log");
    fs::write(&conf, filter).expect("a filter");
    let paths = [&path, &conf].map(|path| path.to_str().expect("a short name"));
    let said = rban([options, &["-o", "json"], &paths].concat());
    said.out.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

const FILTER: &str = "[Definition]
prefregex = ^<F-MLFID> app\\[\\d+\\]:</F-MLFID> <F-CONTENT>.+</F-CONTENT>$
failregex = ^denied <F-USER>\\S+</F-USER> (?P<how>by) <HOST>$
            ^user <F-USER>\\S+</F-USER>$
            ^id <F-ID>\\S+</F-ID> <ADDR>$
            ^<F-NOFAIL>from</F-NOFAIL> <SUBNET>
";

#[test]
fn a_failure_is_an_object() {
    let log = "# comment\nJan 23 21:59:59 app[1]: fine\n\nJan 23 21:59:59 app[2]: denied root by 192.0.2.1\n";
    let found = objects(log, &["--now", "2005-08-14T10:00:00Z"], FILTER);
    let expected = json!([{
        "line": 4,
        "time": 1_106_513_999.0,
        "id": "192.0.2.1",
        "ip": "192.0.2.1",
        "host": "192.0.2.1",
        "family": "inet4",
        "attempts": 1,
        "tags": {"user": "root"},
        "regex": 0,
        "matches": ["Jan 23 21:59:59 app[2]: denied root by 192.0.2.1"],
    }]);
    assert_eq!(Value::from(found), expected);
}

/// The one failure of a log: id, ip, host, family and attempts.
#[track_caller]
fn check(log: &str, expected: Value) {
    let found = objects(log, &[], FILTER);
    let names = ["id", "ip", "host", "family", "attempts"];
    let found: Vec<Value> =
        found.iter().map(|it| Value::from(names.map(|name| it[name].clone()).to_vec())).collect();
    assert_eq!(Value::from(found), json!([expected]), "{log}");
}

#[test]
fn it_tells_who_failed() {
    check(
        " app[1]: denied x by 2001:0DB8::1",
        json!(["2001:db8::1", "2001:db8::1", "2001:0DB8::1", "inet6", 1]),
    );
    check(
        " app[1]: denied x by ::ffff:192.0.2.1",
        json!(["192.0.2.1", "192.0.2.1", "192.0.2.1", "inet4", 1]),
    );
    check(
        " app[1]: denied x by host.invalid",
        json!(["host.invalid", null, "host.invalid", "dns", 1]),
    );
    check(" app[1]: denied x by localhost", json!(["localhost", null, "localhost", "dns", 1]));
    check(" app[1]: denied x by 192.030.0.6", json!(["192.030.0.6", null, "192.030.0.6", null, 1]));
    check(" app[1]: denied x by 4242", json!(["4242", null, "4242", null, 1]));
    check(" app[1]: id key 192.0.2.1", json!(["key", "192.0.2.1", "192.0.2.1", "inet4", 1]));
    check(
        " app[1]: from 192.0.2.77/24\n app[1]: user a",
        json!(["192.0.2.0/24", "192.0.2.0/24", "192.0.2.77", "inet4", 2]),
    );
}

#[test]
fn without_a_date_time_is_null() {
    assert_eq!(objects(" app[1]: denied x by 192.0.2.1", &[], FILTER)[0]["time"], Value::Null);
}

#[test]
fn several_users_of_a_session_are_told() {
    let log = " app[1]: from 192.0.2.1\n app[1]: user a\n app[1]: user b\n";
    let found = objects(log, &[], FILTER);
    assert_eq!(found[1]["tags"], json!({"user": "b", "users": ["a", "b"]}));
}

#[test]
fn what_is_no_text_is_replaced() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("log");
    fs::write(&path, b"x\xff\0 192.0.2.1\n").unwrap();
    let said = rban([path.to_str().unwrap(), "<ADDR>", "-o", "json"]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(found["matches"], json!(["x\u{fffd}\0 192.0.2.1"]));
}
