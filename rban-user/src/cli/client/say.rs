//! What the client itself has to say, on standard error in the format of fail2ban's log (spec, jail 14.2).

use std::io::{self, Write};
use std::process;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::{Now, WallTime};

/// How much an admin must care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Info,
    Warning,
    Error,
}

/// Says what is important enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Says {
    from: Level,
}

impl Says {
    /// As many `-v` and `-q` ask for; errors are always told.
    pub(super) fn of_verbosity(verbosity: i32) -> Self {
        let from = match verbosity {
            1.. => Level::Info,
            0 => Level::Warning,
            _ => Level::Error,
        };
        Self { from }
    }

    pub(super) fn info(self, text: &str) {
        self.say(Level::Info, text);
    }

    pub(super) fn error(self, text: &str) {
        self.say(Level::Error, text);
    }

    /// Of the configuration, which has a logger of its own.
    pub(super) fn found(self, text: &str) {
        self.say_as("fail2ban.configreader", Level::Warning, text);
    }

    fn say(self, level: Level, text: &str) {
        self.say_as("fail2ban", level, text);
    }

    fn say_as(self, logger: &str, level: Level, text: &str) {
        if level >= self.from {
            let now = Now::read().wall;
            let line = line(now, &TimeZone::system(), logger, process::id(), level, text);
            // Nobody is there to be told if this fails.
            drop(io::stderr().write_all(line.as_bytes()));
        }
    }
}

fn line(
    now: WallTime,
    zone: &TimeZone,
    logger: &str,
    pid: u32,
    level: Level,
    text: &str,
) -> String {
    let at = Timestamp::from_microsecond(now.as_micros()).unwrap_or_default();
    let local = at.to_zoned(zone.clone());
    let (date, millis) = (local.strftime("%Y-%m-%d %H:%M:%S"), local.millisecond());
    let level = match level {
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
    };
    format!("{date},{millis:03} {logger:<24}[{pid}]: {level:<7} {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_specification() {
        let now = WallTime::from_micros(1_795_245_834_566_999);
        let line =
            line(now, &TimeZone::UTC, "fail2ban", 6387, Level::Error, "NOK: ('Invalid command',)");
        assert_eq!(
            line,
            "2026-11-21 07:23:54,566 fail2ban                [6387]: ERROR   NOK: ('Invalid command',)\n"
        );
    }
}
