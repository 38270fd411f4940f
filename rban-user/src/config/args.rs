//! `name[option=value, …]` (spec, config 8), and lists of such.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::error::shortened;
use super::ini::{is_blank, strip};

/// A name with options: `sshd[mode=aggressive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What stands before the brackets.
    pub name: String,
    /// The options in the order of their names' first appearance; of two of a name, the later one counts.
    pub options: Vec<(String, String)>,
}

/// Text that is no `name[option=value, …]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASpec {
    /// No name, or no closing bracket.
    #[error("unexpected option syntax; write name or name[option=value, option=\"other value\"]")]
    Shape,
    /// No option where one should stand.
    #[error("expected option, wrong syntax at {at}: {}; write option=value, without blanks before the =", shortened(rest))]
    ExpectedOption {
        /// Where, in characters within the brackets.
        at: usize,
        /// What stands there.
        rest: String,
    },
    /// Something behind a value.
    #[error("unexpected syntax at {at} after option '{}': {}; write a comma between options, and quotes around a value with , or ]", shortened(option), shortened(rest))]
    AfterOption {
        /// Where, in characters within the brackets.
        at: usize,
        /// The option before it.
        option: String,
        /// What stands there.
        rest: String,
    },
}

impl NotASpec {
    /// What fail2ban says of it.
    pub(super) fn in_fail2ban(&self) -> String {
        match self {
            Self::Shape => "unexpected option syntax".to_owned(),
            Self::ExpectedOption { at, rest } => {
                format!("expected option, wrong syntax at {at}: {rest}")
            }
            Self::AfterOption { at, option, rest } => {
                format!("unexpected syntax at {at} after option '{option}': {rest}")
            }
        }
    }
}

/// Reads one `name[option=value, …]`. Blanks around the name belong to it.
///
/// # Errors
/// What is none.
pub(super) fn parse(text: &str) -> Result<Spec, NotASpec> {
    let (name, groups) = match text.find('[') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let groups = groups.trim_end_matches(is_blank);
    if name.is_empty() {
        return Err(NotASpec::Shape);
    }
    let mut spec = Spec { name: name.to_owned(), options: Vec::new() };
    if groups.is_empty() {
        return Ok(spec);
    }
    let groups = groups.strip_prefix('[').and_then(|groups| groups.strip_suffix(']'));
    let mut at: HashMap<&str, usize> = HashMap::new();
    for (key, value) in options(groups.ok_or(NotASpec::Shape)?)? {
        let value = strip(value).to_owned();
        match at.entry(key) {
            Entry::Occupied(at) => spec.options[*at.get()].1 = value,
            Entry::Vacant(new) => {
                new.insert(spec.options.len());
                spec.options.push((key.to_owned(), value));
            }
        }
    }
    Ok(spec)
}

/// The options between the first bracket and the last, as they stand there.
fn options(all: &str) -> Result<Vec<(&str, &str)>, NotASpec> {
    let mut found = Vec::new();
    let mut rest = all;
    let at = |rest: &str| all[..all.len() - rest.len()].chars().count();
    while !strip(rest).is_empty() {
        let Some((key, after)) = key(rest) else {
            return Err(NotASpec::ExpectedOption { at: at(rest), rest: beginning(rest) });
        };
        let (value, after) = quoted(after).unwrap_or_else(|| unquoted(after));
        found.push((key, value));
        rest = match separator(after) {
            Some(rest) => rest,
            None if after.is_empty() || after == "\n" => break,
            None => {
                let (at, option, rest) = (at(after), key.to_owned(), beginning(after));
                return Err(NotASpec::AfterOption { at, option, rest });
            }
        };
    }
    Ok(found)
}

/// As much as fail2ban quotes.
fn beginning(text: &str) -> String {
    text.chars().take(25).collect()
}

/// An option's name, blanks before it aside, and what stands behind its `=`.
fn key(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(is_blank);
    let after = |text| skip_word(text).and_then(|rest: &str| rest.strip_prefix('='));
    let rest = match skip_word(text)?.strip_prefix('?') {
        Some(condition) => after(skip_word(condition)?.strip_prefix('=')?)?,
        None => after(text)?,
    };
    Some((&text[..text.len() - rest.len() - 1], rest))
}

fn skip_word(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|c: char| c.is_alphanumeric() || "_.-".contains(c));
    (rest.len() < text.len()).then_some(rest)
}

/// A value in quotes, and what stands behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// A value without quotes, and what stands behind it.
fn unquoted(text: &str) -> (&str, &str) {
    text.split_at(text.find([',', ']']).unwrap_or(text.len()))
}

/// What stands behind a `,`, or behind a `]` and the next `[`.
fn separator(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(',') {
        return Some(rest);
    }
    text.strip_prefix(']')?.trim_start_matches(is_blank).strip_prefix('[')
}

/// The entries of a list such as `action`: separated by blanks, except within the brackets of an entry and before them.
pub(super) fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return None;
        }
        let (entry, after) = rest.split_at(entry_len(rest));
        rest = after;
        Some(strip(entry))
    })
}

/// How long the entry is that a text starts with: its name with all well-formed groups up to a blank, else everything
/// up to a blank.
fn entry_len(text: &str) -> usize {
    let ends = |rest: &str| rest.chars().next().is_none_or(is_blank);
    let mut rest = text.trim_start_matches(|c| c != '[' && !is_blank(c));
    let mut longest = (rest.len() < text.len() && ends(rest)).then_some(text.len() - rest.len());
    while rest.len() < text.len()
        && let Some(after) = group(rest.trim_start_matches(is_blank))
    {
        rest = after;
        if ends(rest) {
            longest = Some(text.len() - rest.len());
        }
    }
    longest.unwrap_or_else(|| text.find(is_blank).unwrap_or(text.len()))
}

/// What stands behind a well-formed `[option=value, …]`.
fn group(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('[')?;
    loop {
        if let Some(after) = rest.trim_start_matches(is_blank).strip_prefix(']') {
            return Some(after);
        }
        let (_, value) = key(rest)?;
        let is_end = |rest: &&str| rest.starts_with([',', ']']);
        let behind_quotes = quoted(value).map(|(_, rest)| rest.trim_start_matches(is_blank));
        rest = behind_quotes.filter(is_end).unwrap_or_else(|| unquoted(value).1);
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if !rest.starts_with(']') {
            return None;
        }
    }
}
