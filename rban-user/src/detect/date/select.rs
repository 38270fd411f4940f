//! Which of several templates a line's date is taken by (spec, filter 3.5).
//!
//! The one that was right last time is tried first. A date farther to the right than before is probably part of the
//! message, so others are tried, too. Templates that prove right move up the list.
//!
//! Fail2ban also asks there whether the next template ever matched for any jail. That decides nothing: it is asked
//! only of a match that begins the line, and the rule after it takes such a match in any case. So no jail here knows
//! of another.

use std::ops::Range;
use std::time::Duration;

use super::chars;
use super::engine::Workspace;
use super::search::{Hit, Line};
use super::template::Template;
use crate::clock::WallTime;

/// Templates in the order in which they are tried, and what their order depends on.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    entries: Vec<Entry>,
    /// The one that was right last.
    last: Option<usize>,
    begin: Begin,
    end: End,
    /// All before this one have been right once.
    first_unused: usize,
    /// So many lines in a row were dated by the last template.
    steady: u32,
    work: Workspace,
}

#[derive(Clone, Debug)]
struct Entry {
    template: Template,
    hits: u64,
    last_used: Option<WallTime>,
    /// Where its last match began, in characters.
    distance: usize,
}

/// Where the last match began, and what stood there.
#[derive(Clone, Copy, Debug)]
struct Begin {
    at: usize,
    before: Option<char>,
    first: Option<char>,
}

/// Where the last match ended, and what stood there.
#[derive(Clone, Copy, Debug)]
struct End {
    at: usize,
    last: Option<char>,
    behind: Option<char>,
}

/// A template that was not right for so long makes room for others.
const UNUSED: Duration = Duration::from_secs(300);

/// Once so many lines in a row were dated alike, the log is taken to have dates of one kind.
const STEADY_MIN: u32 = 1_000;

/// A template, and what it was good for.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    template: &'a Template,
    /// So many dates were taken by it.
    pub hits: u64,
    /// What counts when templates are put in order.
    pub weight: f64,
}

impl<'a> Used<'a> {
    /// As it is written, tokens and all.
    #[must_use]
    pub fn pattern(&self) -> &'a str {
        self.template.name()
    }

    /// What counts for it from the beginning: more if it begins the line.
    #[must_use]
    pub fn own_weight(&self) -> f64 {
        self.template.weight()
    }

    /// What it is compiled from; `None` for a count of seconds.
    #[must_use]
    pub fn regex(&self) -> Option<&'a str> {
        self.template.regex()
    }
}

impl Selection {
    /// The templates, in the order in which they are tried now.
    pub(super) fn templates(&self) -> impl Iterator<Item = Used<'_>> {
        self.entries.iter().map(|entry| {
            let Entry { template, hits, .. } = entry;
            Used { template, hits: *hits, weight: entry.weight() }
        })
    }

    pub(super) fn new(templates: Vec<Template>) -> Self {
        let entry = |template| Entry { template, hits: 0, last_used: None, distance: usize::MAX };
        Self {
            entries: templates.into_iter().map(entry).collect(),
            last: None,
            begin: Begin { at: 1, before: None, first: None },
            end: End { at: 0, last: None, behind: None },
            first_unused: 0,
            steady: 0,
            work: Workspace::default(),
        }
    }

    /// How many searches took too long and were given up.
    pub(super) fn given_up(&self) -> u64 {
        self.work.given_up
    }

    /// The date in the line.
    #[inline]
    pub(super) fn find(&mut self, line: &Line<'_>, now: WallTime) -> Option<Hit> {
        // So it is for most lines of most logs: as the line before, and at the same end of the line.
        if let Some(last) = self.last
            && self.entries[last].template.is_anchored()
            && let Some(hit) = self.entries[last].template.find(line, &mut self.work)
        {
            self.remember(last, &hit, line, now);
            self.steady = self.steady.saturating_add(1);
            return Some(hit);
        }
        let before = self.last;
        let hit = self.find_anew(line, now);
        let is_same = hit.is_some() && self.last == before;
        self.steady = if is_same { self.steady.saturating_add(1) } else { 0 };
        hit
    }

    /// Whether the template that was right last, and for many lines before, is so for this line, and would be tried
    /// first. Changes nothing that could be asked for.
    pub(super) fn is_as_before(&mut self, line: &Line<'_>) -> bool {
        let Some(last) = self.last.filter(|_| self.steady >= STEADY_MIN) else { return false };
        let template = &self.entries[last].template;
        if template.is_anchored() {
            return template.find(line, &mut self.work).is_some();
        }
        let Some(part) = self.same_place(line) else { return false };
        let hit = template.find_in(part, line, &mut self.work);
        hit.is_some_and(|hit| self.entries.len() == 1 || self.is_same(line, &hit))
    }

    /// So many lines more were dated by the template that was right last.
    pub(super) fn credit(&mut self, lines: u64) {
        if let Some(last) = self.last {
            self.entries[last].hits += lines;
        }
    }

    /// The same as [`find`](Self::find), where the last template does not begin or end the line, or is not to be found.
    #[inline(never)]
    fn find_anew(&mut self, line: &Line<'_>, now: WallTime) -> Option<Hit> {
        let (index, hit) = match self.last {
            Some(last) if self.entries[last].template.is_anchored() => {
                self.choose(line, Some(last), None)
            }
            Some(last) => self.find_near(line, last),
            None => self.choose(line, None, None),
        }?;
        self.remember(index, &hit, line, now);
        if self.last != Some(index) {
            self.prefer(index, now);
        }
        Some(hit)
    }

    /// The date where it was last time, by the same template, or another one.
    fn find_near(&mut self, line: &Line<'_>, last: usize) -> Option<(usize, Hit)> {
        let template = &self.entries[last].template;
        let (hit, tried) = match self.same_place(line) {
            Some(part) => (template.find_in(part, line, &mut self.work), None),
            None if template.may_match(line) => (template.find(line, &mut self.work), Some(last)),
            None => (None, Some(last)),
        };
        match hit {
            Some(hit) if self.entries.len() == 1 || self.is_same(line, &hit) => Some((last, hit)),
            hit => self.choose(line, tried, hit.map(|hit| (last, hit))),
        }
    }

    /// The first date that is to be trusted, by all templates but one that was `tried`; else the nearest, of which
    /// `best` is one.
    fn choose(
        &mut self,
        line: &Line<'_>,
        tried: Option<usize>,
        mut best: Option<(usize, Hit)>,
    ) -> Option<(usize, Hit)> {
        for (index, entry) in self.entries.iter().enumerate() {
            if tried == Some(index) || !entry.template.may_match(line) {
                continue;
            }
            let Some(hit) = entry.template.find(line, &mut self.work) else { continue };
            let start = hit.whole.start;
            let is_trusted = index + 1 == self.entries.len() || entry.template.is_anchored() || {
                let at = chars_before(line, start);
                at <= entry.distance && at <= self.begin.at
            };
            if is_trusted {
                return Some((index, hit));
            }
            if best.as_ref().is_none_or(|(_, best)| start < best.whole.start) {
                best = Some((index, hit));
            }
        }
        best
    }

    /// Where the last match was, if what surrounds it is the same here.
    fn same_place(&self, line: &Line<'_>) -> Option<Range<usize>> {
        let (begin, end) = (self.begin, self.end);
        let (start, before, first) = place(line, begin.at);
        if before != begin.before && (first != begin.first || is_alphanumeric(first)) {
            return None;
        }
        let (stop, last, behind) = place(line, end.at);
        if behind != end.behind && (last != end.last || is_alphanumeric(last)) {
            return None;
        }
        Some(start..stop.max(start))
    }

    /// Whether a match is where the last one was.
    fn is_same(&self, line: &Line<'_>, hit: &Hit) -> bool {
        chars_before(line, hit.whole.start) == self.begin.at
            && chars_before(line, hit.whole.end) == self.end.at
    }

    /// Makes another template the one that is tried first.
    fn prefer(&mut self, index: usize, now: WallTime) {
        if index == self.first_unused {
            self.first_unused += 1;
        }
        self.last = Some(if index == 0 { 0 } else { self.move_up(index, now) });
    }

    /// Remembers where a template was right.
    #[inline]
    fn remember(&mut self, index: usize, hit: &Hit, line: &Line<'_>, now: WallTime) {
        let (before, first) = around(line, hit.whole.start);
        self.begin = Begin { at: chars_before(line, hit.whole.start), before, first };
        let (last, behind) = around(line, hit.whole.end);
        self.end = End { at: chars_before(line, hit.whole.end), last, behind };
        let entry = &mut self.entries[index];
        entry.hits += 1;
        entry.last_used = Some(now);
        entry.distance = self.begin.at;
    }

    /// Moves a template that was right up the list; returns where it is then.
    fn move_up(&mut self, index: usize, now: WallTime) -> usize {
        let mut to = if self.first_unused < index { self.first_unused } else { index / 2 };
        if !self.yields(to, index, now) {
            if to == index - 1 {
                return index;
            }
            to = index - 1;
            if !self.yields(to, index, now) {
                return index;
            }
        }
        self.entries[to..=index].rotate_right(1);
        while self.entries.get(self.first_unused).is_some_and(|entry| entry.hits > 0) {
            self.first_unused += 1;
        }
        to
    }

    /// Whether the one template makes room for the other.
    fn yields(&self, index: usize, other: usize, now: WallTime) -> bool {
        let (entry, other) = (&self.entries[index], &self.entries[other]);
        let is_unused = entry.last_used.is_none_or(|used| now.saturating_sub(UNUSED) > used);
        is_unused || other.weight() > entry.weight()
    }
}

impl Entry {
    fn weight(&self) -> f64 {
        self.hits as f64 * self.template.weight() / self.distance.max(1) as f64
    }
}

/// The characters before and behind a place.
#[inline]
fn around(line: &Line<'_>, at: usize) -> (Option<char>, Option<char>) {
    if line.is_ascii() {
        let byte = |at| line.text.as_bytes().get(at).copied().map(char::from);
        return (at.checked_sub(1).and_then(byte), byte(at));
    }
    (line.text[..at].chars().next_back(), line.text[at..].chars().next())
}

fn is_alphanumeric(c: Option<char>) -> bool {
    c.is_some_and(chars::is_alphanumeric)
}

/// Places are remembered in characters, so that a name in the line before the date counts by its letters.
#[inline]
fn chars_before(line: &Line<'_>, at: usize) -> usize {
    if line.is_ascii() { at } else { line.text[..at].chars().count() }
}

/// The place that so many characters are before, and the characters around it; the end of a line that is shorter,
/// where there are none.
fn place(line: &Line<'_>, chars: usize) -> (usize, Option<char>, Option<char>) {
    let len = line.text.len();
    let at = if line.is_ascii() {
        Some(chars).filter(|at| *at <= len)
    } else {
        line.text.char_indices().map(|(at, _)| at).chain([len]).nth(chars)
    };
    match at {
        Some(at) => {
            let (before, behind) = around(line, at);
            (at, before, behind)
        }
        None => (len, None, None),
    }
}
