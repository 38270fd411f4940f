//! Repeats that can match the same text in many ways.

use super::nfa::{Assumed, Nfa};
use super::symbols::Symbols;
use crate::detect::pyre::ast::{Ast, Node, RepeatKind};

/// So many repeats side by side, all able to match the same text, take time in its length to this power.
const ADJACENT_MAX: usize = 3;
/// The largest loop that is looked at: the work is in its square.
const LOOP_STATES_MAX: usize = 400;

/// Why a pattern may take Python (and so fail2ban) very long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Catastrophe {
    /// Time doubles with each further character.
    #[error(
        "the repeat at position {position} holds parts that match the same text in many ways, so that \
         a long line takes fail2ban forever; write it so that each text matches in one way only"
    )]
    Exponential { position: usize },
    /// Time grows with the fourth power of the length, or a higher one.
    #[error(
        "{repeats} repeats side by side match the same text, the last at position {position}, so that \
         a long line takes fail2ban very long; write one of them"
    )]
    Adjacent { repeats: usize, position: usize },
}

/// Whether some text takes a backtracking engine very long, if in the end nothing matches.
///
/// Two things are looked for. First, a repeat without end whose body can match one and the same text in more than one
/// way, such as `(a+)+`, `(a|a)*`, `(\S+\s*)*`: the automaton of the pattern has a loop with two paths on one text.
/// Second, four or more repeats without end that may directly follow each other and have a character in common, such
/// as `\s*\s*\s*\s*` (three are not rare in filters that work); `.*x.*y.*z` is not meant, for that takes a text full of x, y and z. Neither counts where nothing
/// that may fail follows. Rban itself runs such patterns in bounded time.
pub(crate) fn catastrophic(ast: &Ast) -> Option<Catastrophe> {
    let nfa = Nfa::new(ast, &Assumed::new(), &[])?;
    let here = exponential(&nfa).or_else(|| adjacent(&nfa));
    here.or_else(|| {
        opaque(&ast.root).into_iter().find_map(|body| {
            catastrophic(&Ast {
                root: Node::concat(vec![body.clone(), Node::Char('\n')]),
                groups: Vec::new(),
            })
        })
    })
}

/// The outermost parts that the automaton does not show: they are patterns of their own.
fn opaque(node: &Node) -> Vec<&Node> {
    match node {
        Node::Atomic(body) => vec![body],
        Node::Look(look) => vec![&look.body],
        Node::Repeat(repeat) if repeat.kind == RepeatKind::Possessive => vec![&repeat.body],
        _ => node.children().into_iter().flat_map(opaque).collect(),
    }
}

fn exponential(nfa: &Nfa) -> Option<Catastrophe> {
    for states in loops(nfa) {
        let twice = states.iter().any(|&from| {
            nfa.states[from].next.iter().any(|&(to, ways)| {
                ways > 1 && states.contains(&to) && !nfa.states[to].reads.is_empty()
            })
        });
        if (twice || two_paths(nfa, &states)) && states.iter().all(|&state| may_fail(nfa, state)) {
            let position = states.iter().find_map(|&state| nfa.states[state].repeat);
            return Some(Catastrophe::Exponential { position: position.unwrap_or(0) });
        }
    }
    None
}

/// The strongly connected parts of the pattern proper, without those of one state that has one way to itself.
fn loops(nfa: &Nfa) -> Vec<Vec<usize>> {
    let count = nfa.states.len();
    let inner = 1..nfa.behind();
    let reach = |from: usize, backwards: &[Vec<usize>]| -> Vec<bool> {
        let mut seen = vec![false; count];
        let mut todo = vec![from];
        while let Some(state) = todo.pop() {
            for &next in &backwards[state] {
                if !std::mem::replace(&mut seen[next], true) {
                    todo.push(next);
                }
            }
        }
        seen
    };
    let forwards: Vec<Vec<usize>> =
        nfa.states.iter().map(|state| state.next.iter().map(|&(to, _)| to).collect()).collect();
    let mut backwards = vec![Vec::new(); count];
    for (from, next) in forwards.iter().enumerate() {
        next.iter().for_each(|&to| backwards[to].push(from));
    }
    let mut done = vec![false; count];
    let mut found = Vec::new();
    for state in inner.clone() {
        // Only what a repeat without end holds can be on a loop.
        if done[state] || nfa.states[state].repeat.is_none() {
            continue;
        }
        let (ahead, behind) = (reach(state, &forwards), reach(state, &backwards));
        let states: Vec<usize> = inner.clone().filter(|&s| ahead[s] && behind[s]).collect();
        states.iter().for_each(|&state| done[state] = true);
        let alone = states.len() == 1
            && nfa.states[state].next.iter().all(|&(to, ways)| to != state || ways == 1);
        if !states.is_empty() && !alone && states.len() <= LOOP_STATES_MAX {
            found.push(states);
        }
    }
    found
}

/// Whether two different paths lead from one state of a loop to one state of it on the same text.
fn two_paths(nfa: &Nfa, states: &[usize]) -> bool {
    let size = states.len();
    let place = |state: usize| states.binary_search(&state).ok();
    let mut seen = vec![false; size * size];
    let mut todo: Vec<(usize, usize)> = states.iter().map(|&state| (state, state)).collect();
    while let Some((one, other)) = todo.pop() {
        let apart = one != other;
        for &(to_one, _) in &nfa.states[one].next {
            for &(to_other, _) in &nfa.states[other].next {
                let common = nfa.states[to_one].reads.and(nfa.states[to_other].reads);
                let (Some(x), Some(y)) = (place(to_one), place(to_other)) else { continue };
                if common.is_empty() || (!apart && to_one == to_other) {
                    continue;
                }
                if to_one == to_other {
                    return true;
                }
                if !std::mem::replace(&mut seen[x * size + y], true) {
                    todo.push((to_one, to_other));
                }
            }
        }
    }
    false
}

/// Whether the rest of a match may fail behind this state: not where nothing more is asked for.
fn may_fail(nfa: &Nfa, state: usize) -> bool {
    let ends = |state: usize| {
        nfa.states[state].next.iter().any(|&(to, _)| {
            let to_end = nfa.states[to].reads == Symbols::TEXT_END;
            to == nfa.behind()
                || to_end && nfa.states[to].next.iter().any(|&(to, _)| to == nfa.behind())
        })
    };
    let next = &nfa.states[state].next;
    let takes_all = |to: usize| {
        let loops = nfa.states[to].next.iter().any(|&(again, _)| again == to);
        loops && nfa.states[to].reads.has_all() && ends(to)
    };
    !next.iter().any(|&(to, _)| to == nfa.behind() || takes_all(to))
}

/// Four or more repeats of single characters, each directly behind the one before.
fn adjacent(nfa: &Nfa) -> Option<Catastrophe> {
    (1..nfa.behind()).find_map(|state| {
        let (repeats, last) = chain(nfa, state, Symbols::BEHIND);
        let position = nfa.states[last].repeat.unwrap_or(0);
        let found = repeats > ADJACENT_MAX && may_fail(nfa, last);
        found.then_some(Catastrophe::Adjacent { repeats, position })
    })
}

/// How many repeats follow one another from here on that have a character in common, and the last of them.
fn chain(nfa: &Nfa, state: usize, common: Symbols) -> (usize, usize) {
    let common = common.and(nfa.states[state].reads);
    let next = &nfa.states[state].next;
    if common.is_empty() || !next.iter().any(|&(to, _)| to == state) {
        return (0, state);
    }
    let further = next
        .iter()
        .filter(|&&(to, _)| to > state && to < nfa.behind())
        .map(|&(to, _)| chain(nfa, to, common))
        .max_by_key(|&(repeats, _)| repeats);
    match further {
        Some((repeats, last)) if repeats > 0 => (repeats + 1, last),
        _ => (1, state),
    }
}
