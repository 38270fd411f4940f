//! `\` and what follows it.

use super::{Error, Group, Modes, Parser, Problem, char_node};
use crate::detect::pyre::ast::{Assertion, Node};
use crate::detect::pyre::class::{Case, Charset, Class, Item, Kind};

/// The highest octal escape.
const OCTAL_MAX: u32 = 0o377;

impl Parser {
    /// An escape outside of a set; the backslash is already read.
    pub(super) fn escape(&mut self, modes: Modes) -> Result<Node, Error> {
        let start = self.at - 1;
        let charset = modes.charset;
        let Some(c) = self.peek() else {
            return Err(Error { position: start, problem: Problem::TrailingBackslash });
        };
        let assertion = match c {
            'A' => Some(Assertion::TextStart),
            'Z' => Some(Assertion::VeryEnd),
            'b' => Some(Assertion::WordBoundary(charset)),
            'B' => Some(Assertion::NotWordBoundary(charset)),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.at += 1;
            return Ok(Node::Assertion(assertion));
        }
        if matches!(c, '1'..='9') {
            return self.number(start, modes.case());
        }
        Ok(match self.item(charset)? {
            Item::Range(number, _) => char_node(number, modes.case()),
            kind => Node::Class(Class { items: vec![kind], negated: false, case: Case::Counts }),
        })
    }

    /// What an escape stands for that means the same within and outside of sets, and those that are wrong in either;
    /// the backslash is already read.
    pub(super) fn item(&mut self, charset: Charset) -> Result<Item, Error> {
        let start = self.at - 1;
        let error = |problem| Err(Error { position: start, problem });
        let Some(c) = self.next() else { return error(Problem::TrailingBackslash) };
        let number = match c {
            'd' => return Ok(Item::Kind { kind: Kind::Digit, charset }),
            'D' => return Ok(Item::NotKind { kind: Kind::Digit, charset }),
            's' => return Ok(Item::Kind { kind: Kind::Space, charset }),
            'S' => return Ok(Item::NotKind { kind: Kind::Space, charset }),
            'w' => return Ok(Item::Kind { kind: Kind::Word, charset }),
            'W' => return Ok(Item::NotKind { kind: Kind::Word, charset }),
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'v' => 0x0b,
            'x' => self.hexadecimal(start, 2)?,
            'u' => self.hexadecimal(start, 4)?,
            'U' => self.hexadecimal(start, 8)?,
            'N' => return error(Problem::NamedCharacter),
            '0'..='7' => self.octal(start)?,
            '8' | '9' | 'a'..='z' | 'A'..='Z' => {
                return error(Problem::BadEscape { escape: self.text_from(start) });
            }
            other => other.into(),
        };
        Ok(Item::Range(number, number))
    }

    fn text_from(&self, start: usize) -> String {
        self.chars[start..self.at].iter().collect()
    }

    fn hexadecimal(&mut self, start: usize, digits: usize) -> Result<u32, Error> {
        let mut number: u64 = 0;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                let problem = Problem::IncompleteEscape { escape: self.text_from(start), digits };
                return Err(Error { position: start, problem });
            };
            self.at += 1;
            number = number << 4 | u64::from(digit);
        }
        match u32::try_from(number) {
            Ok(number) if number <= char::MAX.into() => Ok(number),
            _ => {
                let problem = Problem::BadEscape { escape: self.text_from(start) };
                Err(Error { position: start, problem })
            }
        }
    }

    /// Up to three octal digits, the first of which is already read.
    fn octal(&mut self, start: usize) -> Result<u32, Error> {
        let first = self.chars[self.at - 1];
        let mut number = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
            self.at += 1;
            number = number * 8 + digit;
        }
        if number > OCTAL_MAX {
            let problem = Problem::OctalTooLarge { escape: self.text_from(start) };
            return Err(Error { position: start, problem });
        }
        Ok(number)
    }

    /// `\1` to `\99`: a back-reference; or an octal escape, if it has three octal digits.
    fn number(&mut self, start: usize, case: Case) -> Result<Node, Error> {
        let digit = |at: usize| self.chars.get(at).copied().filter(char::is_ascii_digit);
        let octal = |at: usize| digit(at).is_some_and(|c| c.is_digit(8));
        if octal(self.at) && octal(self.at + 1) && octal(self.at + 2) {
            self.at += 1;
            return Ok(char_node(self.octal(start)?, case));
        }
        let digits = if digit(self.at + 1).is_some() { 2 } else { 1 };
        let text: String = self.chars[self.at..self.at + digits].iter().collect();
        self.at += digits;
        match text.parse::<usize>() {
            Ok(group) if (1..=self.groups.len()).contains(&group) => {
                self.backreference(group, start, case)
            }
            _ => Err(Error { position: start, problem: Problem::UnknownGroup { number: text } }),
        }
    }

    /// A reference to a group that there is.
    pub(super) fn backreference(
        &self,
        group: usize,
        position: usize,
        case: Case,
    ) -> Result<Node, Error> {
        if self.groups[group - 1].width.is_none() {
            return Err(Error { position, problem: Problem::OpenGroup { number: group } });
        }
        self.check_look_behind(group, position)?;
        Ok(Node::Backreference { group, case })
    }

    /// A look-behind may not depend on what is captured inside it.
    pub(super) fn check_look_behind(&self, group: usize, position: usize) -> Result<(), Error> {
        let Some(before) = self.look_behind_groups else { return Ok(()) };
        let problem = match self.groups.get(group - 1) {
            Some(Group { width: Some(_), .. }) if group > before => {
                Problem::GroupInLookBehind { number: group }
            }
            Some(Group { width: Some(_), .. }) => return Ok(()),
            _ => Problem::OpenGroup { number: group },
        };
        Err(Error { position, problem })
    }
}
