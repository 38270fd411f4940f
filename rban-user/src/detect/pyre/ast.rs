//! A pattern as it was understood: flags resolved, names turned into numbers.

use super::class::{Case, Charset, Class};

/// A whole pattern.
#[derive(Clone, Debug)]
pub(crate) struct Ast {
    pub(crate) root: Node,
    /// The name of each capturing group; group 1 stands first.
    pub(crate) groups: Vec<Option<String>>,
}

/// One construct.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Exactly this character.
    Char(char),
    /// One character of a set.
    Class(Class),
    /// A place, no text.
    Assertion(Assertion),
    /// A capturing group.
    Group {
        index: usize,
        body: Box<Node>,
    },
    /// One after the other; none matches the empty text.
    Concat(Vec<Node>),
    /// The first that lets the whole match.
    Alternate(Vec<Node>),
    Repeat(Repeat),
    /// What must (not) stand ahead or behind.
    Look(Look),
    /// `(?>…)`: once matched, not tried in another way.
    Atomic(Box<Node>),
    /// `(?(group)yes|no)`.
    Conditional {
        group: usize,
        yes: Box<Node>,
        no: Box<Node>,
    },
    /// The text of a group again.
    Backreference {
        group: usize,
        case: Case,
    },
}

/// `*`, `+`, `?` and `{m,n}`.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) min: u32,
    /// `None`: without end.
    pub(crate) max: Option<u32>,
    /// Of its sign in the pattern, in characters from the start.
    pub(crate) position: usize,
    pub(crate) kind: RepeatKind,
    pub(crate) body: Box<Node>,
}

/// In which order the counts of a repeat are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepeatKind {
    Greedy,
    Lazy,
    /// As many as there are, never fewer.
    Possessive,
}

/// `(?=…)` and its kin.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) direction: Direction,
    pub(crate) sense: Sense,
    pub(crate) body: Box<Node>,
}

/// Which way a [`Look`] looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ahead,
    /// So many characters back.
    Behind(usize),
}

/// Whether what a [`Look`] looks for must be there, or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    Positive,
    Negative,
}

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Assertion {
    /// `^` without MULTILINE, and `\A`.
    TextStart,
    /// `^` with MULTILINE.
    LineStart,
    /// `$` without MULTILINE: the end, or before a newline that ends the text.
    TextEnd,
    /// `$` with MULTILINE.
    LineEnd,
    /// `\Z`: the very end.
    VeryEnd,
    /// `\b`.
    WordBoundary(Charset),
    /// `\B`.
    NotWordBoundary(Charset),
}

impl Node {
    /// What matches the empty text.
    pub(crate) fn empty() -> Self {
        Self::Concat(Vec::new())
    }

    /// One after the other, without needless nesting.
    pub(crate) fn concat(nodes: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Self::Concat(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Concat(flat) }
    }

    /// Whether this is one character, always.
    pub(crate) fn is_one_char(&self) -> bool {
        matches!(self, Self::Char(_) | Self::Class(_))
    }

    /// How many nodes it has, itself included.
    pub(super) fn count(&self) -> usize {
        1 + self.children().into_iter().map(Self::count).sum::<usize>()
    }

    /// The nodes directly within.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Char(_) | Self::Class(_) | Self::Assertion(_) | Self::Backreference { .. } => {
                Vec::new()
            }
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes.iter().collect(),
            Self::Group { body, .. } | Self::Atomic(body) => vec![body],
            Self::Repeat(repeat) => vec![&repeat.body],
            Self::Look(look) => vec![&look.body],
            Self::Conditional { yes, no, .. } => vec![yes, no],
        }
    }
}

/// How many characters a match has: at least, and at most (`None`: no bound).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Width {
    pub(crate) min: u64,
    pub(crate) max: Option<u64>,
}

impl Width {
    pub(crate) const ZERO: Self = Self { min: 0, max: Some(0) };

    fn then(self, next: Self) -> Self {
        let max = self.max.zip(next.max).map(|(one, other)| one.saturating_add(other));
        Self { min: self.min.saturating_add(next.min), max }
    }

    fn or(self, other: Self) -> Self {
        let max = self.max.zip(other.max).map(|(one, other)| one.max(other));
        Self { min: self.min.min(other.min), max }
    }

    /// That of a node; `groups` tells those of the groups that a back-reference may name.
    pub(crate) fn of(node: &Node, groups: &impl Fn(usize) -> Self) -> Self {
        match node {
            Node::Char(_) | Node::Class(_) => Self { min: 1, max: Some(1) },
            Node::Assertion(_) | Node::Look(_) => Self::ZERO,
            Node::Group { body, .. } | Node::Atomic(body) => Self::of(body, groups),
            Node::Concat(nodes) => {
                nodes.iter().map(|node| Self::of(node, groups)).fold(Self::ZERO, Self::then)
            }
            Node::Alternate(nodes) => nodes
                .iter()
                .map(|node| Self::of(node, groups))
                .reduce(Self::or)
                .unwrap_or(Self::ZERO),
            Node::Conditional { yes, no, .. } => Self::of(yes, groups).or(Self::of(no, groups)),
            Node::Backreference { group, .. } => groups(*group),
            Node::Repeat(repeat) => {
                let once = Self::of(&repeat.body, groups);
                let max = match (once.max, repeat.max) {
                    (Some(0), _) => Some(0),
                    (Some(one), Some(times)) => Some(one.saturating_mul(times.into())),
                    _ => None,
                };
                Self { min: once.min.saturating_mul(repeat.min.into()), max }
            }
        }
    }
}
