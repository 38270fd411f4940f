//! Which of many patterns may match a text, in one pass over it.
//!
//! Each pattern's over-approximation, a regular one, goes into one automaton. What it rules out need not be searched
//! for by the exact engine.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Compiler, Config};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use super::pattern::Pattern;

/// Memory of the automaton's states; when full it begins anew.
const CACHE_BYTES: usize = 4 << 20;

/// Patterns whose automaton would be larger than this are all searched for, one by one.
const AUTOMATON_BYTES: usize = 8 << 20;

/// Knows of a list of patterns which of them may match.
#[derive(Clone, Debug)]
pub(super) struct Which {
    patterns: usize,
    automaton: Option<Automaton>,
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
        Self { patterns: patterns.len(), automaton }
    }

    /// The patterns that may match anywhere in this text, by their place in the list, in its order.
    pub(super) fn candidates(&mut self, text: &[u8], candidates: &mut Vec<usize>) {
        candidates.clear();
        if let Some(automaton) = &mut self.automaton
            && automaton.search(text)
        {
            candidates.extend(automaton.found.iter().map(|pattern| pattern.as_usize()));
        } else {
            candidates.extend(0..self.patterns);
        }
    }
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
