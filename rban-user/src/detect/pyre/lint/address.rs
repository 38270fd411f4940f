//! Addresses that a client could name in place of its own.

use std::collections::HashSet;

use super::nfa::{Assumed, Nfa, conditions};
use super::symbols::Symbols;
use crate::detect::pyre::ast::Ast;

/// More conditions than this are taken as choices that have nothing to do with each other.
const CONDITIONS_MAX: usize = 4;
/// How many pairs of states are looked at.
const PAIRS_MAX: usize = 1_000_000;

/// How a client could have another's address taken for its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forgery {
    /// The match may begin within the client's text.
    #[error(
        "matches anywhere in a line, also within text that a client chose, and takes the address \
         from there; begin with ^ and the fixed text that the service writes"
    )]
    BeginsAnywhere,
    /// There may be two addresses in a line that matches.
    #[error(
        "a line can hold two texts that fit as the address, one of them written by the client in its name or \
         agent; end with $ behind the address, or let no repeat match what stands before the address"
    )]
    TwoAddresses,
}

/// Whether a client that chooses a part of the line can choose the address.
///
/// A service writes a line of fixed words, with the client's text and its address in between. The client's text can be
/// taken for the rest of the line in two ways, and a pattern is safe if neither is possible:
///
/// 1. The match begins in it. So a pattern must begin with `^` (in each of its alternatives), and not go on with a
///    repeat that matches any words, for that is the same as no `^`.
/// 2. It stands before or behind the address, and holds another one that fits as well: `^x .* from <HOST>` finds the
///    last `from` of the line, which stands in the client's text if that comes last. So there must be no text that the
///    pattern matches with the address in two places, one behind the other. This is decided exactly, on pairs of runs
///    of the pattern's automaton; what stands behind the pattern's end is any text, unless `$` is there. So
///    `^x .* from <HOST>$` is safe: only the last address can be followed by the end. So is `^x \S+ from <HOST>`, as
///    no blank fits `\S`.
///
/// What a match begins with before any fixed text, such as the optional parts of syslog's prefix, is not taken for the
/// client's. A look-ahead that forbids something is trusted to forbid it, for such are written for this purpose; conditions
/// `(?(group)…)` are followed both ways, consistently. An address is whatever one of the named groups matches; without
/// any, there is nothing to forge. With a prefregex, `^` is the start of the content: ask [`begins_anywhere`] of the
/// prefregex as well.
pub(crate) fn client_can_name_address(ast: &Ast, address_groups: &[&str]) -> Option<Forgery> {
    let named =
        |name: &Option<String>| name.as_deref().is_some_and(|name| address_groups.contains(&name));
    if !ast.groups.iter().any(named) {
        return None;
    }
    if begins_anywhere(ast) {
        return Some(Forgery::BeginsAnywhere);
    }
    let nfas = worlds(ast).into_iter().filter_map(|world| Nfa::new(ast, &world, address_groups));
    let nfas: Vec<(Vec<bool>, Nfa)> = nfas.map(|nfa| (behind_fixed_text(&nfa), nfa)).collect();
    let found = nfas.iter().any(|(_, one)| {
        nfas.iter().any(|(behind_fixed, other)| two_addresses([one, other], behind_fixed))
    });
    found.then_some(Forgery::TwoAddresses)
}

/// Whether a match may begin anywhere in a line: without `^`, or with a repeat that matches any words.
pub(crate) fn begins_anywhere(ast: &Ast) -> bool {
    worlds(ast).into_iter().filter_map(|world| Nfa::new(ast, &world, &[])).any(|nfa| {
        let starts = nfa.states[0].next.iter().filter(|&&(to, _)| to != 0);
        starts.into_iter().any(|&(start, _)| {
            let anchored = nfa.states[start].reads == Symbols::TEXT_START;
            !anchored || nfa.states[start].next.iter().any(|&(to, _)| is_wild(&nfa, to))
        })
    })
}

/// Whether a state reads any number of any words, and nothing tells where that ends.
fn is_wild(nfa: &Nfa, state: usize) -> bool {
    let reads = nfa.states[state].reads;
    let next = || nfa.states[state].next.iter().map(|&(to, _)| to);
    let repeats = next().any(|to| to == state) && state != nfa.behind();
    let goes_on = |to: usize| to != state && !nfa.states[to].reads.and(reads).is_empty();
    repeats && reads.has_phrases() && next().any(goes_on)
}

/// Which states every path reaches only by way of fixed text: a letter or digit, or a character that every match has.
fn behind_fixed_text(nfa: &Nfa) -> Vec<bool> {
    let fixed = |state: usize| {
        let reads = nfa.states[state].reads;
        reads.is_one_word_char()
            || reads.is_one_char() && !reachable(nfa, |s| s == state)[nfa.behind()]
    };
    let fixed: Vec<bool> = (0..nfa.states.len()).map(fixed).collect();
    reachable(nfa, |state| fixed[state]).into_iter().map(|reachable| !reachable).collect()
}

/// What may be reached from the start without passing through these states; they may be reached themselves.
fn reachable(nfa: &Nfa, blocked: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut seen = vec![false; nfa.states.len()];
    let mut todo = vec![0];
    while let Some(state) = todo.pop() {
        if std::mem::replace(&mut seen[state], true) || blocked(state) {
            continue;
        }
        todo.extend(nfa.states[state].next.iter().map(|&(to, _)| to));
    }
    seen
}

/// Which conditions may hold together.
fn worlds(ast: &Ast) -> Vec<Assumed> {
    let mut groups = Vec::new();
    conditions(&ast.root, &mut groups);
    if groups.len() > CONDITIONS_MAX {
        return vec![Assumed::new()];
    }
    (0..1_u32 << groups.len())
        .map(|bits| groups.iter().enumerate().map(|(i, &g)| (g, bits >> i & 1 == 1)).collect())
        .collect()
}

/// How far a run is past the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Before,
    Within,
    Past,
}

/// Two runs on the same text, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    states: [usize; 2],
    phases: [Phase; 2],
    /// The first run was past its address before the second came to its own.
    apart: bool,
    at: At,
}

/// How far the text is read: its start comes first, its end last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Start,
    Inside,
    End,
}

/// Whether one text can be matched with the address in two places, one behind the other. The one in front must stand
/// where the client's text may: `behind_fixed` are the states of the second automaton that follow fixed text.
fn two_addresses(nfas: [&Nfa; 2], behind_fixed: &[bool]) -> bool {
    let start = Pair { states: [0, 0], phases: [Phase::Before; 2], apart: false, at: At::Start };
    let ends = nfas.map(Nfa::behind);
    let mut seen = HashSet::from([start]);
    let mut todo = vec![start];
    while let Some(pair) = todo.pop() {
        for &(one, _) in &nfas[0].states[pair.states[0]].next {
            for &(other, _) in &nfas[1].states[pair.states[1]].next {
                for next in pair.step(nfas, [one, other], behind_fixed) {
                    if next.apart && next.states == ends && next.phases[1] == Phase::Past {
                        return true;
                    }
                    if seen.len() < PAIRS_MAX && seen.insert(next) {
                        todo.push(next);
                    }
                }
            }
        }
    }
    false
}

impl Pair {
    /// Where both runs are after the same symbol took them to these states; there may be a choice of symbols.
    fn step(
        self,
        nfas: [&Nfa; 2],
        to: [usize; 2],
        behind_fixed: &[bool],
    ) -> impl Iterator<Item = Self> + use<> {
        let common = nfas[0].states[to[0]].reads.and(nfas[1].states[to[1]].reads);
        let at = [
            (At::Start, common.and(Symbols::TEXT_START), self.at == At::Start),
            (
                At::Inside,
                common.without(Symbols::TEXT_START.or(Symbols::TEXT_END)),
                self.at != At::End,
            ),
            (At::End, common.and(Symbols::TEXT_END), true),
        ];
        let phase = |run: usize| match (self.phases[run], nfas[run].states[to[run]].in_address) {
            (Phase::Before | Phase::Within, true) => Phase::Within,
            (Phase::Within | Phase::Past, false) => Phase::Past,
            (Phase::Before, false) => Phase::Before,
            (Phase::Past, true) => Phase::Past,
        };
        let phases = [phase(0), phase(1)];
        let leaves = self.phases[0] == Phase::Within && phases == [Phase::Past, Phase::Before];
        let apart = self.apart || leaves && behind_fixed[self.states[1]];
        at.into_iter()
            .filter(|(_, symbols, allowed)| *allowed && !symbols.is_empty())
            .map(move |(at, _, _)| Self { states: to, phases, apart, at })
    }
}
