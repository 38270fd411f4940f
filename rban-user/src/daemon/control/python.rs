//! Requests and errors as Python would print them, for the log.

use std::fmt::{self, Write};

use crate::control::value::{Class, Exception, Value};
use crate::said::Quoted;

/// No more of a request is shown: it may be a whole configuration.
const SHOWN_MAX_BYTES: usize = 4_096;

/// A list.
pub(super) fn list(items: &[Value]) -> String {
    shown(|out| enclosed(out, "[", items, "]"))
}

/// An exception with its arguments.
pub(super) fn exception(error: &Exception) -> String {
    let (class, args) = match error.class {
        Class::UnknownJail => ("UnknownJailException", &error.args[..]),
        Class::DuplicateJail => ("DuplicateJailException", &error.args[..]),
        Class::Index => ("IndexError", &error.args[..]),
        Class::Key => ("KeyError", &error.args[..]),
        Class::Value => ("ValueError", &error.args[..]),
        Class::Attribute => ("AttributeError", &error.args[..]),
        // Its path is no argument of its own.
        Class::FileNotFound => ("FileNotFoundError", error.args.get(..2).unwrap_or(&error.args)),
        Class::Other => ("Exception", &error.args[..]),
    };
    shown(|out| {
        out.write_str(class)?;
        enclosed(out, "(", args, ")")
    })
}

/// Text that takes no more than its limit.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = SHOWN_MAX_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

fn shown(write: impl FnOnce(&mut Bounded) -> fmt::Result) -> String {
    let mut out = Bounded(String::new());
    if write(&mut out).is_err() {
        out.0.push('…');
    }
    out.0
}

fn enclosed(out: &mut Bounded, begin: &str, items: &[Value], end: &str) -> fmt::Result {
    out.write_str(begin)?;
    for (number, item) in items.iter().enumerate() {
        out.write_str(if number > 0 { ", " } else { "" })?;
        value(out, item)?;
    }
    out.write_str(end)
}

fn value(out: &mut Bounded, it: &Value) -> fmt::Result {
    match it {
        Value::None => out.write_str("None"),
        Value::Bool(true) => out.write_str("True"),
        Value::Bool(false) => out.write_str("False"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Text(text) => write!(out, "{}", Quoted(text)),
        Value::List(items) => enclosed(out, "[", items, "]"),
        Value::Tuple(items) => enclosed(out, "(", items, if items.len() == 1 { ",)" } else { ")" }),
        Value::Set(items) if items.is_empty() => out.write_str("set()"),
        Value::Set(items) => enclosed(out, "{", items, "}"),
        Value::Dict(pairs) => {
            out.write_str("{")?;
            for (number, (key, it)) in pairs.iter().enumerate() {
                out.write_str(if number > 0 { ", " } else { "" })?;
                value(out, key)?;
                out.write_str(": ")?;
                value(out, it)?;
            }
            out.write_str("}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn commands_are_shown_as_python_does() {
        let commands = Value::List(vec![Value::List(vec![text("ping")])]);
        let options = Value::Tuple(vec![Value::Int(3)]);
        let words = [text("it's"), commands, options, Value::None, Value::Bool(true)];
        assert_eq!(list(&words), "[\"it's\", [['ping']], (3,), None, True]");
    }

    #[test]
    fn errors_are_shown_as_python_does() {
        let shown = |class, words: &str| exception(&Exception::new(class, words));
        assert_eq!(shown(Class::UnknownJail, "x"), "UnknownJailException('x')");
        let text = "not banned: ['192.0.2.99']";
        assert_eq!(shown(Class::Value, text), "ValueError(\"not banned: ['192.0.2.99']\")");
    }

    #[test]
    fn of_a_long_command_the_beginning_is_shown() {
        let shown = list(&[text(&"ä".repeat(SHOWN_MAX_BYTES))]);
        assert!(shown.starts_with("['ää") && shown.ends_with("ä…"));
        assert!(shown.len() <= SHOWN_MAX_BYTES + '…'.len_utf8());
    }
}
