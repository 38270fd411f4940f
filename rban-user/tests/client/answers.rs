//! An answer of every kind that a server gives.

use rban::control::value::{Answer, Class, Exception, Value};

pub(crate) fn none() -> Value {
    Value::None
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| text(item)).collect())
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![text(name), value])
}

fn error(class: Class, args: &[Value]) -> Answer {
    Err(Exception { class, args: args.to_vec() })
}

/// Words and their answers.
pub(crate) fn all() -> Vec<(&'static str, Answer)> {
    [of_server(), of_jails(), lists(), bans(), actions(), errors(), shapes()].concat()
}

fn of_server() -> Vec<(&'static str, Answer)> {
    let status = vec![pair("Number of jail", int(2)), pair("Jail list", text("j1, j2"))];
    vec![
        ("ping", Ok(text("pong"))),
        ("version", Ok(text("1.0.2"))),
        ("stop", Ok(none())),
        ("status", Ok(Value::List(status))),
        ("server-status", Ok(text("Server ready"))),
        ("unban --all", Ok(int(3))),
        ("unban 192.0.2.7", Ok(int(0))),
        ("flushlogs", Ok(text("rolled over"))),
        ("echo a b", Ok(texts(&["a", "b"]))),
        ("get loglevel", Ok(text("INFO"))),
        ("set loglevel DEBUG", Ok(text("DEBUG"))),
        ("get logtarget", Ok(text("/var/log/x"))),
        ("set logtarget STDERR", Ok(text("STDERR"))),
        ("get syslogsocket", Ok(text("auto"))),
        ("get dbfile", Ok(none())),
        ("set dbfile /x", Ok(text("/x"))),
        ("get dbmaxmatches", Ok(int(10))),
        ("get dbpurgeage", Ok(int(86_400))),
        ("set dbpurgeage 1d", Ok(Value::Float(86_400.0))),
        ("get thread", Ok(Value::Dict(vec![(text("stacksize"), int(0))]))),
        ("set allowipv6 auto", Ok(text("auto"))),
    ]
}

fn jail(of_filter: &str, logs: Value, banned: Option<&[&str]>) -> Answer {
    let filter =
        vec![pair("Currently failed", int(0)), pair("Total failed", int(3)), pair(of_filter, logs)];
    let mut actions = vec![pair("Currently banned", int(1)), pair("Total banned", int(1))];
    actions.extend(banned.map(|banned| pair("Banned IP list", texts(banned))));
    Ok(Value::List(vec![
        pair("Filter", Value::List(filter)),
        pair("Actions", Value::List(actions)),
    ]))
}

fn of_jails() -> Vec<(&'static str, Answer)> {
    let files = texts(&["/a", "/b"]);
    let cache = Value::List(vec![text("key"), int(10), int(300)]);
    let default = Value::Tuple(vec![none(), text("Default Detectors")]);
    let pattern = Value::Tuple(vec![text("^%Y"), text("^Year")]);
    vec![
        ("status j1", jail("File list", files.clone(), Some(&["192.0.2.1", "192.0.2.7"]))),
        ("status j1 short", jail("File list", files, None)),
        ("status empty", jail("File list", texts(&[]), Some(&[]))),
        ("status journal", jail("Journal matches", texts(&["_A=b", "+", "_C=d"]), Some(&["x"]))),
        ("add j1", Ok(text("j1"))),
        ("add j1 polling", Ok(text("j1"))),
        ("start j1", Ok(none())),
        ("stop j1", Ok(none())),
        ("stop --all", Ok(none())),
        ("set j1 idle on", Ok(Value::Bool(true))),
        ("get j1 ignoreself", Ok(Value::Bool(false))),
        ("get j1 ignorecommand", Ok(Value::Bool(false))),
        ("get j1 ignorecache", Ok(cache)),
        ("get j1 logencoding", Ok(text("UTF-8"))),
        ("set j1 logencoding ascii", Ok(text("ascii"))),
        ("get j1 prefregex", Ok(text("^x"))),
        ("set j1 prefregex x", Ok(text(""))),
        ("get j1 usedns", Ok(text("warn"))),
        ("get j1 findtime", Ok(int(600))),
        ("get j1 bantime.increment", Ok(none())),
        ("get j1 logtimezone", Ok(none())),
        ("get j1 datepattern", Ok(default)),
        ("set j1 datepattern ^%Y", Ok(pattern)),
        ("get journal datepattern", Ok(none())),
    ]
}

fn lists() -> Vec<(&'static str, Answer)> {
    let group = |words: &[&str]| texts(words);
    let groups = Value::List(vec![group(&["_A=b", "_C=d"]), group(&["x=y"])]);
    vec![
        ("get j1 logpath", Ok(texts(&["/a", "/b"]))),
        ("set j1 addlogpath /a tail", Ok(texts(&["/a"]))),
        ("set j1 dellogpath /a", Ok(texts(&[]))),
        ("get j1 ignoreip", Ok(texts(&["127.0.0.0/8", "::1"]))),
        ("set j1 addignoreip ::1", Ok(texts(&["::1"]))),
        ("set j1 delignoreip ::1", Ok(texts(&[]))),
        ("get j1 journalmatch", Ok(groups)),
        ("set j1 addjournalmatch x=y", Ok(Value::List(vec![group(&["x=y"])]))),
        ("set j1 deljournalmatch x=y", Ok(texts(&[]))),
        ("get j1 failregex", Ok(texts(&["^a <b>", "c\\d"]))),
        ("set j1 addfailregex x", Ok(texts(&["x"]))),
        ("set j1 delfailregex 0", Ok(texts(&[]))),
        ("get j1 ignoreregex", Ok(texts(&["a", "b", "c"]))),
        ("set j1 addignoreregex x", Ok(texts(&["x"]))),
        ("set j1 delignoreregex 0", Ok(texts(&[]))),
    ]
}

fn bans() -> Vec<(&'static str, Answer)> {
    let in_jail = |jail: &str, ids: &[&str]| Value::Dict(vec![(text(jail), texts(ids))]);
    let banned = Value::List(vec![in_jail("j1", &["192.0.2.5"]), in_jail("j2", &[])]);
    let time = "192.0.2.5 \t2026-11-21 07:24:37 + 3600 = 2026-11-21 08:24:37";
    vec![
        ("banned", Ok(banned)),
        ("banned 192.0.2.5 192.0.2.6", Ok(Value::List(vec![texts(&["j1"]), texts(&[])]))),
        ("set j1 banip 192.0.2.5", Ok(int(1))),
        ("set j1 unbanip 192.0.2.5", Ok(int(0))),
        ("set j1 attempt 192.0.2.5", Ok(int(1))),
        ("get j1 banned", Ok(texts(&["192.0.2.1", "it's"]))),
        ("get j1 banned 192.0.2.1", Ok(int(1))),
        ("get j1 banned a b", Ok(Value::List(vec![int(1), int(0)]))),
        ("get j1 banip", Ok(texts(&["192.0.2.1", "192.0.2.2"]))),
        ("get j1 banip ,", Ok(texts(&["192.0.2.1", "192.0.2.2"]))),
        ("get j1 banip --with-time", Ok(texts(&[time, time]))),
        ("get empty banip", Ok(texts(&[]))),
        ("get empty banip --with-time", Ok(texts(&[]))),
    ]
}

fn actions() -> Vec<(&'static str, Answer)> {
    vec![
        ("set j1 addaction a", Ok(text("a"))),
        ("set j1 delaction a", Ok(none())),
        ("get j1 actions", Ok(texts(&["a", "b"]))),
        ("get j1 actionproperties a", Ok(texts(&["p", "q"]))),
        ("get j1 actionmethods a", Ok(texts(&["m"]))),
        ("get empty actions", Ok(texts(&[]))),
        ("get empty actionproperties a", Ok(texts(&[]))),
        ("get empty actionmethods a", Ok(texts(&[]))),
        ("get j1 action a actionban", Ok(text("x <ip>\ny"))),
        ("set j1 action a timeout 5", Ok(int(5))),
    ]
}

fn errors() -> Vec<(&'static str, Answer)> {
    let missing = [int(2), text("No such file or directory"), text("/nope")];
    vec![
        ("status nope", error(Class::UnknownJail, &[text("nope")])),
        ("status it's", error(Class::UnknownJail, &[text("it's")])),
        ("add dup", error(Class::DuplicateJail, &[text("it's")])),
        ("get", error(Class::Index, &[text("list index out of range")])),
        ("set loglevel X", error(Class::Value, &[text("Invalid log level 'X'")])),
        ("get j1 action x p", error(Class::Key, &[text("Invalid Action name: x")])),
        ("get j1 action a p", error(Class::Attribute, &[text("no 'p'")])),
        ("set j1 addlogpath /nope", error(Class::FileNotFound, &missing)),
        ("error two", error(Class::Other, &[text("a"), int(1)])),
        ("error none", error(Class::Other, &[])),
        ("error number", error(Class::Key, &[int(5)])),
    ]
}

/// Values that no command of fail2ban has.
fn shapes() -> Vec<(&'static str, Answer)> {
    let numbers = [1.5, 1e22, -0.0, 1e-5, 0.1 + 0.2, f64::INFINITY].map(Value::Float);
    let odd = "é \u{a0} \u{200b} \n \t \\ \" ' \u{1f600} \u{7f}";
    vec![
        ("shape numbers", Ok(Value::List(numbers.to_vec()))),
        ("shape texts", Ok(texts(&[odd, "it's", "\"", ""]))),
        ("shape text", Ok(text("<F2B_END_COMMAND> é\n"))),
        ("shape large", Ok(Value::List(vec![int(i64::MIN), int(i64::MAX), int(-1), int(70_000)]))),
        ("shape tuple", Ok(Value::Tuple(vec![none()]))),
        ("shape nothing", Ok(Value::Set(Vec::new()))),
        ("shape set", Ok(Value::Set(vec![int(1)]))),
        ("shape empty", Ok(text(""))),
    ]
}
