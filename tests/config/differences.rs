//! Where the release that we specify (fail2ban 1.1) and the one that Debian has here (1.0.2) differ.
//!
//! Nothing else may stand here: what is no difference between the two is a fault of ours. An entry names the cases that
//! it is about, and must alter the outcome of each; so it goes when the package learns.

use serde_json::{Value, json};

use crate::outcome::Outcome;

/// What 1.1 does in another way than 1.0.2.
pub(crate) struct Difference {
    /// What it is, and the section of our specification that has it.
    pub(crate) what: &'static str,
    /// The cases that it shows in.
    pub(crate) cases: &'static [&'static str],
    /// Makes of 1.0.2's commands what 1.1's would be.
    adjust: fn(&mut Vec<Value>),
}

pub(crate) const DIFFERENCES: &[Difference] = &[
    // New in 1.1: systemd_if_nologs, true unless set otherwise. Section 9, the table on log files.
    Difference {
        what: "section 9: a jail of backend auto with a journalmatch and no logs turns to the journal",
        cases: &["09-journal-by-default", "09-journal-in-place-of-logs"],
        adjust: turn_to_the_journal,
    },
    // New in 1.1: skip_if_nologs; 1.0.2 leaves such a jail without logs. Section 9, the same table.
    Difference {
        what: "section 9: a jail without logs is left out if it says skip_if_nologs",
        cases: &["09-journal-in-place-of-logs", "09-logs-that-are-missing"],
        adjust: skip_without_logs,
    },
    // 1.0.2 knows no condition in an argument, and calls it wrong syntax. Section 8, key.
    Difference {
        what: "section 8: an argument's key may have a condition, as in act[x?family=inet6=y]",
        cases: &["08-conditional-arguments"],
        adjust: allow_conditions_in_arguments,
    },
    // 1.0.2 leaves the variants as [Init] has them. Section 7, step 3.
    Difference {
        what: "section 7: an argument sets the variants of its option too",
        cases: &[
            "04-conditional-sections",
            "08-conditional-arguments",
            // Its blocktype is RETURN, for both families.
            "stock: pass2allow-ftp",
            "stock: as they are",
            "stock: on the journal",
            "stock: polling, on one log",
            "stock: aggressive, for all ports",
            "stock: with their own regexes too",
        ],
        adjust: |commands| set_variants_too(commands),
    },
    // Section 5: the version is ours to say, and is that of the fail2ban that we are like.
    Difference {
        what: "section 5: %(fail2ban_version)s",
        cases: &["05-the-version", "stock: with reports"],
        adjust: |commands| replace(commands, "/1.0.2", "/1.1.2.dev1"),
    },
];

/// The jails of these cases are named for what becomes of them in 1.1.
fn turn_to_the_journal(commands: &mut Vec<Value>) {
    for command in commands {
        if command[0] == "add" && name_begins(&command[1], "journal") {
            command[2] = json!("systemd");
        }
    }
}

fn skip_without_logs(commands: &mut Vec<Value>) {
    for command in commands.iter_mut() {
        if command[0] == "add" && name_begins(&command[1], "skipped") {
            let jail = command[1].as_str().unwrap_or_default();
            let reason = format!("Jail '{jail}' skipped, because of missing log files.");
            *command = json!(["config-error", reason]);
        }
    }
    commands.retain(|command| !name_begins(&command[1], "skipped"));
}

fn name_begins(jail: &Value, with: &str) -> bool {
    jail.as_str().is_some_and(|jail| jail.starts_with(with))
}

/// The jail `variant` of this case is `argument` with one argument more.
fn allow_conditions_in_arguments(commands: &mut Vec<Value>) {
    commands.retain(|command| command[0] != "config-error");
    let mut variant: Vec<Value> = of_jail(commands, "argument").cloned().collect();
    replace(&mut variant, r#""argument""#, r#""variant""#);
    replace(&mut variant, r#",["blocktype?family=inet6","v6"]"#, "");
    let (plain, with_variant) =
        (r#"["blocktype","four"]"#, r#"["blocktype","four"],["blocktype?family=inet6","six"]"#);
    replace(&mut variant, plain, with_variant);
    // The last command of either starts it, and all starts come last.
    let (start, starts) = (commands.len() - 1, variant.split_off(variant.len() - 1));
    commands.splice(start..start, variant);
    commands.extend(starts);
}

/// Properties of an action are its arguments, then name and actname where they are none, then what `[Init]` has.
fn set_variants_too(commands: &mut [Value]) {
    let actions = commands.iter_mut().filter(|command| command[2] == "action");
    for properties in actions.filter_map(|command| command[4].as_array_mut()) {
        let names = properties.iter().rposition(|it| it[0] == "name" || it[0] == "actname");
        let (arguments, rest) = properties.split_at_mut(names.unwrap_or(0));
        for variant in rest {
            let base =
                variant[0].as_str().and_then(|key| key.split_once('?')).map(|(base, _)| base);
            if let Some(argument) = arguments.iter().find(|it| it[0].as_str() == base) {
                variant[1] = argument[1].clone();
            }
        }
    }
}

fn of_jail<'a>(commands: &'a [Value], jail: &'a str) -> impl Iterator<Item = &'a Value> {
    commands.iter().filter(move |command| command[1] == jail)
}

/// Replaces in the commands' JSON.
fn replace(commands: &mut [Value], from: &str, to: &str) {
    for command in commands {
        let text = command.to_string().replace(from, to);
        *command = serde_json::from_str(&text).expect("JSON for JSON");
    }
}

/// What 1.1 would say in this case, given what 1.0.2 says.
pub(crate) fn adjusted(case: &str, outcome: &Outcome) -> Result<Outcome, String> {
    let mut adjusted = outcome.clone();
    for difference in DIFFERENCES.iter().filter(|difference| difference.cases.contains(&case)) {
        let Outcome::Stream { commands, .. } = &mut adjusted else {
            return Err(format!("{}: there is no stream to adjust", difference.what));
        };
        let before = commands.clone();
        (difference.adjust)(commands);
        if before == *commands {
            return Err(format!("no difference any more, remove it: {}", difference.what));
        }
    }
    Ok(adjusted)
}
