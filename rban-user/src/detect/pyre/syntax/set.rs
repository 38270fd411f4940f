//! `[…]`.

use super::{Error, Parser, Problem};
use crate::detect::pyre::ast::Node;
use crate::detect::pyre::class::{Case, Charset, Class, Item};

impl Parser {
    /// A set; the `[` is already read.
    pub(super) fn set(&mut self, case: Case, charset: Charset) -> Result<Node, Error> {
        let start = self.at - 1;
        let negated = self.eat('^');
        let mut items = Vec::new();
        loop {
            let (item, text) = self.set_item(start, charset)?;
            // The first `]` is a character, later ones end the set.
            if text == "]" && !items.is_empty() {
                break;
            }
            if !self.eat('-') {
                items.push(item);
                continue;
            }
            let (last, last_text) = self.set_item(start, charset)?;
            if last_text == "]" {
                items.extend([item, Item::Range('-'.into(), '-'.into())]);
                break;
            }
            match (item, last) {
                (Item::Range(first, _), Item::Range(last, _)) if first <= last => {
                    items.push(Item::Range(first, last));
                }
                _ => {
                    let range = format!("{text}-{last_text}");
                    let position = self.at - range.chars().count();
                    return Err(Error { position, problem: Problem::BadRange { range } });
                }
            }
        }
        Ok(match items[..] {
            [Item::Range(first, last)] if first == last && !negated => {
                super::char_node(first, case)
            }
            _ => Node::Class(Class { items, negated, case }),
        })
    }

    /// One character or kind of characters, and its text.
    fn set_item(&mut self, start: usize, charset: Charset) -> Result<(Item, String), Error> {
        let from = self.at;
        let item = match self.next() {
            None => return Err(Error { position: start, problem: Problem::UnclosedSet }),
            Some('\\') => self.item(charset)?,
            Some(c) => Item::Range(c.into(), c.into()),
        };
        Ok((item, self.chars[from..self.at].iter().collect()))
    }
}
