//! Repeats of single characters: most of a match's time is spent here.

use memchr::{memchr, memchr2, memrchr};

use super::exec::{Frame, LimitReached, Machine};
use super::program::{Order, Pc, Repeat, Set, Step};

/// So many bytes looked at in a row count as one step.
const BYTES_PER_STEP: usize = 16;

impl Machine<'_> {
    /// A repeat begins: where to go on.
    #[inline]
    pub(super) fn repeat(
        &mut self,
        pc: usize,
        repeat: &Repeat,
        at: usize,
    ) -> Result<Option<(usize, usize)>, LimitReached> {
        let program = self.program;
        let set = &program.sets[repeat.set as usize];
        let endless = repeat.max == u32::MAX;
        // One without end remembers each of its characters instead.
        if !endless && !self.visit(repeat.row, at) {
            return Ok(None);
        }
        let mut low = at;
        for _ in 0..repeat.min {
            match self.one_of(repeat, set, low) {
                Some(next) => low = next,
                None => {
                    self.spend((low - at) / BYTES_PER_STEP)?;
                    return Ok(None);
                }
            }
        }
        if repeat.order == Order::Lazy {
            return self.lazily(pc, repeat, low, repeat.min);
        }
        let top = match (endless, self.remembers) {
            (true, false) if repeat.guard[1] == 0 => self.end_of_run(set, low),
            (true, false) => self.end_of_guarded(repeat, set, low),
            (true, true) => match self.end_of_new(set, repeat, low) {
                Some(top) => top,
                None => return Ok(None),
            },
            (false, _) => self.end_of_some(repeat, set, low),
        };
        self.spend(1 + (top - at) / BYTES_PER_STEP)?;
        if repeat.order == Order::Longest {
            let fits = program.firsts[repeat.next as usize].allows(self.text, top);
            return Ok(fits.then_some((pc + 1, top)));
        }
        self.fewer_from(pc, repeat, low, top)
    }

    /// A greedy repeat ends before `at` instead.
    pub(super) fn fewer(
        &mut self,
        pc: Pc,
        low: usize,
        at: usize,
    ) -> Result<Option<(usize, usize)>, LimitReached> {
        let Step::Repeat(index) = self.program.steps[pc as usize] else {
            unreachable!("only repeats have fewer characters")
        };
        let repeat = &self.program.repeats[index as usize];
        if at == low { Ok(None) } else { self.fewer_from(pc as usize, repeat, low, at - 1) }
    }

    /// The last place, from `low` to `high`, where what follows may begin.
    #[inline]
    fn fewer_from(
        &mut self,
        pc: usize,
        repeat: &Repeat,
        low: usize,
        high: usize,
    ) -> Result<Option<(usize, usize)>, LimitReached> {
        let program = self.program;
        let text = self.text;
        let found = if repeat.literal[1] == 0 {
            let next = &program.firsts[repeat.next as usize];
            let second = &program.firsts[repeat.second as usize];
            let fits = |at: usize| match text.get(at) {
                Some(&byte) if byte.is_ascii() => {
                    next.bytes.has(byte) && second.allows(text, at + 1)
                }
                Some(&byte) => next.bytes.has(byte),
                None => next.end,
            };
            (low..=high).rev().find(|&at| fits(at))
        } else {
            last_place_of(program.literal(repeat.literal), text, low, high)
        };
        self.spend((high - found.unwrap_or(low)) / BYTES_PER_STEP)?;
        let Some(at) = found else { return Ok(None) };
        if at > low {
            self.push_choice(Frame::Fewer { pc: pc as Pc, low: low as u32, at: at as u32 })?;
        }
        Ok(Some((pc + 1, at)))
    }

    /// A lazy repeat that has `count` characters: the first place from here on where what follows may begin.
    pub(super) fn lazily(
        &mut self,
        pc: usize,
        repeat: &Repeat,
        mut at: usize,
        mut count: u32,
    ) -> Result<Option<(usize, usize)>, LimitReached> {
        let program = self.program;
        let text = self.text;
        let set = &program.sets[repeat.set as usize];
        let next = &program.firsts[repeat.next as usize];
        let literal = program.literal(repeat.literal);
        let endless = repeat.max == u32::MAX;
        let began = at;
        let jumps = endless && !self.remembers && repeat.guard[1] == 0;
        loop {
            if jumps && let (Some(&byte), Some(stop)) = (literal.first(), set.all_but) {
                match memchr2(byte, stop, &text[at..]) {
                    Some(skipped) => at += skipped,
                    None => at = text.len(),
                }
            }
            if endless && self.remembers && !self.visit(repeat.row, at) {
                self.spend(1 + (at - began) / BYTES_PER_STEP)?;
                return Ok(None);
            }
            if next.allows(text, at) && text[at..].starts_with(literal) {
                self.spend(1 + (at - began) / BYTES_PER_STEP)?;
                if count < repeat.max {
                    self.push_choice(Frame::More { pc: pc as Pc, at: at as u32, count })?;
                }
                return Ok(Some((pc + 1, at)));
            }
            match self.one_of(repeat, set, at) {
                Some(further) if count < repeat.max => at = further,
                _ => {
                    self.spend(1 + (at - began) / BYTES_PER_STEP)?;
                    return Ok(None);
                }
            }
            if !endless {
                count += 1;
            }
        }
    }

    /// Where the run of characters of a set ends that stand at a place.
    pub(super) fn behind_run(&self, set: usize, at: usize) -> usize {
        self.end_of_run(&self.program.sets[set], at)
    }

    /// Where the characters of a set end that stand from here on.
    #[inline(always)]
    fn end_of_run(&self, set: &Set, from: usize) -> usize {
        if let Some(byte) = set.all_but {
            return memchr(byte, &self.text[from..]).map_or(self.text.len(), |found| from + found);
        }
        let mut at = from;
        loop {
            while at < self.text.len() && set.bytes.has(self.text[at]) {
                at += 1;
            }
            if at == self.text.len() || self.text[at].is_ascii() {
                return at;
            }
            match self.one(set, at) {
                Some(next) => at = next,
                None => return at,
            }
        }
    }

    /// Where a repeat has as many characters as there are and as it may.
    fn end_of_some(&self, repeat: &Repeat, set: &Set, from: usize) -> usize {
        let mut at = from;
        for _ in repeat.min..repeat.max {
            match self.one_of(repeat, set, at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Where a run of characters ends, at the latest before the text that guards it.
    fn end_of_guarded(&self, repeat: &Repeat, set: &Set, from: usize) -> usize {
        let end = self.end_of_run(set, from);
        let guard = self.program.literal(repeat.guard);
        let mut at = from;
        while let Some(found) = memchr(guard[0], &self.text[at..end]) {
            at += found;
            if self.text[at..].starts_with(guard) {
                return at;
            }
            at += 1;
        }
        end
    }

    /// Where the next character of a repeat ends, if it may have one.
    #[inline(always)]
    pub(super) fn one_of(&self, repeat: &Repeat, set: &Set, at: usize) -> Option<usize> {
        let guarded = repeat.guard[1] != 0;
        if guarded && self.text[at..].starts_with(self.program.literal(repeat.guard)) {
            return None;
        }
        self.one(set, at)
    }

    /// The same, up to where it was tried before; `None` if there is nothing new.
    fn end_of_new(&mut self, set: &Set, repeat: &Repeat, from: usize) -> Option<usize> {
        if !self.visit(repeat.row, from) {
            return None;
        }
        let mut at = from;
        while let Some(next) = self.one_of(repeat, set, at) {
            if !self.visit(repeat.row, next) {
                // The longest was tried already, by way of this place.
                return (repeat.order != Order::Longest).then_some(at);
            }
            at = next;
        }
        Some(at)
    }
}

/// The last place from `low` to `high` where a literal stands.
#[inline]
fn last_place_of(literal: &[u8], text: &[u8], low: usize, high: usize) -> Option<usize> {
    let mut end = (high + 1).min(text.len());
    loop {
        let at = low + memrchr(literal[0], text.get(low..end)?)?;
        if text[at..].starts_with(literal) {
            return Some(at);
        }
        end = at;
    }
}
