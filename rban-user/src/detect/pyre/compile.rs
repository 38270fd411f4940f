//! From a pattern to a program.

use std::collections::HashMap;

use super::ast::{self, Ast, Direction, Node, RepeatKind, Sense, Width};
use super::bytes::First;
use super::class::Class;
use super::literals;
use super::program::{Key, Look, Order, Pc, Program, Repeat, SHORT_BYTES_MAX, Step};
use super::syntax::{Error, Problem};

/// How many steps a program may have, its repeats written out.
pub(super) const STEPS_MAX: usize = 30_000;
/// How many bytes of literals a program may have, its repeats written out.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// An alternative of so many nodes is worth a look at whether it can match at all,
const DEMANDING_NODES_MIN: usize = 24;
/// if the literal to be looked for is as long as this.
const DEMANDED_BYTES_MIN: usize = 2;
/// More keys than this are not remembered: each doubles the memory.
const KEYS_MAX: usize = 4;

/// Makes the program of a pattern.
///
/// # Errors
/// [`Problem::TooLarge`].
pub(super) fn compile(ast: &Ast) -> Result<Program, Error> {
    let mut widths = vec![Width::ZERO; ast.groups.len() + 1];
    group_widths(&ast.root, &mut widths);
    let program = Program {
        steps: Vec::new(),
        sets: Vec::new(),
        repeats: Vec::new(),
        looks: Vec::new(),
        firsts: Vec::new(),
        first: First::ANYTHING,
        text: Vec::new(),
        groups: ast.groups.len(),
        registers: 0,
        rows: 0,
        keys: Some(Vec::new()),
        has_backreferences: false,
    };
    let mut compiler = Compiler { program, widths, sets: HashMap::new(), literal: Vec::new() };
    compiler.node(&super::conditions::decided(&ast.root))?;
    compiler.push(Step::Match)?;
    let mut program = compiler.program;
    if program.has_backreferences || program.keys.as_ref().is_some_and(|k| k.len() > KEYS_MAX) {
        program.keys = None;
    }
    thread_jumps(&mut program.steps);
    super::first::find(&mut program);
    Ok(program)
}

/// Has each step go where the jumps that it goes to go in the end.
fn thread_jumps(steps: &mut [Step]) {
    let end_of = |steps: &[Step], mut pc: Pc| {
        // Jumps forwards only, so that this ends.
        while let Step::Jump(to) = steps[pc as usize]
            && to > pc
        {
            pc = to;
        }
        pc
    };
    for pc in 0..steps.len() {
        match steps[pc] {
            Step::Jump(to) => steps[pc] = Step::Jump(end_of(steps, to)),
            Step::Split { first, second, looks, row } => {
                let (first, second) = (end_of(steps, first), end_of(steps, second));
                steps[pc] = Step::Split { first, second, looks, row };
            }
            _ => {}
        }
    }
}

/// The widths of all groups: inner ones first, as a back-reference is never to an outer one.
fn group_widths(node: &Node, widths: &mut [Width]) {
    node.children().into_iter().for_each(|child| group_widths(child, widths));
    if let Node::Group { index, body } = node {
        widths[*index] = Width::of(body, &|group| widths[group]);
    }
}

/// `(?!text).`: one character of a set where no such text begins.
fn guarded(node: &Node) -> Option<(Vec<u8>, &Class)> {
    let Node::Concat(nodes) = node else { return None };
    let [Node::Look(look), Node::Class(class)] = &nodes[..] else { return None };
    if (look.direction, look.sense) != (Direction::Ahead, Sense::Negative) {
        return None;
    }
    let chars = match &*look.body {
        Node::Concat(nodes) if !nodes.is_empty() => nodes,
        one => std::slice::from_ref(one),
    };
    let text: Option<String> =
        chars.iter().map(|node| if let Node::Char(c) = node { Some(*c) } else { None }).collect();
    Some((text?.into_bytes(), class))
}

fn too_large() -> Error {
    Error { position: 0, problem: Problem::TooLarge { max: STEPS_MAX } }
}

struct Compiler {
    program: Program,
    widths: Vec<Width>,
    sets: HashMap<Class, u32>,
    /// Characters that were read and will be one step.
    literal: Vec<u8>,
}

/// A number of a thing in the program: there are at most [`STEPS_MAX`] of any, or as many as a pattern has bytes.
fn number(count: usize) -> u32 {
    u32::try_from(count).expect("limited by STEPS_MAX and PATTERN_BYTES_MAX")
}

impl Compiler {
    /// Where the next step will be.
    fn here(&mut self) -> Result<Pc, Error> {
        self.flush()?;
        Ok(number(self.program.steps.len()))
    }

    fn push(&mut self, step: Step) -> Result<Pc, Error> {
        self.flush()?;
        self.push_raw(step)
    }

    fn push_raw(&mut self, step: Step) -> Result<Pc, Error> {
        if self.program.steps.len() >= STEPS_MAX {
            return Err(too_large());
        }
        self.program.steps.push(step);
        Ok(number(self.program.steps.len() - 1))
    }

    fn flush(&mut self) -> Result<(), Error> {
        match self.literal[..] {
            [] => return Ok(()),
            [byte] => drop(self.push_raw(Step::Byte(byte))?),
            ref short if short.len() <= SHORT_BYTES_MAX => {
                let (mut bytes, len) = ([0; SHORT_BYTES_MAX], short.len());
                bytes[..len].copy_from_slice(short);
                self.push_raw(Step::Short { bytes, len: len as u8 })?;
            }
            _ => {
                let (start, len) = (number(self.program.text.len()), number(self.literal.len()));
                self.program.text.extend_from_slice(&self.literal);
                self.push_raw(Step::Literal { start, len })?;
            }
        }
        self.literal.clear();
        Ok(())
    }

    fn row(&mut self) -> u32 {
        self.program.rows += 1;
        number(self.program.rows - 1)
    }

    fn registers(&mut self, count: usize) -> u32 {
        let first = self.program.registers;
        self.program.registers += count;
        number(first)
    }

    fn key(&mut self, key: Key) {
        if let Some(keys) = &mut self.program.keys
            && !keys.contains(&key)
        {
            keys.push(key);
        }
    }

    fn width(&self, node: &Node) -> Width {
        Width::of(node, &|group| self.widths[group])
    }

    fn set(&mut self, class: &Class) -> u32 {
        if let Some(&set) = self.sets.get(class) {
            return set;
        }
        let set = number(self.program.sets.len());
        self.program.sets.push(class.into());
        self.sets.insert(class.clone(), set);
        set
    }

    fn node(&mut self, node: &Node) -> Result<(), Error> {
        match node {
            Node::Char(c) => {
                if self.program.text.len() + self.literal.len() > TEXT_BYTES_MAX {
                    return Err(too_large());
                }
                self.literal.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Node::Class(class) => {
                let set = self.set(class);
                self.push(Step::Set(set))?;
            }
            Node::Assertion(assertion) => drop(self.push(Step::Assert(*assertion))?),
            Node::Group { index, body } => {
                self.push(Step::Save(number(index * 2)))?;
                self.node(body)?;
                self.push(Step::Save(number(index * 2 + 1)))?;
            }
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.node(node))?,
            Node::Alternate(nodes) => self.alternate(nodes)?,
            Node::Repeat(repeat) => self.repeat(repeat)?,
            Node::Look(look) => self.look(look)?,
            Node::Atomic(body) => self.atomic(body)?,
            Node::Conditional { group, yes, no } => {
                self.key(Key::Group(*group));
                let group = number(*group);
                let ask = self.push(Step::Conditional { group, no: 0 })?;
                self.node(yes)?;
                let leave = self.push(Step::Jump(0))?;
                let other = self.here()?;
                self.program.steps[ask as usize] = Step::Conditional { group, no: other };
                self.node(no)?;
                let end = self.here()?;
                self.program.steps[leave as usize] = Step::Jump(end);
            }
            Node::Backreference { group, case } => {
                self.program.has_backreferences = true;
                self.push(Step::Backreference { group: number(*group), case: *case })?;
            }
        }
        Ok(())
    }

    fn split(&mut self, first: Pc, second: Pc) -> Result<Pc, Error> {
        let row = self.row();
        self.push(Step::Split { first, second, looks: [0; 2], row })
    }

    /// Fills in where a split goes.
    fn aim(&mut self, split: Pc, to_first: Pc, to_second: Pc) {
        if let Step::Split { first, second, .. } = &mut self.program.steps[split as usize] {
            (*first, *second) = (to_first, to_second);
        }
    }

    fn alternate(&mut self, nodes: &[Node]) -> Result<(), Error> {
        let mut leaving = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            if i + 1 == nodes.len() {
                self.node(node)?;
                break;
            }
            let split = self.split(0, 0)?;
            self.demand(node)?;
            self.node(node)?;
            leaving.push(self.push(Step::Jump(0))?);
            let next = self.here()?;
            self.aim(split, split + 1, next);
        }
        let end = self.here()?;
        for jump in leaving {
            self.program.steps[jump as usize] = Step::Jump(end);
        }
        Ok(())
    }

    /// A long alternative is not tried where the last of its literals is missing: so it is where a condition on a name
    /// was written out, and most lines have not what it asks for.
    fn demand(&mut self, alternative: &Node) -> Result<(), Error> {
        let literal = literals::last(alternative);
        if literal.len() >= DEMANDED_BYTES_MIN && alternative.count() >= DEMANDING_NODES_MIN {
            let (start, len) = (number(self.program.text.len()), number(literal.len()));
            self.program.text.extend_from_slice(&literal);
            self.push(Step::Ahead { start, len })?;
        }
        Ok(())
    }

    fn repeat(&mut self, repeat: &ast::Repeat) -> Result<(), Error> {
        let ast::Repeat { mut min, mut max, kind, ref body, .. } = *repeat;
        if max == Some(0) {
            return Ok(());
        }
        if (min, max) == (1, Some(1)) && kind != RepeatKind::Possessive {
            return self.node(body);
        }
        if body.is_one_char() {
            let class = match &**body {
                Node::Char(c) => Class::range(*c, *c),
                Node::Class(class) => class.clone(),
                _ => unreachable!("a node of one character"),
            };
            return self.repeat_set(&class, &[], min, max, kind);
        }
        if let Some((guard, class)) = guarded(body) {
            return self.repeat_set(class, &guard, min, max, kind);
        }
        let width = self.width(body);
        if width.max == Some(0) {
            // What takes no text can only do the same again.
            min = min.min(1);
            max = Some(min.max(1));
        }
        if kind == RepeatKind::Possessive {
            return self.repeat_possessive(min, max, body);
        }
        for _ in 0..min {
            self.node(body)?;
        }
        let more = max.map(|max| max - min);
        if more == Some(0) {
            return Ok(());
        }
        // As Python: another round is not tried where the one before, beyond those that must be, matched nothing.
        let may_be_empty = width.min == 0 && more != Some(1);
        let register = may_be_empty.then(|| self.registers(1));
        if let Some(register) = register {
            self.key(Key::Register(register));
            self.push(Step::LoopStart { register })?;
        }
        let mut entries = Vec::new();
        for _ in 0..more.unwrap_or(1) {
            entries.push(match register {
                None => self.split(0, 0)?,
                Some(register) => {
                    let row = self.row();
                    self.push(Step::LoopGreedy { register, exit: 0, row })?
                }
            });
            self.node(body)?;
        }
        if more.is_none() {
            self.push(Step::Jump(entries[0]))?;
        }
        let exit = self.here()?;
        for entry in entries {
            match (&mut self.program.steps[entry as usize], kind) {
                (Step::Split { first, second, .. }, RepeatKind::Lazy) => {
                    (*first, *second) = (exit, entry + 1);
                }
                (Step::Split { first, second, .. }, _) => (*first, *second) = (entry + 1, exit),
                (step @ Step::LoopGreedy { .. }, kind) => {
                    let Step::LoopGreedy { register, row, .. } = *step else { continue };
                    *step = match kind {
                        RepeatKind::Lazy => Step::LoopLazy { register, exit, row },
                        _ => Step::LoopGreedy { register, exit, row },
                    };
                }
                (other, _) => unreachable!("a round begins with a choice, not {other:?}"),
            }
        }
        Ok(())
    }

    fn repeat_set(
        &mut self,
        class: &Class,
        guard: &[u8],
        min: u32,
        max: Option<u32>,
        kind: RepeatKind,
    ) -> Result<(), Error> {
        let start = number(self.program.text.len());
        self.program.text.extend_from_slice(guard);
        let repeat = Repeat {
            guard: [start, number(guard.len())],
            set: self.set(class),
            min,
            max: max.unwrap_or(u32::MAX),
            order: match kind {
                RepeatKind::Greedy => Order::Greedy,
                RepeatKind::Lazy => Order::Lazy,
                RepeatKind::Possessive => Order::Longest,
            },
            next: 0,
            second: 0,
            literal: [0; 2],
            row: self.row(),
        };
        self.program.repeats.push(repeat);
        let index = number(self.program.repeats.len() - 1);
        self.push(Step::Repeat(index))?;
        Ok(())
    }

    fn repeat_possessive(&mut self, min: u32, max: Option<u32>, body: &Node) -> Result<(), Error> {
        for _ in 0..min {
            self.atomic(body)?;
        }
        let rounds = max.map(|max| max - min);
        let mut entries = Vec::new();
        for _ in 0..rounds.unwrap_or(1) {
            let register = self.registers(2);
            let entry = self.push(Step::AtomicRound { register, exit: 0 })?;
            let row = number(self.program.rows);
            self.node(body)?;
            let rows = [row, number(self.program.rows)];
            // Those with a limit are written out, so that the next round follows.
            let again = if rounds.is_none() { entry } else { self.here()? + 1 };
            let end = self.push(Step::AtomicRoundEnd { register, again, exit: 0, rows })?;
            entries.extend([entry, end]);
        }
        let here = self.here()?;
        for entry in entries {
            match &mut self.program.steps[entry as usize] {
                Step::AtomicRound { exit, .. } | Step::AtomicRoundEnd { exit, .. } => *exit = here,
                other => unreachable!("a round begins and ends, and is not {other:?}"),
            }
        }
        Ok(())
    }

    fn atomic(&mut self, body: &Node) -> Result<(), Error> {
        let register = self.registers(2);
        self.push(Step::Atomic { register })?;
        let row = number(self.program.rows);
        self.node(body)?;
        let rows = [row, number(self.program.rows)];
        self.push(Step::AtomicEnd { register, rows })?;
        Ok(())
    }

    fn look(&mut self, look: &ast::Look) -> Result<(), Error> {
        let index = self.program.looks.len();
        let register = self.registers(2);
        let (direction, sense) = (look.direction, look.sense);
        let row = number(self.program.rows);
        self.program.looks.push(Look { direction, sense, register, next: 0, rows: [row, row] });
        self.push(Step::Look(number(index)))?;
        self.node(&look.body)?;
        self.push(Step::LookEnd(number(index)))?;
        let next = self.here()?;
        let rows = [row, number(self.program.rows)];
        self.program.looks[index] = Look { direction, sense, register, next, rows };
        Ok(())
    }
}
