//! Which of many patterns may match a text, in one pass over it.
//!
//! Most patterns begin with a literal at the beginning of the text, which leaves few. Where it leaves more, an automaton
//! of all patterns' over-approximations, which are regular, decides. What is ruled out need not be searched for by the
//! exact engine.

use std::ops::Range;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Compiler, Config};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Hir, Look};

use super::pattern::Pattern;

/// Memory of the automaton's states; when full it begins anew.
const CACHE_BYTES: usize = 4 << 20;

/// Patterns whose automaton would be larger than this are all searched for, one by one.
const AUTOMATON_BYTES: usize = 8 << 20;

/// As few candidates are searched for without asking the automaton.
const FEW: u32 = 2;

/// Of one pattern, so many ways to begin are told apart.
const BEGINNINGS_MAX: usize = 16;

/// Knows of a list of patterns which of them may match.
#[derive(Clone, Debug)]
pub(super) struct Which {
    patterns: usize,
    beginnings: Option<Beginnings>,
    automaton: Option<Automaton>,
}

/// How texts begin that patterns match.
#[derive(Clone, Debug)]
struct Beginnings {
    /// The first bytes of literals, by the first of them.
    literals: Vec<Beginning>,
    /// Where those of each first byte stand among all.
    by_byte: Box<[Range<u16>; 256]>,
    /// The patterns that may begin otherwise, one bit each.
    others: u128,
}

#[derive(Clone, Debug)]
struct Automaton {
    dfa: DFA,
    cache: Cache,
    found: PatternSet,
}

impl Which {
    pub(super) fn new(patterns: &[Pattern]) -> Self {
        let automaton = (patterns.len() > 1).then(|| Automaton::new(patterns)).flatten();
        let beginnings = automaton.as_ref().and_then(|_| Beginnings::new(patterns));
        Self { patterns: patterns.len(), beginnings, automaton }
    }

    /// The patterns that may match anywhere in this text, by their place in the list, in its order.
    pub(super) fn candidates(&mut self, text: &[u8], candidates: &mut Vec<usize>) {
        candidates.clear();
        if let Some(beginnings) = &self.beginnings {
            let mut few = beginnings.of(text);
            if few.count_ones() <= FEW {
                while few != 0 {
                    candidates.push(few.trailing_zeros() as usize);
                    few &= few - 1;
                }
                return;
            }
        }
        if let Some(automaton) = &mut self.automaton
            && automaton.search(text)
        {
            candidates.extend(automaton.found.iter().map(|pattern| pattern.as_usize()));
        } else {
            candidates.extend(0..self.patterns);
        }
    }
}

/// Up to eight bytes that a text begins with, as a number, and the pattern that it may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Beginning {
    first: u8,
    bytes: u64,
    mask: u64,
    pattern: u32,
}

impl Beginning {
    fn new(literal: &[u8], pattern: u32) -> Self {
        let (bytes, len) = number(literal);
        Self { first: literal[0], bytes, mask: u64::MAX >> (64 - 8 * len), pattern }
    }
}

/// The first eight bytes as a number; fewer, if there are no more, and how many.
fn number(text: &[u8]) -> (u64, usize) {
    if let Some(bytes) = text.first_chunk() {
        return (u64::from_le_bytes(*bytes), 8);
    }
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    (u64::from_le_bytes(bytes), text.len())
}

impl Beginnings {
    fn new(patterns: &[Pattern]) -> Option<Self> {
        if patterns.len() > u128::BITS as usize {
            return None;
        }
        let (mut literals, mut others) = (Vec::new(), 0);
        for (index, pattern) in (0..).zip(patterns) {
            match beginnings(&pattern.pyre.over_approximation()) {
                Some(found) => {
                    literals.extend(found.iter().map(|literal| Beginning::new(literal, index)));
                }
                None => others |= 1 << index,
            }
        }
        literals.sort();
        let place = |byte: usize| {
            let place = literals.partition_point(|it| usize::from(it.first) < byte);
            u16::try_from(place).expect("patterns, and their beginnings, are few")
        };
        let by_byte = Box::new(std::array::from_fn(|byte| place(byte)..place(byte + 1)));
        Some(Self { literals, by_byte, others })
    }

    /// The patterns that may match a text that begins like this.
    fn of(&self, text: &[u8]) -> u128 {
        let Some(&first) = text.first() else { return self.others };
        let Range { start, end } = self.by_byte[usize::from(first)];
        let literals = &self.literals[usize::from(start)..usize::from(end)];
        let (bytes, _) = number(text);
        // A text that is shorter than the literal ends in a newline, which no zero is equal to.
        let begins = literals.iter().filter(|it| bytes & it.mask == it.bytes);
        begins.fold(self.others, |all, it| all | 1 << it.pattern)
    }
}

/// The literals of which one stands at the beginning of every text that a pattern matches; `None` if it may match others.
fn beginnings(pattern: &Hir) -> Option<Vec<Box<[u8]>>> {
    if !pattern.properties().look_set_prefix().contains(Look::Start) {
        return None;
    }
    let found = Extractor::new().limit_total(BEGINNINGS_MAX).extract(pattern);
    let literals = found.literals()?.iter().map(|literal| literal.as_bytes().into());
    let literals: Vec<Box<[u8]>> = literals.collect();
    literals.iter().all(|literal| !literal.is_empty()).then_some(literals)
}

impl Automaton {
    fn new(patterns: &[Pattern]) -> Option<Self> {
        let hirs: Vec<_> = patterns.iter().map(|it| it.pyre.over_approximation()).collect();
        let nfa = Compiler::new()
            .syntax(syntax::Config::new().utf8(false))
            .configure(Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_BYTES)))
            .build_many_from_hir(&hirs)
            .ok()?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        let cache = dfa.create_cache();
        Some(Self { dfa, cache, found: PatternSet::new(patterns.len()) })
    }

    /// False where the automaton gave up.
    fn search(&mut self, text: &[u8]) -> bool {
        self.found.clear();
        self.walk(text).is_some()
    }

    /// The search of the library finds one match after the other, and begins anew for each.
    fn walk(&mut self, text: &[u8]) -> Option<()> {
        let Self { dfa, cache, .. } = self;
        let mut state = dfa.start_state_forward(cache, &Input::new(text)).ok()?;
        for &byte in text {
            let next = dfa.next_state(cache, state, byte).ok()?;
            if next.is_tagged() {
                if next.is_dead() {
                    return Some(());
                }
                if next.is_quit() {
                    return None;
                }
                if next != state {
                    note(dfa, cache, next, &mut self.found);
                }
            }
            state = next;
        }
        let last = dfa.next_eoi_state(cache, state).ok()?;
        note(dfa, cache, last, &mut self.found);
        Some(())
    }
}

/// Notes the patterns that match in a state.
fn note(dfa: &DFA, cache: &Cache, state: LazyStateID, found: &mut PatternSet) {
    if state.is_match() {
        (0..dfa.match_len(cache, state)).for_each(|index| {
            found.insert(dfa.match_pattern(cache, state, index));
        });
    }
}
