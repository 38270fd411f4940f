//! What one step of a match reads: a character, or the start or end of the text.

use crate::detect::pyre::class::{Beyond, Charset, Class, Kind};

/// A set of symbols. Characters beyond ASCII are taken as four kinds, each with the one that stands for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Symbols {
    ascii: u128,
    others: u8,
}

/// What stands for digits, blanks, letters and all others beyond ASCII.
const KINDS: [char; 4] = ['\u{660}', '\u{a0}', '\u{e9}', '\u{2014}'];
const BEYOND: u8 = 0b1111;
const START: u8 = 0b1_0000;
const END: u8 = 0b10_0000;

impl Symbols {
    /// The start of the text, read by `^`.
    pub(super) const TEXT_START: Self = Self { ascii: 0, others: START };
    /// The end of the text, read by `$`.
    pub(super) const TEXT_END: Self = Self { ascii: 0, others: END };
    /// Whatever stands before a match.
    pub(super) const BEFORE: Self = Self { ascii: u128::MAX, others: BEYOND | START };
    /// Whatever stands behind a match.
    pub(super) const BEHIND: Self = Self { ascii: u128::MAX, others: BEYOND | END };

    /// What addresses and host names are made of, brackets included.
    pub(super) const ADDRESS: Self = {
        let mut ascii = 0;
        let mut b = 0u8;
        while b < 128 {
            if b.is_ascii_alphanumeric()
                || matches!(b, b'.' | b':' | b'-' | b'_' | b'^' | b'[' | b']' | b'%')
            {
                ascii |= 1 << b;
            }
            b += 1;
        }
        Self { ascii, others: BEYOND }
    };

    pub(super) fn is_empty(self) -> bool {
        self.ascii == 0 && self.others == 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { ascii: self.ascii & other.ascii, others: self.others & other.others }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { ascii: self.ascii | other.ascii, others: self.others | other.others }
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self { ascii: self.ascii & !other.ascii, others: self.others & !other.others }
    }

    /// Whether this is one character, and no blank.
    pub(super) fn is_one_char(self) -> bool {
        self.ascii.is_power_of_two() && self.others == 0 && self != Self::from(' ')
    }

    /// Whether this is one letter or digit, or one letter in both cases.
    pub(super) fn is_one_word_char(self) -> bool {
        let first = (0..128_u8).find(|&b| self.ascii >> b & 1 == 1);
        first.is_some_and(|b| {
            let both = 1_u128 << b.to_ascii_lowercase() | 1 << b.to_ascii_uppercase();
            b.is_ascii_alphanumeric() && self.ascii & !both == 0
        })
    }

    /// Whether words with blanks between them may be read, as a client may send them.
    pub(super) fn has_phrases(self) -> bool {
        [b' ', b'a', b'Z', b'0', b'.'].into_iter().all(|b| self.ascii & 1 << b != 0)
    }

    /// Whether it has every character, but newlines perhaps.
    pub(super) fn has_all(self) -> bool {
        self.ascii | 1 << b'\n' == u128::MAX && self.others & BEYOND == BEYOND
    }
}

impl From<char> for Symbols {
    fn from(c: char) -> Self {
        if c.is_ascii() {
            return Self { ascii: 1 << u32::from(c), others: 0 };
        }
        let unicode = Charset::Unicode;
        let kinds = [Kind::Digit, Kind::Space, Kind::Word];
        let kind = kinds.iter().position(|kind| kind.contains(c, unicode)).unwrap_or(kinds.len());
        Self { ascii: 0, others: 1 << kind }
    }
}

impl From<&Class> for Symbols {
    fn from(class: &Class) -> Self {
        let kinds = KINDS.iter().enumerate().filter(|(_, c)| class.contains(**c));
        let others = kinds.fold(0, |set, (kind, _)| set | 1 << kind);
        // Single letters beyond ASCII, none of which stands for its kind.
        let single = others == 0 && class.beyond_ascii() == Beyond::Some;
        Self { ascii: class.ascii(), others: if single { BEYOND } else { others } }
    }
}
