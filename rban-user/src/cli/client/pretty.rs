//! Long lists over several lines, as Python's `pprint` has them with an indent of two and lines of a thousand.

use super::repr::{quoted, repr};
use crate::control::value::Value;

const WIDTH: usize = 1_000;
const INDENT: usize = 2;

/// One value, without the end of its last line.
pub(super) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    put(&mut out, value, Place { indent: 0, after: 0, level: 1 });
    out
}

/// Where something is put.
#[derive(Clone, Copy)]
struct Place {
    /// So many columns stand before it.
    indent: usize,
    /// So many must be left behind it.
    after: usize,
    /// How deep it is: 1 = not within anything.
    level: usize,
}

fn put(out: &mut String, value: &Value, place: Place) {
    let plain = repr(value);
    if plain.chars().count() + place.indent + place.after <= WIDTH {
        out.push_str(&plain);
        return;
    }
    match value {
        Value::List(list) => {
            out.push('[');
            items(out, list, Place { after: place.after + 1, ..place });
            out.push(']');
        }
        Value::Text(text) => out.push_str(&parts(text, place)),
        _ => out.push_str(&plain),
    }
}

fn items(out: &mut String, items: &[Value], place: Place) {
    let indent = place.indent + INDENT;
    out.push_str(&" ".repeat(INDENT - 1));
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push_str(",\n");
            out.push_str(&" ".repeat(indent));
        }
        let after = if number + 1 == items.len() { place.after } else { 1 };
        put(out, item, Place { indent, after, level: place.level + 1 });
    }
}

/// A text as several, one below the other, divided at the ends of lines, and within them behind blanks.
fn parts(text: &str, place: Place) -> String {
    let (indent, after) = match place.level {
        1 => (place.indent + 1, place.after + 1),
        _ => (place.indent, place.after),
    };
    let room = WIDTH.saturating_sub(indent);
    let mut parts = Vec::new();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (number, line) in lines.iter().enumerate() {
        let is_last = number + 1 == lines.len();
        let room_of_last = room.saturating_sub(if is_last { after } else { 0 });
        let whole = quoted(line);
        if whole.chars().count() <= room_of_last {
            parts.push(whole);
        } else {
            divided(line, room, room_of_last, &mut parts);
        }
    }
    match parts.as_slice() {
        [one] => one.clone(),
        all if place.level == 1 => format!("({})", all.join(&below(indent))),
        all => all.join(&below(indent)),
    }
}

fn below(indent: usize) -> String {
    format!("\n{}", " ".repeat(indent))
}

/// A line that is too long, in as few parts as its blanks allow.
fn divided(line: &str, room: usize, room_of_last: usize, parts: &mut Vec<String>) {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let blank = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let next = rest[blank..].find(|c: char| !c.is_whitespace());
        let (word, others) = rest.split_at(next.map_or(rest.len(), |next| blank + next));
        words.push(word);
        rest = others;
    }
    let mut current = String::new();
    for (number, word) in words.iter().enumerate() {
        let room = if number + 1 == words.len() { room_of_last } else { room };
        let candidate = format!("{current}{word}");
        if quoted(&candidate).chars().count() <= room {
            current = candidate;
            continue;
        }
        if !current.is_empty() {
            parts.push(quoted(&current));
        }
        current = (*word).to_owned();
    }
    if !current.is_empty() {
        parts.push(quoted(&current));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            "[a-z '\\\\\n]{0,40}".prop_map(Value::Text),
            "([a-z]{1,300}[ \n]?){0,8}".prop_map(Value::Text),
            any::<i32>().prop_map(|number| Value::Int(number.into())),
        ];
        leaf.prop_recursive(4, 40, 8, |inner| {
            prop::collection::vec(inner, 0..8).prop_map(Value::List)
        })
    }

    #[test]
    fn lists_are_broken_where_python_breaks_them() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let values = prop::collection::vec(prop::collection::vec(values(), 1..8), 200);
        let values = values.new_tree(&mut runner).unwrap().current();
        let values: Vec<Value> = values.into_iter().map(Value::List).collect();
        let input: String = values.iter().map(|value| repr(value) + "\n").collect();
        let mut child = Command::new("python3")
            .args([
                "-c",
                "import sys,pprint\nfor l in sys.stdin: pprint.pprint(eval(l),width=1000,indent=2)",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut stdin = child.stdin.take().unwrap();
        let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap().unwrap();
        let ours: String = values.iter().map(|value| pretty(value) + "\n").collect();
        assert_eq!(ours, String::from_utf8(output.stdout).unwrap());
    }
}
