//! Lines that may matter, found in whole chunks by the literals that every match must contain.
//!
//! Most lines of a log are no failures, and most of those lack every literal. One pass of a vectorised search over a chunk
//! skips them without even looking for their ends.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, packed};
use memchr::memmem;

use super::filter::Filter;
use super::pattern::Pattern;
use super::required::{Required, chance, either, required};

/// Where a date may be cut out of a line: a literal may stand on both sides of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seams {
    /// Not beside a letter, digit or underscore.
    BetweenWords,
    /// Anywhere.
    Anywhere,
}

/// Before literals were counted in a chunk of at least so many bytes, which of them are rare is guessed.
const SAMPLE_BYTES: usize = 16 * 1024;

/// Of a longer chunk, so many bytes are a sample.
const SAMPLE_MAX_BYTES: usize = 256 * 1024;

/// Tells at little cost of most lines that no filter matches them.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    /// What each filter could be looked for by.
    choices: Vec<(usize, Choices)>,
    learned: bool,
    /// Any of all filters' literals; `None` where one of them may match anything.
    any: Option<Searcher>,
    /// Each filter's own, by its place in the detector; where there is but one, [`any`](Self::any) is its.
    own: Vec<(usize, Option<Searcher>)>,
    /// For so many bytes every line is looked at, as most lines had a literal.
    pause: usize,
}

/// Where so many of a chunk's bytes cannot be passed over, looking for literals costs more than it spares,
const WORTH_PART: usize = 3;
/// and is left for so many times the chunk's bytes.
const PAUSE_CHUNKS: usize = 32;
/// Smaller chunks tell nothing.
const WEIGHED_BYTES_MIN: usize = 4 * 1024;

/// Finds the first of some literals.
#[derive(Clone, Debug)]
enum Searcher {
    One(Box<memmem::Finder<'static>>),
    /// Some, by vector instructions.
    Few(packed::Searcher),
    Many(AhoCorasick),
}

impl Searcher {
    fn of(set: &Required) -> Option<Self> {
        if let [literal] = &set.0[..] {
            return Some(Self::One(Box::new(memmem::Finder::new(literal).into_owned())));
        }
        // Should the literals be too many, there is no harm in doing without.
        let few = packed::Searcher::new(&set.0).map(Self::Few);
        few.or_else(|| AhoCorasick::new(&set.0).ok().map(Self::Many))
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::One(finder) => finder.find(text),
            Self::Few(searcher) => searcher.find(text).map(|found| found.start()),
            Self::Many(searcher) => searcher.find(text).map(|found| found.start()),
        }
    }
}

/// Of each pattern all sets of literals of which a match contains one; none where nothing is known.
#[derive(Clone, Debug, Default)]
struct Choices {
    prefix: Vec<Required>,
    failures: Vec<Vec<Required>>,
}

impl Prefilter {
    /// Made for these filters, each with its place in the detector; `Seams` says where their dates are cut out.
    pub(super) fn new<'a>(filters: impl Iterator<Item = (usize, &'a Filter, Seams)>) -> Self {
        let choices = filters.map(|(place, filter, seams)| (place, Choices::of(filter, seams)));
        let choices = choices.collect();
        let mut prefilter = Self { choices, learned: false, any: None, own: Vec::new(), pause: 0 };
        prefilter.choose(chance);
        prefilter
    }

    /// One that rules no line out.
    pub(super) fn of_nothing() -> Self {
        Self { choices: Vec::new(), learned: true, any: None, own: Vec::new(), pause: 0 }
    }

    /// Chooses the rarest literals, once a chunk of this very log tells which they are.
    pub(super) fn learn(&mut self, chunk: &[u8]) {
        if self.learned || chunk.len() < SAMPLE_BYTES {
            return;
        }
        self.learned = true;
        let sample = &chunk[..chunk.len().min(SAMPLE_MAX_BYTES)];
        let sets =
            self.choices.iter().flat_map(|(_, it)| it.failures.iter().flatten().chain(&it.prefix));
        let mut counts: HashMap<Vec<u8>, f64> =
            sets.flat_map(|set| set.0.iter().map(|it| (it.clone(), 0.0))).collect();
        for (literal, count) in &mut counts {
            // What is absent from the sample may yet differ in how rare it is.
            *count = memmem::find_iter(sample, literal).count() as f64 + chance(literal);
        }
        self.choose(|literal| counts[literal]);
    }

    fn choose(&mut self, weight: impl Fn(&[u8]) -> f64) {
        let rarest = |(place, choices): &(usize, Choices)| (*place, choices.rarest(&weight));
        let sets: Vec<(usize, Option<Required>)> = self.choices.iter().map(rarest).collect();
        let all = sets.iter().map(|(_, set)| set.clone());
        let all = all.reduce(|one, other| either(one?, other?)).flatten();
        self.any = all.as_ref().and_then(Searcher::of);
        let own =
            |(place, set): (usize, Option<Required>)| (place, set.as_ref().and_then(Searcher::of));
        self.own = sets.into_iter().map(own).collect();
    }

    /// Where in the chunk the next literal is; `None` if no line of it can match.
    pub(super) fn next(&self, chunk: &[u8]) -> Option<usize> {
        match &self.any {
            Some(any) if self.pause == 0 => any.find(chunk),
            _ => Some(0).filter(|_| !chunk.is_empty()),
        }
    }

    /// Weighs, at the end of a chunk, whether looking for literals was worth it: so many bytes were passed over.
    pub(super) fn weigh(&mut self, bytes: usize, passed_over: usize) {
        if self.pause > 0 {
            self.pause = self.pause.saturating_sub(bytes);
        } else if bytes >= WEIGHED_BYTES_MIN && passed_over < bytes / WORTH_PART {
            self.pause = bytes * PAUSE_CHUNKS;
        }
    }

    /// False only if the filter at this place cannot match the line, in which a literal was found.
    pub(super) fn concerns(&self, filter: usize, line: &[u8]) -> bool {
        let own = self.own.iter().find(|(place, _)| *place == filter);
        let own = own.and_then(|(_, own)| own.as_ref()).filter(|_| self.own.len() > 1);
        own.is_none_or(|own| own.find(line).is_some())
    }
}

impl Choices {
    fn of(filter: &Filter, seams: Seams) -> Self {
        if filter.needs_every_line() {
            return Self::default();
        }
        let sets = |pattern: &Pattern| -> Vec<Required> {
            let sets = required(&pattern.pyre.over_approximation()).into_iter();
            sets.filter_map(|set| apart(&set, seams)).collect()
        };
        let (prefix, failures) = filter.patterns();
        Self {
            prefix: prefix.map(sets).unwrap_or_default(),
            failures: failures.iter().map(sets).collect(),
        }
    }

    /// What the filter is looked for by, where the literals are as common as `weight` says.
    fn rarest(&self, weight: impl Fn(&[u8]) -> f64) -> Option<Required> {
        let total = |set: &Required| -> f64 { set.0.iter().map(|literal| weight(literal)).sum() };
        let rarest =
            |sets: &[Required]| sets.iter().min_by(|a, b| total(a).total_cmp(&total(b))).cloned();
        let mut failures = self.failures.iter().map(|sets| rarest(sets));
        let first = failures.next().flatten();
        let failures = first.and_then(|first| failures.try_fold(first, |all, it| either(all, it?)));
        let both = [rarest(&self.prefix), failures];
        both.into_iter().flatten().min_by(|a, b| total(a).total_cmp(&total(b)))
    }
}

/// What stays whole of each literal wherever a date was cut out of it.
fn apart(set: &Required, seams: Seams) -> Option<Required> {
    let pieces = set.0.iter().map(|literal| match seams {
        Seams::BetweenWords => longest_piece(literal).map(|piece| vec![piece.to_vec()]),
        Seams::Anywhere => halves(literal),
    });
    let mut literals = pieces.collect::<Option<Vec<_>>>()?.concat();
    literals.sort();
    literals.dedup();
    Some(Required(literals)).filter(|set| !set.0.is_empty())
}

/// The longest piece with no place inside between two bytes that are no part of words.
fn longest_piece(literal: &[u8]) -> Option<&[u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    let pieces = literal.chunk_by(|a, b| is_word(a) || is_word(b));
    pieces.max_by_key(|piece| piece.len())
}

/// Cut once anywhere, a literal keeps its first half or its second.
fn halves(literal: &[u8]) -> Option<Vec<Vec<u8>>> {
    (literal.len() > 1).then(|| {
        let (first, second) = literal.split_at(literal.len() / 2);
        vec![first.to_vec(), second.to_vec()]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, seams: Seams, pieces: &[&str]) {
        let set = apart(&Required(vec![literal.into()]), seams);
        let found: Vec<String> = set
            .map(|set| set.0.into_iter().map(|it| String::from_utf8(it).unwrap()).collect())
            .unwrap_or_default();
        assert_eq!(found, pieces, "{literal}");
    }

    #[test]
    fn a_literal_is_cut_where_a_date_may_have_been() {
        check("Failed password for ", Seams::BetweenWords, &["Failed password for "]);
        check("\" 404 ", Seams::BetweenWords, &[" 404 "]);
        check("[] []", Seams::BetweenWords, &["]"]);
        check("é: ", Seams::BetweenWords, &["é:"]);
    }

    #[test]
    fn cut_anywhere_one_half_stays() {
        check("Failed", Seams::Anywhere, &["Fai", "led"]);
        check("a", Seams::Anywhere, &[]);
    }
}
