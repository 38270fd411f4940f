//! Sets of characters: `[…]`, `\w`, `.`, and letters where case does not count.

use super::unicode;

/// Whether letters of either case are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Case {
    Counts,
    /// Python's `i`; with `a` too, only of the letters A to Z.
    Ignored(Charset),
}

/// Which characters `\w`, `\d`, `\s` and `\b` know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Charset {
    Unicode,
    Ascii,
}

/// A set of characters, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    pub(crate) items: Vec<Item>,
    pub(crate) negated: bool,
    pub(crate) case: Case,
}

/// A part of a [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    /// From the first to the last; numbers, for Python lets surrogates be named.
    Range(u32, u32),
    Kind {
        kind: Kind,
        charset: Charset,
    },
    /// Whatever is not of the kind.
    NotKind {
        kind: Kind,
        charset: Charset,
    },
}

/// `\d`, `\s`, `\w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Digit,
    Space,
    Word,
}

/// Which characters beyond ASCII a class has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    None,
    All,
    Some,
}

impl Class {
    /// `.`, without or with DOTALL.
    pub(crate) fn dot(newlines: Newlines) -> Self {
        let newline = Item::Range('\n'.into(), '\n'.into());
        let items = match newlines {
            Newlines::Excluded => vec![newline],
            Newlines::Included => Vec::new(),
        };
        Self { items, negated: true, case: Case::Counts }
    }

    /// The characters from `first` to `last`.
    pub(crate) fn range(first: char, last: char) -> Self {
        Self {
            items: vec![Item::Range(first.into(), last.into())],
            negated: false,
            case: Case::Counts,
        }
    }

    pub(crate) fn contains(&self, c: char) -> bool {
        self.items.iter().any(|item| item.contains(c, self.case)) != self.negated
    }

    /// Whether case lets another character stand for this one.
    pub(crate) fn has_other_case(&self, c: char) -> bool {
        match self.case {
            Case::Counts => false,
            Case::Ignored(Charset::Ascii) => c.is_ascii_alphabetic(),
            Case::Ignored(Charset::Unicode) => !unicode::same_in_any_case(c).is_empty(),
        }
    }

    /// Bit by bit which ASCII characters it has.
    pub(crate) fn ascii(&self) -> u128 {
        (0..128u8).filter(|&b| self.contains(b.into())).fold(0, |set, b| set | 1 << b)
    }

    /// What it has beyond ASCII; `Some` where that takes a closer look.
    pub(crate) fn beyond_ascii(&self) -> Beyond {
        let is_plain = |item: &Item| match *item {
            // The two letters that are `k` and `s` to Unicode are beyond ASCII, and so are the odd forms of `i`.
            Item::Range(_, last) => {
                last < 0x80
                    && (self.case != Case::Ignored(Charset::Unicode) || !item.has_odd_letters())
            }
            Item::Kind { charset, .. } => charset == Charset::Ascii,
            Item::NotKind { .. } => false,
        };
        let is_rest = |item: &Item| match *item {
            Item::Range(first, last) => first <= 0x80 && last >= char::MAX.into(),
            Item::NotKind { charset, .. } => charset == Charset::Ascii,
            Item::Kind { .. } => false,
        };
        if self.items.iter().any(is_rest) {
            return if self.negated { Beyond::None } else { Beyond::All };
        }
        match (self.items.iter().all(is_plain), self.negated) {
            (true, false) => Beyond::None,
            (true, true) => Beyond::All,
            (false, _) => Beyond::Some,
        }
    }
}

/// Whether `.` matches a newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newlines {
    Excluded,
    Included,
}

impl Item {
    fn contains(&self, c: char, case: Case) -> bool {
        match *self {
            Self::Range(first, last) => {
                let within = |c: char| (first..=last).contains(&c.into());
                within(c)
                    || match case {
                        Case::Counts => false,
                        Case::Ignored(Charset::Ascii) => {
                            within(c.to_ascii_lowercase()) || within(c.to_ascii_uppercase())
                        }
                        Case::Ignored(Charset::Unicode) => {
                            unicode::same_in_any_case(c).iter().any(|&c| within(c))
                        }
                    }
            }
            Self::Kind { kind, charset } => kind.contains(c, charset),
            Self::NotKind { kind, charset } => !kind.contains(c, charset),
        }
    }

    /// Whether it names an ASCII letter that has a third form beyond ASCII.
    fn has_odd_letters(&self) -> bool {
        "ikIKsS".chars().any(|c| self.contains(c, Case::Counts))
    }
}

impl Kind {
    pub(crate) fn contains(self, c: char, charset: Charset) -> bool {
        match (self, charset) {
            (Self::Digit, Charset::Ascii) => c.is_ascii_digit(),
            (Self::Digit, Charset::Unicode) => unicode::is_digit(c),
            (Self::Space, Charset::Ascii) => unicode::is_ascii_space(c),
            (Self::Space, Charset::Unicode) => unicode::is_space(c),
            (Self::Word, Charset::Ascii) => unicode::is_ascii_word(c),
            (Self::Word, Charset::Unicode) => unicode::is_word(c),
        }
    }
}
