//! What fail2ban's words for the state of jails are.

use crate::control::value::{Answer, Class, Exception, Value};
use crate::control::{JailStatus, Status};

/// `status`.
pub(super) fn of_all(status: &Status) -> Value {
    let mut names: Vec<&str> = status.jails.iter().map(|jail| jail.name.as_str()).collect();
    names.sort_unstable();
    let jails = Value::Text(names.join(", "));
    Value::List(vec![pair("Number of jail", number(names.len() as u64)), pair("Jail list", jails)])
}

/// `status JAIL`; who is banned is not known here yet.
pub(super) fn of_one(status: &Status, name: &str) -> Answer {
    let jail = status.jails.iter().find(|jail| jail.name == name);
    jail.map(of_jail).ok_or_else(|| Exception::new(Class::UnknownJail, name))
}

fn of_jail(jail: &JailStatus) -> Value {
    let files = jail.files.iter().map(|file| Value::Text(file.to_string_lossy().into_owned()));
    let filter = vec![
        pair("Currently failed", number(jail.currently_failed)),
        pair("Total failed", number(jail.total_failed)),
        pair("File list", Value::List(files.collect())),
    ];
    let actions = vec![
        pair("Currently banned", number(jail.currently_banned)),
        pair("Total banned", number(jail.total_banned)),
        pair("Banned IP list", Value::List(Vec::new())),
    ];
    Value::List(vec![pair("Filter", Value::List(filter)), pair("Actions", Value::List(actions))])
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![Value::Text(name.to_owned()), value])
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
