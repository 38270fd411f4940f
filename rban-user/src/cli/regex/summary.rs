//! The report of what matched and what did not (spec, client 8.3).

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::failure::Id;
use super::hosts::Hosts;
use crate::clock::WallTime;
use crate::detect::{DateTemplate, Found, Patterns, Seen, Sink, Who, in_words};

/// How much is told besides numbers.
#[derive(Clone, Debug)]
pub(super) struct Telling {
    /// All patterns, and each one's failures.
    pub(super) verbose: bool,
    /// What each date template is made of.
    pub(super) dates: bool,
    pub(super) matched: Shown,
    pub(super) missed: Shown,
    pub(super) ignored: Shown,
    /// Of no more lines than that are all printed where not all are wanted in any case.
    pub(super) lines_max: u64,
}

/// Which lines are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    None,
    IfFew,
    All,
}

/// Counts what becomes of each line.
pub(super) struct Summary {
    telling: Telling,
    /// As configured.
    patterns: Patterns,
    hosts: Hosts,
    zone: TimeZone,
    now: WallTime,
    prefixed: u64,
    failregex: Vec<Counted>,
    ignoreregex: Vec<Counted>,
    total: u64,
    matched: Kept,
    missed: Kept,
    ignored: Kept,
    /// The last lines that were missed, where a later one may have them matched.
    waiting: VecDeque<String>,
    line: ThisLine,
}

/// What was found of the line being looked at.
#[derive(Default)]
struct ThisLine {
    /// Results that count as matches.
    matches: usize,
    /// Whether there was one that is no failure by itself.
    is_nofail: bool,
    /// Earlier lines that it had matched.
    earlier: Vec<String>,
}

/// A pattern's hits.
#[derive(Default)]
struct Counted {
    hits: u64,
    /// Who and when, as it is printed.
    failures: Vec<String>,
}

/// Lines of one kind.
struct Kept {
    shown: Shown,
    count: u64,
    lines: Vec<String>,
}

impl Kept {
    fn new(shown: Shown) -> Self {
        Self { shown, count: 0, lines: Vec::new() }
    }

    fn add(&mut self, line: &str, max: u64) {
        self.count += 1;
        match self.shown {
            Shown::All => self.lines.push(line.to_owned()),
            Shown::IfFew if self.count < max => self.lines.push(line.to_owned()),
            Shown::IfFew => self.lines = Vec::new(),
            Shown::None => {}
        }
    }

    fn take_back(&mut self, line: &str) {
        self.count = self.count.saturating_sub(1);
        if let Some(at) = self.lines.iter().position(|it| it == line) {
            self.lines.remove(at);
        }
    }
}

impl Summary {
    pub(super) fn new(
        telling: Telling,
        patterns: &Patterns,
        zone: TimeZone,
        now: WallTime,
    ) -> Self {
        let counted = |patterns: &[String]| patterns.iter().map(|_| Counted::default()).collect();
        Self {
            prefixed: 0,
            failregex: counted(&patterns.failregex),
            ignoreregex: counted(&patterns.ignoreregex),
            total: 0,
            matched: Kept::new(telling.matched),
            missed: Kept::new(telling.missed),
            ignored: Kept::new(telling.ignored),
            waiting: VecDeque::new(),
            line: ThisLine::default(),
            hosts: Hosts::of_system(),
            patterns: patterns.clone(),
            telling,
            zone,
            now,
        }
    }

    /// Whether any line matched.
    pub(super) fn has_matches(&self) -> bool {
        self.matched.count > 0
    }

    fn result(&mut self, found: &Found<'_>, id: Option<Id<'_>>) {
        let counted = &mut self.failregex[found.failregex];
        counted.hits += 1;
        if self.telling.verbose {
            let mut text = match id {
                Some(id) => id.to_string(),
                None => "None".to_owned(),
            };
            let time = found.time.unwrap_or(self.now);
            let several = if self.line.matches > 1 { " (multiple regex matched)" } else { "" };
            text.push_str(&format!("  {}{several}", date(time, &self.zone)));
            counted.failures.push(text);
        }
        if found.is_nofail() {
            self.line.is_nofail = true;
        } else {
            self.line.matches += 1;
        }
    }

    /// Lines that this one had matched with it, and that were missed so far.
    fn take_back(&mut self, found: &Found<'_>) {
        let Some((_, earlier)) = found.matches.split_last() else { return };
        for line in earlier {
            let line = String::from_utf8_lossy(line);
            if let Some(at) = self.waiting.iter().position(|it| *it == line) {
                let line = self.waiting.remove(at).expect("it was found there");
                self.missed.take_back(&line);
                self.line.earlier.push(line);
            }
        }
    }

    /// The report.
    pub(super) fn text<'d>(
        &self,
        dates: impl Iterator<Item = DateTemplate<'d>>,
        prefregex: Option<&str>,
        took: Duration,
    ) -> String {
        let mut text = "\nResults\n=======\n".to_owned();
        if let Some(prefregex) = prefregex {
            line(&mut text, &format!("\nPrefregex: {} total", self.prefixed));
            block(&mut text, "", &[prefregex.to_owned()]);
        }
        self.regexes(&mut text, "Failregex", &self.patterns.failregex, &self.failregex);
        self.regexes(&mut text, "Ignoreregex", &self.patterns.ignoreregex, &self.ignoreregex);
        line(&mut text, "\nDate template hits:");
        let dates: Vec<String> = dates.flat_map(|it| self.date(&it)).collect();
        if self.total > 0 && !dates.is_empty() {
            block(&mut text, "- [# of hits] date format", &dates);
        }
        let (total, ignored) = (self.total, self.ignored.count);
        let (matched, missed) = (self.matched.count, self.missed.count);
        line(
            &mut text,
            &format!(
                "\nLines: {total} lines, {ignored} ignored, {matched} matched, {missed} missed"
            ),
        );
        line(&mut text, &format!("[processed in {:.2} sec]\n", took.as_secs_f64()));
        self.lines(&mut text, "Matched", &self.matched);
        self.lines(&mut text, "Ignored", &self.ignored);
        self.lines(&mut text, "Missed", &self.missed);
        text
    }

    fn regexes(&self, text: &mut String, title: &str, patterns: &[String], counted: &[Counted]) {
        let total: u64 = counted.iter().map(|it| it.hits).sum();
        line(text, &format!("\n{title}: {total} total"));
        let mut shown = Vec::new();
        for (number, (pattern, counted)) in patterns.iter().zip(counted).enumerate() {
            if counted.hits > 0 || self.telling.verbose {
                shown.push(format!("{:>2}) [{}] {pattern}", number + 1, counted.hits));
                shown.extend(counted.failures.iter().map(|failure| format!("    {failure}")));
            }
        }
        if !shown.is_empty() {
            block(text, "-  #) [# of hits] regular expression", &shown);
        }
    }

    fn date(&self, template: &DateTemplate<'_>) -> Vec<String> {
        if template.hits == 0 && !self.telling.verbose {
            return Vec::new();
        }
        let mut shown = vec![format!("[{}] {}", template.hits, in_words(template.pattern()))];
        if self.telling.dates {
            let (weight, own) = (template.weight, template.own_weight());
            let pattern = template.pattern();
            shown.push(format!("    # weight: {weight:.3} ({own:.3}), pattern: {pattern}"));
            shown.extend(template.regex().map(|regex| format!("    # regex:   {regex}")));
        }
        shown
    }

    fn lines(&self, text: &mut String, kind: &str, kept: &Kept) {
        let count = kept.count;
        match kept.shown {
            Shown::None => {}
            _ if count == 0 => {}
            Shown::IfFew if count >= self.telling.lines_max => {
                let option = kind.to_lowercase();
                line(
                    text,
                    &format!(
                        "{kind} line(s): too many to print.  Use --print-all-{option} to print all {count} lines"
                    ),
                );
            }
            _ => {
                let lines: Vec<String> =
                    kept.lines.iter().map(|line| line.trim_end().to_owned()).collect();
                block(text, &format!("- {kind} line(s):"), &lines);
            }
        }
    }
}

impl Sink for Summary {
    fn found(&mut self, _: usize, found: &Found<'_>) {
        if self.patterns.maxlines.get() > 1 {
            self.take_back(found);
        }
        match found.identity.map(|it| &it.id) {
            Some(Who::Name(name)) => {
                for offender in self.hosts.addresses(name) {
                    self.result(found, Some(Id::Offender(offender)));
                }
            }
            who => self.result(found, who.map(Id::of)),
        }
    }

    fn line(&mut self, _: usize, line: &str, seen: Seen) {
        self.total += 1;
        self.prefixed += u64::from(seen.prefixed);
        if let Some(by) = seen.ignored {
            self.ignoreregex[by].hits += u64::from(seen.ignores);
        }
        let ThisLine { matches, is_nofail, earlier } = std::mem::take(&mut self.line);
        let max = self.telling.lines_max;
        if seen.ignored.is_some() || is_nofail {
            self.ignored.add(line, max);
        } else if matches > 0 {
            earlier.iter().chain([&line.to_owned()]).for_each(|line| self.matched.add(line, max));
        } else {
            self.missed.add(line, max);
            if self.patterns.maxlines.get() > 1 {
                if self.waiting.len() >= self.patterns.maxlines.get() {
                    self.waiting.pop_front();
                }
                self.waiting.push_back(line.to_owned());
            }
        }
    }
}

/// As C's `ctime` has it.
fn date(time: WallTime, zone: &TimeZone) -> String {
    let at = Timestamp::from_microsecond(time.as_micros()).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%a %b %d %H:%M:%S %Y").to_string()
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

/// Lines in a frame, under a heading if there is one.
fn block(text: &mut String, heading: &str, lines: &[String]) {
    if !heading.is_empty() {
        line(text, &format!("|{heading}"));
    }
    lines.iter().for_each(|it| line(text, &format!("|  {it}")));
    line(text, "`-");
}
