//! Answers, one by one.

use super::*;

const ADDR: &str = r"\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:)))\]?";

#[test]
fn what_was_never_set_is_as_fail2ban_has_it() {
    let settings = &mut one_jail();
    for (key, answer) in [
        ("ignoreself", json!(true)),
        ("ignoreip", json!([])),
        ("ignorecommand", json!(false)),
        ("ignorecache", json!(null)),
        ("logpath", json!([])),
        ("logencoding", json!("UTF-8")),
        ("journalmatch", json!([])),
        ("prefregex", json!("")),
        ("failregex", json!([])),
        ("ignoreregex", json!([])),
        ("usedns", json!("warn")),
        ("findtime", json!(600)),
        ("maxretry", json!(3)),
        ("maxmatches", json!(5)),
        ("maxlines", json!(1)),
        ("bantime", json!(600)),
        ("logtimezone", json!(null)),
        ("actions", json!([])),
        ("bantime.increment", json!(null)),
        ("bantime.factor", json!(null)),
        ("bantime.foo", json!(null)),
    ] {
        told(settings, json!(["get", "j", key]), answer);
    }
}

#[test]
fn values_are_told_back_as_they_are_understood() {
    let settings = &mut one_jail();
    for (key, given, answer) in [
        ("ignoreself", json!("false"), json!(false)),
        ("ignoreself", json!(true), json!(true)),
        ("ignoreself", json!(null), json!(false)),
        ("ignorecommand", json!("x <ip>"), json!("x <ip>")),
        ("ignorecommand", json!(""), json!("")),
        ("ignorecache", json!("key=\"<ip>\", max-count=9, max-time=5m"), json!(["<ip>", 9, 300])),
        ("ignorecache", json!("key=<ip>"), json!(["<ip>", 100, 300])),
        ("ignorecache", json!(""), json!(null)),
        ("logencoding", json!("auto"), json!("UTF-8")),
        ("logencoding", json!("latin1"), json!("latin1")),
        ("usedns", json!("YES"), json!("yes")),
        ("usedns", json!("nonsense"), json!("no")),
        ("findtime", json!("1d 12h"), json!(129_600)),
        ("findtime", json!(5.5), json!(5.5)),
        ("bantime", json!("10m"), json!(600)),
        ("bantime", json!("-1"), json!(-1)),
        ("bantime", json!(5.5), json!(5)),
        ("maxretry", json!(" 7 "), json!(7)),
        ("maxretry", json!(9), json!(9)),
        ("maxmatches", json!("0"), json!(0)),
        ("maxlines", json!("5"), json!(5)),
        ("logtimezone", json!("UTC+0200"), json!("UTC+0200")),
        ("logtimezone", json!(null), json!(null)),
        ("bantime.increment", json!("true"), json!(true)),
        ("bantime.increment", json!(false), json!(false)),
        ("bantime.factor", json!("2.0/3"), json!("2.0/3")),
        ("bantime.formula", json!("ban.Time*2"), json!("ban.Time*2")),
        ("bantime.multipliers", json!("1 5 30"), json!("1 5 30")),
        ("bantime.maxtime", json!("5w"), json!(3_024_000)),
        ("bantime.rndtime", json!("10m"), json!(600)),
        ("bantime.rndtime", json!(""), json!(null)),
        ("bantime.overalljails", json!(true), json!(true)),
        ("prefregex", json!("^x<F-CONTENT>.*</F-CONTENT>$"), json!("^x(?P<content>.*)$")),
        ("prefregex", json!(null), json!("")),
        ("idle", json!("on"), json!(true)),
        ("idle", json!("off"), json!(false)),
    ] {
        told(settings, json!(["set", "j", key, given]), answer.clone());
        if key != "idle" {
            told(settings, json!(["get", "j", key]), answer);
        }
    }
}

#[test]
fn date_patterns_have_names() {
    let settings = &mut one_jail();
    for (given, pattern, name) in [
        (json!("%Y-%m-%d"), json!("%Y-%m-%d"), "Year-Month-Day"),
        (json!("{UNB}%Y"), json!("{UNB}%Y"), "Year"),
        (json!("{NONE}"), json!("{UNB}^"), "^"),
        (json!("Epoch"), json!(null), "Epoch"),
        (json!("^TAI64N"), json!(null), "{^LN-BEG}TAI64N"),
        (json!("{^LN-BEG}"), json!(null), "Default Detectors"),
        (json!("%Y\n%d"), json!("%Y"), "Year"),
        (json!("%Y\n%d\n%m"), json!(null), "Default Detectors"),
        (json!(null), json!(null), "Default Detectors"),
    ] {
        let command = json!(["set", "j", "datepattern", given]);
        let told = done(settings, command).answer;
        assert_eq!(told, Value::Tuple(vec![value(&pattern), Value::Text(name.into())]), "{given}");
    }
    done(settings, json!(["add", "k", "systemd"]));
    told(settings, json!(["get", "k", "datepattern"]), json!(null));
}

#[test]
fn values_that_make_no_sense_change_nothing() {
    let settings = &mut one_jail();
    for (key, given) in [
        ("findtime", json!("x")),
        ("findtime", json!("")),
        ("findtime", json!(-1)),
        ("bantime", json!("10x")),
        ("maxretry", json!("x")),
        ("maxretry", json!(null)),
        ("maxretry", json!(0)),
        ("maxlines", json!(0)),
        ("logencoding", json!("nonsense")),
        ("logtimezone", json!("Europe/Berlin")),
        ("datepattern", json!("%Q")),
        ("prefregex", json!("(")),
        ("ignorecache", json!("max-count=1")),
        ("bantime.factor", json!("x")),
        ("bantime.maxtime", json!("x")),
        ("addfailregex", json!("(")),
        ("addfailregex", json!("tells of nobody")),
        ("addfailregex", json!("")),
        ("addfailregex", json!("<HOST>\n")),
        ("addignoreregex", json!("(")),
        ("addignoreip", json!("192.0.2.0/255.0.255.0")),
        ("delignoreip", json!("192.0.2.1")),
        ("findtime", json!(["a", "b"])),
        ("bantime", json!("5\u{0}")),
    ] {
        let before = settings.jails["j"].spec.clone();
        let command = json!(["set", "j", key, given]);
        let exception = settings.apply(&words(&command), &exists).unwrap_err();
        assert_eq!(exception.class, Class::Value, "{command}");
        assert_eq!(settings.jails["j"].spec, before, "{command}");
    }
}

#[test]
fn patterns_are_told_with_their_tags_replaced() {
    let settings = &mut one_jail();
    let (one, two) = (format!("^a {ADDR}$"), format!("^b {ADDR}$"));
    told(settings, json!(["set", "j", "addfailregex", "^a <ADDR>$"]), json!([one]));
    let many = json!(["multi-set", "j", "addfailregex", ["^b <ADDR>$", "^<F-ID>c</F-ID>"]]);
    told(settings, many, json!(true));
    told(settings, json!(["get", "j", "failregex"]), json!([one, two, "^(?P<fid>c)"]));
    told(settings, json!(["set", "j", "delfailregex", "0"]), json!([two, "^(?P<fid>c)"]));
    told(settings, json!(["set", "j", "delfailregex", 9]), json!([two, "^(?P<fid>c)"]));
    told(settings, json!(["set", "j", "delfailregex", -1]), json!([two]));
    told(settings, json!(["set", "j", "addignoreregex", "x"]), json!(["x"]));
    told(settings, json!(["set", "j", "delignoreregex", 0]), json!([]));
    refused(
        settings,
        json!(["multi-set", "j", "bantime", ["5"]]),
        Class::Other,
        "Invalid command 'bantime' (no set action or not yet implemented)",
    );
}

#[test]
fn of_many_patterns_all_are_taken_or_none() {
    let settings = &mut one_jail();
    let many = json!(["multi-set", "j", "addfailregex", ["^<ADDR>$", "("]]);
    assert!(settings.apply(&words(&many), &exists).is_err());
    told(settings, json!(["get", "j", "failregex"]), json!([]));
}

#[test]
fn single_addresses_are_told_last() {
    let settings = &mut one_jail();
    let all = ["192.0.2.1", "192.0.2.9/24", "Host.example", "2001:DB8::5/64", "192.0.2.1"];
    let mut command = vec![json!("set"), json!("j"), json!("addignoreip")];
    command.extend(all.map(Json::from));
    let listed = json!(["192.0.2.0/24", "host.example", "2001:db8::/64", "192.0.2.1"]);
    told(settings, Json::Array(command), listed);
    for gone in ["192.0.2.0/24", "HOST.example", "192.0.2.1"] {
        done(settings, json!(["set", "j", "delignoreip", gone]));
    }
    told(settings, json!(["get", "j", "ignoreip"]), json!(["2001:db8::/64"]));
}

#[test]
fn logs_are_added_one_by_one() {
    let settings = &mut one_jail();
    told(settings, json!(["set", "j", "addlogpath", "/a.log"]), json!(["/a.log"]));
    told(
        settings,
        json!(["set", "j", "addlogpath", "/b.log", "tail"]),
        json!(["/a.log", "/b.log"]),
    );
    let again = done(settings, json!(["set", "j", "addlogpath", "/a.log", "head"]));
    assert_eq!(again.notes, [Note::Refused("/a.log already exists".to_owned())]);
    assert!(again.changes.is_empty());
    let command = json!(["set", "j", "addlogpath", "/c.log", "middle"]);
    refused(settings, command, Class::Value, "File option must be 'head' or 'tail'");
    let command = json!(["set", "j", "addlogpath", "/c.log", "tail", "/d.log"]);
    refused(settings, command, Class::Value, "Only one file can be added at a time");
    let missing = words(&json!(["set", "j", "addlogpath", "/missing"]));
    let exception = settings.apply(&missing, &exists).unwrap_err();
    let args = words(&json!([2, "No such file or directory", "/missing"]));
    assert_eq!(exception, Exception { class: Class::FileNotFound, args });
    told(settings, json!(["set", "j", "dellogpath", "/a.log"]), json!(["/b.log"]));
    told(settings, json!(["set", "j", "dellogpath", "/nowhere"]), json!(["/b.log"]));
}

#[test]
fn matches_of_the_journal_are_lists() {
    let settings = &mut Settings::new("");
    done(settings, json!(["add", "j", "systemd"]));
    let command = json!(["set", "j", "addjournalmatch", "_A=b", "_C=d", "+", "_E=f"]);
    told(settings, command, json!([["_A=b", "_C=d"], ["_E=f"]]));
    told(
        settings,
        json!(["set", "j", "addjournalmatch", "_G=h"]),
        json!([["_A=b", "_C=d"], ["_E=f"], ["_G=h"]]),
    );
    let command = json!(["set", "j", "deljournalmatch", "_A=b", "_C=d", "+", "_E=f"]);
    told(settings, command, json!([["_G=h"]]));
}

#[test]
fn actions_have_properties() {
    let settings = &mut one_jail();
    told(settings, json!(["set", "j", "addaction", "a"]), json!("a"));
    refused(
        settings,
        json!(["set", "j", "addaction", "a"]),
        Class::Value,
        "Action a already exists",
    );
    told(settings, json!(["get", "j", "action", "a", "actionban"]), json!(""));
    told(settings, json!(["get", "j", "action", "a", "timeout"]), json!(60));
    told(settings, json!(["set", "j", "action", "a", "actionban", "x <ip>"]), json!("x <ip>"));
    told(settings, json!(["set", "j", "action", "a", "port", "22"]), json!("22"));
    told(settings, json!(["set", "j", "action", "a", "timeout", "5m"]), json!(300));
    let pairs =
        json!([["actionstart", null], ["norestored", true], ["actionban?family=inet6", "y"]]);
    told(settings, json!(["multi-set", "j", "action", "a", pairs]), json!(true));
    told(settings, json!(["get", "j", "action", "a", "actionstart"]), json!(null));
    told(settings, json!(["get", "j", "action", "a", "norestored"]), json!(true));
    let properties = json!([
        "actionban",
        "actionban?family=inet6",
        "actioncheck",
        "actionflush",
        "actionprolong",
        "actionreban",
        "actionreload",
        "actionrepair",
        "actionstart",
        "actionstop",
        "actionunban",
        "norestored",
        "port",
        "timeout"
    ]);
    told(settings, json!(["get", "j", "actionproperties", "a"]), properties);
    let command = json!(["get", "j", "action", "a", "foo"]);
    refused(settings, command, Class::Attribute, "'CommandAction' object has no attribute 'foo'");
    for command in [
        json!(["get", "j", "action", "z", "foo"]),
        json!(["set", "j", "action", "z", "foo", "bar"]),
        json!(["set", "j", "delaction", "z"]),
        json!(["get", "j", "actionmethods", "z"]),
    ] {
        refused(settings, command, Class::Key, "Invalid Action name: z");
    }
    told(settings, json!(["set", "j", "delaction", "a"]), json!(null));
    told(settings, json!(["get", "j", "actions"]), json!([]));
}

#[test]
fn firewall_actions_are_known_by_what_commands_say() {
    let settings = &mut one_jail();
    done(settings, json!(["set", "j", "addaction", "iptables-multiport"]));
    let pairs = json!([["actionban", "x"], ["port", "ssh"], ["protocol", "tcp"], ["name", "j"]]);
    done(settings, json!(["multi-set", "j", "action", "iptables-multiport", pairs]));
    let taken = settings.jails["j"].spec.actions[0].takeover.as_ref().unwrap();
    assert_eq!(taken.scope.to_string(), "tcp/22");
}

#[test]
fn programs_in_python_are_told_of_and_not_run() {
    let settings = &mut one_jail();
    let command = json!(["set", "j", "addaction", "mail", "/etc/x/smtp.py", "{\"host\": \"h\"}"]);
    let done = done(settings, command);
    assert_eq!(done.answer, Value::Text("mail".to_owned()));
    assert!(matches!(&done.notes[..], [Note::Warning(text)] if text.contains("sendmail")));
    told(settings, json!(["get", "j", "actions"]), json!(["mail"]));
    told(settings, json!(["get", "j", "action", "mail", "host"]), json!("h"));
}

#[test]
fn the_server_has_settings() {
    let settings = &mut Settings::new("");
    for (key, given, answer) in [
        ("loglevel", json!("notice"), json!("NOTICE")),
        ("loglevel", json!("15"), json!("15")),
        ("logtarget", json!("SYSLOG"), json!("SYSLOG")),
        ("syslogsocket", json!("/x"), json!("/x")),
        ("allowipv6", json!(true), json!(true)),
        ("dbfile", json!("/x.sqlite3"), json!("/x.sqlite3")),
        ("dbmaxmatches", json!("7"), json!(7)),
        ("dbpurgeage", json!("2h"), json!(7_200)),
        ("thread", json!({"stacksize": 64}), json!(null)),
        ("dbfile", json!("None"), json!(null)),
        ("dbmaxmatches", json!(5), json!(null)),
    ] {
        told(settings, json!(["set", key, given]), answer);
    }
    told(settings, json!(["get", "thread"]), json!({"stacksize": 64}));
    told(settings, json!(["get", "dbpurgeage"]), json!(null));
    refused(settings, json!(["set", "loglevel", "X"]), Class::Value, "Invalid log level 'X'");
    let command = json!(["set", "thread", {"foo": 1}]);
    refused(settings, command, Class::Key, "unknown option 'foo'");
    done(settings, json!(["add", "j"]));
    let command = json!(["set", "dbfile", "/y"]);
    refused(settings, command, Class::Other, "Cannot change database when there are jails present");
    let changes = done(settings, json!(["set", "loglevel", "DEBUG"])).changes;
    assert_eq!(changes, [Change::Server(Part::Loglevel)]);
}

#[test]
fn jails_come_and_go() {
    let settings = &mut one_jail();
    refused(settings, json!(["add", "j", "auto"]), Class::DuplicateJail, "j");
    refused(settings, json!(["add", "--all"]), Class::Other, "Reserved name '--all'");
    let error = settings.apply(&words(&json!(["add", "k", "gamin"])), &exists).unwrap_err();
    assert_eq!(error.class, Class::Value);
    let started = done(settings, json!(["start", "j"])).changes;
    assert_eq!(started, [Change::Jail("j".into(), What::Started)]);
    assert!(done(settings, json!(["start", "j"])).changes.is_empty());
    let stopped = done(settings, json!(["stop", "j"])).changes;
    assert_eq!(stopped, [Change::Jail("j".into(), What::Removed)]);
    for command in [
        json!(["stop", "j"]),
        json!(["start", "j"]),
        json!(["get", "j", "bantime"]),
        json!(["set", "j", "bantime", 5]),
        json!(["status", "j"]),
        json!(["set", "j", "banip", "192.0.2.1"]),
    ] {
        refused(settings, command, Class::UnknownJail, "j");
    }
}

#[test]
fn commands_that_are_none_are_refused() {
    let settings = &mut one_jail();
    for command in [
        json!([]),
        json!(["set"]),
        json!(["get"]),
        json!(["set", "j"]),
        json!(["get", "j"]),
        json!(["set", "j", "bantime"]),
        json!(["set", "loglevel"]),
        json!(["get", "j", "action", "a"]),
        json!(["multi-set", "j", "addfailregex"]),
        json!(["add"]),
        json!(["start"]),
        json!(["server-stream"]),
        json!(["config-error"]),
    ] {
        refused(settings, command, Class::Index, "list index out of range");
    }
    for command in [json!(["nonsense"]), json!(["unban"]), json!(["help"])] {
        refused(settings, command, Class::Other, "Invalid command");
    }
    for command in [json!(["get", "j", "nonsense"]), json!(["get", "x", "nonsense"])] {
        let text = "Invalid command (no get action or not yet implemented)";
        refused(settings, command, Class::Other, text);
    }
    let text = "Invalid command 'nonsense' (no set action or not yet implemented)";
    refused(settings, json!(["set", "x", "nonsense", 1]), Class::Other, text);
}

#[track_caller]
fn command(words_: Json, expected: Command) {
    match one_jail().apply(&words(&words_), &exists) {
        Ok(Outcome::Command(found)) => assert_eq!(found, expected),
        other => panic!("{words_}: {other:?}"),
    }
}

#[test]
fn what_is_about_running_is_handed_on() {
    let j = || "j".to_owned();
    let ids = || vec!["192.0.2.1".to_owned()];
    command(json!(["stop"]), Command::Quit);
    command(json!(["status"]), Command::Status);
    command(json!(["status", "--all", "stats"]), Command::StatusAll(Flavor::Stats));
    command(json!(["status", "j", "odd"]), Command::StatusOf(j(), Flavor::Unknown));
    command(json!(["statistics"]), Command::Stats);
    command(json!(["banned"]), Command::Banned);
    command(json!(["banned", "192.0.2.1"]), Command::BannedBy(ids()));
    command(json!(["unban", "--all"]), Command::UnbanAll);
    command(json!(["unban", "192.0.2.1"]), Command::Unban(ids()));
    command(json!(["flushlogs"]), Command::Flushlogs);
    command(json!(["set", "j", "banip", "192.0.2.1"]), Command::Ban { jail: j(), ids: ids() });
    let absent = Absent::Reported;
    let unban = Command::UnbanIn { jail: j(), ids: ids(), absent };
    command(json!(["set", "j", "unbanip", "--report-absent", "192.0.2.1"]), unban);
    let attempt = Command::Attempt { jail: j(), id: "192.0.2.1".to_owned(), lines: Vec::new() };
    command(json!(["set", "j", "attempt", "192.0.2.1"]), attempt);
    command(json!(["get", "j", "banned"]), Command::BannedIn(j()));
    command(
        json!(["get", "j", "banned", "192.0.2.1"]),
        Command::IsBanned { jail: j(), ids: ids() },
    );
    command(json!(["get", "j", "banip", ","]), Command::Banip(j(), Banip::Joined(",".into())));
    command(json!(["get", "j", "banip", "--with-time"]), Command::Banip(j(), Banip::WithTime));
    let (action, method) = ("a".to_owned(), "flush".to_owned());
    let mut settings = one_jail();
    let flush = json!(["set", "j", "action", "a", "flush"]);
    refused(&mut settings, flush.clone(), Class::Key, "Invalid Action name: a");
    done(&mut settings, json!(["set", "j", "addaction", "a"]));
    let act = Command::Act { jail: j(), action, method, args: None };
    let found = settings.apply(&words(&flush), &exists);
    assert!(matches!(found, Ok(Outcome::Command(found)) if found == act));
}

#[test]
fn what_a_client_may_add_is_limited() {
    let settings = &mut one_jail();
    let long = "x".repeat(100_000);
    assert!(settings.apply(&words(&json!(["set", "j", "ignorecommand", long])), &exists).is_err());
    assert!(settings.apply(&words(&json!(["add", "y".repeat(300)])), &exists).is_err());
    assert!(settings.apply(&words(&json!(["add", "a\nb"])), &exists).is_err());
    for number in 1..JAILS_MAX {
        done(settings, json!(["add", format!("j{number}")]));
    }
    let one_more = settings.apply(&words(&json!(["add", "one-more"])), &exists);
    assert_eq!(one_more.unwrap_err().class, Class::Value);
}
