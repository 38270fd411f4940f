//! The text of a `datepattern` → regular expression (spec, filter 3.2).
//!
//! Fail2ban looks at the text for this, not at what it means: so do we, for what it overlooks (a parenthesis in a
//! character class, an alternative that a boundary binds to) shapes what users have got to work.

use super::Error;
use super::reader::Decades;
use super::token::{self, Unknown};

/// A pattern made ready to compile.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    pub(super) regex: String,
    pub(super) anchor: Anchor,
}

/// Whether a match is trusted because of where it stands (spec, filter 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins the line, or ends it.
    Line,
    None,
}

/// What is asked of the begin and the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bounds {
    /// Not inside a word.
    Words,
    /// The same; and the begin is that of the line, but for two characters that are no letters.
    Line,
    None,
}

/// Takes the date as a whole where the pattern says so, and asks nothing of what surrounds it.
pub(super) const UNBOUND: &str = "{UNB}";
/// Asks for the begin of the line.
pub(super) const LINE_BEGIN: &str = "{^LN-BEG}";

/// Not inside a word: no letter before, or none behind.
const WORD_EDGE: &str = r"(?:(?<!\w)|(?!\w))";
const LINE_EDGE: &str = r"^\W{0,2}";

/// Makes a regular expression of a pattern with tokens.
pub(super) fn prepare(pattern: &str, decades: Decades) -> Result<Prepared, Error> {
    let (bounds, text) = bounds(pattern);
    let expanded = token::expand(text, decades)
        .map_err(|Unknown(token)| Error::Token { pattern: pattern.into(), token })?;
    Ok(bound(&expanded.regex, bounds, expanded.ignores_case))
}

/// Makes one of a pattern without tokens, in which a percent sign is just that.
pub(super) fn prepare_plain(pattern: &str) -> Prepared {
    let (bounds, text) = bounds(pattern);
    bound(text, bounds, false)
}

fn bounds(pattern: &str) -> (Bounds, &str) {
    let text = pattern.trim();
    let (bounds, text) = match (text.strip_prefix(UNBOUND), text.strip_prefix(LINE_BEGIN)) {
        (Some(text), _) => (Bounds::None, text),
        (_, Some(text)) => (Bounds::Line, text),
        _ => (Bounds::Words, text),
    };
    (bounds, text.trim())
}

fn bound(regex: &str, bounds: Bounds, ignores_case: bool) -> Prepared {
    let (mut flags, text) = take_flags(regex);
    if ignores_case && !flags.contains('i') {
        flags.push('i');
    }
    let wants_begin = bounds != Bounds::None && !has_begin(&text);
    let wants_end = bounds != Bounds::None && !has_end(&text);
    let begins_line = (wants_begin && bounds == Bounds::Line) || begins_line(&text);
    let anchor = if begins_line || ends_line(&text) { Anchor::Line } else { Anchor::None };

    let text = without_marks(&text);
    let text = if has_group(&text) { text } else { wrapped(&text) };
    let begin = match bounds {
        _ if !wants_begin => "",
        Bounds::Line => LINE_EDGE,
        Bounds::Words | Bounds::None => WORD_EDGE,
    };
    let end = if wants_end { WORD_EDGE } else { "" };
    let flags = if flags.is_empty() { flags } else { format!("(?{flags})") };
    Prepared { regex: format!("{flags}{begin}{text}{end}"), anchor }
}

/// Takes out the first group that is only flags for the whole expression.
fn take_flags(regex: &str) -> (String, String) {
    for (start, _) in regex.match_indices("(?") {
        let behind = &regex[start + 2..];
        let len = behind.bytes().take_while(u8::is_ascii_lowercase).count();
        if len > 0 && behind[len..].starts_with(')') {
            let rest = format!("{}{}", &regex[..start], &behind[len + 1..]);
            return (behind[..len].into(), rest);
        }
    }
    (String::new(), regex.into())
}

/// Whether it says itself where it begins: by `^`, `(^`, `(?:^` or `**`, perhaps in more parentheses.
fn has_begin(text: &str) -> bool {
    let inner = behind_parentheses(text);
    let first = inner.strip_prefix("(?:").unwrap_or(inner);
    inner.starts_with("**") || first.starts_with('^')
}

fn behind_parentheses(mut text: &str) -> &str {
    while let Some(behind) = text.strip_prefix('(').filter(|behind| !behind.starts_with('?')) {
        text = behind;
    }
    text
}

/// Whether it says itself where it ends: by `$`, `$)`, `\b`, `\s`, or `**`, perhaps in parentheses.
fn has_end(text: &str) -> bool {
    ends_in_dollar(text)
        || text.strip_suffix(')').is_some_and(ends_in_dollar)
        || text.ends_with(r"\b")
        || text.ends_with(r"\s")
        || text.trim_end_matches(')').ends_with("**")
}

fn ends_in_dollar(text: &str) -> bool {
    text.strip_suffix('$').is_some_and(|before| !before.ends_with('\\'))
}

/// Whether a match can only begin the line, going by its first character. `^|` is an alternative to something else.
fn begins_line(text: &str) -> bool {
    let inner = text.strip_prefix('(').unwrap_or(text);
    inner.strip_prefix('^').is_some_and(|behind| !behind.starts_with('|'))
}

fn ends_line(text: &str) -> bool {
    let in_group = text.starts_with('(') && !text.starts_with("(?");
    ends_in_dollar(text) || (in_group && text.strip_suffix(')').is_some_and(ends_in_dollar))
}

/// Takes away the marks that say "no boundary here".
fn without_marks(text: &str) -> String {
    let inner = behind_parentheses(text);
    let open = &text[..text.len() - inner.len()];
    let text = format!("{open}{}", inner.strip_prefix("**").unwrap_or(inner));
    let inner = text.trim_end_matches(')');
    let close = &text[inner.len()..];
    format!("{}{close}", inner.strip_suffix("**").unwrap_or(inner))
}

/// Whether there is a group without a name: an unescaped parenthesis that no question mark follows.
fn has_group(text: &str) -> bool {
    let mut escaped = false;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if !escaped && byte == b'(' && bytes.peek() != Some(&b'?') {
            return true;
        }
        escaped = byte == b'\\' && !escaped;
    }
    false
}

/// In a group as a whole, but for the ends of the line.
fn wrapped(text: &str) -> String {
    let (begin, text) = match text.strip_prefix('^') {
        Some(text) => ("^", text),
        None => ("", text),
    };
    match text.strip_suffix('$').filter(|_| ends_in_dollar(text)) {
        Some(text) => format!("{begin}({text})$"),
        None => format!("{begin}({text})"),
    }
}
