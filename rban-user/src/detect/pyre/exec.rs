//! Runs a program from one place of a text: backtracking, within a limit.

use memchr::memmem;

use super::ast::Assertion;
use super::class::{Beyond, Charset};
use super::memo::Memo;
use super::program::{Key, Pc, Program, Set, Step};
use super::text;

/// A search that took more steps, or more memory, than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the search took too long and was given up")]
pub(crate) struct LimitReached;

/// How many choices may be open at once.
const FRAMES_MAX: usize = 1 << 20;
/// What is kept of their memory from one search to the next.
const FRAMES_KEPT: usize = 1 << 12;
/// After so many steps, and one for each byte of the text, it pays to remember what failed.
const STEPS_BEFORE_MEMO: u32 = 256;

/// A place that is none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What is left to try, and what to put back before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Frame {
    Goto {
        pc: Pc,
        at: u32,
    },
    /// A repeat that may end earlier: from `low` on, and before `at`.
    Fewer {
        pc: Pc,
        low: u32,
        at: u32,
    },
    /// A repeat that may go on from `at`, where it has `count` characters.
    More {
        pc: Pc,
        at: u32,
        count: u32,
    },
    Slot {
        slot: u32,
        old: u32,
    },
    Register {
        register: u32,
        old: u32,
    },
}

/// Memory of searches, kept from one to the next, whatever the patterns.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    /// Where groups begin and end; those of the whole match stand first.
    pub(super) slots: Vec<u32>,
    frames: Vec<Frame>,
    registers: Vec<u32>,
    memo: Memo,
    /// How many times [`STEPS_BEFORE_MEMO`] to wait before what fails is remembered.
    pub(super) patience: u32,
}

impl Default for Scratch {
    fn default() -> Self {
        let (slots, frames, registers) = (Vec::new(), Vec::new(), Vec::new());
        Self { slots, frames, registers, memo: Memo::default(), patience: 1 }
    }
}

/// One search under way.
pub(super) struct Machine<'a> {
    pub(super) program: &'a Program,
    /// The text up to where the search ends.
    pub(super) text: &'a [u8],
    pub(super) slots: &'a mut [u32],
    pub(super) frames: &'a mut Vec<Frame>,
    pub(super) registers: &'a mut [u32],
    pub(super) memo: &'a mut Memo,
    /// Whether what fails is remembered.
    pub(super) remembers: bool,
    left: u32,
    /// Begin to remember when fewer than this are left.
    memo_below: u32,
}

/// Whether to go on, or to try what is left.
pub(super) type Outcome = Option<(usize, usize)>;

impl<'a> Machine<'a> {
    pub(super) fn new(
        program: &'a Program,
        text: &'a [u8],
        scratch: &'a mut Scratch,
        limit: u32,
    ) -> Self {
        let slots = (program.groups + 1) * 2;
        scratch.slots.clear();
        scratch.slots.resize(slots, NOWHERE);
        if scratch.registers.len() < program.registers {
            scratch.registers.resize(program.registers, NOWHERE);
        }
        scratch.frames.clear();
        if scratch.frames.capacity() > FRAMES_KEPT {
            scratch.frames.shrink_to(FRAMES_KEPT);
        }
        scratch.memo.shrink();
        let before = STEPS_BEFORE_MEMO.saturating_add(u32::try_from(text.len()).unwrap_or(NOWHERE));
        let before = before.saturating_mul(scratch.patience);
        let memo_below = if program.keys.is_some() { limit - before.min(limit / 2) } else { 0 };
        Self {
            program,
            text,
            slots: &mut scratch.slots,
            frames: &mut scratch.frames,
            registers: &mut scratch.registers,
            memo: &mut scratch.memo,
            remembers: false,
            left: limit,
            memo_below,
        }
    }

    #[inline(always)]
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), LimitReached> {
        let steps = u32::try_from(steps).map_err(|_| LimitReached)?;
        self.left = self.left.checked_sub(steps).ok_or(LimitReached)?;
        Ok(())
    }

    #[inline(always)]
    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push(frame);
    }

    /// Notes another way to go on.
    #[inline(always)]
    pub(super) fn push_choice(&mut self, frame: Frame) -> Result<(), LimitReached> {
        if self.frames.len() >= FRAMES_MAX {
            return Err(LimitReached);
        }
        self.push(frame);
        Ok(())
    }

    fn set_slot(&mut self, slot: usize, value: u32) {
        if !self.frames.is_empty() {
            let old = self.slots[slot];
            self.push(Frame::Slot { slot: slot as u32, old });
        }
        self.slots[slot] = value;
    }

    /// After a match failed at one place, before another.
    pub(super) fn forget_captures(&mut self) {
        self.slots.fill(NOWHERE);
    }

    pub(super) fn set_register(&mut self, register: u32, value: u32) {
        let old = std::mem::replace(&mut self.registers[register as usize], value);
        self.push(Frame::Register { register, old });
    }

    pub(super) fn is_captured(&self, group: usize) -> bool {
        let (start, end) = (self.slots[group * 2], self.slots[group * 2 + 1]);
        start != NOWHERE && end != NOWHERE && start <= end
    }

    /// Whether a choice is to be taken at a place: not if it was before, for then it failed.
    #[inline(always)]
    pub(super) fn visit(&mut self, row: u32, at: usize) -> bool {
        if !self.remembers {
            return true;
        }
        let key = self.key(at);
        self.memo.visit(row, key, at)
    }

    /// What else decides how a match goes on from a place.
    fn key(&self, at: usize) -> usize {
        let keys = self.program.keys.as_deref().unwrap_or_default();
        keys.iter().fold(0, |bits, key| {
            let bit = match *key {
                Key::Group(group) => self.is_captured(group),
                Key::Register(register) => self.registers[register as usize] == at as u32,
            };
            bits << 1 | usize::from(bit)
        })
    }

    /// Whether the program matches from here; then the slots tell what its groups matched.
    pub(super) fn run(&mut self, start: usize) -> Result<bool, LimitReached> {
        let program = self.program;
        let text = self.text;
        let (mut pc, mut at) = (0, start);
        loop {
            let next = match program.steps[pc] {
                Step::Byte(byte) => (text.get(at) == Some(&byte)).then_some((pc + 1, at + 1)),
                Step::Short { bytes, len } => {
                    let len = usize::from(len);
                    let there = match text.get(at..at + 8) {
                        // Compared as numbers: this is where most literals are.
                        Some(next) => {
                            let next: [u8; 8] = next.try_into().expect("eight bytes");
                            let difference = u64::from_le_bytes(next) ^ u64::from_le_bytes(bytes);
                            difference << (64 - 8 * len) == 0
                        }
                        None => text[at..].starts_with(&bytes[..len]),
                    };
                    there.then_some((pc + 1, at + len))
                }
                Step::Literal { start, len } => {
                    let literal = &program.text[start as usize..(start + len) as usize];
                    let there = text.get(at..at + literal.len()) == Some(literal);
                    there.then_some((pc + 1, at + literal.len()))
                }
                Step::Set(set) => {
                    self.one(&program.sets[set as usize], at).map(|next| (pc + 1, next))
                }
                Step::Repeat(index) => self.repeat(pc, &program.repeats[index as usize], at)?,
                Step::Save(slot) => {
                    self.set_slot(slot as usize, at as u32);
                    Some((pc + 1, at))
                }
                Step::Ahead { start, len } => {
                    self.spend(1 + (text.len() - at) / 16)?;
                    let there = memmem::find(&text[at..], program.literal([start, len])).is_some();
                    there.then_some((pc + 1, at))
                }
                Step::Jump(to) => Some((to as usize, at)),
                Step::Split { first, second, looks, row } => {
                    self.spend(1)?;
                    if !self.visit(row, at) {
                        None
                    } else {
                        let [one, other] =
                            looks.map(|look| program.firsts[look as usize].allows(text, at));
                        if one && other {
                            self.push_choice(Frame::Goto { pc: second, at: at as u32 })?;
                        }
                        match (one, other) {
                            (true, _) => Some((first as usize, at)),
                            (false, true) => Some((second as usize, at)),
                            (false, false) => None,
                        }
                    }
                }
                Step::Assert(assertion) => self.holds(assertion, at).then_some((pc + 1, at)),
                Step::Match => {
                    (self.slots[0], self.slots[1]) = (start as u32, at as u32);
                    return Ok(true);
                }
                other => self.rare(other, pc, at)?,
            };
            (pc, at) = match next {
                Some(next) => next,
                None => match self.back()? {
                    Some(next) => next,
                    None => return Ok(false),
                },
            };
        }
    }

    #[inline(always)]
    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let text = self.text;
        match assertion {
            Assertion::TextStart => at == 0,
            Assertion::LineStart => at == 0 || text[at - 1] == b'\n',
            Assertion::TextEnd => at == text.len() || at + 1 == text.len() && text[at] == b'\n',
            Assertion::LineEnd => at == text.len() || text[at] == b'\n',
            Assertion::VeryEnd => at == text.len(),
            Assertion::WordBoundary(charset) => self.is_boundary(charset, at) == Some(true),
            Assertion::NotWordBoundary(charset) => self.is_boundary(charset, at) == Some(false),
        }
    }

    /// `None` in an empty text, where Python sees neither a boundary nor none.
    fn is_boundary(&self, charset: Charset, at: usize) -> Option<bool> {
        let is_word = text::word_test(charset);
        let before = text::char_before(self.text, at).is_some_and(|(c, _)| is_word(c));
        let behind = text::char_at(self.text, at).is_some_and(|(c, _)| is_word(c));
        (!self.text.is_empty()).then_some(before != behind)
    }

    /// Where the character at a place ends, if it is of a set.
    #[inline(always)]
    pub(super) fn one(&self, set: &Set, at: usize) -> Option<usize> {
        let byte = *self.text.get(at)?;
        if byte.is_ascii() {
            return set.bytes.has(byte).then_some(at + 1);
        }
        self.one_beyond_ascii(set, at)
    }

    #[cold]
    fn one_beyond_ascii(&self, set: &Set, at: usize) -> Option<usize> {
        let (c, len) = text::char_at(self.text, at)?;
        let there = match set.beyond {
            Beyond::None => false,
            Beyond::All => true,
            Beyond::Some => set.class.contains(c),
        };
        there.then_some(at + len)
    }

    /// What is left to try, if anything is.
    #[inline]
    fn back(&mut self) -> Result<Outcome, LimitReached> {
        self.spend(1)?;
        if self.left < self.memo_below && !self.remembers {
            self.begin_to_remember();
        }
        while let Some(frame) = self.frames.pop() {
            match frame {
                Frame::Goto { pc, at } => return Ok(Some((pc as usize, at as usize))),
                Frame::Slot { slot, old } => self.slots[slot as usize] = old,
                Frame::Register { register, old } => self.registers[register as usize] = old,
                Frame::Fewer { pc, low, at } => {
                    if let found @ Some(_) = self.fewer(pc, low as usize, at as usize)? {
                        return Ok(found);
                    }
                }
                Frame::More { pc, at, count } => {
                    if let found @ Some(_) = self.more(pc, at, count)? {
                        return Ok(found);
                    }
                }
            }
        }
        Ok(None)
    }

    fn begin_to_remember(&mut self) {
        let keys = self.program.keys.as_ref().map_or(0, Vec::len);
        self.remembers = self.memo.begin(self.program.rows, keys, self.text.len());
        if !self.remembers {
            self.memo_below = 0;
        }
    }
}
