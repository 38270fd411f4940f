//! Python's `re`, exact in meaning and safe in time.
//!
//! In: a pattern as fail2ban's filters have it, and texts in UTF-8. Out: where it matches and what its groups matched,
//! to the byte as Python 3.11 has it: leftmost, the first alternative that lets the whole match, as many or as few as
//! asked for. [`syntax`] reads, [`compile`] makes a program, [`search`] finds where a match may begin, [`exec`] and
//! [`repeat`] run it there. What failed at a place is remembered once a text turns out to be dear ([`memo`]), so that
//! time is linear in the text unless there are back-references; and whatever the pattern, a search ends after as many
//! steps as the caller allows.

mod approximate;
mod ast;
mod bytes;
mod class;
mod compile;
mod conditions;
mod exec;
mod first;
#[cfg(any(test, feature = "hostile"))]
pub(super) mod hostile;
pub(crate) mod lint;
mod literals;
mod memo;
mod program;
mod rare;
mod repeat;
mod search;
mod syntax;
#[cfg(test)]
mod tests;
mod text;
mod unicode;

use std::ops::Range;
use std::sync::Arc;

use regex_syntax::hir::Hir;

pub(crate) use ast::Ast;
pub(crate) use exec::{LimitReached, Scratch};
pub use syntax::Error;
pub(crate) use syntax::{Flags, Lines, parse};

/// A pattern, ready to be searched for. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    ast: Ast,
    program: program::Program,
    plan: search::Plan,
}

/// How much work a search may take: a step is a choice, or some bytes looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps(pub(crate) u32);

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What Python refuses, `\N{…}`, and what is too large.
    pub(crate) fn new(source: &str, flags: Flags) -> Result<Self, Error> {
        let ast = parse(source, flags)?;
        let program = compile::compile(&ast)?;
        let len_min = ast::Width::of(&ast.root, &|_| ast::Width::ZERO).min;
        let len_min = usize::try_from(len_min).unwrap_or(usize::MAX);
        let plan = search::Plan::new(&program, &literals::required(&ast.root), len_min);
        Ok(Self(Arc::new(Compiled { ast, program, plan })))
    }

    /// Whether it matches somewhere in the text, which is UTF-8; [`Scratch::group`] then tells where.
    ///
    /// # Errors
    /// The limit was reached; nothing is known then.
    pub(crate) fn search(
        &self,
        scratch: &mut Scratch,
        text: &[u8],
        limit: Steps,
    ) -> Result<bool, LimitReached> {
        self.search_within(scratch, text, 0..text.len(), limit)
    }

    /// The same for a part of a text, as Python has it: the text ends where the part does, but does not begin there
    /// (`^` and look-behinds see what is before).
    ///
    /// # Errors
    /// The limit was reached; nothing is known then.
    pub(crate) fn search_within(
        &self,
        scratch: &mut Scratch,
        text: &[u8],
        part: Range<usize>,
        limit: Steps,
    ) -> Result<bool, LimitReached> {
        self.0.plan.search(&self.0.program, scratch, text, part, limit.0)
    }

    /// Each named group with its number.
    pub(crate) fn group_names(&self) -> impl Iterator<Item = (&str, usize)> {
        let groups = self.0.ast.groups.iter().enumerate();
        groups.filter_map(|(before, name)| Some((name.as_deref()?, before + 1)))
    }

    #[cfg(test)]
    fn is_anchored_at_start(&self) -> bool {
        matches!(self.0.plan.start, search::Start::Text)
    }

    #[cfg(test)]
    fn ast(&self) -> &Ast {
        &self.0.ast
    }

    /// A regular pattern, over bytes, that matches wherever this one does, and perhaps elsewhere. Build automata from it
    /// as it is: its text loses the brackets of repeated repeats.
    pub(crate) fn over_approximation(&self) -> Hir {
        approximate::of(&self.0.ast)
    }
}

impl Scratch {
    /// What a group of the pattern matched that was searched for last, with success; group 0 is the whole match.
    pub(crate) fn group(&self, group: usize) -> Option<Range<usize>> {
        let &[start, end] = self.slots.get(group * 2..group * 2 + 2)? else { return None };
        let matched = start != exec::NOWHERE && end != exec::NOWHERE;
        matched.then_some(start as usize..end as usize)
    }
}
