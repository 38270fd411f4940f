//! The steps that few patterns have: loops that may match nothing, atomic groups, look-around, back-references.

use super::ast::{Direction, Sense};
use super::class::{Case, Charset};
use super::exec::{Frame, LimitReached, Machine, NOWHERE, Outcome};
use super::program::{Pc, Step};
use super::{text, unicode};

impl Machine<'_> {
    /// The steps that few patterns have.
    pub(super) fn rare(
        &mut self,
        step: Step,
        pc: usize,
        at: usize,
    ) -> Result<Outcome, LimitReached> {
        let here = at as u32;
        Ok(match step {
            Step::LoopStart { register } => {
                self.set_register(register, NOWHERE);
                Some((pc + 1, at))
            }
            Step::LoopGreedy { register, exit, row } => {
                self.spend(1)?;
                if !self.visit(row, at) {
                    None
                } else if self.registers[register as usize] == here {
                    Some((exit as usize, at))
                } else {
                    self.push_choice(Frame::Goto { pc: exit, at: here })?;
                    self.set_register(register, here);
                    Some((pc + 1, at))
                }
            }
            Step::LoopLazy { register, exit, row } => {
                self.spend(1)?;
                if !self.visit(row, at) {
                    None
                } else {
                    if self.registers[register as usize] != here {
                        self.push_choice(Frame::More { pc: pc as u32, at: here, count: 0 })?;
                    }
                    Some((exit as usize, at))
                }
            }
            Step::Atomic { register } => {
                self.mark(register, at);
                Some((pc + 1, at))
            }
            Step::AtomicRound { register, exit } => {
                self.spend(1)?;
                self.mark(register, at);
                self.push_choice(Frame::Goto { pc: exit, at: here })?;
                Some((pc + 1, at))
            }
            Step::AtomicEnd { register, rows } => {
                self.settle(register, rows)?;
                Some((pc + 1, at))
            }
            Step::AtomicRoundEnd { register, again, exit, rows } => {
                let began = self.registers[register as usize];
                self.settle(register, rows)?;
                Some((if began == here { exit } else { again } as usize, at))
            }
            Step::Look(index) => self.look(index as usize, pc, at),
            Step::LookEnd(index) => {
                let look = self.program.looks[index as usize];
                let began = self.registers[look.register as usize] as usize;
                if look.sense == Sense::Negative {
                    // What it forbids is there: undo all, and fail.
                    self.undo_to(self.registers[look.register as usize + 1] as usize);
                    if self.remembers {
                        let words = self.memo.forget(look.rows);
                        self.spend(words)?;
                    }
                    None
                } else {
                    self.settle(look.register, look.rows)?;
                    Some((pc + 1, began))
                }
            }
            Step::Backreference { group, case } => {
                let group = group as usize;
                let captured = self.is_captured(group);
                captured.then(|| self.again(group, case, at)).flatten().map(|at| (pc + 1, at))
            }
            Step::Conditional { group, no } => {
                let to = if self.is_captured(group as usize) { pc + 1 } else { no as usize };
                Some((to, at))
            }
            other => unreachable!("{other:?} is not rare"),
        })
    }

    /// Notes where something begins that is settled as a whole.
    fn mark(&mut self, register: u32, at: usize) {
        self.registers[register as usize] = at as u32;
        self.registers[register as usize + 1] = self.frames.len() as u32;
    }

    /// Drops the choices that are open since a mark, but not what is to be put back.
    fn settle(&mut self, register: u32, rows: [u32; 2]) -> Result<(), LimitReached> {
        let mark = self.registers[register as usize + 1] as usize;
        self.spend((self.frames.len() - mark) / 8)?;
        let mut kept = mark;
        for i in mark..self.frames.len() {
            if let frame @ (Frame::Slot { .. } | Frame::Register { .. }) = self.frames[i] {
                self.frames[kept] = frame;
                kept += 1;
            }
        }
        self.frames.truncate(kept);
        // What was visited within did not fail.
        if self.remembers {
            let words = self.memo.forget(rows);
            self.spend(words)?;
        }
        Ok(())
    }

    fn look(&mut self, index: usize, pc: usize, at: usize) -> Outcome {
        let look = self.program.looks[index];
        let start = match look.direction {
            Direction::Ahead => Some(at),
            Direction::Behind(chars) => (0..chars)
                .try_fold(at, |at, _| text::char_before(self.text, at).map(|(_, len)| at - len)),
        };
        self.mark(look.register, at);
        if look.sense == Sense::Negative {
            let Some(start) = start else { return Some((look.next as usize, at)) };
            self.push(Frame::Goto { pc: look.next, at: at as u32 });
            return Some((pc + 1, start));
        }
        start.map(|start| (pc + 1, start))
    }

    /// Puts everything back as it was when there were so many frames.
    fn undo_to(&mut self, frames: usize) {
        while self.frames.len() > frames {
            match self.frames.pop() {
                Some(Frame::Slot { slot, old }) => self.slots[slot as usize] = old,
                Some(Frame::Register { register, old }) => self.registers[register as usize] = old,
                _ => {}
            }
        }
    }

    /// The end of what a group matched, if it stands here again.
    fn again(&self, group: usize, case: Case, at: usize) -> Option<usize> {
        let (start, end) = (self.slots[group * 2] as usize, self.slots[group * 2 + 1] as usize);
        let captured = &self.text[start..end];
        let lower = match case {
            Case::Counts => {
                let there = self.text[at..].starts_with(captured);
                return there.then_some(at + captured.len());
            }
            Case::Ignored(Charset::Ascii) => |c: char| c.to_ascii_lowercase(),
            Case::Ignored(Charset::Unicode) => unicode::lower,
        };
        text::end_of_same(captured, self.text, at, lower)
    }

    /// Goes on with a lazy repeat or loop.
    pub(super) fn more(&mut self, pc: Pc, at: u32, count: u32) -> Result<Outcome, LimitReached> {
        match self.program.steps[pc as usize] {
            Step::LoopLazy { register, .. } => {
                self.set_register(register, at);
                Ok(Some((pc as usize + 1, at as usize)))
            }
            Step::Repeat(index) => {
                let repeat = &self.program.repeats[index as usize];
                let set = &self.program.sets[repeat.set as usize];
                match self.one_of(repeat, set, at as usize) {
                    Some(next) if count < repeat.max => {
                        self.lazily(pc as usize, repeat, next, count + 1)
                    }
                    _ => Ok(None),
                }
            }
            other => unreachable!("{other:?} does not go on"),
        }
    }
}
