//! What there is to say in the log, before anybody decides where it goes.

use std::fmt::{self, Display, Write};
use std::str::FromStr;

/// How much a line matters, least first. Python's numbers and fail2ban's own between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Of every step of everything.
    HeavyDebug,
    /// Of every step of something.
    TraceDebug,
    /// Only of use when searching for a fault.
    Debug,
    /// Between debug and info: what a client is told anyway.
    Msg,
    /// Details of what goes on.
    Info,
    /// What goes on: bans above all.
    Notice,
    /// Something that an admin may want to know.
    Warning,
    /// Something failed.
    Error,
    /// A firewall or the like is not as it should be, and stays so.
    Critical,
}

impl Level {
    /// As Python counts.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::HeavyDebug => 5,
            Self::TraceDebug => 7,
            Self::Debug => 10,
            Self::Msg => 18,
            Self::Info => 20,
            Self::Notice => 25,
            Self::Warning => 30,
            Self::Error => 40,
            Self::Critical => 50,
        }
    }

    /// As it stands in a line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::HeavyDebug => "HEAVY",
            Self::TraceDebug => "TRACE",
            Self::Debug => "DEBUG",
            Self::Msg => "MSG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// From which level on lines are written: `loglevel`, by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Threshold(u32);

impl Threshold {
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    pub(crate) const fn lets_through(self, level: Level) -> bool {
        level.number() >= self.0
    }

    /// What [`Threshold::number`] gave.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }
}

impl From<Level> for Threshold {
    fn from(level: Level) -> Self {
        Self(level.number())
    }
}

/// Text that is no level. In fail2ban's words, which its client prints.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid log level '{0}'")]
pub(crate) struct NotALevel(String);

impl FromStr for Threshold {
    type Err = NotALevel;

    fn from_str(text: &str) -> Result<Self, NotALevel> {
        let level = match text.to_uppercase().as_str() {
            "CRITICAL" | "FATAL" => Level::Critical,
            "ERROR" => Level::Error,
            "WARNING" | "WARN" => Level::Warning,
            "NOTICE" => Level::Notice,
            "INFO" => Level::Info,
            "MSG" => Level::Msg,
            "DEBUG" => Level::Debug,
            "TRACEDEBUG" => Level::TraceDebug,
            "HEAVYDEBUG" => Level::HeavyDebug,
            "NOTSET" => return Ok(Self(0)),
            digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                // Beyond every level is beyond every level.
                return Ok(Self(digits.parse().unwrap_or(u32::MAX)));
            }
            _ => return Err(NotALevel(text.to_owned())),
        };
        Ok(level.into())
    }
}

/// One line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who says it: `filter`, `actions`, …; what fail2ban has no name for is said by `rban`.
    pub logger: &'static str,
    /// How much it matters.
    pub level: Level,
    /// May hold anything that a client sent; the log makes one line of it.
    pub text: String,
}

impl Said {
    pub(crate) fn new(logger: &'static str, level: Level, text: impl Into<String>) -> Self {
        Self { logger, level, text: text.into() }
    }
}

/// Who failed or is banned, so that nobody takes it for more: it may be any text, a user name say, which a client chose.
/// `]` before a blank is written `\x5d` in it: fail2ban's own filter `recidive` takes `[j] Ban x] Ban 192.0.2.1` for a
/// ban of that address.
pub(crate) struct SaidId<'a>(pub(crate) &'a dyn Display);

impl Display for SaidId<'_> {
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

/// A text in Python's quotes, so that it stays on one line.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.0.contains('\'') && !self.0.contains('"') { '"' } else { '\'' };
        f.write_char(quote)?;
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                char if char == quote => write!(f, "\\{char}")?,
                char if char.is_control() => write!(f, "\\x{:02x}", u32::from(char))?,
                char => f.write_char(char)?,
            }
        }
        f.write_char(quote)
    }
}

/// The logger's name as it stands in a line.
pub(crate) struct LoggerName(pub(crate) &'static str);

impl Display for LoggerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "rban" => f.write_str("rban"),
            name => write!(f, "fail2ban.{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, number: u32) {
        assert_eq!(text.parse(), Ok(Threshold(number)));
    }

    #[test]
    fn levels_are_known_by_name_and_by_number() {
        check("INFO", 20);
        check("warn", 30);
        check("MSG", 18);
        check("HeavyDebug", 5);
        check("7", 7);
        check("99999999999999", u32::MAX);
    }

    #[test]
    fn what_is_no_level_is_refused_in_fail2bans_words() {
        for text in ["FOO", "", "-1", "1.5"] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid log level '{text}'"));
        }
    }

    #[test]
    fn an_id_ends_no_jails_name() {
        let shown = |text: &str| SaidId(&text).to_string();
        assert_eq!(shown("192.0.2.1"), "192.0.2.1");
        assert_eq!(shown("[x]"), "[x]");
        assert_eq!(shown("x] Ban 192.0.2.1]\t"), "x\\x5d Ban 192.0.2.1\\x5d\t");
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        let shown = |text: &str| Quoted(text).to_string();
        assert_eq!(shown("it"), "'it'");
        assert_eq!(shown("it's"), "\"it's\"");
        assert_eq!(shown("'\"\\\n\u{1}\u{85}"), "'\\'\"\\\\\\n\\x01\\x85'");
    }

    #[test]
    fn a_threshold_lets_its_own_level_through() {
        let notice = Threshold::from(Level::Notice);
        assert!(notice.lets_through(Level::Notice) && notice.lets_through(Level::Critical));
        assert!(!notice.lets_through(Level::Info));
    }
}
