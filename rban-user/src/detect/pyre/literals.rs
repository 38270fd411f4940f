//! Literals that every match must contain.

use super::ast::Node;

/// The longest text that stands in every match.
pub(super) fn required(root: &Node) -> Vec<u8> {
    let mut search = Search::default();
    search.node(root);
    search.end();
    search.best
}

/// The last text that stands in every match.
pub(super) fn last(root: &Node) -> Vec<u8> {
    let mut search = Search::default();
    search.node(root);
    search.end();
    search.last
}

#[derive(Default)]
struct Search {
    best: Vec<u8>,
    last: Vec<u8>,
    run: String,
}

impl Search {
    /// What was read so far is followed by something else.
    fn end(&mut self) {
        if self.run.len() > self.best.len() {
            self.best = self.run.clone().into_bytes();
        }
        if !self.run.is_empty() {
            self.last = self.run.clone().into_bytes();
        }
        self.run.clear();
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Char(c) => self.run.push(*c),
            Node::Assertion(_) | Node::Look(_) => {}
            Node::Concat(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Group { body, .. } | Node::Atomic(body) => self.node(body),
            Node::Repeat(repeat) if repeat.min > 0 => {
                self.end();
                self.node(&repeat.body);
                self.end();
            }
            _ => self.end(),
        }
    }
}
