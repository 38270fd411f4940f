//! Sets of bytes, asked at every step.

use super::class::{Beyond, Class};

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) const EMPTY: Self = Self([0; 4]);
    /// Every byte that a character may begin with; so a place that is not in here may lie within a character.
    pub(super) const BEGINNINGS: Self = Self([u64::MAX, u64::MAX, 0, u64::MAX]);

    #[inline(always)]
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 != 0
    }

    pub(super) fn one(byte: u8) -> Self {
        let mut set = Self::EMPTY;
        set.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
        set
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |&byte| self.has(byte))
    }
}

impl From<&Class> for Bytes {
    /// What the characters of a class may begin with.
    fn from(class: &Class) -> Self {
        let ascii = class.ascii();
        let beyond = if class.beyond_ascii() == Beyond::None { 0 } else { u64::MAX };
        Self([ascii as u64, (ascii >> 64) as u64, 0, beyond])
    }
}

/// What may stand next where something is to match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct First {
    pub(super) bytes: Bytes,
    /// The text may end there.
    pub(super) end: bool,
}

impl First {
    pub(super) const NOTHING: Self = Self { bytes: Bytes::EMPTY, end: false };
    pub(super) const ANYTHING: Self = Self { bytes: Bytes::BEGINNINGS, end: true };

    /// Whether what stands at a place may begin a match.
    #[inline(always)]
    pub(super) fn allows(&self, text: &[u8], at: usize) -> bool {
        match text.get(at) {
            Some(&byte) => self.bytes.has(byte),
            None => self.end,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { bytes: self.bytes.or(other.bytes), end: self.end || other.end }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes.and(other.bytes), end: self.end && other.end }
    }
}
