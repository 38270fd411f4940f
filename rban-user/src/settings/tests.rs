//! Commands, and what clients are told: as fail2ban's server answers them.

mod answers;
mod properties;
mod reloads;
mod stock;

use serde_json::{Value as Json, json};

use super::*;

/// One jail, `j`, that polls.
fn one_jail() -> Settings {
    let mut settings = Settings::new("");
    done(&mut settings, json!(["add", "j", "polling"]));
    settings
}

/// JSON as the values that a client sends.
fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::None,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(values) => Value::List(values.iter().map(value).collect()),
        Json::Object(pairs) => {
            let pair = |(name, it): (&String, &Json)| (Value::Text(name.clone()), value(it));
            Value::Dict(pairs.iter().map(pair).collect())
        }
    }
}

/// A command as a client sends it.
fn words(command: &Json) -> Vec<Value> {
    command.as_array().unwrap().iter().map(value).collect()
}

/// Files whose names say that they are there.
fn exists(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".log")
}

#[track_caller]
fn done(settings: &mut Settings, command: Json) -> Done {
    match settings.apply(&words(&command), &exists) {
        Ok(Outcome::Done(done)) => done,
        other => panic!("{command}: {other:?}"),
    }
}

/// What a client is told.
#[track_caller]
fn told(settings: &mut Settings, command: Json, answer: Json) {
    assert_eq!(done(settings, command.clone()).answer, value(&answer), "{command}");
}

/// What a client is told to be wrong.
#[track_caller]
fn refused(settings: &mut Settings, command: Json, class: Class, text: &str) {
    let exception = settings.apply(&words(&command), &exists).unwrap_err();
    assert_eq!((exception.class, exception.args), (class, vec![value(&json!(text))]), "{command}");
}
