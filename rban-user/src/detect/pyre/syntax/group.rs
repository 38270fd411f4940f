//! `(…)` of every kind.

use super::{Error, GROUPS_MAX, Group, Modes, Outermost, Parser, Problem};
use crate::detect::pyre::ast::{Direction, Look, Node, Sense, Width};
use crate::detect::pyre::class::Charset;

/// What a parenthesis turned out to be.
pub(super) enum Parsed {
    Node(Node),
    /// A comment.
    Nothing,
    /// Flags for all of the pattern.
    Flags,
}

/// What `(?…` says of flags.
struct FlagChange {
    modes: Modes,
    /// `(?i)` rather than `(?i:…)`.
    whole_pattern: bool,
}

impl Parser {
    /// A group; the `(` is already read.
    pub(super) fn group(&mut self, modes: Modes, may_set_flags: bool) -> Result<Parsed, Error> {
        let start = self.at - 1;
        if !self.eat('?') {
            return self.capture(None, start, modes);
        }
        let unknown = |found: String| {
            Err(Error { position: start + 1, problem: Problem::UnknownExtension { found } })
        };
        let Some(c) = self.next() else { return Err(self.error(Problem::UnexpectedEnd)) };
        Ok(Parsed::Node(match c {
            'P' => match self.next() {
                Some('<') => {
                    let name = self.name('>')?;
                    return self.capture(Some(name), start, modes);
                }
                Some('=') => {
                    let at = self.at;
                    let name = self.name(')')?;
                    let group = self.named(&name, at)?;
                    self.backreference(group, at, modes.case())?
                }
                Some(other) => return unknown(format!("?P{other}")),
                None => return Err(self.error(Problem::UnexpectedEnd)),
            },
            ':' => self.body(start, modes)?,
            '>' => Node::Atomic(Box::new(self.body(start, modes)?)),
            '#' => {
                self.skip_comment(start)?;
                return Ok(Parsed::Nothing);
            }
            '=' => self.look_ahead(Sense::Positive, start, modes)?,
            '!' => self.look_ahead(Sense::Negative, start, modes)?,
            '<' => match self.next() {
                Some('=') => self.look_behind(Sense::Positive, start, modes)?,
                Some('!') => self.look_behind(Sense::Negative, start, modes)?,
                Some(other) => return unknown(format!("?<{other}")),
                None => return Err(self.error(Problem::UnexpectedEnd)),
            },
            '(' => self.conditional(start, modes)?,
            '-' | 'a'..='z' | 'A'..='Z' => {
                if c != '-' && !"imsxauL".contains(c) {
                    return unknown(format!("?{c}"));
                }
                self.at -= 1;
                let change = self.flags(modes)?;
                if !change.whole_pattern {
                    return Ok(Parsed::Node(self.body(start, change.modes)?));
                }
                if !may_set_flags {
                    let flags = self.chars[start + 2..self.at - 1].iter().collect();
                    return Err(Error {
                        position: start,
                        problem: Problem::FlagsNotAtStart { flags },
                    });
                }
                self.global = change.modes;
                return Ok(Parsed::Flags);
            }
            other => return unknown(format!("?{other}")),
        }))
    }

    /// What is inside a group, and its end.
    fn body(&mut self, start: usize, modes: Modes) -> Result<Node, Error> {
        let body = self.alternatives(modes, Outermost::No)?;
        self.close(start)?;
        Ok(body)
    }

    fn close(&mut self, start: usize) -> Result<(), Error> {
        if self.eat(')') {
            return Ok(());
        }
        Err(Error { position: start, problem: Problem::UnclosedGroup })
    }

    fn capture(
        &mut self,
        name: Option<String>,
        start: usize,
        modes: Modes,
    ) -> Result<Parsed, Error> {
        let error = |problem| Err(Error { position: start, problem });
        if let Some(name) = &name
            && self.groups.iter().any(|group| group.name.as_ref() == Some(name))
        {
            return error(Problem::DuplicateName { name: name.clone() });
        }
        if self.groups.len() == GROUPS_MAX {
            return error(Problem::TooManyGroups);
        }
        self.groups.push(Group { name, width: None });
        let index = self.groups.len();
        let body = self.body(start, modes)?;
        self.groups[index - 1].width = Some(self.width(&body));
        Ok(Parsed::Node(Node::Group { index, body: Box::new(body) }))
    }

    fn width(&self, node: &Node) -> Width {
        Width::of(node, &|group| self.groups[group - 1].width.unwrap_or(Width::ZERO))
    }

    fn look_ahead(&mut self, sense: Sense, start: usize, modes: Modes) -> Result<Node, Error> {
        let body = Box::new(self.body(start, modes)?);
        Ok(Node::Look(Look { direction: Direction::Ahead, sense, body }))
    }

    fn look_behind(&mut self, sense: Sense, start: usize, modes: Modes) -> Result<Node, Error> {
        let outer = self.look_behind_groups;
        self.look_behind_groups = outer.or(Some(self.groups.len()));
        let body = Box::new(self.body(start, modes)?);
        self.look_behind_groups = outer;
        let error = Error { position: start, problem: Problem::LookBehindWidth };
        let Width { min, max: Some(max) } = self.width(&body) else { return Err(error) };
        match usize::try_from(min) {
            Ok(width) if min == max => {
                Ok(Node::Look(Look { direction: Direction::Behind(width), sense, body }))
            }
            _ => Err(error),
        }
    }

    /// `(?(group)yes|no)`.
    fn conditional(&mut self, start: usize, modes: Modes) -> Result<Node, Error> {
        let at = self.at;
        let name = self.text_until(')')?;
        let group = if name.bytes().all(|b| b.is_ascii_digit()) {
            let group = name.parse().ok().filter(|group| (1..=GROUPS_MAX).contains(group));
            let Some(group) = group else {
                let problem = Problem::UnknownGroup { number: name };
                return Err(Error { position: at, problem });
            };
            self.references.push((group, at));
            group
        } else {
            check_name(&name, at)?;
            self.named(&name, at)?
        };
        self.check_look_behind(group, at)?;
        if self.depth == super::DEPTH_MAX {
            return Err(self.error(Problem::TooDeep));
        }
        self.depth += 1;
        let yes = Box::new(self.sequence(modes, Outermost::No)?);
        let no = if self.eat('|') { self.sequence(modes, Outermost::No)? } else { Node::empty() };
        self.depth -= 1;
        if self.peek() == Some('|') {
            return Err(self.error(Problem::TooManyBranches));
        }
        self.close(start)?;
        Ok(Node::Conditional { group, yes, no: Box::new(no) })
    }

    fn skip_comment(&mut self, start: usize) -> Result<(), Error> {
        loop {
            match self.next() {
                None => return Err(Error { position: start, problem: Problem::UnclosedComment }),
                Some(')') => return Ok(()),
                // As for Python, an escaped parenthesis does not end it.
                Some('\\') => drop(self.next()),
                Some(_) => {}
            }
        }
    }

    /// A group's name, and the character that ends it.
    fn name(&mut self, end: char) -> Result<String, Error> {
        let at = self.at;
        let name = self.text_until(end)?;
        check_name(&name, at)?;
        Ok(name)
    }

    fn text_until(&mut self, end: char) -> Result<String, Error> {
        let from = self.at;
        let error = |problem| Err(Error { position: from, problem });
        while let Some(c) = self.next() {
            if c != end {
                continue;
            }
            return match self.chars[from..self.at - 1].iter().collect::<String>() {
                name if name.is_empty() => error(Problem::MissingName { before: end }),
                name => Ok(name),
            };
        }
        match self.chars[from..].iter().collect::<String>() {
            name if name.is_empty() => error(Problem::MissingName { before: end }),
            name => error(Problem::UnclosedName { name, end }),
        }
    }

    fn named(&self, name: &str, position: usize) -> Result<usize, Error> {
        let group = self.groups.iter().position(|group| group.name.as_deref() == Some(name));
        group.map(|before| before + 1).ok_or_else(|| Error {
            position,
            problem: Problem::UnknownName { name: name.to_owned() },
        })
    }

    /// The letters of `(?i)` and `(?i-s:`.
    fn flags(&mut self, mut modes: Modes) -> Result<FlagChange, Error> {
        let start = self.at;
        let (mut on, mut off) = (String::new(), String::new());
        let mut minus = false;
        loop {
            let Some(c) = self.next() else {
                let flags = self.chars[start..self.at].iter().collect();
                return Err(Error { position: start, problem: Problem::UnclosedFlags { flags } });
            };
            let bad =
                |why| Err(Error { position: start, problem: Problem::BadFlag { flag: c, why } });
            match c {
                ':' | ')' if minus && off.is_empty() => {
                    return Err(self.error(Problem::UnknownFlag { found: c }));
                }
                ':' => return Ok(FlagChange { modes, whole_pattern: false }),
                ')' if !minus => {
                    let modes = self.whole_pattern(&on, modes, start)?;
                    return Ok(FlagChange { modes, whole_pattern: true });
                }
                '-' if !minus => minus = true,
                'L' => return bad("is for patterns of bytes only"),
                'a' | 'u' if minus => return bad("cannot be turned off"),
                'a' if on.contains('u') => return bad("contradicts u"),
                'u' if on.contains('a') => return bad("contradicts a"),
                'i' | 'm' | 's' | 'x' | 'a' | 'u' => {
                    if minus && on.contains(c) {
                        return bad("is turned on and off");
                    }
                    if minus {
                        off.push(c);
                        modes.turn_off(c);
                    } else {
                        on.push(c);
                        modes.turn_on(c);
                    }
                }
                found => {
                    let position = self.at - 1;
                    return Err(Error { position, problem: Problem::UnknownFlag { found } });
                }
            }
        }
    }

    /// The modes of a pattern that begins with these flags.
    fn whole_pattern(&mut self, on: &str, modes: Modes, position: usize) -> Result<Modes, Error> {
        let named = match () {
            () if on.contains('a') => Some((Charset::Ascii, 'a')),
            () if on.contains('u') => Some((Charset::Unicode, 'u')),
            () => None,
        };
        if let Some((charset, flag)) = named
            && *self.charset_named.get_or_insert(charset) != charset
        {
            let problem = Problem::BadFlag { flag, why: "contradicts the flags before" };
            return Err(Error { position, problem });
        }
        Ok(modes)
    }
}

impl Modes {
    fn turn_on(&mut self, flag: char) {
        match flag {
            'i' => self.ignore_case = true,
            'm' => self.multiline = true,
            's' => self.dot_all = true,
            'x' => self.verbose = true,
            'a' => self.charset = Charset::Ascii,
            _ => self.charset = Charset::Unicode,
        }
    }

    fn turn_off(&mut self, flag: char) {
        match flag {
            'i' => self.ignore_case = false,
            'm' => self.multiline = false,
            's' => self.dot_all = false,
            _ => self.verbose = false,
        }
    }
}

fn check_name(name: &str, position: usize) -> Result<(), Error> {
    let mut chars = name.chars();
    let fits = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric());
    if fits {
        return Ok(());
    }
    Err(Error { position, problem: Problem::BadName { name: name.to_owned() } })
}
