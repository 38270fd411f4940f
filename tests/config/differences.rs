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

/// The jail `variant` of this case is `plain` with one argument more.
fn allow_conditions_in_arguments(commands: &mut Vec<Value>) {
    commands.retain(|command| command[0] != "config-error");
    let (variant, argument) =
        (r#"["blocktype?family=inet6","v6"]"#, r#"["blocktype?family=inet6","six"]"#);
    let plain = commands.iter().position(|command| command[1] == "plain").unwrap_or(0);
    let mut of_variant = Vec::new();
    for command in &commands[plain..] {
        let text = command.to_string().replace("\"plain\"", "\"variant\"");
        let text = text.replace(&format!(",{variant}"), "");
        let text =
            text.replace(r#"["blocktype","four"]"#, &format!(r#"["blocktype","four"],{argument}"#));
        of_variant.push(serde_json::from_str(&text).expect("still JSON"));
    }
    let start = commands.len() - 1;
    let starts = of_variant.split_off(of_variant.len() - 1);
    commands.splice(start..start, of_variant);
    commands.extend(starts);
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
