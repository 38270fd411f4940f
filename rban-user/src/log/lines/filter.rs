//! Of logs, lines and failures.

use std::fmt::{self, Display};
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::{SaidId, in_jail, moment};
use crate::clock::WallTime;
use crate::log::duration::Readable;
use crate::said::{Level, Quoted, Said};

const FILTER: &str = "filter";

/// A failure counts.
pub(crate) fn found(jail: &str, id: &dyn Display, at: WallTime, zone: &TimeZone) -> Said {
    let at = moment(at, zone);
    in_jail(FILTER, Level::Info, jail, format_args!("Found {} - {at}", SaidId(id)))
}

/// A failure was told by an admin.
pub(crate) fn attempt(jail: &str, id: &dyn Display, at: WallTime, zone: &TimeZone) -> Said {
    let at = moment(at, zone);
    in_jail(FILTER, Level::Info, jail, format_args!("Attempt {} - {at}", SaidId(id)))
}

/// A failure does not count. Sources are `ip`, `dns`, `command`, `ignoreself rule`, ….
pub(crate) fn ignored(jail: &str, id: &dyn Display, source: &dyn Display) -> Said {
    in_jail(FILTER, Level::Info, jail, format_args!("Ignore {} by {source}", SaidId(id)))
}

/// What a line's date, far from now, looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspicion {
    TimeZone,
    Latency,
}

impl Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimeZone => "timezone",
            Self::Latency => "latency",
        })
    }
}

/// On which side of now a line's date lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// A line that was just written is not of now, by so much.
pub(crate) fn odd_time(jail: &str, off: Duration, side: Side, suspicion: Suspicion) -> Said {
    let side = if side == Side::Before { "before" } else { "after" };
    let off = Readable(off.as_secs_f64());
    in_jail(
        FILTER,
        Level::Warning,
        jail,
        format_args!(
            "Detected a log entry {off} {side} the current time in operation mode. This looks like a {suspicion} problem. Treating such entries as if they just happened."
        ),
    )
}

/// Which line that was.
pub(crate) fn odd_line(jail: &str, line: &str) -> Said {
    let what =
        format_args!("Please check a jail for a timing issue. Line with odd timestamp: {line}");
    in_jail(FILTER, Level::Warning, jail, what)
}

/// Lines from before the start are passed over.
pub(crate) fn old_entries(jail: &str, findtime: Duration) -> Said {
    in_jail(
        FILTER,
        Level::Warning,
        jail,
        format_args!(
            "Ignoring all log entries older than {}s; these are probably messages generated while fail2ban was not running.",
            findtime.as_secs_f64()
        ),
    )
}

/// A line matches, and nobody knows when it was written.
pub(crate) fn no_timestamp(jail: &str, time_text: &str, line: &str) -> [Said; 3] {
    let warn = |what: fmt::Arguments<'_>| in_jail(FILTER, Level::Warning, jail, what);
    [
        warn(format_args!("Found a match but no valid date/time found for {}.", Quoted(time_text))),
        warn(format_args!("Match without a timestamp: {line}")),
        warn(format_args!("Please try setting a custom date pattern (see man page jail.conf(5)).")),
    ]
}

/// A log is followed from there on; the hash is of its first line.
pub(crate) fn added_log(path: &Path, position: u64, hash: &str) -> Said {
    let path = path.display();
    info(format!("Added logfile: '{path}' (pos = {position}, hash = {hash})"))
}

/// A log is followed no more.
pub(crate) fn removed_log(path: &Path) -> Said {
    info(format!("Removed logfile: '{}'", path.display()))
}

/// `maxretry` is set.
pub(crate) fn maxretry(times: u32) -> Said {
    info(format!("  maxRetry: {times}"))
}

/// `findtime` is set, in seconds.
pub(crate) fn findtime(secs: &dyn Display) -> Said {
    info(format!("  findtime: {secs}"))
}

/// `logencoding` is set.
pub(crate) fn encoding(name: &str) -> Said {
    info(format!("  encoding: {name}"))
}

/// `maxlines` is set.
pub(crate) fn maxlines(lines: u32) -> Said {
    info(format!("  maxLines: {lines}"))
}

fn info(text: String) -> Said {
    Said::new(FILTER, Level::Info, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &Said, level: Level, text: &str) {
        assert_eq!((said.logger, said.level, said.text.as_str()), (FILTER, level, text));
    }

    #[test]
    fn failures_are_told_with_their_time() {
        let (at, zone) = (WallTime::from_secs(1_795_245_774), TimeZone::UTC);
        let found = found("j", &"192.0.2.1", at, &zone);
        check(&found, Level::Info, "[j] Found 192.0.2.1 - 2026-11-21 07:22:54");
        let attempt = attempt("j", &"192.0.2.1", at, &zone);
        check(&attempt, Level::Info, "[j] Attempt 192.0.2.1 - 2026-11-21 07:22:54");
    }

    #[test]
    fn logs_are_told_with_their_position() {
        let path = Path::new("/var/log/a");
        check(
            &added_log(path, 5, "da39"),
            Level::Info,
            "Added logfile: '/var/log/a' (pos = 5, hash = da39)",
        );
        check(&removed_log(path), Level::Info, "Removed logfile: '/var/log/a'");
    }

    #[test]
    fn settings_are_indented() {
        check(&encoding("utf-8"), Level::Info, "  encoding: utf-8");
        check(&maxlines(10), Level::Info, "  maxLines: 10");
    }

    #[test]
    fn a_clock_that_is_hours_off_has_another_zone() {
        let off = Duration::from_secs(7_200);
        let said = odd_time("j", off, Side::After, Suspicion::TimeZone);
        assert!(said.text.starts_with("[j] Detected a log entry 2h after the current time"));
        assert!(said.text.contains("This looks like a timezone problem."));
    }
}
