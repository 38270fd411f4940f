//! Where in a line a default template could stand, and whether it does.
//!
//! Nearly every default template has a time of day in it. So a line is looked over once for what could be one, and
//! what stands before it tells which templates are worth a try, and from where.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};

use super::chars;
use super::cores::Core;
use super::fields::Stamp;
use super::reader::{self, Decades, Reader};

/// What a template found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hit {
    /// All that matched, by which templates are compared.
    pub(super) whole: Range<usize>,
    /// The date, which is cut out.
    pub(super) cut: Range<usize>,
    pub(super) stamp: Stamp,
}

/// A line, with what was learnt of it on the way.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    is_ascii: bool,
    has_odd_letters: OnceCell<bool>,
    prospect: OnceCell<Prospect>,
    first_cores: OnceCell<u32>,
}

/// Where a default template begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Anywhere but inside a word.
    Word,
    /// At the begin of the line, but for two characters that are no letters: `{^LN-BEG}`.
    Line,
    /// At the very begin of the line.
    Start,
    /// Behind the first opening bracket, `^[^\[]*\[`: so the dates of access logs are found.
    Bracket,
}

/// What could be in a line, going by its looks.
struct Prospect {
    /// The default templates that need no time of day, or find one fit for them: a bit each.
    cores: u32,
    /// Where a date with a time of day could begin.
    starts: Range<usize>,
}

/// No default template reaches farther back from the first colon of its time of day.
const REACH: usize = 32;

/// Before the digits of an epoch in a line of the audit log.
const AUDIT: &str = "audit(";

static CENTURY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("20"));

impl<'a> Line<'a> {
    #[inline]
    pub(super) fn new(text: &'a str) -> Self {
        let is_ascii = text.is_ascii();
        Self {
            text,
            is_ascii,
            has_odd_letters: OnceCell::new(),
            prospect: OnceCell::new(),
            first_cores: OnceCell::new(),
        }
    }

    /// Whether every character is a byte.
    #[inline]
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Whether [`find`] knows all that could be part of such a date in it. Of dates that is ASCII.
    #[inline]
    pub(super) fn is_plain_for(&self, core: Core) -> bool {
        self.is_ascii || core.is_count() || !self.has_odd_letters()
    }

    fn has_odd_letters(&self) -> bool {
        *self.has_odd_letters.get_or_init(|| self.text.chars().any(chars::passes_for_ascii))
    }

    /// Whether the template could be found here at all: by the looks of the line, and cheaply.
    #[inline]
    pub(super) fn may_hold(&self, core: Core, begin: Begin) -> bool {
        let cores = match begin {
            Begin::Word => self.prospect().cores,
            Begin::Line | Begin::Start => self.first_cores(),
            Begin::Bracket => return true,
        };
        cores & bit(core) != 0
    }

    /// The templates that could stand at one of the first three places of the line.
    fn first_cores(&self) -> u32 {
        *self.first_cores.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut cores = 0;
            for (at, c) in self.text.char_indices().take(3) {
                cores |= begun_by(&bytes[at..]);
                if chars::is_word(c) {
                    break;
                }
            }
            cores
        })
    }

    fn prospect(&self) -> &Prospect {
        self.prospect.get_or_init(|| Prospect::of(self.text.as_bytes()))
    }
}

/// The first place in the whole line where the template stands.
#[inline(always)]
pub(super) fn find(core: Core, begin: Begin, line: &Line<'_>, decades: Decades) -> Option<Hit> {
    let text = line.text;
    let start = match begin {
        Begin::Start => 0,
        Begin::Line if text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) => 0,
        Begin::Line => return behind_signs(core, text, decades),
        // Behind a bracket no line begins.
        Begin::Bracket if core.is_line_begin() => return None,
        Begin::Bracket => memchr(b'[', text.as_bytes())? + 1,
        Begin::Word => return anywhere(core, text, 0, line.prospect().starts.clone(), decades),
    };
    at(core, text, start, decades, 0)
}

/// At the begin of the line, behind as many characters of no word as may be.
#[inline(never)]
fn behind_signs(core: Core, text: &str, decades: Decades) -> Option<Hit> {
    let mut signs = text.chars().take_while(|c| !chars::is_word(*c)).map(char::len_utf8);
    let (first, second) = (signs.next().unwrap_or(0), signs.next().unwrap_or(0));
    at(core, text, first + second, decades, 0)
        .or_else(|| (second > 0).then(|| at(core, text, first, decades, 0))?)
        .or_else(|| (first > 0).then(|| at(core, text, 0, decades, 0))?)
}

/// The same of a template that may stand anywhere, in a part of the line. What precedes the part is seen, what
/// follows it is not.
pub(super) fn find_in(
    core: Core,
    part: Range<usize>,
    line: &Line<'_>,
    decades: Decades,
) -> Option<Hit> {
    let text = &line.text[..part.end];
    anywhere(core, text, part.start, part, decades)
}

/// Not for most lines, so it does not stand in their way.
#[inline(never)]
fn anywhere(
    core: Core,
    text: &str,
    from: usize,
    starts: Range<usize>,
    decades: Decades,
) -> Option<Hit> {
    let bytes = text.as_bytes();
    let try_at =
        |start: usize| (start >= from).then(|| at(core, text, start, decades, start)).flatten();
    match core {
        // At the begin of the line, behind a bracket there, or in a line of the audit log. (Fail2ban also asks what
        // follows, but in a way that anything will do.)
        Core::Epoch | Core::LongEpoch => {
            let bracket = bytes.first().filter(|first| **first == b'[').map(|_| 1);
            let parens = memchr_iter(b'(', bytes).map(|paren| paren + 1).filter(|start| {
                let before = text[..*start].strip_suffix(AUDIT);
                before.is_some_and(|before| !before.chars().next_back().is_some_and(chars::is_word))
            });
            [0].into_iter().chain(bracket).chain(parens).find_map(try_at)
        }
        Core::Tai64n => memchr_iter(b'@', bytes).find_map(try_at),
        Core::Compact => {
            CENTURY.find_iter(bytes).filter(|start| edge(text, *start)).find_map(try_at)
        }
        _ => {
            let firsts = firsts(core);
            let end = starts.end.min(bytes.len());
            (starts.start..end)
                .filter(|start| kind(bytes[*start]) & firsts != 0 && edge(text, *start))
                .find_map(try_at)
        }
    }
}

/// The template, read from here.
#[inline(always)]
fn at(core: Core, text: &str, start: usize, decades: Decades, whole_start: usize) -> Option<Hit> {
    let mut reader = Reader::new(text, start, decades);
    let stamp = core.read(&mut reader)?;
    let end = reader.at();
    Some(Hit { whole: whole_start..end, cut: start..end, stamp })
}

fn edge(text: &str, at: usize) -> bool {
    Reader::new(text, at, Decades::default()).at_edge()
}

impl Prospect {
    fn of(text: &[u8]) -> Self {
        let mut cores = bit(Core::Epoch) | bit(Core::LongEpoch);
        let mut starts = text.len()..0;
        for colon in memchr_iter(b':', text) {
            let Some(hour) = hour_of(text, colon) else { continue };
            cores |= fit_before(&text[..hour]);
            starts.start = starts.start.min(colon.saturating_sub(REACH));
            starts.end = colon;
        }
        if CENTURY.find_iter(text).any(|start| is_compact(&text[start..])) {
            cores |= bit(Core::Compact);
        }
        if memchr(b'@', text).is_some() {
            cores |= bit(Core::Tai64n);
        }
        Self { cores, starts }
    }
}

/// Where the hour begins, if this colon is the first of a time of day.
fn hour_of(text: &[u8], colon: usize) -> Option<usize> {
    let (hour, minute) = (&text[..colon], &text[colon + 1..]);
    let is_time = match minute {
        [a, b':', b, ..] => a.is_ascii_digit() && b.is_ascii_digit(),
        [a, b, b':', c, ..] => a.is_ascii_digit() && b.is_ascii_digit() && c.is_ascii_digit(),
        _ => false,
    };
    match hour {
        [.., a, b] if is_time && b.is_ascii_digit() => {
            Some(colon - 1 - usize::from(a.is_ascii_digit()))
        }
        [b] if is_time && b.is_ascii_digit() => Some(0),
        _ => None,
    }
}

/// The templates that may have this before their hour.
fn fit_before(text: &[u8]) -> u32 {
    let fit = match text {
        [.., digit, b' '] | [.., digit, b' ', b' '] if digit.is_ascii_digit() => bits(&[
            Core::Iso,
            Core::Syslog,
            Core::SyslogYear,
            Core::DayMonthYear,
            Core::Apache,
            Core::MonthDayYear,
            Core::ShortCompact,
            Core::HalfDay,
            Core::ZoneName,
            Core::ZoneOffset,
        ]),
        [.., b'T'] => bit(Core::Iso),
        [.., b':'] => bits(&[Core::Apache, Core::MonthDayYearColon]),
        [.., digit] if digit.is_ascii_digit() => bit(Core::Apache),
        _ => 0,
    };
    fit | bit(Core::TimeOnly)
}

/// Whether it begins like the compact template.
fn is_compact(text: &[u8]) -> bool {
    text.len() > 8
        && text[2..8].iter().all(u8::is_ascii_digit)
        && matches!(text[8], b'-' | b'T' | b' ')
}

const fn bit(core: Core) -> u32 {
    1 << core as u32
}

fn bits(cores: &[Core]) -> u32 {
    cores.iter().fold(0, |bits, core| bits | bit(*core))
}

/// The templates that may begin like this.
fn begun_by(text: &[u8]) -> u32 {
    let Some(first) = text.first() else { return 0 };
    match first {
        b'0'..=b'9' => bits(&[
            Core::Iso,
            Core::DayMonthYear,
            Core::Apache,
            Core::MonthDayYearColon,
            Core::MonthDayYear,
            Core::Epoch,
            Core::LongEpoch,
            Core::TimeOnly,
            Core::ShortCompact,
            Core::Compact,
        ]),
        b' ' => bits(&[Core::DayMonthYear, Core::Apache]),
        b'A'..=b'Z' | b'a'..=b'z' => {
            // The longest word that may come first is a zone of five letters.
            let ends_soon = text.iter().take(6).any(|byte| *byte == b' ');
            let zones = if ends_soon { bits(&[Core::ZoneName, Core::ZoneOffset]) } else { 0 };
            match text.first_chunk() {
                Some(word) if reader::is_name(*word) => {
                    zones | bits(&[Core::Syslog, Core::SyslogYear, Core::HalfDay, Core::Dashed])
                }
                _ => zones,
            }
        }
        b'+' | b'-' => bit(Core::ZoneOffset),
        b'<' => bit(Core::Angled),
        b'@' => bit(Core::Tai64n),
        _ if first.is_ascii() => 0,
        // A digit of another script.
        _ => bits(&[Core::Epoch, Core::LongEpoch]),
    }
}

const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const BLANK: u8 = 4;
const SIGN: u8 = 8;

/// What a template may begin with.
fn firsts(core: Core) -> u8 {
    match core {
        Core::DayMonthYear | Core::Apache => DIGIT | BLANK,
        Core::Syslog | Core::SyslogYear | Core::HalfDay | Core::ZoneName => LETTER,
        Core::ZoneOffset => LETTER | SIGN,
        _ => DIGIT,
    }
}

fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => DIGIT,
        b'A'..=b'Z' | b'a'..=b'z' => LETTER,
        b' ' => BLANK,
        b'+' | b'-' => SIGN,
        _ => 0,
    }
}
