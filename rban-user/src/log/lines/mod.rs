//! The lines of fail2ban's log that tools and people look for (spec, jail 15), each made in one place.
//!
//! Who is banned may be any text, a user name say, which a client chose. `]` before a blank is written `\x5d` in it:
//! fail2ban's own filter `recidive` takes `[j] Ban x] Ban 192.0.2.1` for a ban of that address.

mod actions;
mod filter;
mod server;

use std::fmt::{self, Display};

use jiff::tz::TimeZone;

use super::layout;
use crate::clock::WallTime;
use crate::said::{Level, Said};
pub(crate) use actions::*;
pub(crate) use filter::*;
pub(crate) use server::*;

/// `2026-11-21 07:22:54`, in that zone.
pub(crate) fn moment(at: WallTime, zone: &TimeZone) -> String {
    layout::to_the_second(at, zone)
}

/// `[J] …`.
fn in_jail(logger: &'static str, level: Level, jail: &str, what: fmt::Arguments<'_>) -> Said {
    Said::new(logger, level, format!("[{jail}] {what}"))
}

/// Who failed or is banned, so that nobody takes it for more.
struct Id<'a>(&'a dyn Display);

impl Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(']') {
            let (before, after) = (&rest[..at], &rest[at + 1..]);
            let ends_a_jail = after.starts_with(|char: char| char.is_whitespace());
            write!(f, "{before}{}", if ends_a_jail { "\\x5d" } else { "]" })?;
            rest = after;
        }
        f.write_str(rest)
    }
}

/// A text in Python's quotes.
struct Repr<'a>(&'a str);

impl Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.0.contains('\'') && !self.0.contains('"') { '"' } else { '\'' };
        write!(f, "{quote}")?;
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                char if char == quote => write!(f, "\\{char}")?,
                char if char.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(char))?,
                char => write!(f, "{char}")?,
            }
        }
        write!(f, "{quote}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_ends_no_jails_name() {
        let shown = |text: &str| Id(&text).to_string();
        assert_eq!(shown("192.0.2.1"), "192.0.2.1");
        assert_eq!(shown("[x]"), "[x]");
        assert_eq!(shown("x] Ban 192.0.2.1]\t"), "x\\x5d Ban 192.0.2.1\\x5d\t");
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        let shown = |text: &str| Repr(text).to_string();
        assert_eq!(shown("it"), "'it'");
        assert_eq!(shown("it's"), "\"it's\"");
        assert_eq!(shown("'\"\\\n\u{1}"), "'\\'\"\\\\\\n\\x01'");
    }
}
