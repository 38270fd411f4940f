//! `-o`: what is printed of each failure (spec, client 8.4).

use std::io::{self, Write};

use super::failure::{Failure, Id};
use super::hosts::Hosts;
use super::json::Json;
use super::python;
use super::template::Template;
use crate::detect::Value;

/// What is printed of each failure.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Id,
    Ip,
    /// Its lines.
    Msg,
    /// Who, when and what was captured, in Python's notation.
    Row,
    Json(Json),
    /// What was captured under this name.
    Capture(String),
    Template(Template),
}

impl Format {
    /// As `-o` has it; `json` for a filter with these patterns.
    pub(super) fn parse<'p>(text: &str, patterns: impl Iterator<Item = &'p str>) -> Self {
        match text {
            "id" | "fid" => Self::Id,
            "ip" => Self::Ip,
            "msg" => Self::Msg,
            "row" => Self::Row,
            "json" => Self::Json(Json::for_patterns(patterns)),
            text if text.contains('<') => Self::Template(Template::parse(text)),
            name => Self::Capture(name.to_owned()),
        }
    }

    /// Prints a failure; `line` is the number of its last line.
    pub(super) fn write(
        &self,
        out: &mut impl Write,
        failure: &Failure<'_>,
        line: u64,
        hosts: &mut Hosts,
    ) -> io::Result<()> {
        match self {
            Self::Id => {
                failure.id.write(out)?;
                out.write_all(b"\n")
            }
            Self::Ip => {
                failure.ip().write(out)?;
                out.write_all(b"\n")
            }
            Self::Msg => failure.matches.iter().try_for_each(|line| {
                out.write_all(line)?;
                out.write_all(b"\n")
            }),
            Self::Row => row(out, failure),
            Self::Json(json) => json.write(out, failure, line),
            Self::Capture(name) => {
                match failure.capture(name) {
                    Some(Value::Text(text)) => out.write_all(text.as_bytes())?,
                    Some(value) => many(out, name, value)?,
                    None if name == "matches" => lines(out, failure)?,
                    None => out.write_all(b"None")?,
                }
                out.write_all(b"\n")
            }
            Self::Template(template) => template.write(out, failure, hosts),
        }
    }
}

fn row<W: Write>(out: &mut W, failure: &Failure<'_>) -> io::Result<()> {
    out.write_all(b"[")?;
    match failure.capture("fid") {
        Some(value @ Value::Many(_)) => many(out, "fid", value)?,
        _ => match failure.id {
            Id::Offender(_) => {
                out.write_all(b"'")?;
                failure.id.write(out)?;
                out.write_all(b"'")?;
            }
            Id::Name(text) | Id::Text(text) => python::quoted(out, text)?,
        },
    }
    out.write_all(b",\t")?;
    match failure.time {
        Some(time) => python::seconds(out, time)?,
        None => out.write_all(b"None")?,
    }
    out.write_all(b",\t{")?;
    let mut between: &[u8] = b"";
    let mut entry = |out: &mut W, name: &str, value: Option<&Value>| {
        out.write_all(between)?;
        between = b", ";
        python::quoted(out, name)?;
        out.write_all(b": ")?;
        match value {
            Some(Value::Text(text)) => python::quoted(out, text),
            Some(value) => many(out, name, value),
            None => out.write_all(b"None"),
        }
    };
    match failure.found {
        None => entry(out, "fid", Some(&Value::Text("".into())))?,
        Some(found) => {
            for (name, value) in found.all() {
                entry(out, name, value)?;
            }
        }
    }
    if let Some(ip) = failure.beside {
        entry(out, "ip", Some(&Value::Text(ip.to_string().into())))?;
    }
    out.write_all(b"}],\n")
}

/// Several texts: the users of a session are a set, all others a tuple.
fn many(out: &mut impl Write, name: &str, value: &Value) -> io::Result<()> {
    let texts = match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::Many(texts) => texts,
    };
    let [open, close] = if name == "users" { [b"{", b"}"] } else { [b"(", b")"] };
    out.write_all(open)?;
    list(out, texts.iter().map(|text| text.as_str()))?;
    out.write_all(close)
}

fn lines(out: &mut impl Write, failure: &Failure<'_>) -> io::Result<()> {
    let lines: Vec<_> = failure.matches.iter().map(|it| String::from_utf8_lossy(it)).collect();
    out.write_all(b"[")?;
    list(out, lines.iter().map(|line| &**line))?;
    out.write_all(b"]")
}

fn list<'a>(out: &mut impl Write, texts: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (number, text) in texts.enumerate() {
        if number > 0 {
            out.write_all(b", ")?;
        }
        python::quoted(out, text)?;
    }
    Ok(())
}
