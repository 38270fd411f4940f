//! What a line looks like (spec, jail 14.2).
//!
//! A layout is Python's: text with `%(message)s` and the like in it, widths and all. Or JSON, which is ours.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::clock::WallTime;
use crate::said::{LoggerName, Said};

/// No field is padded beyond this.
const WIDTH_MAX: usize = 200;

/// How a line is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Text and fields.
    Text(Vec<Part>),
    /// An object on each line.
    Json,
}

/// A piece of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Field { field: Field, width: usize, side: Side },
}

/// What a record has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Time,
    Logger,
    Pid,
    Level,
    LevelNumber,
    Message,
}

/// Where in its column a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Whether lines begin with their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datetime {
    On,
    Off,
}

/// Whether loggers and levels have columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    On,
    Off,
}

/// A format that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "format has {0:?}; write %(asctime)s, %(name)s, %(process)d, %(levelname)s, %(levelno)d or %(message)s, and %% for %"
)]
pub(crate) struct NotAFormat(String);

impl Layout {
    /// fail2ban's own.
    pub(crate) fn fail2bans(datetime: Datetime, padding: Padding) -> Self {
        let time = if datetime == Datetime::On { "%(asctime)s " } else { "" };
        let rest = match padding {
            Padding::On => "%(name)-24s[%(process)d]: %(levelname)-7s %(message)s",
            Padding::Off => "%(name)s[%(process)d]: %(levelname)s %(message)s",
        };
        Self::parse(&format!("{time}{rest}")).expect("made of fields there are")
    }

    /// Reads a format as Python writes it.
    ///
    /// # Errors
    /// Where it asks for what no record has.
    pub(crate) fn parse(format: &str) -> Result<Self, NotAFormat> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("%%") {
                literal.push('%');
                rest = after;
                continue;
            }
            let (part, after) = field(rest).ok_or_else(|| NotAFormat(head(rest)))?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self::Text(parts))
    }
}

/// `%(name)-24s` at the start of the text, and what follows it.
fn field(text: &str) -> Option<(Part, &str)> {
    let (name, rest) = text.strip_prefix("%(")?.split_once(')')?;
    let field = match name {
        "asctime" => Field::Time,
        "name" => Field::Logger,
        "process" => Field::Pid,
        "levelname" => Field::Level,
        "levelno" => Field::LevelNumber,
        "message" => Field::Message,
        _ => return None,
    };
    let (side, rest) = match rest.strip_prefix('-') {
        Some(rest) => (Side::Left, rest),
        None => (Side::Right, rest),
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (width, rest) = rest.split_at(digits);
    let width = if width.is_empty() { 0 } else { width.parse().ok()? };
    let is_number = matches!(field, Field::Pid | Field::LevelNumber);
    let rest = rest.strip_prefix('s').or_else(|| rest.strip_prefix('d').filter(|_| is_number))?;
    (width <= WIDTH_MAX).then_some((Part::Field { field, width, side }, rest))
}

fn head(text: &str) -> String {
    text.chars().take(30).collect()
}

/// What a line says, and when and by whom it was said.
pub(super) struct Record<'a> {
    pub(super) said: &'a Said,
    /// As [`Stamp`] writes it.
    pub(super) time: &'a str,
    pub(super) at: WallTime,
    pub(super) pid: u32,
}

impl Record<'_> {
    /// Appends the record, without a line end.
    pub(super) fn write(&self, layout: &Layout, out: &mut Vec<u8>) {
        match layout {
            Layout::Text(parts) => parts.iter().for_each(|part| self.write_part(part, out)),
            Layout::Json => self.write_json(out),
        }
    }

    fn write_part(&self, part: &Part, out: &mut Vec<u8>) {
        match part {
            Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Part::Field { field, width, side } => {
                let start = out.len();
                self.write_field(*field, out).expect("memory takes all");
                pad(out, start, *width, *side);
            }
        }
    }

    fn write_field(&self, field: Field, out: &mut Vec<u8>) -> io::Result<()> {
        match field {
            Field::Time => out.write_all(self.time.as_bytes()),
            Field::Logger => write!(out, "{}", LoggerName(self.said.logger)),
            Field::Pid => write!(out, "{}", self.pid),
            Field::Level => out.write_all(self.said.level.name().as_bytes()),
            Field::LevelNumber => write!(out, "{}", self.said.level.number()),
            Field::Message => {
                write_on_one_line(&self.said.text, out);
                Ok(())
            }
        }
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Object<'a> {
            time: String,
            logger: String,
            pid: u32,
            level: &'a str,
            message: &'a str,
        }
        let object = Object {
            time: rfc3339(self.at),
            logger: LoggerName(self.said.logger).to_string(),
            pid: self.pid,
            level: self.said.level.name(),
            message: &self.said.text,
        };
        serde_json::to_writer(out, &object).expect("memory takes all, and texts are UTF-8");
    }
}

fn pad(out: &mut Vec<u8>, start: usize, width: usize, side: Side) {
    let starts_a_char = |byte: &&u8| !matches!(byte, 0x80..=0xbf);
    let missing = width.saturating_sub(out[start..].iter().filter(starts_a_char).count());
    out.resize(out.len() + missing, b' ');
    if side == Side::Right {
        out[start..].rotate_right(missing);
    }
}

/// Whoever made up part of a text must not make up lines with it, nor speak to the terminal of who reads them.
fn write_on_one_line(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return out.extend_from_slice(text.as_bytes());
    }
    for char in text.chars() {
        let ends_a_line = matches!(char, '\u{2028}' | '\u{2029}');
        match (char, char.is_control() || ends_a_line) {
            ('\t', _) | (_, false) => {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            (char, true) => out.extend(char.escape_default().map(|ascii| ascii as u8)),
        }
    }
}

fn rfc3339(at: WallTime) -> String {
    let at = Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S.%3f%:z").to_string()
}

/// `2026-11-21 07:22:55,376`, made anew once a second, the thousandths aside.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    /// The second that the text tells, if it tells any.
    second: Option<i64>,
    text: String,
}

impl Stamp {
    /// The zone is asked for once a second.
    pub(super) fn of(&mut self, at: WallTime, zone: impl FnOnce() -> TimeZone) -> &str {
        let (second, micros) =
            (at.as_micros().div_euclid(1_000_000), at.as_micros().rem_euclid(1_000_000));
        if self.second != Some(second) {
            self.second = Some(second);
            self.text = to_the_second(WallTime::from_secs(second), &zone());
            self.text.push(',');
        }
        let end = self.text.len() - if self.text.ends_with(',') { 0 } else { 3 };
        self.text.truncate(end);
        write!(self.text, "{:03}", micros / 1_000).expect("memory takes all");
        &self.text
    }
}

/// `2026-11-21 07:22:55`.
pub(super) fn to_the_second(at: WallTime, zone: &TimeZone) -> String {
    match Timestamp::from_microsecond(at.as_micros()) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => NEVER.to_owned(),
    }
}

/// How fail2ban writes the end of what has none.
const NEVER: &str = "9999-12-31 23:59:59";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::said::Level;

    /// What becomes of a text in a layout, at a fixed time.
    #[track_caller]
    fn check(layout: &Layout, text: &str, line: &str) {
        let said = Said::new("actions", Level::Notice, text);
        let at = WallTime::from_micros(1_795_245_775_376_999);
        let mut stamp = Stamp::default();
        let time = stamp.of(at, || TimeZone::UTC);
        let mut out = Vec::new();
        Record { said: &said, time, at, pid: 1854 }.write(layout, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), line);
    }

    #[test]
    fn fail2bans_layouts() {
        let ban = "[j1] Ban 192.0.2.1";
        check(
            &Layout::fail2bans(Datetime::On, Padding::On),
            ban,
            "2026-11-21 07:22:55,376 fail2ban.actions        [1854]: NOTICE  [j1] Ban 192.0.2.1",
        );
        check(
            &Layout::fail2bans(Datetime::Off, Padding::On),
            ban,
            "fail2ban.actions        [1854]: NOTICE  [j1] Ban 192.0.2.1",
        );
        check(
            &Layout::fail2bans(Datetime::Off, Padding::Off),
            ban,
            "fail2ban.actions[1854]: NOTICE [j1] Ban 192.0.2.1",
        );
    }

    #[test]
    fn a_format_of_ones_own() {
        let layout =
            Layout::parse("%(levelname)8s %(levelno)d 100%% %(message)s <%(name)s>").unwrap();
        check(&layout, "x", "  NOTICE 25 100% x <fail2ban.actions>");
    }

    #[test]
    fn formats_ask_for_nothing_that_there_is_not() {
        for format in ["%(funcName)s", "%", "%(message)", "%(message)d", "%(message)9999s", "%s"] {
            assert!(Layout::parse(format).is_err(), "{format}");
        }
    }

    #[test]
    fn nobody_makes_up_lines() {
        let layout = Layout::parse("%(message)s").unwrap();
        check(
            &layout,
            "a\nb\r\u{1b}[2J\u{85}\u{2028}c\tä",
            "a\\nb\\r\\u{1b}[2J\\u{85}\\u{2028}c\tä",
        );
    }

    #[test]
    fn json_keeps_the_text() {
        let said = Said::new("rban", Level::Error, "a\n\"b\"");
        let record = Record { said: &said, time: "", at: WallTime::from_secs(0), pid: 1 };
        let mut out = Vec::new();
        record.write(&Layout::Json, &mut out);
        let object: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(object["message"], "a\n\"b\"");
        assert_eq!(object["logger"], "rban");
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 0);
    }

    #[test]
    fn the_thousandths_change_within_a_second() {
        let mut stamp = Stamp::default();
        let mut show =
            |micros| stamp.of(WallTime::from_micros(micros), || TimeZone::UTC).to_owned();
        assert_eq!(show(1_000), "1970-01-01 00:00:00,001");
        assert_eq!(show(999_999), "1970-01-01 00:00:00,999");
        assert_eq!(show(1_000_000), "1970-01-01 00:00:01,000");
        assert_eq!(show(-1), "1969-12-31 23:59:59,999");
    }
}
