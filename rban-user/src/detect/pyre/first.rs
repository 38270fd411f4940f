//! What may stand next at each step, so that choices which cannot lead anywhere are not tried.

use std::collections::HashMap;

use super::ast::{Assertion, Direction, Sense};
use super::bytes::{Bytes, First};
use super::program::{Order, Pc, Program, Step};

/// Fills in what the steps of a program know of what follows them.
pub(super) fn find(program: &mut Program) {
    let firsts = fixed_point(program);
    let mut pool = Pool { firsts: Vec::new(), index: HashMap::new() };
    for pc in 0..program.steps.len() {
        match program.steps[pc] {
            Step::Split { first, second, row, .. } => {
                let looks = [first, second].map(|to| pool.add(firsts[to as usize]));
                program.steps[pc] = Step::Split { first, second, looks, row };
            }
            Step::Repeat(index) => {
                let next = firsts[pc + 1];
                let literal = literal_at(program, pc + 1);
                let second = second_at(program, pc + 1, &firsts);
                let repeat = &mut program.repeats[index as usize];
                let set = &program.sets[repeat.set as usize];
                // Where what follows cannot begin with a character of the set, only the longest can be right.
                if set.first.and(next.bytes).is_empty() {
                    repeat.order = Order::Longest;
                }
                repeat.next = pool.add(next);
                repeat.second = pool.add(second);
                repeat.literal = literal;
            }
            _ => {}
        }
    }
    program.first = firsts[0];
    program.firsts = pool.firsts;
}

struct Pool {
    firsts: Vec<First>,
    index: HashMap<First, u32>,
}

impl Pool {
    fn add(&mut self, first: First) -> u32 {
        *self.index.entry(first).or_insert_with(|| {
            self.firsts.push(first);
            u32::try_from(self.firsts.len() - 1).expect("limited by STEPS_MAX")
        })
    }
}

/// What may stand at each step: grows until nothing changes.
fn fixed_point(program: &Program) -> Vec<First> {
    let mut firsts = vec![First::NOTHING; program.steps.len()];
    loop {
        let mut changed = false;
        for pc in (0..firsts.len()).rev() {
            let first = at(program, pc, &firsts);
            changed |= first != firsts[pc];
            firsts[pc] = first;
        }
        if !changed {
            return firsts;
        }
    }
}

fn at(program: &Program, pc: usize, firsts: &[First]) -> First {
    let to = |pc: Pc| firsts[pc as usize];
    let bytes = |bytes| First { bytes, end: false };
    let next = || firsts[pc + 1];
    match program.steps[pc] {
        Step::Byte(byte) => bytes(Bytes::one(byte)),
        Step::Short { bytes: [byte, ..], .. } => bytes(Bytes::one(byte)),
        Step::Literal { start, .. } => bytes(Bytes::one(program.text[start as usize])),
        Step::Set(set) => bytes(program.sets[set as usize].first),
        Step::Repeat(index) => {
            let repeat = &program.repeats[index as usize];
            let own = bytes(program.sets[repeat.set as usize].first);
            if repeat.min == 0 { own.or(next()) } else { own }
        }
        Step::Save(_) | Step::Ahead { .. } | Step::LoopStart { .. } | Step::Atomic { .. } => next(),
        Step::Jump(target) => to(target),
        Step::Split { first, second, .. } => to(first).or(to(second)),
        Step::Assert(assertion) => match assertion {
            Assertion::TextEnd | Assertion::LineEnd => {
                next().and(First { bytes: Bytes::one(b'\n'), end: true })
            }
            Assertion::VeryEnd => next().and(First { bytes: Bytes::EMPTY, end: true }),
            _ => next(),
        },
        Step::LoopGreedy { exit, .. }
        | Step::LoopLazy { exit, .. }
        | Step::AtomicRound { exit, .. } => next().or(to(exit)),
        Step::Look(index) => {
            let look = &program.looks[index as usize];
            let behind = to(look.next);
            match (look.direction, look.sense) {
                (Direction::Ahead, Sense::Positive) => behind.and(next()),
                _ => behind,
            }
        }
        Step::Conditional { no, .. } => next().or(to(no)),
        // What is settled as a whole is so without regard to what follows.
        Step::AtomicEnd { .. } | Step::AtomicRoundEnd { .. } | Step::LookEnd(_) => First::ANYTHING,
        Step::Backreference { .. } | Step::Match => First::ANYTHING,
    }
}

/// The literal that must stand at a step: where it begins in the program's text, and how long it is.
fn literal_at(program: &mut Program, mut pc: usize) -> [u32; 2] {
    loop {
        match program.steps[pc] {
            Step::Literal { start, len } => return [start, len],
            Step::Short { bytes, len } => {
                let start = u32::try_from(program.text.len()).expect("limited by STEPS_MAX");
                program.text.extend_from_slice(&bytes[..usize::from(len)]);
                return [start, len.into()];
            }
            Step::Save(_) | Step::Ahead { .. } => pc += 1,
            Step::Jump(to) if to as usize > pc => pc = to as usize,
            _ => return [0, 0],
        }
    }
}

/// What may stand behind the next character, if that is one character for sure.
fn second_at(program: &Program, mut pc: usize, firsts: &[First]) -> First {
    loop {
        match program.steps[pc] {
            Step::Byte(_) | Step::Set(_) => return firsts[pc + 1],
            Step::Save(_) | Step::Ahead { .. } => pc += 1,
            Step::Jump(to) if to as usize > pc => pc = to as usize,
            _ => return First::ANYTHING,
        }
    }
}
