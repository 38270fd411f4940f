//! Streams: all or nothing, and what differs.

use super::*;

fn commands(all: &[Json]) -> Vec<Vec<Value>> {
    all.iter().map(words).collect()
}

/// Two jails that run.
fn two_jails() -> Settings {
    let stream = [
        json!(["set", "loglevel", "INFO"]),
        json!(["add", "a", "polling"]),
        json!(["set", "a", "addfailregex", "^a <HOST>$"]),
        json!(["set", "a", "findtime", "10m"]),
        json!(["set", "a", "addlogpath", "/a.log", "head"]),
        json!(["set", "a", "addaction", "x"]),
        json!(["multi-set", "a", "action", "x", [["actionban", "echo <ip>"], ["name", "a"]]]),
        json!(["add", "b", "polling"]),
        json!(["set", "b", "addlogpath", "/b.log", "tail"]),
        json!(["start", "a"]),
        json!(["start", "b"]),
    ];
    Settings::new("").stream(&commands(&stream), &exists).unwrap().settings
}

#[track_caller]
fn reload(
    settings: &Settings,
    which: Which,
    stream: &[Json],
    changes: &[(&str, What)],
) -> Settings {
    let commands = commands(stream);
    let (unban, restart, if_exists) = (false, false, false);
    let reload = Reload { which, unban, restart, if_exists, commands };
    let reloaded = settings.reload(&reload, &exists).unwrap();
    let expected: Vec<Change> =
        changes.iter().map(|(jail, what)| Change::Jail((*jail).into(), *what)).collect();
    assert_eq!(reloaded.changes, expected);
    reloaded.settings
}

fn all_of_a(more: &[Json]) -> Vec<Json> {
    let mut stream = vec![
        json!(["add", "a", "polling"]),
        json!(["set", "a", "addfailregex", "^a <HOST>$"]),
        json!(["set", "a", "addlogpath", "/a.log", "head"]),
        json!(["set", "a", "addaction", "x"]),
        json!(["multi-set", "a", "action", "x", [["actionban", "echo <ip>"], ["name", "a"]]]),
    ];
    stream.extend_from_slice(more);
    stream.push(json!(["start", "a"]));
    stream
}

#[test]
fn a_start_adds_jails_and_starts_them() {
    let new = two_jails();
    let all = diff(&Settings::new(""), &new);
    let jails = |name: &str| [What::Added, What::Started].map(|it| Change::Jail(name.into(), it));
    assert_eq!(all, [jails("a"), jails("b")].concat());
    assert!(new.jails().all(|(_, entry)| entry.started));
}

#[test]
fn the_same_again_changes_nothing() {
    reload(&two_jails(), Which::One("a".to_owned()), &all_of_a(&[]), &[]);
}

#[test]
fn what_differs_is_told() {
    let more =
        [json!(["set", "a", "maxretry", 9]), json!(["set", "a", "addignoreip", "192.0.2.1"])];
    let changes = [("a", What::Policy), ("a", What::Ignore)];
    reload(&two_jails(), Which::One("a".to_owned()), &all_of_a(&more), &changes);
    let more = [
        json!(["set", "a", "addfailregex", "^b <HOST>$"]),
        json!(["set", "a", "addlogpath", "/c.log", "head"]),
        json!(["set", "a", "addaction", "y"]),
    ];
    let changes = [("a", What::Source), ("a", What::Filter), ("a", What::Actions)];
    reload(&two_jails(), Which::One("a".to_owned()), &all_of_a(&more), &changes);
}

#[test]
fn jails_that_are_not_told_of_are_gone() {
    let settings = two_jails();
    let left = reload(&settings, Which::All, &all_of_a(&[]), &[("b", What::Removed)]);
    assert!(left.spec("b").is_none());
    reload(&left, Which::One("a".to_owned()), &[], &[("a", What::Removed)]);
}

#[test]
fn another_backend_restarts_a_jail() {
    let mut stream = all_of_a(&[]);
    stream[0] = json!(["add", "a", "auto"]);
    let changes = [("a", What::Restarted)];
    let settings = reload(&two_jails(), Which::One("a".to_owned()), &stream, &changes);
    assert!(settings.jails["a"].started);
}

#[test]
fn what_is_not_said_again_stays_and_lists_begin_anew() {
    let mut settings = two_jails();
    done(&mut settings, json!(["set", "a", "bantime", 5]));
    done(&mut settings, json!(["set", "a", "addfailregex", "^more <HOST>$"]));
    let changes = [("a", What::Filter)];
    let mut settings = reload(&settings, Which::One("a".to_owned()), &all_of_a(&[]), &changes);
    told(&mut settings, json!(["get", "a", "bantime"]), json!(5));
}

#[test]
fn a_stream_counts_wholly_or_not_at_all() {
    let settings = two_jails();
    for wrong in [
        json!(["set", "a", "bantime", "x"]),
        json!(["set", "a", "addfailregex", "("]),
        json!(["set", "c", "bantime", "5"]),
        json!(["set", "a", "addlogpath", "/missing"]),
        json!(["add", "a", "polling"]),
        json!(["no", "such"]),
        json!(["set", "a", "banip", "192.0.2.1"]),
    ] {
        let commands = commands(&all_of_a(std::slice::from_ref(&wrong)));
        assert!(settings.stream(&commands, &exists).is_err(), "{wrong}");
        let (which, unban, restart, if_exists) = (Which::All, false, false, false);
        let reload = Reload { which, unban, restart, if_exists, commands };
        assert!(settings.reload(&reload, &exists).is_err(), "{wrong}");
    }
}

#[test]
fn a_jail_that_is_not_there_is_no_error_if_that_is_said() {
    let (which, commands) = (Which::One("x".to_owned()), Vec::new());
    let mut reload = Reload { which, unban: false, restart: false, if_exists: true, commands };
    assert!(two_jails().reload(&reload, &exists).unwrap().changes.is_empty());
    reload.if_exists = false;
    let error = two_jails().reload(&reload, &exists).unwrap_err();
    assert_eq!(error, Exception::new(Class::UnknownJail, "x"));
}

#[test]
fn a_restart_forgets_what_was_said() {
    let mut settings = two_jails();
    done(&mut settings, json!(["set", "a", "bantime", 5]));
    let (which, commands) = (Which::One("a".to_owned()), commands(&all_of_a(&[])));
    let reload = Reload { which, unban: false, restart: true, if_exists: false, commands };
    let mut reloaded = settings.reload(&reload, &exists).unwrap();
    assert_eq!(reloaded.changes, [Change::Jail("a".into(), What::Restarted)]);
    told(&mut reloaded.settings, json!(["get", "a", "bantime"]), json!(600));
}

#[test]
fn what_could_not_be_read_is_for_the_log() {
    let stream = commands(&[json!(["config-error", "Jail 'x' skipped"])]);
    let notes = Settings::new("").stream(&stream, &exists).unwrap().notes;
    assert_eq!(notes, [Note::Error("Jail 'x' skipped".to_owned())]);
}

#[test]
fn a_jail_that_runs_does_not_end_for_a_mistake() {
    let skipped = |jail: &str| json!(["config-error", format!("Jail '{jail}' skipped")]);
    let reload = |jail: &str| {
        let commands = commands(&all_of_a(&[skipped(jail)]));
        let which = Which::All;
        two_jails().reload(
            &Reload { which, unban: false, restart: false, if_exists: false, commands },
            &exists,
        )
    };
    let error = reload("b").unwrap_err().to_string();
    assert!(error.contains("Jail 'b' skipped; the former configuration stays"), "{error}");
    assert!(reload("c").is_ok());
}
