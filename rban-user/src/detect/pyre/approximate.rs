//! A regular pattern that matches wherever the exact one does, and perhaps elsewhere.
//!
//! Many of them fit into one automaton over bytes, which tells at memory speed of most lines that no pattern matches
//! them. It knows no Unicode: a character beyond ASCII is one to four bytes of any kind. Look-around is dropped, a
//! condition may go either way, a back-reference is whatever its group may match, atomic and possessive are plain, and
//! counts above a few are no limit.

use regex_syntax::hir::{
    Class as HirClass, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition,
};

use super::ast::{Assertion, Ast, Node, Repeat};
use super::bytes::Bytes;
use super::class::{Beyond, Case, Class};

/// Counts up to this are kept, larger ones are without end: copies make an automaton large, and so slow to walk.
const COUNT_MAX: u32 = 1;
/// Back-references within back-references are followed so deep.
const REFERENCES_MAX: usize = 2;

/// The approximation of a pattern.
pub(super) fn of(ast: &Ast) -> Hir {
    let mut groups = vec![None; ast.groups.len() + 1];
    collect(&ast.root, &mut groups);
    without_tail(Approximation { groups, depth: 0 }.node(&ast.root))
}

/// Without what may be empty at the end: who asks whether there is a match need not follow it.
fn without_tail(hir: Hir) -> Hir {
    let HirKind::Concat(parts) = hir.kind() else { return hir };
    let is_needed = |part: &Hir| {
        let properties = part.properties();
        properties.minimum_len() != Some(0) || !properties.look_set().is_empty()
    };
    let len = parts.iter().rposition(is_needed).map_or(0, |last| last + 1);
    Hir::concat(parts[..len].to_vec())
}

fn collect<'a>(node: &'a Node, groups: &mut [Option<&'a Node>]) {
    if let Node::Group { index, body } = node {
        groups[*index] = Some(body);
    }
    node.children().into_iter().for_each(|child| collect(child, groups));
}

struct Approximation<'a> {
    groups: Vec<Option<&'a Node>>,
    /// How many back-references the present node stands in.
    depth: usize,
}

impl Approximation<'_> {
    fn node(&mut self, node: &Node) -> Hir {
        match node {
            Node::Char(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Node::Class(class) => one_char(class),
            Node::Assertion(assertion) => assertion_of(*assertion),
            Node::Group { body, .. } | Node::Atomic(body) => self.node(body),
            Node::Concat(nodes) => Hir::concat(nodes.iter().map(|node| self.node(node)).collect()),
            Node::Alternate(nodes) => {
                Hir::alternation(nodes.iter().map(|node| self.node(node)).collect())
            }
            Node::Conditional { yes, no, .. } => {
                Hir::alternation(vec![self.node(yes), self.node(no)])
            }
            Node::Look(_) => Hir::empty(),
            Node::Backreference { group, case } => self.again(*group, *case),
            Node::Repeat(repeat) => self.repeat(repeat),
        }
    }

    /// Whatever a group may match; any text where its case does not count, or where it asks for a place, which the text
    /// of a back-reference need not be in.
    fn again(&mut self, group: usize, case: Case) -> Hir {
        let body = self.groups.get(group).copied().flatten();
        let Some(body) = body.filter(|body| case == Case::Counts && !has_assertion(body)) else {
            return repeated(any_bytes(), 0, None);
        };
        if self.depth == REFERENCES_MAX {
            return repeated(any_bytes(), 0, None);
        }
        self.depth += 1;
        let body = self.node(body);
        self.depth -= 1;
        body
    }

    fn repeat(&mut self, repeat: &Repeat) -> Hir {
        let min = repeat.min.min(COUNT_MAX);
        let max = repeat.max.filter(|&max| max <= COUNT_MAX);
        if let Node::Class(class) = &*repeat.body
            && max.is_none()
            && class.beyond_ascii() != Beyond::None
        {
            // Bytes will do where there may be any number of them.
            return repeated(bytes_of(class), min, None);
        }
        repeated(self.node(&repeat.body), min, max)
    }
}

fn has_assertion(node: &Node) -> bool {
    let itself = matches!(node, Node::Assertion(_));
    itself || node.children().into_iter().any(has_assertion)
}

fn repeated(hir: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(hir) })
}

fn class_of(bytes: impl IntoIterator<Item = (u8, u8)>) -> Hir {
    let ranges = bytes.into_iter().map(|(first, last)| ClassBytesRange::new(first, last));
    Hir::class(HirClass::Bytes(ClassBytes::new(ranges)))
}

fn any_bytes() -> Hir {
    class_of([(0, u8::MAX)])
}

/// The bytes of the characters of a class.
fn bytes_of(class: &Class) -> Hir {
    let ascii = Bytes::from(class).iter().filter(u8::is_ascii).map(|byte| (byte, byte));
    let beyond = (class.beyond_ascii() != Beyond::None).then_some((0x80, u8::MAX));
    class_of(ascii.chain(beyond))
}

fn one_char(class: &Class) -> Hir {
    if class.beyond_ascii() == Beyond::None {
        return bytes_of(class);
    }
    let beyond = repeated(class_of([(0x80, u8::MAX)]), 0, Some(3));
    Hir::concat(vec![bytes_of(class), beyond])
}

/// Places that an automaton over bytes finds; `\b` would have to know Unicode.
fn assertion_of(assertion: Assertion) -> Hir {
    match assertion {
        Assertion::TextStart => Hir::look(Look::Start),
        Assertion::LineStart => Hir::look(Look::StartLF),
        Assertion::TextEnd | Assertion::LineEnd => Hir::look(Look::EndLF),
        Assertion::VeryEnd => Hir::look(Look::End),
        Assertion::WordBoundary(_) | Assertion::NotWordBoundary(_) => Hir::empty(),
    }
}
