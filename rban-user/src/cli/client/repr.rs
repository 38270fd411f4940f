//! Values as Python prints them.

use crate::cli::regex::python;
use crate::control::value::{Class, Exception, Value};

/// As `print` has it: a text is itself.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => repr(other),
    }
}

/// As a Python program would have it in its source.
pub(super) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => out.push_str(&quoted(text)),
        Value::List(items) => enclosed(out, '[', items, "]"),
        Value::Tuple(items) => enclosed(out, '(', items, if items.len() == 1 { ",)" } else { ")" }),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => enclosed(out, '{', items, "}"),
        Value::Dict(pairs) => {
            out.push('{');
            for (number, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                write(out, key);
                out.push_str(": ");
                write(out, value);
            }
            out.push('}');
        }
    }
}

fn enclosed(out: &mut String, begin: char, items: &[Value], end: &str) {
    out.push(begin);
    for (number, item) in items.iter().enumerate() {
        out.push_str(if number > 0 { ", " } else { "" });
        write(out, item);
    }
    out.push_str(end);
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    python::quoted(&mut out, text).expect("writing to memory cannot fail");
    String::from_utf8(out).expect("of a text, quoting makes a text")
}

/// The shortest digits that are this number, with an exponent where it is far from 1.
pub(super) fn float(number: f64) -> String {
    if !number.is_finite() {
        return format!("{number}").to_lowercase();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("that is how it is written");
    let exponent: i32 = exponent.parse().expect("that is how it is written");
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// An exception's arguments, as `args` has them: without the path of a file.
pub(super) fn args(error: &Exception) -> String {
    let args = match error.class {
        Class::FileNotFound => error.args.get(..2).unwrap_or(&error.args),
        _ => &error.args,
    };
    repr(&Value::Tuple(args.to_vec()))
}

/// What an exception says.
pub(super) fn said(error: &Exception) -> String {
    match (error.class, &error.args[..]) {
        (_, []) => String::new(),
        (Class::Key, [key]) => repr(key),
        (_, [one]) => shown(one),
        (Class::FileNotFound, [number, text, path]) => {
            format!("[Errno {}] {}: {}", shown(number), shown(text), repr(path))
        }
        (_, all) => repr(&Value::Tuple(all.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: f64, expected: &str) {
        assert_eq!(float(number), expected);
    }

    #[test]
    fn numbers_with_fractions_are_written_as_python_does() {
        check(0.0, "0.0");
        check(-0.0, "-0.0");
        check(1.5, "1.5");
        check(86_400.0, "86400.0");
        check(0.0001, "0.0001");
        check(0.00001, "1e-05");
        check(1e15, "1000000000000000.0");
        check(1e16, "1e+16");
        check(1.25e100, "1.25e+100");
        check(f64::INFINITY, "inf");
        check(f64::NAN, "nan");
    }

    #[test]
    fn collections_are_written_as_python_does() {
        let one = || vec![Value::Int(1)];
        assert_eq!(repr(&Value::Tuple(one())), "(1,)");
        assert_eq!(repr(&Value::Tuple(vec![Value::None, Value::Bool(true)])), "(None, True)");
        assert_eq!(repr(&Value::Set(Vec::new())), "set()");
        assert_eq!(repr(&Value::Set(one())), "{1}");
        let pair = (Value::Text("it's".to_owned()), Value::List(one()));
        assert_eq!(repr(&Value::Dict(vec![pair])), "{\"it's\": [1]}");
    }
}
