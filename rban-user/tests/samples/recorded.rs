//! What our filters find in the package's samples, as data: a filter may find more than is recorded, never less.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::Path;

use crate::run::{Outcome, Wrong};

/// Counts by filter.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    counts: BTreeMap<String, Counts>,
    /// What was found that is not annotated so.
    wrong: BTreeMap<String, Vec<String>>,
}

/// What a filter finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    found: usize,
    annotated: usize,
    /// Failures that are none by the annotation, or of somebody else.
    wrong: usize,
}

impl Recorded {
    /// Lines are `NAME FOUND ANNOTATED FALSE  why`; those that begin with `#` explain.
    pub(crate) fn read(file: &Path) -> Self {
        let text = fs::read_to_string(file).unwrap_or_else(|it| panic!("{}: {it}", file.display()));
        let mut recorded = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let name = words.next().expect("the line is not empty").to_owned();
            let mut number = || words.next().and_then(|it| it.parse().ok()).expect(line);
            let counts = Counts { found: number(), annotated: number(), wrong: number() };
            recorded.counts.insert(name, counts);
        }
        recorded
    }

    pub(crate) fn add(&mut self, filter: &str, outcome: &Outcome) {
        let is_false = |wrong: &&Wrong| matches!(wrong, Wrong::False(_));
        let wrong: Vec<String> =
            outcome.wrong.iter().filter(is_false).map(ToString::to_string).collect();
        let Outcome { found, failures: annotated, .. } = *outcome;
        let counts = Counts { found, annotated, wrong: wrong.len() };
        self.counts.insert(filter.to_owned(), counts);
        self.wrong.insert(filter.to_owned(), wrong);
    }

    /// Nothing is found less than is recorded, and nothing more is wrong.
    pub(crate) fn check(&self, recorded: &Self) {
        let mut text = String::from("\n");
        let mut worse = String::new();
        for (filter, counts) in &self.counts {
            let Counts { found, annotated, wrong } = *counts;
            writeln!(text, "{filter}: {found} of {annotated} found, {wrong} false").unwrap();
            let before = recorded.counts.get(filter).copied().unwrap_or_default();
            if found < before.found || annotated != before.annotated || wrong > before.wrong {
                let more = self.wrong[filter].join("\n");
                writeln!(worse, "{filter} {found} {annotated} {wrong}  was {before:?}\n{more}")
                    .unwrap();
            }
        }
        stdout().write_all(text.as_bytes()).unwrap();
        assert!(worse.is_empty(), "mend the filter, or tests/filters/packaged.txt:\n{worse}");
    }
}
