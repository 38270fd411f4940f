//! Any commands in any order.

use proptest::prelude::*;

use super::*;

const VERBS: [&str; 8] = ["set", "multi-set", "get", "add", "start", "stop", "status", "echo"];
const JAILS: [&str; 3] = ["a", "b", "dbmaxmatches"];
const KEYS: [&str; 18] = [
    "bantime",
    "maxretry",
    "usedns",
    "idle",
    "bantime.increment",
    "bantime.factor",
    "ignoreself",
    "addignoreip",
    "delignoreip",
    "ignoreip",
    "addlogpath",
    "dellogpath",
    "addjournalmatch",
    "deljournalmatch",
    "addaction",
    "delaction",
    "action",
    "datepattern",
];

fn word() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        prop::sample::select(&["5", "10m", "x", "on", "", "192.0.2.1", "/a.log", "port"][..])
            .prop_map(str::to_owned),
        ".{0,4}",
    ];
    let plain = prop_oneof![
        4 => text.prop_map(Value::Text),
        1 => (-2..9_i64).prop_map(Value::Int),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::None),
    ];
    plain.prop_recursive(2, 4, 3, |inner| prop::collection::vec(inner, 0..3).prop_map(Value::List))
}

fn command() -> impl Strategy<Value = Vec<Value>> {
    let one_of = |words: &'static [&'static str]| {
        prop::sample::select(words).prop_map(|word| Value::Text(word.to_owned()))
    };
    let rest = prop::collection::vec(word(), 0..4);
    (one_of(&VERBS), one_of(&JAILS), one_of(&KEYS), rest).prop_map(|(verb, jail, key, rest)| {
        let mut command = vec![verb, jail, key];
        command.extend(rest);
        command
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_changed_is_told_and_errors_change_nothing(
        commands in prop::collection::vec(command(), 1..20)
    ) {
        let mut settings = one_jail();
        done(&mut settings, json!(["add", "a"]));
        for command in commands {
            let before = settings.clone();
            let changes = match settings.apply(&command, &exists) {
                Ok(Outcome::Done(done)) => done.changes,
                Ok(Outcome::Command(_)) | Err(_) => Vec::new(),
            };
            prop_assert_eq!(changes, diff(&before, &settings), "{:?}", command);
        }
    }

    #[test]
    fn no_command_is_too_odd(command in prop::collection::vec(word(), 0..6)) {
        drop(one_jail().apply(&command, &exists));
    }
}
