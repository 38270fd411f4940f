//! The tags that only a ban can fill in, and how hostile text gets into a command (spec, jail 11).
//!
//! What a log holds was written by attackers. Text in which a shell might see more than text never becomes part of the
//! command: it travels as an argument, is assigned to a variable, and the tag becomes that variable's name.

use std::borrow::Cow;

use super::tags::{Family, next_tag};
use super::ticket::Facts;
use crate::said::Quoted;

/// More than this of one value is cut off, the beginning of it: the kernel allows an argument 128 KiB.
const VALUE_MAX_BYTES: usize = 96 * 1024;

/// All values together come to no more: the kernel allows about two million bytes.
const VALUES_MAX_BYTES: usize = 1024 * 1024;

/// A longer value travels as an argument, however harmless, for the command is one of those itself.
const LITERAL_MAX_BYTES: usize = 1_024;

/// More of a command is not shown in the log.
const SHOWN_MAX_BYTES: usize = 8 * 1024;

/// How variables begin that hold what a filter captured.
const CAPTURE: &str = "f2bV_F_";

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

    /// As fail2ban's log shows it, but not at any length.
    pub(super) fn shown(&self) -> String {
        let mut shown = self.whole();
        if shown.len() > SHOWN_MAX_BYTES {
            shown.truncate(shown.floor_char_boundary(SHOWN_MAX_BYTES));
            shown.push_str(" […]");
        }
        shown
    }

    fn whole(&self) -> String {
        if self.values.is_empty() {
            return self.text.clone();
        }
        let values = self.values.iter().map(|value| String::from_utf8_lossy(value));
        let words = std::iter::once(Cow::Borrowed(&*self.text)).chain(values);
        let words: Vec<_> = words.map(|word| Quoted(&word).to_string()).collect();
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
    // Captures come last, as fail2ban puts them.
    variables.sort_by_key(|(name, _)| name.starts_with(CAPTURE));
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

/// The value as an argument can be: text without NUL, and not too long. Its end is kept: the latest lines stand there.
fn passable(value: &[u8], room: usize) -> Vec<u8> {
    let room = VALUE_MAX_BYTES.min(room);
    let text = String::from_utf8_lossy(&value[value.len().saturating_sub(room)..]);
    // What is no text grew when it was made some.
    let start = text.ceil_char_boundary(text.len().saturating_sub(room));
    text[start..].bytes().filter(|byte| *byte != 0).collect()
}

fn variable(tag: &str) -> String {
    let word = |char: char| if char.is_ascii_alphanumeric() { char } else { '_' };
    let name: String = match tag.strip_prefix("F-") {
        Some(name) => return format!("{CAPTURE}{}", name.to_lowercase().replace('-', "_")),
        None => tag.chars().map(word).collect(),
    };
    format!("f2bV_{name}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::actions::ticket::{Found, Ticket};
    use crate::clock::WallTime;

    fn filled(command: &str, user: &str, line: &[u8]) -> Script {
        let bantime = Some(Duration::from_secs(600));
        let ticket = Ticket {
            id: "192.0.2.1".into(),
            ip: "192.0.2.1".parse().ok(),
            captures: vec![("user".into(), user.to_owned()), ("fid".into(), "me".to_owned())],
            matches: vec![Bytes::copy_from_slice(line)],
            ..Ticket::empty(WallTime::from_secs(0), bantime)
        };
        let facts = Facts { jail: &"sshd".into(), ticket: &ticket, found: &Found::default() };
        fill(command, &facts, Family::Inet4)
    }

    #[track_caller]
    fn check(command: &str, user: &str, text: &str, values: &[&str]) {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let expected = Script { text: text.to_owned(), values };
        assert_eq!(filled(command, user, b"a line"), expected);
    }

    #[test]
    fn harmless_text_is_put_in_and_hostile_text_travels() {
        check("x \"<F-USER>\" <ip>", "a b", "x \"a b\" 192.0.2.1", &[]);
        check(
            "x <F-USER> <F-USER>",
            "a;b",
            "f2bV_F_user=$0 \nx $f2bV_F_user $f2bV_F_user",
            &["a;b"],
        );
        check("<F-ID><F-NONE><F-user><x>", "", "me<F-user><x>", &[]);
    }

    #[test]
    fn captures_are_assigned_last_as_fail2ban_does() {
        let script = filled("<F-USER> <matches>", "a'b", b"a'b c");
        assert_eq!(script.text, "f2bV_matches=$0 f2bV_F_user=$1 \n$f2bV_F_user $f2bV_matches");
        assert_eq!(
            script.shown(),
            "['f2bV_matches=$0 f2bV_F_user=$1 \\n$f2bV_F_user $f2bV_matches', \"a'b c\", \"a'b\"]"
        );
    }

    #[test]
    fn what_a_ban_says_is_not_searched_for_tags() {
        check("x <F-USER>", "<ip>", "f2bV_F_user=$0 \nx $f2bV_F_user", &["<ip>"]);
    }

    #[test]
    fn bytes_that_are_no_text_stay_within_what_the_kernel_takes() {
        let script = filled("<matches>", "", &[0xff; 200_000]);
        assert!(script.values[0].len() <= VALUE_MAX_BYTES);
        assert!(std::str::from_utf8(&script.values[0]).is_ok());
    }

    proptest! {
        #[test]
        fn no_hostile_byte_of_a_log_becomes_part_of_a_command(line in any::<Vec<u8>>(), user in ".*") {
            let command = "x <matches> <F-USER> <ipmatches>";
            let script = filled(command, &user, &line);
            let text = script.text.split_once('\n').map_or(&*script.text, |(_, text)| text);
            let assigned = text.replace("$f2bV_", "");
            prop_assert!(!assigned.bytes().any(|byte| HOSTILE.contains(&byte)), "{}", script.text);
        }
    }
}
