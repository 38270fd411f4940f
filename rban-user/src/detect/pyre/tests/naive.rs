//! Python's `re` in the plainest way that is right: every choice is a call, nothing is left out to save time.

use super::super::ast::{Assertion, Direction, Look, Node, Repeat, RepeatKind, Sense};
use super::super::class::{Case, Charset};
use super::super::{text, unicode};
use super::*;

/// Where groups begin and end, as [`Scratch::group`] tells it; `Err` if it takes too long.
pub(super) fn search(ast: &Ast, text: &str) -> Result<Option<Groups>, TooLong> {
    let starts = (0..=text.len()).filter(|&at| text.is_char_boundary(at));
    let mut naive = Naive { text: text.as_bytes(), calls: 0 };
    for start in starts {
        let mut slots = vec![None; (ast.groups.len() + 1) * 2];
        let mut end = start;
        let matched = naive.node(&ast.root, start, &mut slots, &mut |_, at, _| {
            end = at;
            true
        });
        if naive.calls > CALLS_MAX {
            return Err(TooLong);
        }
        if matched {
            (slots[0], slots[1]) = (Some(start), Some(end));
            let groups = slots.chunks(2).map(|slot| Some(slot[0]?..slot[1]?));
            return Ok(Some(groups.collect()));
        }
    }
    Ok(None)
}

pub(super) type Groups = Vec<Option<Range<usize>>>;

#[derive(Debug)]
pub(super) struct TooLong;

const CALLS_MAX: usize = 20_000;

struct Naive<'a> {
    text: &'a [u8],
    calls: usize,
}

type Slots = Vec<Option<usize>>;
type Next<'a, 'n> = &'a mut dyn FnMut(&mut Naive<'n>, usize, &mut Slots) -> bool;

impl<'n> Naive<'n> {
    /// Whether a node matches here, and what follows it then.
    fn node(&mut self, node: &Node, at: usize, slots: &mut Slots, next: Next<'_, 'n>) -> bool {
        self.calls += 1;
        if self.calls > CALLS_MAX {
            return false;
        }
        let found = text::char_at(self.text, at);
        match node {
            Node::Char(wanted) => {
                found.is_some_and(|(c, len)| c == *wanted && next(self, at + len, slots))
            }
            Node::Class(class) => {
                found.is_some_and(|(c, len)| class.contains(c) && next(self, at + len, slots))
            }
            Node::Assertion(assertion) => self.holds(*assertion, at) && next(self, at, slots),
            Node::Concat(nodes) => self.sequence(nodes, at, slots, next),
            Node::Alternate(nodes) => nodes.iter().any(|node| self.node(node, at, slots, next)),
            Node::Group { index, body } => {
                let old = (slots[index * 2], slots[index * 2 + 1]);
                slots[index * 2] = Some(at);
                let matched = self.node(body, at, slots, &mut |naive, at, slots| {
                    let old = slots[index * 2 + 1].replace(at);
                    let matched = next(naive, at, slots);
                    if !matched {
                        slots[index * 2 + 1] = old;
                    }
                    matched
                });
                if !matched {
                    (slots[index * 2], slots[index * 2 + 1]) = old;
                }
                matched
            }
            Node::Repeat(repeat) if repeat.kind == RepeatKind::Possessive => {
                self.possessive(repeat, at, slots, next)
            }
            Node::Repeat(repeat) => self.repeat(repeat, 0, None, at, slots, next),
            Node::Look(look) => self.look(look, at, slots, next),
            Node::Atomic(body) => {
                let mut inner = slots.clone();
                let end = self.once(body, at, &mut inner);
                end.is_some_and(|end| self.settled(end, inner, slots, next))
            }
            Node::Conditional { group, yes, no } => {
                let node = if captured(slots, *group).is_some() { yes } else { no };
                self.node(node, at, slots, next)
            }
            Node::Backreference { group, case } => {
                let Some(again) = captured(slots, *group) else { return false };
                let again = &self.text[again];
                let end = match case {
                    Case::Counts => self.text[at..].starts_with(again).then_some(at + again.len()),
                    Case::Ignored(Charset::Ascii) => {
                        text::end_of_same(again, self.text, at, |c| c.to_ascii_lowercase())
                    }
                    Case::Ignored(Charset::Unicode) => {
                        text::end_of_same(again, self.text, at, unicode::lower)
                    }
                };
                end.is_some_and(|end| next(self, end, slots))
            }
        }
    }

    fn sequence(
        &mut self,
        nodes: &[Node],
        at: usize,
        slots: &mut Slots,
        next: Next<'_, 'n>,
    ) -> bool {
        let Some((first, rest)) = nodes.split_first() else { return next(self, at, slots) };
        self.node(first, at, slots, &mut |naive, at, slots| naive.sequence(rest, at, slots, next))
    }

    /// `last` is where the round before began, if it was one that need not have been.
    fn repeat(
        &mut self,
        repeat: &Repeat,
        count: u32,
        last: Option<usize>,
        at: usize,
        slots: &mut Slots,
        next: Next<'_, 'n>,
    ) -> bool {
        let needed = count < repeat.min;
        let last = if needed { last } else { last.filter(|&last| last == at) };
        let may_go_on = needed || (repeat.max.is_none_or(|max| count < max) && last.is_none());
        let lazy = !needed && repeat.kind == RepeatKind::Lazy;
        if lazy && next(self, at, slots) {
            return true;
        }
        let from = if needed { None } else { Some(at) };
        let again = may_go_on
            && self.node(&repeat.body, at, slots, &mut |naive, at, slots| {
                naive.repeat(repeat, count + 1, from, at, slots, next)
            });
        again || (!needed && !lazy && next(self, at, slots))
    }

    fn possessive(
        &mut self,
        repeat: &Repeat,
        start: usize,
        slots: &mut Slots,
        next: Next<'_, 'n>,
    ) -> bool {
        let mut inner = slots.clone();
        let (mut at, mut count) = (start, 0);
        while repeat.max.is_none_or(|max| count < max) {
            let Some(end) = self.once(&repeat.body, at, &mut inner) else { break };
            count += 1;
            if std::mem::replace(&mut at, end) == end && count >= repeat.min {
                break;
            }
        }
        count >= repeat.min && self.settled(at, inner, slots, next)
    }

    /// Where the first way ends in which a node matches.
    fn once(&mut self, node: &Node, at: usize, slots: &mut Slots) -> Option<usize> {
        let mut end = None;
        self.node(node, at, slots, &mut |_, at, _| {
            end = Some(at);
            true
        });
        end
    }

    /// Goes on with what was captured on the way.
    fn settled(
        &mut self,
        at: usize,
        mut inner: Slots,
        slots: &mut Slots,
        next: Next<'_, 'n>,
    ) -> bool {
        let matched = next(self, at, &mut inner);
        if matched {
            *slots = inner;
        }
        matched
    }

    fn look(&mut self, look: &Look, at: usize, slots: &mut Slots, next: Next<'_, 'n>) -> bool {
        let start = match look.direction {
            Direction::Ahead => Some(at),
            Direction::Behind(chars) => (0..chars)
                .try_fold(at, |at, _| text::char_before(self.text, at).map(|(_, len)| at - len)),
        };
        let mut inner = slots.clone();
        let found = start.and_then(|start| self.once(&look.body, start, &mut inner));
        match look.sense {
            Sense::Positive => found.is_some() && self.settled(at, inner, slots, next),
            Sense::Negative => found.is_none() && next(self, at, slots),
        }
    }

    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let text = self.text;
        let boundary = |charset: Charset| {
            let is_word = |c: char| match charset {
                Charset::Ascii => c.is_ascii_alphanumeric() || c == '_',
                Charset::Unicode => unicode::is_word(c),
            };
            let before = text::char_before(text, at).is_some_and(|(c, _)| is_word(c));
            before != text::char_at(text, at).is_some_and(|(c, _)| is_word(c))
        };
        match assertion {
            Assertion::TextStart => at == 0,
            Assertion::LineStart => at == 0 || text[at - 1] == b'\n',
            Assertion::TextEnd => matches!(&text[at..], [] | [b'\n']),
            Assertion::LineEnd => matches!(&text[at..], [] | [b'\n', ..]),
            Assertion::VeryEnd => at == text.len(),
            Assertion::WordBoundary(charset) => !text.is_empty() && boundary(charset),
            Assertion::NotWordBoundary(charset) => !text.is_empty() && !boundary(charset),
        }
    }
}

fn captured(slots: &Slots, group: usize) -> Option<Range<usize>> {
    let (start, end) = (slots[group * 2]?, slots[group * 2 + 1]?);
    (start <= end).then_some(start..end)
}
