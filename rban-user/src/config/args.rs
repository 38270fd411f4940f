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
    #[error(
        "expected option, wrong syntax at {at}: {}; write option=value, without blanks before the =",
        shortened(rest)
    )]
    ExpectedOption {
        /// Where, in characters within the brackets.
        at: usize,
        /// What stands there.
        rest: String,
    },
    /// Something behind a value.
    #[error(
        "unexpected syntax at {at} after option '{}': {}; write a comma between options, and quotes around a value with , or ]",
        shortened(option),
        shortened(rest)
    )]
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
    // A comma may end the list, even one of nothing.
    let is_end = |rest: &str| strip(rest.strip_prefix(',').unwrap_or(rest)).is_empty();
    let at = |rest: &str| all[..all.len() - rest.len()].chars().count();
    while !is_end(rest) {
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

/// How long the entry is that a text starts with: its name with its options as far as they are well-formed and a blank
/// follows, else everything up to a blank.
fn entry_len(text: &str) -> usize {
    let name = text.trim_start_matches(|c| c != '[' && !is_blank(c));
    let mut longest = (name.len() < text.len() && at_end(name)).then_some(name);
    if name.len() < text.len()
        && let Some(options) = name.trim_start_matches(is_blank).strip_prefix('[')
    {
        longest = behind_options(options).or(longest);
    }
    match longest {
        Some(rest) => text.len() - rest.len(),
        None => text.find(is_blank).unwrap_or(text.len()),
    }
}

fn at_end(rest: &str) -> bool {
    rest.chars().next().is_none_or(is_blank)
}

/// What stands behind the last bracket that closes well-formed options and has a blank behind it.
fn behind_options(mut rest: &str) -> Option<&str> {
    let mut longest = None;
    loop {
        if let Some(after) = rest.trim_start_matches(is_blank).strip_prefix(']') {
            return Some(after).filter(|after| at_end(after)).or(longest);
        }
        let Some((_, value)) = key(rest) else { return longest };
        let is_end = |rest: &&str| rest.starts_with([',', ']']);
        let behind_quotes = quoted(value).map(|(_, rest)| rest.trim_start_matches(is_blank));
        rest = behind_quotes.filter(is_end).unwrap_or_else(|| unquoted(value).1);
        if let Some(after) = rest.strip_prefix(']').filter(|after| at_end(after)) {
            longest = Some(after);
        }
        let Some(after) = separator(rest) else { return longest };
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, name: &str, options: &[(&str, &str)]) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let options = options.iter().map(owned).collect();
        assert_eq!(parse(text), Ok(Spec { name: name.to_owned(), options }), "{text}");
    }

    #[track_caller]
    fn refused(text: &str, in_fail2ban: &str) {
        assert_eq!(parse(text).expect_err(text).in_fail2ban(), in_fail2ban, "{text}");
    }

    #[track_caller]
    fn splits(list: &str, entries: &[&str]) {
        assert_eq!(split(list).collect::<Vec<_>>(), entries, "{list}");
    }

    #[test]
    fn options_stand_in_brackets() {
        check("sshd", "sshd", &[]);
        check("sshd[]", "sshd", &[]);
        check("sshd[ ]", "sshd", &[]);
        check("sshd[,]", "sshd", &[]);
        check("sshd[a=1,, ]", "sshd", &[("a", "1")]);
        check("sshd[mode=aggressive]", "sshd", &[("mode", "aggressive")]);
        check("sshd[a=1][b=2]", "sshd", &[("a", "1"), ("b", "2")]);
        check("sshd[a=1] \n [b=2]", "sshd", &[("a", "1"), ("b", "2")]);
        check("sshd[a=1,]", "sshd", &[("a", "1")]);
        check("sshd[ a=x y\n , b=2 ]\n", "sshd", &[("a", "x y"), ("b", "2")]);
        check("x[a=,b=\"\"]", "x", &[("a", ""), ("b", "")]);
    }

    #[test]
    fn blanks_belong_to_the_name() {
        check("sshd [a=1]", "sshd ", &[("a", "1")]);
        check("x\ny[a=1]", "x\ny", &[("a", "1")]);
    }

    #[test]
    fn quotes_hold_what_would_end_a_value() {
        check("sshd[a=\"x,y]z\"]", "sshd", &[("a", "x,y]z")]);
        check("x[a='a\"b',b=\"c'd\"]", "x", &[("a", "a\"b"), ("b", "c'd")]);
        check("x[a=\" x]\n[y \"]", "x", &[("a", "x]\n[y")]);
        check("x[b= \"2\"]", "x", &[("b", "\"2\"")]);
        check("x[a=\"q]", "x", &[("a", "\"q")]);
        check("x[a=\"x\"\n]", "x", &[("a", "x")]);
    }

    #[test]
    fn the_later_of_two_counts_and_case_matters() {
        check("x[a=1,b=2,a=3,A=4]", "x", &[("a", "3"), ("b", "2"), ("A", "4")]);
    }

    #[test]
    fn a_key_may_have_a_condition() {
        check("x[a?family=inet6=b=c]", "x", &[("a?family=inet6", "b=c")]);
        check("x[é.b-c_1=2]", "x", &[("é.b-c_1", "2")]);
        refused("x[a?b=3]", "expected option, wrong syntax at 0: a?b=3");
    }

    #[test]
    fn what_is_no_spec_is_refused() {
        refused("x[c = 3]", "expected option, wrong syntax at 0: c = 3");
        refused("x[foo]", "expected option, wrong syntax at 0: foo");
        refused("x[a b=1]", "expected option, wrong syntax at 0: a b=1");
        refused("x[é=1,é=2, é]", "expected option, wrong syntax at 8:  é");
        refused("x[a=1,,b=2]", "expected option, wrong syntax at 4: ,b=2");
        refused("x[][b=2]", "expected option, wrong syntax at 0: ][b=2");
        refused("x[a=\"x\"y]", "unexpected syntax at 5 after option 'a': y");
        refused("x[a=x]y]", "unexpected syntax at 3 after option 'a': ]y");
        refused("x[a=\"x\" , b=2]", "unexpected syntax at 5 after option 'a':  , b=2");
        for text in ["x[a=1", "", "[a=1]", "x[a=1]x"] {
            refused(text, "unexpected option syntax");
        }
    }

    #[test]
    fn a_refusal_says_what_to_write() {
        let message = parse("x[c\n = 3]").unwrap_err().to_string();
        let expected = "expected option, wrong syntax at 0: c  = 3; write option=value, without \
                        blanks before the =";
        assert_eq!(message, expected);
    }

    #[test]
    fn entries_are_divided_by_blanks_outside_of_brackets() {
        splits("  a  b\n\n c\t", &["a", "b", "c"]);
        splits("a[x=1] b[y=\"1 2\"]\nc", &["a[x=1]", "b[y=\"1 2\"]", "c"]);
        splits("a [x=1] b", &["a [x=1]", "b"]);
        splits("a[x=1,\n y=2]\n  b", &["a[x=1,\n y=2]", "b"]);
        splits("a[x=1] [y=2] [z=3]  c [d=1]", &["a[x=1] [y=2] [z=3]", "c [d=1]"]);
        splits("a[x='] b'] c", &["a[x='] b']", "c"]);
        splits("a[ ] b", &["a[ ]", "b"]);
        splits("a[x=1 2, ] b", &["a[x=1 2, ]", "b"]);
        splits("a, b", &["a,", "b"]);
        splits("", &[]);
    }

    #[test]
    fn a_malformed_entry_ends_at_the_next_blank() {
        splits("a[x=1 b c", &["a[x=1", "b", "c"]);
        splits("a[foo bar] b", &["a[foo", "bar]", "b"]);
        splits("a[c = 3] b", &["a[c", "=", "3]", "b"]);
        splits("a[x=1]c[y=\"2 3\"]", &["a[x=1]c[y=\"2", "3\"]"]);
        splits("a [x=1]b [y=2] c", &["a", "[x=1]b", "[y=2]", "c"]);
        splits("a[x=1] [foo] b", &["a[x=1]", "[foo]", "b"]);
        splits("a[x=\"] y\" z] b", &["a[x=\"]", "y\"", "z]", "b"]);
        splits("[x=1] b", &["[x=1]", "b"]);
        splits("a[x=1 2,][y=3] b", &["a[x=1", "2,][y=3]", "b"]);
        splits("a[][y=3 4] b", &["a[][y=3", "4]", "b"]);
    }

    proptest! {
        #[test]
        fn what_is_quoted_comes_back(
            names in proptest::collection::vec(("[a-c]{1,3}", "[^\"\\s]([^\"]{0,6}[^\"\\s])?"), 0..4)
        ) {
            let entry = |(name, value): &(String, String)| format!("{name}=\"{value}\"");
            let text = format!("x[{}]", names.iter().map(entry).collect::<Vec<_>>().join(", "));
            let spec = parse(&text).unwrap();
            for (name, value) in &spec.options {
                let last = names.iter().rfind(|(it, _)| it == name).unwrap();
                prop_assert_eq!(value.as_str(), strip(&last.1));
            }
            let list = format!("{text} y");
            prop_assert_eq!(split(&list).collect::<Vec<_>>(), [&*text, "y"]);
        }

        #[test]
        fn no_text_is_too_odd(text in "[a=\\[\\],\"' \n?é]{0,20}") {
            drop(parse(&text));
            let joined: String = split(&text).collect();
            let kept = |text: &str| text.chars().filter(|c| !is_blank(*c)).collect::<String>();
            prop_assert_eq!(kept(&joined), kept(&text));
        }
    }
}
