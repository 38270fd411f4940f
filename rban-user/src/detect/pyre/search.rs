//! Where in a text a match may begin.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3, memmem};

use super::ast::Assertion;
use super::bytes::First;
use super::exec::{LimitReached, Machine, NOWHERE, Scratch};
use super::program::{Program, Step};

/// A literal as long as this tells lines apart: shorter ones stand in most.
const REQUIRED_BYTES_MIN: usize = 3;

/// How the places are found where a match may begin.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// At the start of the text only.
    Text,
    /// At the start of a line.
    Line,
    /// At a literal.
    Literal(Box<memmem::Finder<'static>>),
    /// At one of up to three bytes.
    Bytes([u8; 3]),
    /// Wherever the next character allows it.
    First,
}

impl Start {
    pub(super) fn of(program: &Program) -> Self {
        if begins_with(program, 0, Assertion::TextStart) {
            return Self::Text;
        }
        if begins_with(program, 0, Assertion::LineStart) {
            return Self::Line;
        }
        let first = program.steps.iter().find(|step| !matches!(step, Step::Save(_)));
        let literal = match first {
            Some(Step::Literal { start, len }) => Some(program.literal([*start, *len])),
            Some(Step::Short { bytes, len }) => Some(&bytes[..usize::from(*len)]),
            _ => None,
        };
        if let Some(literal) = literal {
            return Self::Literal(Box::new(memmem::Finder::new(literal).into_owned()));
        }
        let First { bytes, end: false } = program.first else { return Self::First };
        match bytes.iter().take(4).collect::<Vec<u8>>()[..] {
            [a] => Self::Bytes([a, a, a]),
            [a, b] => Self::Bytes([a, b, b]),
            [a, b, c] => Self::Bytes([a, b, c]),
            _ => Self::First,
        }
    }

    /// The first place from here on.
    #[inline]
    fn next(&self, program: &Program, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        match self {
            Self::Text => (from == 0).then_some(0),
            Self::Line if from == 0 || text[from - 1] == b'\n' => Some(from),
            Self::Line => memchr(b'\n', rest).map(|found| from + found + 1),
            Self::Literal(finder) => finder.find(rest).map(|found| from + found),
            Self::Bytes([a, b, c]) => match (a == b, b == c) {
                (true, true) => memchr(*a, rest),
                (false, true) => memchr2(*a, *b, rest),
                _ => memchr3(*a, *b, *c, rest),
            }
            .map(|found| from + found),
            Self::First => (from..=text.len()).find(|&at| program.first.allows(text, at)),
        }
    }
}

/// Whether every way from a step passes an assertion before it takes any text.
fn begins_with(program: &Program, pc: usize, wanted: Assertion) -> bool {
    let mut seen = vec![false; program.steps.len()];
    let mut todo = vec![pc];
    while let Some(pc) = todo.pop() {
        if std::mem::replace(&mut seen[pc], true) {
            continue;
        }
        match program.steps[pc] {
            Step::Assert(found) if found == wanted => {}
            Step::Save(_) | Step::LoopStart { .. } | Step::Atomic { .. } => todo.push(pc + 1),
            Step::Jump(to) => todo.push(to as usize),
            Step::Split { first, second, .. } => todo.extend([first as usize, second as usize]),
            Step::Conditional { no, .. } => todo.extend([pc + 1, no as usize]),
            Step::Look(index) => todo.push(program.looks[index as usize].next as usize),
            _ => return false,
        }
    }
    true
}

fn begins_with_literal(program: &Program) -> bool {
    let first = program.steps.iter().find(|step| !matches!(step, Step::Save(_) | Step::Assert(_)));
    matches!(first, Some(Step::Literal { .. } | Step::Short { .. }))
}

/// The set whose repeat a match begins with: where it fails at one place, so it does at those that follow in the same
/// run of characters of the set.
fn leading_run(program: &Program) -> Option<usize> {
    let first = program.steps.iter().find(|step| !matches!(step, Step::Save(_)));
    let &Step::Repeat(index) = first? else { return None };
    let repeat = &program.repeats[index as usize];
    // With back-references, what follows depends on where the match began.
    let fits = repeat.max == u32::MAX && repeat.guard[1] == 0 && !program.has_backreferences;
    fits.then_some(repeat.set as usize)
}

/// How a program is searched for.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) start: Start,
    /// Every match has it.
    required: Option<memmem::Finder<'static>>,
    leading_run: Option<usize>,
    /// Every match has so many bytes.
    len_min: usize,
}

impl Plan {
    pub(super) fn new(program: &Program, required: &[u8], len_min: usize) -> Self {
        let start = Start::of(program);
        // Where a match can only begin with a literal, that is looked at anyway.
        let pays = required.len() >= REQUIRED_BYTES_MIN && !begins_with_literal(program);
        let required = pays.then(|| memmem::Finder::new(required).into_owned());
        Self { start, required, leading_run: leading_run(program), len_min }
    }

    /// Finds the leftmost match in a part of a text. What stands before the part is seen by look-behinds; what stands
    /// behind it is not.
    pub(super) fn search(
        &self,
        program: &Program,
        scratch: &mut Scratch,
        text: &[u8],
        part: Range<usize>,
        limit: u32,
    ) -> Result<bool, LimitReached> {
        let Range { start, end } = part;
        let text = &text[..end];
        if text.len() >= NOWHERE as usize {
            return Err(LimitReached);
        }
        let Some(last) = text.len().checked_sub(self.len_min).filter(|&last| start <= last) else {
            return Ok(false);
        };
        let Some(mut at) = self.start.next(program, text, start).filter(|&at| at <= last) else {
            return Ok(false);
        };
        if !program.first.allows(text, at) && matches!(self.start, Start::Text) {
            return Ok(false);
        }
        if let Some(required) = &self.required
            && required.find(&text[at..]).is_none()
        {
            return Ok(false);
        }
        let mut machine = Machine::new(program, text, scratch, limit);
        loop {
            if machine.run(at)? {
                return Ok(true);
            }
            if matches!(self.start, Start::Text) {
                return Ok(false);
            }
            let next = match self.leading_run {
                None => at + 1,
                Some(set) => machine.behind_run(set, at) + 1,
            };
            machine.spend(1 + (next - at) / 32)?;
            machine.forget_captures();
            match self.start.next(program, text, next).filter(|&at| at <= last) {
                Some(next) => at = next,
                None => return Ok(false),
            }
        }
    }
}
