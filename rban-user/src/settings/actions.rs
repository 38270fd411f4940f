//! The actions of a jail (spec, client 4.6).

use super::jail::Reply;
use super::server::seconds;
use super::words::{Words, list, missing, text, wrong};
use crate::config::{self, ActionText, JailText, value};
use crate::control::value::{Class, Exception, Value};

/// A jail has no more actions.
const ACTIONS_MAX: usize = 1_000;
/// An action has no more options.
const OPTIONS_MAX: usize = 10_000;

/// What an action can be told to do.
pub(super) const METHODS: [&str; 9] =
    ["ban", "consistencyCheck", "flush", "prolong", "reban", "reload", "start", "stop", "unban"];

/// Options that every action with commands has, set or not.
const COMMANDS: [&str; 10] = [
    "actionban",
    "actioncheck",
    "actionflush",
    "actionprolong",
    "actionreban",
    "actionreload",
    "actionrepair",
    "actionstart",
    "actionstop",
    "actionunban",
];

/// How long a command may take unless it says otherwise.
const UNSET_TIMEOUT_SECS: i64 = 60;

/// `addaction A [PYFILE JSON]`
pub(super) fn add(jail: &mut JailText, mut words: Words<'_>) -> Result<Reply, Exception> {
    let name = words.text()?;
    if jail.action(&name).is_some() {
        return Err(wrong(format!("Action {name} already exists")));
    }
    if jail.actions.len() >= ACTIONS_MAX {
        return Err(wrong(format!("there are {ACTIONS_MAX} actions already; remove one first")));
    }
    let action = match words.more()? {
        None => ActionText::by_command(&name),
        Some(file) => ActionText::in_python(&name, &file, arguments(&words.text()?)?),
    };
    jail.actions.push(action);
    Ok(Reply::Value(Value::Text(name)))
}

/// The arguments of a program in Python: an object in JSON.
fn arguments(json: &str) -> Result<Vec<(String, String)>, Exception> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json)
        .map_err(|error| wrong(format!("{json}: {error}; write an object of texts")))?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(object.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// `delaction A`
pub(super) fn remove(jail: &mut JailText, name: &str) -> Result<Reply, Exception> {
    known(jail, name)?;
    jail.actions.retain(|action| action.actname != name);
    Ok(Reply::Value(Value::None))
}

/// `action A PROP VALUE`
pub(super) fn set(jail: &mut JailText, mut words: Words<'_>) -> Result<Reply, Exception> {
    let (name, option) = (words.text()?, words.text()?);
    let value = words.next()?;
    put(jail, &name, &option, value)?;
    Ok(Reply::Value(get(jail, &name, &option)?))
}

/// `action A [[PROP, VALUE], …]`
pub(super) fn set_many(jail: &mut JailText, mut words: Words<'_>) -> Result<Reply, Exception> {
    let name = words.text()?;
    for pair in words.list()? {
        let [option, value] = list(pair)? else { return Err(missing()) };
        put(jail, &name, &text(option)?, value)?;
    }
    Ok(Reply::Value(Value::Bool(true)))
}

fn put(jail: &mut JailText, name: &str, option: &str, value: &Value) -> Result<(), Exception> {
    let jail_name = jail.name.clone();
    let action = jail.action_mut(name).ok_or_else(|| unknown(name))?;
    let written = match value {
        Value::None => None,
        value => Some(text(value)?),
    };
    if option == "timeout" {
        let span = value::span(written.as_deref().unwrap_or_default());
        span.map_err(|error| wrong(format!("timeout = {error}")))?;
    }
    if action.names().len() >= OPTIONS_MAX {
        return Err(wrong(format!("{name} has {OPTIONS_MAX} options already")));
    }
    action.set(&jail_name, option, written.as_deref());
    Ok(())
}

/// `get J action A PROP`
pub(super) fn get(jail: &JailText, name: &str, option: &str) -> Result<Value, Exception> {
    let action = known(jail, name)?;
    match action.get(option) {
        Some(config::Value::Text(span)) if option == "timeout" => {
            Ok(value::span(&span).map_or(Value::Text(span), seconds))
        }
        Some(config::Value::Text(text)) => Ok(Value::Text(text)),
        Some(config::Value::Int(number)) => Ok(Value::Int(number)),
        Some(config::Value::Flag(flag)) => Ok(Value::Bool(flag)),
        Some(config::Value::Nothing) => Ok(Value::None),
        None if action.has_commands() && COMMANDS.contains(&option) => {
            Ok(Value::Text(String::new()))
        }
        None if action.has_commands() && option == "timeout" => Ok(Value::Int(UNSET_TIMEOUT_SECS)),
        None => {
            let text = format!("'CommandAction' object has no attribute '{option}'");
            Err(Exception::new(Class::Attribute, text))
        }
    }
}

/// `get J actions`
pub(super) fn names(jail: &JailText) -> Value {
    let name = |action: &ActionText| Value::Text(action.actname.clone());
    Value::List(jail.actions.iter().map(name).collect())
}

/// `get J actionproperties A`
pub(super) fn properties(jail: &JailText, name: &str) -> Result<Value, Exception> {
    let action = known(jail, name)?;
    let mut names = action.names();
    if action.has_commands() {
        names.extend(COMMANDS);
        names.push("timeout");
    }
    names.sort_unstable();
    names.dedup();
    Ok(Value::List(names.into_iter().map(|name| Value::Text(name.to_owned())).collect()))
}

/// `get J actionmethods A`
pub(super) fn methods(jail: &JailText, name: &str) -> Result<Value, Exception> {
    known(jail, name)?;
    Ok(Value::List(METHODS.iter().map(|name| Value::Text((*name).to_owned())).collect()))
}

/// An action that has to be there.
pub(super) fn known<'a>(jail: &'a JailText, name: &str) -> Result<&'a ActionText, Exception> {
    jail.action(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Exception {
    Exception::new(Class::Key, format!("Invalid Action name: {name}"))
}
