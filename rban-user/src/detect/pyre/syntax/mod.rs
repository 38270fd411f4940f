//! Python's pattern language, as version 3.11 reads it.
//!
//! In: a pattern's text. Out: an [`Ast`] in which flags are resolved and groups are numbers, or what is wrong and where.
//! Refuses what Python refuses, and `\N{…}`.

mod error;
mod escape;
mod group;
mod set;
#[cfg(test)]
mod tests;

pub use error::Error;
pub(crate) use error::Problem;

use super::ast::{Assertion, Ast, Node, Repeat, RepeatKind, Width};
use super::class::{Case, Charset, Class, Item, Newlines};

/// The longest pattern, in bytes; the longest that fail2ban ships has 2.5 kB.
pub(crate) const PATTERN_BYTES_MAX: usize = 64 * 1024;
/// How deep groups may be nested: each level takes some of the stack.
pub(crate) const DEPTH_MAX: usize = 100;
/// How many groups may capture.
pub(crate) const GROUPS_MAX: usize = 500;
/// Python's `MAXREPEAT`: what no written count may reach.
const REPEAT_MAX: u32 = u32::MAX;

/// What may be asked of a whole pattern from outside of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub(crate) lines: Lines,
}

/// Where `^` and `$` match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lines {
    /// At the start and end of the text.
    #[default]
    One,
    /// At those of each line: Python's MULTILINE.
    Many,
}

/// Understands a pattern.
///
/// # Errors
/// What Python refuses, and what is larger than the limits above.
pub(crate) fn parse(pattern: &str, flags: Flags) -> Result<Ast, Error> {
    if pattern.len() > PATTERN_BYTES_MAX {
        let problem = Problem::TooLong { bytes: pattern.len() };
        return Err(Error { position: 0, problem });
    }
    let global = Modes {
        ignore_case: false,
        multiline: flags.lines == Lines::Many,
        dot_all: false,
        verbose: false,
        charset: Charset::Unicode,
    };
    let mut parser = Parser {
        chars: pattern.chars().collect(),
        at: 0,
        global,
        charset_named: None,
        groups: Vec::new(),
        look_behind_groups: None,
        references: Vec::new(),
        depth: 0,
    };
    let root = parser.alternatives(global, Outermost::Yes)?;
    if parser.peek().is_some() {
        return Err(parser.error(Problem::UnbalancedParenthesis));
    }
    if let Some(&(number, position)) =
        parser.references.iter().find(|(number, _)| *number > parser.groups.len())
    {
        let problem = Problem::UnknownGroup { number: number.to_string() };
        return Err(Error { position, problem });
    }
    Ok(Ast { root, groups: parser.groups.into_iter().map(|group| group.name).collect() })
}

/// The flags in force at one place.
#[derive(Clone, Copy, Debug)]
struct Modes {
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    verbose: bool,
    charset: Charset,
}

impl Modes {
    fn case(self) -> Case {
        if self.ignore_case { Case::Ignored(self.charset) } else { Case::Counts }
    }
}

/// Whether alternatives are those of the whole pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outermost {
    Yes,
    No,
}

struct Group {
    name: Option<String>,
    /// `None` while it is open.
    width: Option<Width>,
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    /// Flags for all of the pattern.
    global: Modes,
    /// The first of `(?a)` and `(?u)`: the other one may not follow.
    charset_named: Option<Charset>,
    groups: Vec<Group>,
    /// Within a look-behind: how many groups there were before.
    look_behind_groups: Option<usize>,
    /// Groups named by number in conditions, and where; they may stand to the right.
    references: Vec<(usize, usize)>,
    depth: usize,
}

/// What stands left of a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Repeatable,
    Assertion,
    Repeat,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn digits(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    fn error(&self, problem: Problem) -> Error {
        Error { position: self.at, problem }
    }

    /// `a|b|c`.
    fn alternatives(&mut self, modes: Modes, outermost: Outermost) -> Result<Node, Error> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(Problem::TooDeep));
        }
        self.depth += 1;
        let mut nodes = vec![self.sequence(modes, outermost)?];
        while self.eat('|') {
            // Flags at the start of the first alternative are those of all.
            let modes = if outermost == Outermost::Yes { self.global } else { modes };
            nodes.push(self.sequence(modes, Outermost::No)?);
        }
        self.depth -= 1;
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Alternate(nodes) })
    }

    /// One alternative: items until `|`, `)` or the end. `first`: the first of the whole pattern.
    fn sequence(&mut self, mut modes: Modes, first: Outermost) -> Result<Node, Error> {
        let mut items: Vec<Node> = Vec::new();
        let mut before = Before::Repeatable;
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let start = self.at;
            self.at += 1;
            if modes.verbose && self.skip_blank(c) {
                continue;
            }
            if let Some((min, max)) = self.repeat(c)? {
                let error = |problem| Err(Error { position: start, problem });
                let Some(body) = items.pop().filter(|_| before != Before::Assertion) else {
                    return error(Problem::NothingToRepeat { found: c });
                };
                if before == Before::Repeat {
                    return error(Problem::MultipleRepeat { found: c });
                }
                let kind = match () {
                    () if self.eat('?') => RepeatKind::Lazy,
                    () if self.eat('+') => RepeatKind::Possessive,
                    () => RepeatKind::Greedy,
                };
                items.push(Node::Repeat(Repeat {
                    min,
                    max,
                    position: start,
                    kind,
                    body: Box::new(body),
                }));
                before = Before::Repeat;
                continue;
            }
            let item = match c {
                '(' => {
                    let may_set_flags = first == Outermost::Yes && items.is_empty();
                    match self.group(modes, may_set_flags)? {
                        group::Parsed::Node(node) => node,
                        group::Parsed::Nothing => continue,
                        group::Parsed::Flags => {
                            modes = self.global;
                            continue;
                        }
                    }
                }
                '[' => self.set(modes.case(), modes.charset)?,
                '\\' => self.escape(modes)?,
                '.' if modes.dot_all => Node::Class(Class::dot(Newlines::Included)),
                '.' => Node::Class(Class::dot(Newlines::Excluded)),
                '^' if modes.multiline => Node::Assertion(Assertion::LineStart),
                '^' => Node::Assertion(Assertion::TextStart),
                '$' if modes.multiline => Node::Assertion(Assertion::LineEnd),
                '$' => Node::Assertion(Assertion::TextEnd),
                literal => char_node(literal.into(), modes.case()),
            };
            let is_assertion = matches!(item, Node::Assertion(_)) && c != '(';
            before = if is_assertion { Before::Assertion } else { Before::Repeatable };
            items.push(item);
        }
        Ok(Node::concat(items))
    }

    /// In verbose mode: whether this was a blank or the start of a comment, which is skipped.
    fn skip_blank(&mut self, c: char) -> bool {
        if c == '#' {
            // As for Python, a backslash takes the newline behind it into the comment.
            while let Some(c) = self.next() {
                match c {
                    '\n' => break,
                    '\\' => drop(self.next()),
                    _ => {}
                }
            }
        }
        matches!(c, '#' | ' ' | '\t'..='\r')
    }

    /// The counts, if this character begins a repeat; a brace that does not is a character like others.
    fn repeat(&mut self, c: char) -> Result<Option<(u32, Option<u32>)>, Error> {
        match c {
            '?' => return Ok(Some((0, Some(1)))),
            '*' => return Ok(Some((0, None))),
            '+' => return Ok(Some((1, None))),
            '{' if self.peek() != Some('}') => {}
            _ => return Ok(None),
        }
        let start = self.at;
        let min = self.digits();
        let max = if self.eat(',') { self.digits() } else { min.clone() };
        if !self.eat('}') {
            self.at = start;
            return Ok(None);
        }
        let number = |text: &str| match text.parse() {
            Ok(number) if number < REPEAT_MAX => Ok(number),
            _ => {
                let problem = Problem::RepeatTooLarge { number: text.to_owned() };
                Err(Error { position: start, problem })
            }
        };
        let min = if min.is_empty() { 0 } else { number(&min)? };
        let max = if max.is_empty() { None } else { Some(number(&max)?) };
        match max {
            Some(max) if max < min => {
                let problem = Problem::RepeatMinAboveMax { min, max };
                Err(Error { position: start, problem })
            }
            _ => Ok(Some((min, max))),
        }
    }
}

/// One character that was written out, by its number: Python lets surrogates be written, which no text has.
fn char_node(number: u32, case: Case) -> Node {
    match char::from_u32(number) {
        Some(c) if case == Case::Counts => Node::Char(c),
        _ => {
            let class = Class { items: vec![Item::Range(number, number)], negated: false, case };
            match char::from_u32(number) {
                Some(c) if !class.has_other_case(c) => Node::Char(c),
                _ => Node::Class(class),
            }
        }
    }
}
