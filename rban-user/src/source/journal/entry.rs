//! An entry's fields → the line that filters see (spec, jail 9.2).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::WallTime;

/// Fields that are asked for; the journal adds its cursor and its own times.
pub(super) const WANTED: [&str; 8] = [
    "MESSAGE",
    "SYSLOG_IDENTIFIER",
    "SYSLOG_PID",
    "_COMM",
    "_HOSTNAME",
    "_PID",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_SOURCE_REALTIME_TIMESTAMP",
];

/// An entry has at most so many messages; others are dropped.
const MESSAGES_MAX: usize = 16;

/// One entry of the journal, as a line with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it was written.
    pub time: WallTime,
    /// What its time is written as before it: ISO 8601 in the local zone, and a blank.
    pub date: String,
    /// `HOST IDENT[PID]: MESSAGE`, without a newline.
    pub text: String,
}

/// What is read of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    cursor: Option<String>,
    realtime: Option<i64>,
    monotonic: Option<i64>,
    source_realtime: Option<i64>,
    source_monotonic: Option<i64>,
    hostname: Option<String>,
    identifier: Option<String>,
    comm: Option<String>,
    syslog_pid: Option<String>,
    pid: Option<String>,
    messages: Vec<String>,
}

impl Fields {
    /// Sets a field, unless it is set; there may be several messages.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) {
        let text = || String::from_utf8_lossy(value).into_owned();
        let number = || str::from_utf8(value).ok()?.trim().parse().ok();
        let first = |field: &mut Option<String>| {
            field.get_or_insert_with(text);
        };
        match name {
            b"__CURSOR" => first(&mut self.cursor),
            b"__REALTIME_TIMESTAMP" => self.realtime = number(),
            b"__MONOTONIC_TIMESTAMP" => self.monotonic = number(),
            b"_SOURCE_REALTIME_TIMESTAMP" => self.source_realtime = number(),
            b"_SOURCE_MONOTONIC_TIMESTAMP" => self.source_monotonic = number(),
            b"_HOSTNAME" => first(&mut self.hostname),
            b"SYSLOG_IDENTIFIER" => first(&mut self.identifier),
            b"_COMM" => first(&mut self.comm),
            b"SYSLOG_PID" => first(&mut self.syslog_pid),
            b"_PID" => first(&mut self.pid),
            b"MESSAGE" if self.messages.len() < MESSAGES_MAX => self.messages.push(text()),
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// When the journal got it.
    pub(super) fn received(&self) -> Option<WallTime> {
        self.realtime.map(WallTime::from_micros)
    }

    /// The line; `None` without a time.
    pub(super) fn entry(&self, zone: &TimeZone) -> Option<Entry> {
        let time = WallTime::from_micros(self.source_realtime.or(self.realtime)?);
        Some(Entry { time, date: date(time, zone)?, text: self.text() })
    }

    pub(super) fn text(&self) -> String {
        let identifier = self.identifier.as_ref().or(self.comm.as_ref());
        let pid = self.syslog_pid.as_ref().or(self.pid.as_ref());
        let mut parts: Vec<String> = self.hostname.iter().cloned().collect();
        if let Some(identifier) = identifier {
            let pid = pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
            parts.push(format!("{identifier}{pid}:"));
        }
        let monotonic = self.source_monotonic.or(self.monotonic);
        if let Some(micros) = monotonic
            && identifier.is_some_and(|identifier| identifier == "kernel")
        {
            let stamp = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            parts.push(format!("[{stamp:>12}]"));
        }
        if !self.messages.is_empty() {
            parts.push(self.messages.join(" "));
        }
        parts.join(" ").replace('\n', "\\n")
    }
}

/// To the microsecond, unless the second is whole.
fn date(time: WallTime, zone: &TimeZone) -> Option<String> {
    let micros = time.as_micros();
    let local = zone.to_datetime(Timestamp::from_microsecond(micros).ok()?);
    let second = local.strftime("%Y-%m-%dT%H:%M:%S");
    Some(match micros.rem_euclid(1_000_000) {
        0 => format!("{second} "),
        fraction => format!("{second}.{fraction:06} "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &str, expected: &str) {
        let mut entry = Fields::default();
        for field in fields.split('|') {
            let (name, value) = field.split_once('=').unwrap();
            entry.set(name.as_bytes(), value.as_bytes());
        }
        assert_eq!(entry.text(), expected, "{fields}");
    }

    #[test]
    fn an_entry_becomes_a_line_as_in_syslog() {
        check("_HOSTNAME=h|SYSLOG_IDENTIFIER=sshd|_COMM=x|_PID=7|MESSAGE=m", "h sshd[7]: m");
        check("_HOSTNAME=h|_COMM=x|SYSLOG_PID=6|_PID=7|MESSAGE=m", "h x[6]: m");
        check("_HOSTNAME=h|_COMM=x|MESSAGE=m", "h x: m");
        check("MESSAGE=m", "m");
        check("_HOSTNAME=h|_COMM=x", "h x:");
        check("MESSAGE=a|MESSAGE=b", "a b");
        check("_COMM=x|MESSAGE=a\nb", "x: a\\nb");
    }

    #[test]
    fn the_kernel_has_a_stamp() {
        let kernel = "_HOSTNAME=h|SYSLOG_IDENTIFIER=kernel|MESSAGE=m";
        check(&format!("{kernel}|__MONOTONIC_TIMESTAMP=12345678"), "h kernel: [   12.345678] m");
        let source = "_SOURCE_MONOTONIC_TIMESTAMP=1234567000001|__MONOTONIC_TIMESTAMP=5";
        check(&format!("{kernel}|{source}"), "h kernel: [1234567.000001] m");
        check(kernel, "h kernel: m");
    }

    #[test]
    fn its_time_is_that_of_its_writer() {
        let mut fields = Fields::default();
        assert_eq!(fields.entry(&TimeZone::UTC), None);
        fields.set(b"__REALTIME_TIMESTAMP", b"1763740000000000");
        let entry = fields.entry(&TimeZone::UTC).unwrap();
        assert_eq!(entry.date, "2025-11-21T15:46:40 ");
        fields.set(b"_SOURCE_REALTIME_TIMESTAMP", b"1763740000000123");
        let entry = fields.entry(&TimeZone::UTC).unwrap();
        assert_eq!(entry.date, "2025-11-21T15:46:40.000123 ");
        assert_eq!(entry.time.as_micros(), 1_763_740_000_000_123);
    }
}
