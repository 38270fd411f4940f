//! Where a match was tried and failed, so that it is not tried there again.
//!
//! This is what makes time linear in the text: each choice is taken once at each place. It is begun only when a text
//! turns out to be dear, for most matches end before it would pay.

/// The most memory for it, in bits.
const BITS_MAX: usize = 1 << 27;
/// What is kept from one search to the next, in words of 64 bits.
const KEPT_WORDS: usize = 1 << 14;

/// One bit for each choice, key and place.
#[derive(Clone, Debug, Default)]
pub(super) struct Memo {
    words: Vec<u64>,
    /// Words of one row and key.
    width: usize,
    /// How many keys a row has: a power of two.
    keys: usize,
}

impl Memo {
    /// Forgets all, for a text of this length; `false` if that takes too much memory.
    pub(super) fn begin(&mut self, rows: usize, key_bits: usize, len: usize) -> bool {
        self.width = len / 64 + 1;
        self.keys = 1 << key_bits;
        let words = self.width.saturating_mul(self.keys).saturating_mul(rows);
        self.words.clear();
        if words > BITS_MAX / 64 {
            return false;
        }
        self.words.resize(words, 0);
        true
    }

    /// Whether this is the first visit; there will be none after it.
    #[inline]
    pub(super) fn visit(&mut self, row: u32, key: usize, at: usize) -> bool {
        let word = (row as usize * self.keys + key) * self.width + at / 64;
        let bit = 1 << (at % 64);
        let first = self.words[word] & bit == 0;
        self.words[word] |= bit;
        first
    }

    /// Forgets some rows; tells how many words that were.
    pub(super) fn forget(&mut self, rows: [u32; 2]) -> usize {
        let [from, to] = rows.map(|row| row as usize * self.keys * self.width);
        self.words[from..to].fill(0);
        to - from
    }

    /// Gives back what a long text needed.
    pub(super) fn shrink(&mut self) {
        if self.words.capacity() > KEPT_WORDS {
            self.words = Vec::new();
        }
    }
}
