//! A pattern as an automaton that has one state for each character of the pattern.
//!
//! Back-references, possessive repeats and atomic groups are opaque here: they read nothing that another state reads.
//! A negative look-ahead is trusted: what it forbids to come next does not come, however it goes on.

use std::collections::HashMap;

use super::symbols::Symbols;
use crate::detect::pyre::ast::{Assertion, Ast, Direction, Node, Repeat, RepeatKind, Sense};

/// The largest automaton that is looked at.
const STATES_MAX: usize = 4000;
/// Repeats of up to so many are written out.
const WRITTEN_OUT_MAX: u32 = 8;

/// What is assumed of groups that conditions ask about: whether they have matched.
pub(super) type Assumed = HashMap<usize, bool>;

/// The automaton. State 0 stands before the pattern, the last one behind it.
pub(super) struct Nfa {
    pub(super) states: Vec<State>,
}

pub(super) struct State {
    pub(super) reads: Symbols,
    /// Where it may go on, and in how many ways without reading anything in between.
    pub(super) next: Vec<(usize, u32)>,
    /// It is a part of the address.
    pub(super) in_address: bool,
    /// Of the innermost repeat without end that it stands in.
    pub(super) repeat: Option<usize>,
}

/// A part of the automaton: where it begins and ends, and whether it may be passed without reading.
struct Part {
    first: Vec<usize>,
    last: Vec<usize>,
    nullable: bool,
}

impl Part {
    fn empty() -> Self {
        Self { first: Vec::new(), last: Vec::new(), nullable: true }
    }
}

/// Why there is no automaton.
#[derive(Debug, PartialEq, Eq)]
enum Fail {
    TooLarge,
    /// Never matches under what is assumed.
    Impossible,
}

impl Nfa {
    /// `None` if it is too large, or cannot match under what is assumed.
    pub(super) fn new(ast: &Ast, assumed: &Assumed, address_groups: &[&str]) -> Option<Self> {
        let address = ast.groups.iter().enumerate().filter_map(|(before, name)| {
            name.as_deref().filter(|name| address_groups.contains(name)).map(|_| before + 1)
        });
        let address: Vec<usize> = address.collect();
        let mut builder = Builder {
            states: Vec::new(),
            assumed,
            address_node: address_node(&ast.root, &address),
            address,
            repeat: None,
        };
        let before = builder.state(Symbols::BEFORE).ok()?;
        builder.link(before, before);
        let part = builder.part(&ast.root).ok()?;
        let behind = builder.state(Symbols::BEHIND).ok()?;
        builder.link(behind, behind);
        part.first.iter().for_each(|&first| builder.link(before, first));
        part.last.iter().for_each(|&last| builder.link(last, behind));
        if part.nullable {
            builder.link(before, behind);
        }
        Some(Self { states: builder.states })
    }

    /// The state behind the pattern.
    pub(super) fn behind(&self) -> usize {
        self.states.len() - 1
    }
}

/// The groups that conditions ask about.
pub(super) fn conditions(node: &Node, found: &mut Vec<usize>) {
    if let Node::Conditional { group, .. } = node
        && !found.contains(group)
    {
        found.push(*group);
    }
    node.children().into_iter().for_each(|child| conditions(child, found));
}

struct Builder<'a> {
    states: Vec<State>,
    assumed: &'a Assumed,
    address: Vec<usize>,
    /// Holds all of them and is an address as a whole: `<HOST>`.
    address_node: Option<&'a Node>,
    repeat: Option<usize>,
}

impl Builder<'_> {
    fn state(&mut self, reads: Symbols) -> Result<usize, Fail> {
        if self.states.len() == STATES_MAX {
            return Err(Fail::TooLarge);
        }
        let repeat = self.repeat;
        self.states.push(State { reads, next: Vec::new(), in_address: false, repeat });
        Ok(self.states.len() - 1)
    }

    fn link(&mut self, from: usize, to: usize) {
        let next = &mut self.states[from].next;
        match next.iter_mut().find(|(there, _)| *there == to) {
            Some((_, ways)) => *ways += 1,
            None => next.push((to, 1)),
        }
    }

    fn one(&mut self, reads: Symbols) -> Result<Part, Fail> {
        let state = self.state(reads)?;
        Ok(Part { first: vec![state], last: vec![state], nullable: false })
    }

    fn part(&mut self, node: &Node) -> Result<Part, Fail> {
        match node {
            _ if self.address_node.is_some_and(|address| std::ptr::eq(address, node)) => {
                self.address(node)
            }
            Node::Char(c) => self.one((*c).into()),
            Node::Class(class) => self.one(class.into()),
            Node::Assertion(Assertion::TextStart | Assertion::LineStart) => {
                self.one(Symbols::TEXT_START)
            }
            Node::Assertion(Assertion::TextEnd | Assertion::LineEnd | Assertion::VeryEnd) => {
                self.one(Symbols::TEXT_END)
            }
            Node::Assertion(_) | Node::Look(_) => Ok(Part::empty()),
            Node::Group { index, .. } if self.assumed.get(index) == Some(&false) => {
                Err(Fail::Impossible)
            }
            Node::Group { index, body } if self.address.contains(index) => self.address(body),
            Node::Group { body, .. } => self.part(body),
            Node::Backreference { .. } | Node::Atomic(_) => self.one(Symbols::default()),
            Node::Concat(nodes) => self.concat(nodes),
            Node::Alternate(nodes) => {
                let needed = |node: &&Node| self.has_assumed_group(node);
                let some_needed = nodes.iter().any(|node| needed(&node));
                let nodes = nodes.iter().filter(|node| !some_needed || needed(node));
                self.alternatives(&nodes.collect::<Vec<_>>())
            }
            Node::Conditional { group, yes, no } => match self.assumed.get(group) {
                Some(true) => self.part(yes),
                Some(false) => self.part(no),
                None => self.alternatives(&[yes, no]),
            },
            Node::Repeat(repeat) => self.repeat(repeat),
        }
    }

    /// Whether a group that is assumed to have matched stands in it.
    fn has_assumed_group(&self, node: &Node) -> bool {
        let itself =
            matches!(node, Node::Group { index, .. } if self.assumed.get(index) == Some(&true));
        itself || node.children().into_iter().any(|child| self.has_assumed_group(child))
    }

    /// An address is whatever its group reads that has a dot or a colon in it: words such as `port` are no addresses.
    fn address(&mut self, body: &Node) -> Result<Part, Fail> {
        let reads = all_symbols(body);
        let separators = reads.and(Symbols::from('.').or(':'.into()));
        let (head, dot, tail) = (self.state(reads)?, self.state(separators)?, self.state(reads)?);
        for (from, to) in [(head, head), (head, dot), (dot, tail), (tail, tail)] {
            self.link(from, to);
        }
        for state in [head, dot, tail] {
            self.states[state].in_address = true;
        }
        Ok(Part { first: vec![head, dot], last: vec![tail], nullable: false })
    }

    fn alternatives(&mut self, nodes: &[&Node]) -> Result<Part, Fail> {
        let mut whole = Part { first: Vec::new(), last: Vec::new(), nullable: false };
        let mut possible = false;
        for node in nodes {
            let part = match self.part(node) {
                Ok(part) => part,
                Err(Fail::Impossible) => continue,
                Err(Fail::TooLarge) => return Err(Fail::TooLarge),
            };
            possible = true;
            whole.first.extend(part.first);
            whole.last.extend(part.last);
            whole.nullable |= part.nullable;
        }
        if possible { Ok(whole) } else { Err(Fail::Impossible) }
    }

    fn concat(&mut self, nodes: &[Node]) -> Result<Part, Fail> {
        let mut whole = Part::empty();
        let mut forbidden = Symbols::default();
        for node in nodes {
            if let Node::Look(look) = node
                && (look.direction, look.sense) == (Direction::Ahead, Sense::Negative)
            {
                forbidden = forbidden.or(first_symbols(&look.body));
                continue;
            }
            let part = self.part(node)?;
            for &first in &part.first {
                self.states[first].reads = self.states[first].reads.without(forbidden);
            }
            if !part.nullable {
                forbidden = Symbols::default();
            }
            whole = self.then(whole, part);
        }
        Ok(whole)
    }

    fn then(&mut self, mut one: Part, other: Part) -> Part {
        for &last in &one.last {
            other.first.iter().for_each(|&first| self.link(last, first));
        }
        if one.nullable {
            one.first.extend(&other.first);
        }
        if other.nullable {
            one.last.extend(&other.last);
        } else {
            one.last = other.last;
        }
        one.nullable &= other.nullable;
        one
    }

    fn repeat(&mut self, repeat: &Repeat) -> Result<Part, Fail> {
        if repeat.kind == RepeatKind::Possessive {
            return self.one(Symbols::default());
        }
        let min = repeat.min.max(self.has_assumed_group(&repeat.body).into());
        match repeat.max {
            Some(max) if max <= WRITTEN_OUT_MAX => {
                let mut whole = Part::empty();
                for count in 0..max {
                    let mut part = match self.part(&repeat.body) {
                        Err(Fail::Impossible) if min == 0 => return Ok(Part::empty()),
                        part => part?,
                    };
                    part.nullable |= count >= min;
                    whole = self.then(whole, part);
                }
                Ok(whole)
            }
            max => {
                let outer = self.repeat.replace(repeat.position);
                let part = self.part(&repeat.body);
                self.repeat = outer;
                let mut part = match part {
                    Err(Fail::Impossible) if min == 0 => return Ok(Part::empty()),
                    part => part?,
                };
                // A fixed count is no choice.
                if max != Some(min) {
                    for &last in &part.last {
                        part.first.iter().for_each(|&first| self.link(last, first));
                    }
                }
                part.nullable |= min == 0;
                Ok(part)
            }
        }
    }
}

/// The choice between several kinds of address; it is one of them as a whole.
fn address_node<'a>(node: &'a Node, address: &[usize]) -> Option<&'a Node> {
    let holding: Vec<&Node> =
        node.children().into_iter().filter(|child| holds_any(child, address)).collect();
    match holding[..] {
        [only] => address_node(only, address),
        [_, ..] => {
            let fits = all_symbols(node).without(Symbols::ADDRESS).is_empty();
            fits.then_some(node)
        }
        [] => None,
    }
}

fn holds_any(node: &Node, groups: &[usize]) -> bool {
    let itself = matches!(node, Node::Group { index, .. } if groups.contains(index));
    itself || node.children().into_iter().any(|child| holds_any(child, groups))
}

/// Everything that may be read in it.
fn all_symbols(node: &Node) -> Symbols {
    let own = match node {
        Node::Char(c) => (*c).into(),
        Node::Class(class) => class.into(),
        _ => Symbols::default(),
    };
    node.children().into_iter().map(all_symbols).fold(own, Symbols::or)
}

/// What may be read first in what a look-ahead forbids; nothing, if that may match the empty text.
fn first_symbols(node: &Node) -> Symbols {
    let assumed = Assumed::new();
    let mut builder = Builder {
        states: Vec::new(),
        assumed: &assumed,
        address: Vec::new(),
        address_node: None,
        repeat: None,
    };
    match builder.part(node) {
        Ok(part) if !part.nullable => part
            .first
            .iter()
            .map(|&first| builder.states[first].reads)
            .fold(Symbols::default(), Symbols::or),
        _ => Symbols::default(),
    }
}
