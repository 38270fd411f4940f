//! One filter: which lines are failures, and whose (spec, filter 6).

use std::num::NonZeroUsize;

use super::Style;
use super::fields::{Fields, Name, Names, Value};
use super::found::{Found, Seen};
use super::identity::{Identity, identify};
use super::multiline::Buffer;
use super::pattern::{Error, PREFREGEX, Pattern};
use super::pyre::{Flags, LimitReached, Lines, Scratch};
use super::session::{Outcome, Sessions};
use super::tag::UseDns;
use super::which::Which;
use crate::clock::WallTime;
use crate::event::Line;

/// The patterns of a filter, as configuration has them: in Python's dialect, with fail2ban's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// What every line of interest begins with; `<F-CONTENT>` is what `failregex` then looks at.
    pub prefregex: Option<String>,
    /// The first that matches makes a line a failure.
    pub failregex: Vec<String>,
    /// A match of any of these makes it none.
    pub ignoreregex: Vec<String>,
    /// So many lines are looked at together.
    pub maxlines: NonZeroUsize,
    /// What to make of host names.
    pub usedns: UseDns,
}

/// One line, as a filter sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Without its date; valid UTF-8; ends in a newline.
    pub(super) text: &'a [u8],
    /// As it was written, behind the date that it was given if it had none.
    pub(super) line: &'a Line,
    /// Where it begins in its chunk.
    pub(super) at: usize,
    /// The failure's time, if it is known.
    pub(super) time: Option<WallTime>,
    /// The clock's time.
    pub(super) now: WallTime,
    /// What a match without a time comes to.
    pub(super) undated: Undated,
}

/// What a match without a time comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undated {
    Counts,
    DoesNot,
}

/// [`Patterns`], compiled, with what is remembered of earlier lines.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    usedns: UseDns,
    prefregex: Option<Pattern>,
    failregex: Vec<Pattern>,
    ignoreregex: Vec<Pattern>,
    /// Which of `failregex` may match: most texts none.
    which: Which,
    names: Names,
    sessions: Sessions,
    /// Where several lines are looked at together.
    buffer: Option<Buffer>,
    /// Taken while a line is looked at.
    work: Option<Box<Work>>,
}

/// Memory that is used again for each line.
#[derive(Clone, Debug, Default)]
struct Work {
    scratch: Scratch,
    prefix: Fields,
    fields: Fields,
    content: Vec<u8>,
    candidates: Vec<usize>,
    matches: Vec<Line>,
}

impl Filter {
    pub(super) fn new(patterns: &Patterns) -> Result<Self, Error> {
        let mut names = Names::default();
        let usedns = patterns.usedns;
        let mut compile =
            |option, source: &str, flags| Pattern::new(option, source, flags, usedns, &mut names);
        let several = patterns.maxlines.get() > 1;
        let flags = Flags { lines: if several { Lines::Many } else { Lines::One } };
        let prefregex = patterns.prefregex.as_deref();
        let prefregex = prefregex.map(|it| compile(PREFREGEX, it, Flags::default())).transpose()?;
        let failregex: Vec<Pattern> = patterns
            .failregex
            .iter()
            .map(|it| compile("failregex", it, flags))
            .collect::<Result<_, _>>()?;
        let ignoreregex = patterns
            .ignoreregex
            .iter()
            .map(|it| compile("ignoreregex", it, Flags::default()))
            .collect::<Result<_, _>>()?;
        let told = prefregex.as_ref().is_some_and(Pattern::tells_of_somebody);
        let mut untold = failregex.iter().zip(&patterns.failregex);
        if let Some((_, pattern)) = untold.find(|(it, _)| !told && !it.tells_of_somebody()) {
            return Err(Error::Nobody { option: "failregex", pattern: pattern.clone() });
        }
        Ok(Self {
            usedns,
            which: Which::new(&failregex),
            prefregex,
            failregex,
            ignoreregex,
            names,
            sessions: Sessions::default(),
            buffer: several.then(|| Buffer::new(patterns.maxlines)),
            work: None,
        })
    }

    pub(super) fn patterns(&self) -> (Option<&Pattern>, &[Pattern]) {
        (self.prefregex.as_ref(), &self.failregex)
    }

    /// Whether lines are looked at together, so that none may be left out.
    pub(super) fn needs_every_line(&self) -> bool {
        self.buffer.is_some()
    }

    /// The chunk goes; what of it is still needed is copied.
    pub(super) fn leave(&mut self, chunk: &[u8]) {
        self.sessions.leave(chunk);
        if let Some(work) = &mut self.work {
            work.matches.clear();
        }
        if let Some(buffer) = &mut self.buffer {
            buffer.leave(chunk);
        }
    }

    /// Looks at a line, and hands what it finds to `found`.
    pub(super) fn line(
        &mut self,
        subject: &Subject<'_>,
        style: Style,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Seen {
        let mut seen = Seen::default();
        let mut work = self.work.take().unwrap_or_default();
        if let Some(buffer) = &mut self.buffer {
            buffer.push(subject.text, subject.line);
        }
        self.look(subject, style, &mut work, &mut seen, found);
        self.work = Some(work);
        seen
    }

    fn look(
        &mut self,
        subject: &Subject<'_>,
        style: Style,
        work: &mut Work,
        seen: &mut Seen,
        found: &mut dyn FnMut(&Found<'_>),
    ) {
        let joined = self.buffer.as_ref().map(Buffer::text);
        let text = joined.as_deref().unwrap_or(subject.text);
        if self.ignoreregex.len() + 2 < self.failregex.len()
            && self.ignored(text, &mut work.scratch, seen)
        {
            return;
        }
        work.prefix.clear();
        let mut content = std::mem::take(&mut work.content);
        let text = match self.prefix(text, work, &mut content, seen) {
            Prefix::None => Some(text),
            Prefix::Content => Some(&content[..]),
            Prefix::NoMatch => None,
        };
        if let Some(text) = text {
            seen.prefixed = true;
            self.failures(text, subject, style, work, seen, found);
        }
        work.content = content;
    }

    fn prefix(
        &mut self,
        text: &[u8],
        work: &mut Work,
        content: &mut Vec<u8>,
        seen: &mut Seen,
    ) -> Prefix {
        let Some(prefregex) = &self.prefregex else { return Prefix::None };
        if !seen.count(prefregex.search(&mut work.scratch, text)) {
            return Prefix::NoMatch;
        }
        prefregex.capture(&work.scratch, text, &mut work.prefix);
        match prefregex.content(&work.scratch) {
            Some(range) if !range.is_empty() => {
                content.clear();
                content.extend_from_slice(&text[range]);
                content.push(b'\n');
                if let Some(buffer) = &mut self.buffer {
                    buffer.narrow(content);
                }
                Prefix::Content
            }
            _ => Prefix::None,
        }
    }

    fn failures(
        &mut self,
        text: &[u8],
        subject: &Subject<'_>,
        style: Style,
        work: &mut Work,
        seen: &mut Seen,
        found: &mut dyn FnMut(&Found<'_>),
    ) {
        let mut candidates = std::mem::take(&mut work.candidates);
        self.which.candidates(text, &mut candidates);
        let mut left = None;
        for &index in &candidates {
            let text = left.as_deref().unwrap_or(text);
            if !seen.count(self.failregex[index].search(&mut work.scratch, text)) {
                continue;
            }
            if self.failure(index, text, subject, style, work, seen, found) == Next::Stop {
                break;
            }
            // Lines that were used up are not there for the next pattern.
            left = self.buffer.as_ref().map(Buffer::text);
        }
        work.candidates = candidates;
    }

    /// A failregex matched: what does it come to?
    #[expect(clippy::too_many_arguments, reason = "the steps of one line share all of these")]
    fn failure(
        &mut self,
        index: usize,
        text: &[u8],
        subject: &Subject<'_>,
        style: Style,
        work: &mut Work,
        seen: &mut Seen,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Next {
        seen.matched = true;
        let pattern = &self.failregex[index];
        work.fields.clear();
        work.fields.overlay(&work.prefix);
        pattern.capture(&work.scratch, text, &mut work.fields);
        let split = self.buffer.as_ref().map(|buffer| buffer.split(text, pattern, &work.scratch));
        let ignored = match &split {
            Some(split) => {
                let matched = split.matched_text();
                self.ignored(&matched, &mut work.scratch, seen)
            }
            None => self.ignored(text, &mut work.scratch, seen),
        };
        let next = Next::after_match(style);
        if ignored {
            // The lines are used up all the same.
            if let (Some(buffer), Some(split)) = (&mut self.buffer, split) {
                buffer.keep(split);
            }
            return next;
        }
        if subject.time.is_none() && subject.undated == Undated::DoesNot {
            return next;
        }
        work.matches.clear();
        match (&mut self.buffer, split) {
            (Some(buffer), Some(split)) => {
                work.matches.extend(split.matched_lines());
                buffer.keep(split);
            }
            _ => work.matches.push(subject.line.clone()),
        }
        self.report(index, subject, style, work, found)
    }

    /// Merges the match into its session, if it names one, and reports it if it tells of somebody.
    fn report(
        &mut self,
        index: usize,
        subject: &Subject<'_>,
        style: Style,
        work: &mut Work,
        found: &mut dyn FnMut(&Found<'_>),
    ) -> Next {
        let next = Next::after_match(style);
        let mut tell = |identity: Option<&Identity>, fields: &Fields, matches: &[Line]| {
            found(&Found {
                failregex: index,
                identity,
                time: subject.time,
                matches,
                at: subject.at,
                fields,
                names: &self.names,
                prefregex: self.prefregex.as_ref(),
                pattern: &self.failregex[index],
            });
        };
        let session = match work.fields.remove(Name::MLFID) {
            Some(Value::Text(session)) if !session.is_empty() => session,
            _ => {
                let identity = identify(&work.fields, self.usedns);
                if identity.is_some() || style != Style::First {
                    tell(identity.as_ref(), &work.fields, &work.matches);
                }
                return next;
            }
        };
        let name = session;
        let (outcome, session) =
            self.sessions.merge(&name, &mut work.fields, &work.matches, subject.now);
        session.fields.set(Name::MLFID, Value::Text(name));
        if outcome == Outcome::NoFailure && style != Style::Every {
            return next;
        }
        let identity = identify(&session.fields, self.usedns);
        if identity.is_none() {
            session.wait_for_address();
        }
        if identity.is_some() || style != Style::First {
            tell(identity.as_ref(), &session.fields, &session.matches);
        }
        next
    }

    fn ignored(&self, text: &[u8], scratch: &mut Scratch, seen: &mut Seen) -> bool {
        let mut patterns = self.ignoreregex.iter();
        let by = patterns.position(|pattern| seen.count(pattern.search(scratch, text)));
        seen.ignored = by.or(seen.ignored);
        seen.ignores += u32::from(by.is_some());
        by.is_some()
    }
}

impl Seen {
    fn count(&mut self, searched: Result<bool, LimitReached>) -> bool {
        self.given_up += u32::from(searched.is_err());
        searched.unwrap_or(false)
    }
}

enum Prefix {
    /// There is none, or it leaves the whole text.
    None,
    /// It leaves its `<F-CONTENT>`.
    Content,
    NoMatch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

impl Next {
    fn after_match(style: Style) -> Self {
        if style == Style::Every { Self::Go } else { Self::Stop }
    }
}
