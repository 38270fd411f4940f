//! What needs the configuration: `-d`, `-t`, `reload`.

use serde_json::Value as Json;

use super::options::Dump;
use super::pretty::pretty;
use super::repr::{quoted, repr};
use super::{Outcome, Setup, session};
use crate::cli::render::chain;
use crate::config::{self, Consequence, JailError, JailText, Origin, Read, lookup};
use crate::control::value::Value;

/// How the reason begins for which a jail is skipped that `-t` does not let pass.
const WRONG: &str = "wrong configuration";

const OPTIONS: [&str; 3] = ["--restart", "--unban", "--if-exists"];
const ALL: &str = "--all";

/// Why the configuration cannot be used.
type Refused = String;

/// The commands that the configuration comes to, or that of one jail.
pub(super) fn stream(setup: &Setup, jail: Option<&str>) -> Result<Vec<Value>, Refused> {
    let refused = |reason: String| format!("Failed during configuration: {reason}");
    let mut read = read(setup)?;
    if let Some(jail) = jail {
        restrict(&mut read, setup, jail).map_err(refused)?;
    }
    read.findings.iter().for_each(|finding| setup.says.found(&finding.to_string()));
    for jail in &read.jails {
        if let Err(error) = &jail.outcome {
            let (name, error) = (quoted(&jail.name), chain(&error.error));
            setup.says.error(&format!("Errors in jail {name}: {error}"));
        }
    }
    let stream = config::stream(&read).map_err(|error| refused(chain(&error)))?;
    if !stream.starts && jail.is_none() {
        let text = "ERROR: The configuration stream failed because of the invalid syntax.";
        return Err(text.to_owned());
    }
    Ok(stream.commands.into_iter().map(|command| value(overridden(command, setup))).collect())
}

fn read(setup: &Setup) -> Result<Read, Refused> {
    config::read(&setup.directory).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(|error| chain(error)).collect();
        format!("Failed during configuration: {}", errors.join("; "))
    })
}

/// Leaves this jail alone in what was read.
fn restrict(read: &mut Read, setup: &Setup, jail: &str) -> Result<(), String> {
    read.jails.retain(|it| it.name == jail);
    read.findings.retain(|it| it.jail.as_deref().is_none_or(|it| it == jail));
    let is_there = !read.jails.is_empty()
        || match lookup(&setup.directory, jail) {
            Ok(Some(named)) => matches!(named.origin, Origin::Jail(_)),
            Ok(None) => false,
            Err(_) => true, // it is there, and wrong
        };
    if is_there { Ok(()) } else { Err(format!("No section: {}", quoted(jail))) }
}

/// A command, with what the command line says in place of `fail2ban.conf`.
fn overridden(command: Json, setup: &Setup) -> Json {
    let word = |at: usize| command.get(at).and_then(Json::as_str).unwrap_or_default();
    let is_general = word(0) == "set" && command.get(3).is_none();
    let given = setup.settings.iter().rev().find(|(name, _)| is_general && *name == word(1));
    match given {
        Some((name, value)) => serde_json::json!(["set", name, value]),
        None => command,
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Json::Object(pairs) => {
            let pairs = pairs.into_iter().map(|(key, it)| (Value::Text(key), value(it)));
            Value::Dict(pairs.collect())
        }
    }
}

/// The commands each on a line or more.
pub(super) fn dumped(commands: &[Value], how: Dump) -> String {
    let shown = |command: &Value| match how {
        Dump::Plain => repr(command),
        Dump::Pretty => pretty(command),
    };
    let lines: Vec<String> = commands.iter().map(shown).collect();
    lines.join("\n")
}

/// The commands, if there is nothing wrong with any jail.
pub(super) fn tested(setup: &Setup) -> Result<Vec<Value>, Refused> {
    let failed = || "ERROR: test configuration failed".to_owned();
    let commands = stream(setup, None).map_err(|reason| {
        setup.says.error(&reason);
        failed()
    })?;
    let is_wrong = |jail: &JailText| match &jail.outcome {
        Err(JailError { in_fail2ban: Consequence::Skipped(reason), .. }) => {
            reason.starts_with(WRONG)
        }
        Err(_) => true,
        Ok(()) => false,
    };
    if read(setup)?.jails.iter().any(is_wrong) { Err(failed()) } else { Ok(commands) }
}

/// `reload`, or `restart` of jails.
pub(super) fn reload(setup: &Setup, words: &[&str]) -> Outcome {
    let (options, jails): (Vec<&str>, Vec<&str>) =
        words.iter().partition(|word| OPTIONS.contains(word));
    let text = |words: &[&str]| {
        Value::List(words.iter().map(|word| Value::Text((*word).to_owned())).collect())
    };
    let jail = match jails[..] {
        [] => ALL,
        [jail] => jail,
        _ => {
            let jails = repr(&text(&jails));
            return session::fail(setup, &format!("Unexpected argument(s) for reload: {jails}"));
        }
    };
    if session::answers(setup).is_err() {
        return session::fail(setup, "Could not find server");
    }
    let commands = match stream(setup, Some(jail).filter(|jail| *jail != ALL)) {
        Ok(commands) => commands,
        Err(reason) => return session::fail(setup, &reason),
    };
    let words = [
        Value::Text("reload".to_owned()),
        Value::Text(jail.to_owned()),
        text(&options),
        Value::List(commands),
    ];
    match session::send(setup, &words, session::COMMAND_TIMEOUT) {
        Ok(answer) => session::show(setup, &["reload"], &answer),
        Err(unreached) => session::fail(setup, &unreached.advice),
    }
}
