//! The tags that only a ban can fill in, and how hostile text gets into a command (spec, jail 11).
//!
//! What a log holds was written by attackers. Text in which a shell might see more than text never becomes part of the
//! command: it travels as an argument, is assigned to a variable, and the tag becomes that variable's name.

use std::borrow::Cow;

use super::tags::{Family, next_tag};
use super::ticket::Facts;

/// More than this of one value is cut off, the beginning of it: the kernel allows an argument 128 KiB.
const VALUE_MAX_BYTES: usize = 96 * 1024;

/// All values together come to no more: the kernel allows about two million bytes.
const VALUES_MAX_BYTES: usize = 1024 * 1024;

/// A longer value travels as an argument, however harmless, for the command is one of those itself.
const LITERAL_MAX_BYTES: usize = 1_024;

/// What a shell sees more than text in.
const HOSTILE: &[u8] = b"\\#&;`|*?~<>^()[]{}$'\"";

/// A command for `/bin/sh -c`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    /// The text, in which a value is called `$0`, `$1`, …
    pub(super) text: String,
    pub(super) values: Vec<Vec<u8>>,
}

impl Script {
    /// One that is told nothing of a ban.
    pub(super) fn plain(text: String, family: Family) -> Self {
        Self { text: text.replace("<family>", &family.to_string()), values: Vec::new() }
    }

    /// Whether there is nothing to run.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// As fail2ban's log shows it.
    pub(super) fn shown(&self) -> String {
        if self.values.is_empty() {
            return self.text.clone();
        }
        let values = self.values.iter().map(|value| String::from_utf8_lossy(value));
        let words = std::iter::once(Cow::Borrowed(&*self.text)).chain(values);
        let words: Vec<_> = words.map(|word| super::said::quoted(&word)).collect();
        format!("[{}]", words.join(", "))
    }
}

/// Puts a ban into a command. Once: what comes from a ban is not searched for tags again.
pub(super) fn fill(command: &str, facts: &Facts<'_>, family: Family) -> Script {
    let mut text = String::with_capacity(command.len());
    let mut variables: Vec<(String, Vec<u8>)> = Vec::new();
    let mut bytes = 0;
    let mut done = 0;
    let mut from = 0;
    while let Some((start, end)) = next_tag(command, from) {
        from = end;
        let tag = &command[start + 1..end - 1];
        let Some(value) = facts.value(tag, family) else { continue };
        text.push_str(&command[done..start]);
        done = end;
        if let Some(plain) = harmless(&value) {
            text.push_str(plain);
            continue;
        }
        let variable = variable(tag);
        text.push('$');
        text.push_str(&variable);
        if !variables.iter().any(|(it, _)| *it == variable) {
            let value = passable(&value, VALUES_MAX_BYTES - bytes);
            bytes += value.len();
            variables.push((variable, value));
        }
    }
    text.push_str(&command[done..]);
    assigned(text, variables)
}

fn assigned(text: String, variables: Vec<(String, Vec<u8>)>) -> Script {
    if variables.is_empty() {
        return Script { text, values: Vec::new() };
    }
    let names = variables.iter().enumerate();
    let assignments: String = names
        .map(|(at, (name, _))| match at {
            0..=9 => format!("{name}=${at} "),
            _ => format!("{name}=${{{at}}} "),
        })
        .collect();
    let values = variables.into_iter().map(|(_, value)| value).collect();
    Script { text: format!("{assignments}\n{text}"), values }
}

/// The value, if it may stand in a command as it is.
fn harmless(value: &[u8]) -> Option<&str> {
    let is_hostile =
        |byte: &u8| HOSTILE.contains(byte) || (*byte < b' ' && *byte != b'\t') || *byte == 127;
    if value.len() > LITERAL_MAX_BYTES || value.iter().any(is_hostile) {
        return None;
    }
    std::str::from_utf8(value).ok()
}

/// The value as an argument can be: no NUL, and not too long. Its end is kept: the latest lines stand there.
fn passable(value: &[u8], room: usize) -> Vec<u8> {
    let start = value.len().saturating_sub(VALUE_MAX_BYTES.min(room));
    value[start..].iter().copied().filter(|byte| *byte != 0).collect()
}

fn variable(tag: &str) -> String {
    let word = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let name: String = match tag.strip_prefix("F-") {
        Some(name) => format!("F_{}", name.to_lowercase()).chars().map(word).collect(),
        None => tag.chars().map(word).collect(),
    };
    format!("f2bV_{name}")
}
