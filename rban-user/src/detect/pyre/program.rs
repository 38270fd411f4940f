//! A pattern as the engine runs it: steps, and what they refer to.

use super::ast::{Assertion, Direction, Sense};
use super::bytes::{Bytes, First};
use super::class::{Beyond, Case, Class};

/// A place in [`Program::steps`].
pub(super) type Pc = u32;

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<Set>,
    pub(super) repeats: Vec<Repeat>,
    pub(super) looks: Vec<Look>,
    pub(super) firsts: Vec<First>,
    /// What may stand where a match begins.
    pub(super) first: First,
    /// Literals, end to end.
    pub(super) text: Vec<u8>,
    pub(super) groups: usize,
    pub(super) registers: usize,
    /// How many steps remember where they failed.
    pub(super) rows: usize,
    /// What else than step and place decides how a match goes on; `None` if that is too much to remember.
    pub(super) keys: Option<Vec<Key>>,
    pub(super) has_backreferences: bool,
}

/// What is part of a remembered state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Whether a group, which a condition asks for, has matched.
    Group(usize),
    /// Whether the register of a loop, which may match nothing, holds the present place.
    Register(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Byte(u8),
    /// A literal of up to eight bytes, the rest being zero.
    Short {
        bytes: [u8; 8],
        len: u8,
    },
    /// `text[start..start + len]`
    Literal {
        start: u32,
        len: u32,
    },
    /// One character of `sets[_]`.
    Set(u32),
    /// Many characters of a set: `repeats[_]`.
    Repeat(u32),
    Save(u32),
    /// `text[start..start + len]` must stand somewhere from here on.
    Ahead {
        start: u32,
        len: u32,
    },
    Jump(Pc),
    /// Tries `first`, then `second`; both are places in [`Program::steps`], `looks` what may stand there.
    Split {
        first: Pc,
        second: Pc,
        looks: [u32; 2],
        row: u32,
    },
    Assert(Assertion),
    /// A loop that may match nothing begins: forgets where its last round did.
    LoopStart {
        register: u32,
    },
    /// Another round (the next step), unless the last one matched nothing; else, and after it, `exit`.
    LoopGreedy {
        register: u32,
        exit: Pc,
        row: u32,
    },
    /// `exit`, then another round (the next step) unless the last one matched nothing.
    LoopLazy {
        register: u32,
        exit: Pc,
        row: u32,
    },
    /// What follows, up to `AtomicEnd`, matches in one way only.
    Atomic {
        register: u32,
    },
    /// The same as a round of a possessive loop: `exit` if it fails.
    AtomicRound {
        register: u32,
        exit: Pc,
    },
    AtomicEnd {
        register: u32,
        rows: [u32; 2],
    },
    /// The end of a round: back to `again`; if it matched nothing, on to `exit`.
    AtomicRoundEnd {
        register: u32,
        again: Pc,
        exit: Pc,
        rows: [u32; 2],
    },
    /// `looks[_]`; its body follows.
    Look(u32),
    LookEnd(u32),
    Backreference {
        group: u32,
        case: Case,
    },
    /// The next step if the group has matched, else `no`.
    Conditional {
        group: u32,
        no: Pc,
    },
    Match,
}

/// The literals that are compared as one number.
pub(super) const SHORT_BYTES_MAX: usize = 8;

impl Program {
    /// A part of the literals.
    #[inline(always)]
    pub(super) fn literal(&self, [start, len]: [u32; 2]) -> &[u8] {
        &self.text[start as usize..(start + len) as usize]
    }
}

/// A class, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) class: Class,
    /// The ASCII characters, and all other bytes if it has all other characters.
    pub(super) bytes: Bytes,
    /// What its characters may begin with.
    pub(super) first: Bytes,
    pub(super) beyond: Beyond,
    /// The one byte that it lacks, if it has all else.
    pub(super) all_but: Option<u8>,
}

/// How the end of a repeat of single characters is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Greedy,
    Lazy,
    /// Only the longest: it is asked for, or nothing else can match what follows.
    Longest,
}

/// A repeat of one character of a set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) set: u32,
    pub(super) min: u32,
    /// `u32::MAX`: without end.
    pub(super) max: u32,
    pub(super) order: Order,
    /// Text that may not begin at any of the characters, in [`Program::text`]; empty if there is none.
    pub(super) guard: [u32; 2],
    /// What may follow, in [`Program::firsts`].
    pub(super) next: u32,
    /// What may follow that, if it is one character of ASCII.
    pub(super) second: u32,
    /// The literal that follows, in [`Program::text`]; empty if none does.
    pub(super) literal: [u32; 2],
    pub(super) row: u32,
}

/// A look-ahead or look-behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) direction: Direction,
    pub(super) sense: Sense,
    /// Two registers: where it began, and how high the stack was.
    pub(super) register: u32,
    /// Behind its end.
    pub(super) next: Pc,
    /// The rows of its body.
    pub(super) rows: [u32; 2],
}

impl From<&Class> for Set {
    fn from(class: &Class) -> Self {
        let first = Bytes::from(class);
        let beyond = class.beyond_ascii();
        let ascii: Vec<u8> = (0..128).filter(|&byte| first.has(byte)).collect();
        let all = (128..=u8::MAX).filter(|_| beyond == Beyond::All);
        let bytes = ascii.iter().copied().chain(all).map(Bytes::one).fold(Bytes::EMPTY, Bytes::or);
        let lacking = (0..128).find(|&byte| !first.has(byte));
        let all_but = lacking.filter(|_| ascii.len() == 127 && beyond == Beyond::All);
        Self { class: class.clone(), bytes, first, beyond, all_but }
    }
}
