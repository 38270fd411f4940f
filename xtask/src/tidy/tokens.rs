//! Rust source, cut into the tokens that matter to tidy: comments and literals are left out.
//!
//! Not a compiler's lexer: numbers, operators and macros come as single characters or words, which is enough to
//! follow paths and braces.

/// A word (identifier, keyword, number), `::`, or any other single character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The tokens of a file, in order.
pub(super) fn of(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = match skipped(rest) {
            Some(length) => (length, false),
            None if rest.starts_with("::") => (2, true),
            None if is_word(first) => (word(rest), true),
            None => (first.len_utf8(), !first.is_whitespace()),
        };
        let (piece, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token { text: piece, line });
        }
        line += piece.matches('\n').count();
        rest = after;
    }
    tokens
}

/// How many bytes of comment or literal the text starts with, if any.
fn skipped(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if let Some(length) = raw_string(text) {
        return Some(length);
    }
    if text.starts_with('"') {
        return Some(until_quote(text, '"'));
    }
    if text.starts_with("b\"") || text.starts_with("c\"") {
        return Some(1 + until_quote(&text[1..], '"'));
    }
    char_literal(text)
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#`, and those of bytes and C strings.
fn raw_string(text: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let inner = body.trim_start_matches('#');
    let hashes = body.len() - inner.len();
    let inner = inner.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(text.len() - inner.len() + length)
}

/// A character, not a lifetime: `'a'`, `'\''`, `b'x'`.
fn char_literal(text: &str) -> Option<usize> {
    let prefix = usize::from(text.starts_with("b'"));
    let mut chars = text[prefix..].strip_prefix('\'')?.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        return Some(prefix + until_quote(&text[prefix..], '\''));
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(prefix + 1 + at + 1)
}

/// Length of a literal that starts and ends with this quote; a backslash hides what follows it.
fn until_quote(text: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn word(text: &str) -> usize {
    text.find(|char| !is_word(char)).unwrap_or(text.len())
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

#[cfg(test)]
mod tests {
    use super::of;

    #[track_caller]
    fn check(text: &str, tokens: &[&str]) {
        let found: Vec<&str> = of(text).into_iter().map(|token| token.text).collect();
        assert_eq!(found, tokens, "{text}");
    }

    #[test]
    fn paths_stay_in_sight() {
        check(
            "use crate::jail::{Jail, self};",
            &["use", "crate", "::", "jail", "::", "{", "Jail", ",", "self", "}", ";"],
        );
    }

    #[test]
    fn comments_are_left_out() {
        check("a // b\nc /* d /* e */ f */ g /// h", &["a", "c", "g"]);
    }

    #[test]
    fn strings_are_left_out() {
        check(r#"a "b \" c" d b"e" f"#, &["a", "d", "f"]);
        check(r###"a r"\" b r#"c " d"# e br##"f "# g"## h"###, &["a", "b", "e", "h"]);
    }

    #[test]
    fn characters_are_left_out_and_lifetimes_are_not() {
        check(r"a '{' b '\'' c b'\\' d '\u{7d}' e", &["a", "b", "c", "d", "e"]);
        check("&'a str", &["&", "'", "a", "str"]);
    }

    #[test]
    fn what_never_ends_ends_with_the_file() {
        check("a \"b", &["a"]);
        check("a /* b", &["a"]);
        check("a r#\"b", &["a"]);
        check("a '", &["a", "'"]);
    }

    #[test]
    fn lines_are_counted_through_literals() {
        let found = of("a\n\"b\nc\" d\n");
        assert_eq!(found.iter().map(|token| token.line).collect::<Vec<_>>(), [1, 3]);
    }
}
