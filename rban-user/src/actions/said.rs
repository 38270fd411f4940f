//! What actions say in fail2ban's log (spec, jail 10 and 12).

use std::fmt::Write;

/// How grave it is, in fail2ban's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A firewall or the like is not as it should be, and stays so.
    Critical,
    /// Something failed.
    Error,
    /// Something that an admin may want to know.
    Warning,
    /// What goes on.
    Notice,
    /// Details of that.
    Info,
    /// Only of use when searching for a fault.
    Debug,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which part of fail2ban says it, without `fail2ban.`.
    pub logger: &'static str,
    /// How grave it is.
    pub level: Level,
    /// The words.
    pub text: String,
}

impl Said {
    pub(super) fn actions(level: Level, text: String) -> Self {
        Self { logger: "actions", level, text }
    }

    pub(super) fn action(level: Level, text: &str) -> Self {
        Self { logger: "CommandAction", level, text: text.to_owned() }
    }

    pub(super) fn utils(level: Level, text: String) -> Self {
        Self { logger: "utils", level, text }
    }
}

/// Text as Python shows it in a list: quoted, so that it stays on one line.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for char in text.chars() {
        match char {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            _ if char == quote => out.extend(['\\', quote]),
            _ if (char as u32) < 0x100 && char.is_control() => {
                write!(out, "\\x{:02x}", char as u32).expect("a String takes all");
            }
            _ => out.push(char),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_python_does() {
        for (text, expected) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("'\"", "'\\'\"'"),
            ("a\nb\\\x1b", "'a\\nb\\\\\\x1b'"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
