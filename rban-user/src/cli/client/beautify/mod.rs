//! What a server's value looks like for people, which depends on what was asked (spec, client 5).

mod stats;
mod status;

pub(super) use stats::Lines;

use super::repr::{repr, said, shown};
use crate::control::value::{Class, Exception, Value};

/// A value as fail2ban's client prints it, without the end of the last line.
pub(super) fn value(words: &[&str], value: &Value, lines: Lines) -> String {
    let shaped = match *words {
        ["ping", ..] => Some(format!("Server replied: {}", shown(value))),
        ["stop"] => Some("Shutdown successful".to_owned()),
        ["start", _] => Some("Jail started".to_owned()),
        ["stop", _] => Some("Jail stopped".to_owned()),
        ["add", ..] => Some(format!("Added jail {}", shown(value))),
        ["flushlogs"] => Some(format!("logs: {}", shown(value))),
        ["echo", ..] => texts(value).map(|texts| texts.join(" ")),
        ["status", "--all", "stats"] => match value {
            Value::List(items) => items.last().and_then(|jails| stats::table(jails, lines)),
            _ => None,
        },
        ["status"] | ["status", "--all", ..] => status::of_all(value),
        ["status", jail, ..] => status::of_jail(jail, value),
        ["stats" | "statistics", ..] => stats::table(value, lines),
        ["get" | "set", what, ..] if let Some(text) = of_server(what, value) => Some(text),
        ["get" | "set", jail, what, ref rest @ ..] => of_jail(jail, what, rest, value, words[0]),
        _ => None,
    };
    shaped.unwrap_or_else(|| shown(value))
}

/// What an error says to people.
pub(super) fn error(error: &Exception) -> String {
    match (error.class, &error.args[..]) {
        (Class::UnknownJail, [jail]) => {
            format!("Sorry but the jail '{}' does not exist", shown(jail))
        }
        (Class::DuplicateJail, [jail]) => format!("The jail '{}' already exists", shown(jail)),
        (Class::Index, _) => "Sorry but the command is invalid".to_owned(),
        _ => said(error),
    }
}

/// Settings of the server.
fn of_server(what: &str, value: &Value) -> Option<String> {
    let below = |title: &str, text: &str| Some(format!("{title}:\n`- {text}"));
    match what {
        "loglevel" => Some(format!("Current logging level is {}", repr(value))),
        "logtarget" => below("Current logging target is", &shown(value)),
        "syslogsocket" => below("Current syslog socket is", &shown(value)),
        "dbfile" if *value == Value::None => Some("Database currently disabled".to_owned()),
        "dbfile" => below("Current database file is", &shown(value)),
        "dbpurgeage" => below("Current database purge age is", &format!("{}seconds", whole(value))),
        _ => None,
    }
}

/// A number without its fraction.
fn whole(value: &Value) -> String {
    match value {
        Value::Float(number) => format!("{:.0}", number.trunc()),
        other => shown(other),
    }
}

/// Settings and bans of a jail.
fn of_jail(jail: &str, what: &str, rest: &[&str], value: &Value, verb: &str) -> Option<String> {
    match (what, rest) {
        ("logpath" | "addlogpath" | "dellogpath", _) => {
            tree(value, "Current monitored log file(s):", "No file is currently monitored")
        }
        ("ignoreip" | "addignoreip" | "delignoreip", _) => tree(
            value,
            "These IP addresses/networks are ignored:",
            "No IP address/network is ignored",
        ),
        ("logencoding", _) => Some(format!("Current log encoding is set to:\n{}", shown(value))),
        ("journalmatch" | "addjournalmatch" | "deljournalmatch", _) => matches(value),
        ("datepattern", _) => datepattern(value),
        ("failregex" | "addfailregex" | "delfailregex", _)
        | ("ignoreregex" | "addignoreregex" | "delignoreregex", _) => regexes(value),
        ("actions", _) if verb == "get" => {
            let title = format!("The jail {jail} has the following actions:");
            Some(listed(&texts(value)?, &title, &format!("No actions for jail {jail}")))
        }
        ("actionproperties" | "actionmethods", [action, ..]) if verb == "get" => {
            let kind = what.trim_start_matches("action");
            let title = format!("The jail {jail} action {action} has the following {kind}:");
            let nothing = format!("No {kind} for jail {jail} action {action}");
            Some(listed(&texts(value)?, &title, &nothing))
        }
        ("banip", ["--with-time", ..]) if verb == "get" => Some(texts(value)?.join("\n")),
        ("banip", _) if verb == "get" => Some(texts(value)?.join(rest.first().unwrap_or(&" "))),
        _ => None,
    }
}

/// The items of a list, each as it is printed.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            Some(items.iter().map(shown).collect())
        }
        _ => None,
    }
}

fn listed(texts: &[String], title: &str, nothing: &str) -> String {
    if texts.is_empty() { nothing.to_owned() } else { format!("{title}\n{}", texts.join(", ")) }
}

/// A list below its title.
fn tree(value: &Value, title: &str, nothing: &str) -> Option<String> {
    let texts = texts(value)?;
    let Some((last, others)) = texts.split_last() else { return Some(nothing.to_owned()) };
    let others: String = others.iter().map(|text| format!("|- {text}\n")).collect();
    Some(format!("{title}\n{others}`- {last}"))
}

fn regexes(value: &Value) -> Option<String> {
    let texts = texts(value)?.into_iter().enumerate();
    let numbered = texts.map(|(number, text)| Value::Text(format!("[{number}]: {text}")));
    let title = "The following regular expression are defined:";
    tree(&Value::List(numbered.collect()), title, "No regular expression is defined")
}

/// Groups of conditions.
fn matches(value: &Value) -> Option<String> {
    let Value::List(groups) = value else { return None };
    let groups = groups.iter().map(|group| Some(texts(group)?.join(" ")));
    let groups: Vec<String> = groups.collect::<Option<_>>()?;
    if groups.is_empty() {
        return Some("No journal match filter set".to_owned());
    }
    Some(format!("Current match filter:\n{}", groups.join(" + ")))
}

/// The pattern and what it is called.
fn datepattern(value: &Value) -> Option<String> {
    let text = match value {
        Value::None => "Not set/required".to_owned(),
        Value::List(pair) | Value::Tuple(pair) => match &pair[..] {
            [Value::None, name] => shown(name),
            [pattern, name] => format!("{} ({})", shown(pattern), shown(name)),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("Current date pattern set to: {text}"))
}
