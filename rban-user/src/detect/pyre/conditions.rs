//! Conditions `(?(group)…)` decided before the text is seen.
//!
//! Whether a group has matched is known where it is one of several alternatives: `(?:(a)|b)c(?(1)d|e)` is
//! `(a)cd|bce`, tried in the same order. So written out, what may follow is known better, and fewer ways are tried.

use super::ast::{Node, Repeat, RepeatKind};

/// A pattern with more nodes than this is left as it is: writing it out doubles it for each condition.
const NODES_MAX: usize = 500;
/// So many conditions are decided.
const CONDITIONS_MAX: usize = 3;

/// The same pattern with fewer conditions, if there are any that can be decided.
pub(super) fn decided(root: &Node) -> Node {
    let mut groups = Vec::new();
    conditions(root, &mut groups);
    if groups.is_empty() || groups.len() > CONDITIONS_MAX || root.count() > NODES_MAX {
        return root.clone();
    }
    groups.into_iter().fold(root.clone(), write_out)
}

fn conditions(node: &Node, found: &mut Vec<usize>) {
    if let Node::Conditional { group, .. } = node
        && !found.contains(group)
    {
        found.push(*group);
    }
    node.children().into_iter().for_each(|child| conditions(child, found));
}

fn has_group(node: &Node, wanted: usize) -> bool {
    let itself = matches!(node, Node::Group { index, .. } if *index == wanted);
    itself || node.children().into_iter().any(|child| has_group(child, wanted))
}

/// Writes out one condition wherever a sequence holds its group, and behind that the condition.
fn write_out(node: Node, group: usize) -> Node {
    match node {
        // Written out for an earlier condition.
        Node::Alternate(nodes) => {
            Node::Alternate(nodes.into_iter().map(|node| write_out(node, group)).collect())
        }
        Node::Concat(mut nodes) => {
            let Some(at) = nodes.iter().position(|node| has_group(node, group)) else {
                let last = nodes.pop().map(|node| match node {
                    alternatives @ Node::Alternate(_) => write_out(alternatives, group),
                    other => other,
                });
                nodes.extend(last);
                return Node::concat(nodes);
            };
            if at + 1 == nodes.len() && matches!(nodes[at], Node::Alternate(_)) {
                let last = nodes.pop().expect("it stands at the end");
                nodes.push(write_out(last, group));
                return Node::concat(nodes);
            }
            let Some(variants) = variants(&nodes[at], group) else { return Node::concat(nodes) };
            let rest = nodes.split_off(at + 1);
            nodes.pop();
            let written = variants.into_iter().map(|(variant, matched)| {
                let rest = rest.iter().map(|node| resolved(node, group, matched));
                Node::concat(std::iter::once(variant).chain(rest).collect())
            });
            nodes.push(Node::Alternate(written.collect()));
            Node::concat(nodes)
        }
        other => other,
    }
}

/// Whether the group has matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matched {
    Yes,
    No,
}

/// The ways in which a node that holds a group may match, in order; `None` if they cannot be told apart.
fn variants(node: &Node, group: usize) -> Option<Vec<(Node, Matched)>> {
    match node {
        Node::Group { index, .. } if *index == group => Some(vec![(node.clone(), Matched::Yes)]),
        Node::Group { index, body } => {
            let inner = variants(body, group)?.into_iter();
            let wrap =
                |(body, matched)| (Node::Group { index: *index, body: Box::new(body) }, matched);
            Some(inner.map(wrap).collect())
        }
        Node::Alternate(nodes) => {
            let mut found = Vec::new();
            for node in nodes {
                if has_group(node, group) {
                    found.extend(variants(node, group)?);
                } else {
                    found.push((resolved(node, group, Matched::No), Matched::No));
                }
            }
            Some(found)
        }
        Node::Repeat(Repeat { min: 0, max: Some(1), kind, body, .. }) => {
            let mut found = variants(body, group)?;
            let nothing = (Node::empty(), Matched::No);
            match kind {
                RepeatKind::Greedy => found.push(nothing),
                RepeatKind::Lazy => found.insert(0, nothing),
                RepeatKind::Possessive => return None,
            }
            Some(found)
        }
        Node::Concat(nodes) => {
            let at = nodes.iter().position(|node| has_group(node, group))?;
            let inner = variants(&nodes[at], group)?.into_iter();
            let around = |(node, matched)| {
                let before = nodes[..at].iter().map(|node| resolved(node, group, Matched::No));
                let behind = nodes[at + 1..].iter().map(|node| resolved(node, group, matched));
                let all = before.chain(std::iter::once(node)).chain(behind);
                (Node::concat(all.collect()), matched)
            };
            Some(inner.map(around).collect())
        }
        _ => None,
    }
}

/// A node with the condition decided.
fn resolved(node: &Node, group: usize, matched: Matched) -> Node {
    let inner = |node: &Node| Box::new(resolved(node, group, matched));
    let all = |nodes: &[Node]| nodes.iter().map(|node| resolved(node, group, matched)).collect();
    match node {
        Node::Conditional { group: asked, yes, no } if *asked == group => {
            *inner(if matched == Matched::Yes { yes } else { no })
        }
        Node::Conditional { group, yes, no } => {
            Node::Conditional { group: *group, yes: inner(yes), no: inner(no) }
        }
        Node::Concat(nodes) => Node::concat(all(nodes)),
        Node::Alternate(nodes) => Node::Alternate(all(nodes)),
        Node::Group { index, body } => Node::Group { index: *index, body: inner(body) },
        Node::Atomic(body) => Node::Atomic(inner(body)),
        Node::Repeat(repeat) => {
            Node::Repeat(Repeat { body: inner(&repeat.body), ..repeat.clone() })
        }
        Node::Look(look) => {
            Node::Look(super::ast::Look { body: inner(&look.body), ..look.clone() })
        }
        other => other.clone(),
    }
}
