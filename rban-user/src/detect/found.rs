//! What a detector finds, and who is told.

use std::time::Duration;

use super::date::Odd;
use super::fields::{Fields, Name, Names, Value};
use super::identity::Identity;
use super::pattern::Pattern;
use crate::clock::WallTime;
use crate::event::Line;

/// A failure, or with [`Style::Every`](super::Style) anything that a failregex matched.
#[derive(Debug)]
pub struct Found<'a> {
    /// Which failregex, counted from 0.
    pub failregex: usize,
    /// Who failed; `None` where the session has not told yet.
    pub identity: Option<&'a Identity>,
    /// When; `None` if no date is known.
    pub time: Option<WallTime>,
    /// The lines that led to it, oldest first.
    pub matches: &'a [Line],
    /// Where in its chunk the line begins at which it was found.
    pub at: usize,
    pub(super) fields: &'a Fields,
    pub(super) names: &'a Names,
    pub(super) prefregex: Option<&'a Pattern>,
    pub(super) pattern: &'a Pattern,
}

impl Found<'_> {
    /// Whether it is a failure, and not only part of one, or none (`<F-NOFAIL>`).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.identity.is_some() && !self.is_nofail()
    }

    /// Whether it is none, whoever it tells of.
    #[must_use]
    pub fn is_nofail(&self) -> bool {
        self.fields.text(Name::NOFAIL).is_some()
    }

    /// Everything captured, by name.
    pub fn captures(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (self.names.text(*name), value))
    }

    /// What was captured under this name.
    #[must_use]
    pub fn capture(&self, name: &str) -> Option<&Value> {
        self.captures().find(|(it, _)| *it == name).map(|(_, value)| value)
    }

    /// The names of all groups of the patterns that matched, whether or not they took part, in the patterns' order, with
    /// what was captured under them; then what else was captured.
    pub fn all(&self) -> impl Iterator<Item = (&str, Option<&Value>)> {
        let patterns = self.prefregex.into_iter().chain([self.pattern]);
        let of_groups = patterns.flat_map(Pattern::names).filter(|name| *name != Name::CONTENT);
        let captured = self.fields.iter().map(|(name, _)| *name);
        let mut told: Vec<Name> = Vec::with_capacity(NAMES_EXPECTED);
        of_groups.chain(captured).filter_map(move |name| {
            let is_new = !told.contains(&name);
            is_new.then(|| {
                told.push(name);
                (self.names.text(name), self.fields.find(name))
            })
        })
    }
}

/// Most filters have no more names than that.
const NAMES_EXPECTED: usize = 16;

/// What became of a line, for one filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether prefregex matched; also where there is none, and any failregex did.
    pub prefixed: bool,
    /// Whether a failregex matched, whatever came of it.
    pub matched: bool,
    /// The ignoreregex that took that back, counted from 0.
    pub ignored: Option<usize>,
    /// How often one did: once for each failregex that had matched.
    pub ignores: u32,
    /// Searches that were given up, having taken too many steps; they count as not matching.
    pub given_up: u32,
}

/// Something that the admin should know of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// It was written just now, and says otherwise; it is taken to be of now.
    Odd {
        /// How far its date is from now.
        odd: Odd,
        /// The line.
        line: &'a str,
    },
    /// It was written before the log was followed, and longer ago than this; such lines are passed over.
    Old {
        /// What counts at most.
        findtime: Duration,
    },
    /// It matched, and has no date.
    NoDate {
        /// The line.
        line: &'a str,
    },
    /// Its date is no date at all: it names no zone that we know, or only a month. The line is passed over.
    BadDate {
        /// The line.
        line: &'a str,
    },
}

/// Who is told what is found. Filters are named by their place in the detector.
pub trait Sink {
    /// A failure, or what [`Style`](super::Style) asks for besides.
    fn found(&mut self, filter: usize, found: &Found<'_>);

    /// Something else that the admin should know.
    fn notice(&mut self, filter: usize, notice: &Notice<'_>) {
        let _ = (filter, notice);
    }

    /// What became of a line; those that no filter can match are passed over unless
    /// [every line](super::Detector::looking_at_every_line) is to be looked at.
    fn line(&mut self, filter: usize, line: &str, seen: Seen) {
        let _ = (filter, line, seen);
    }
}
