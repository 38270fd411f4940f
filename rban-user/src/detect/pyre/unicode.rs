//! What Python's Unicode says of characters: digits, words, blanks, upper and lower case.
//!
//! Python 3.11 knows Unicode 14, our tables are newer; what was assigned since is left out.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, HirKind};

/// Matched by `\d`.
pub(super) fn is_digit(c: char) -> bool {
    static TABLE: LazyLock<Ranges> = LazyLock::new(|| Ranges::of(r"[\p{Nd}&&\p{age:14.0}]"));
    if c.is_ascii() { c.is_ascii_digit() } else { TABLE.contain(c) }
}

/// Matched by `\w`.
pub(super) fn is_word(c: char) -> bool {
    static TABLE: LazyLock<Ranges> = LazyLock::new(|| Ranges::of(r"[[\p{L}\p{N}]&&\p{age:14.0}]"));
    if c.is_ascii() { is_ascii_word(c) } else { TABLE.contain(c) }
}

/// Matched by `\w` where only ASCII counts.
pub(super) fn is_ascii_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Matched by `\s`.
pub(super) fn is_space(c: char) -> bool {
    matches!(c,
        '\t'..='\r' | '\x1c'..='\x20' | '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}'
        | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Matched by `\s` where only ASCII counts.
pub(super) fn is_ascii_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// The lower-case form, if it is one character.
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // Only U+0130 has a longer one, an `i` and a dot; Python takes the `i`.
    c.to_lowercase().next().unwrap_or(c)
}

/// All characters that are the same as this one where case does not count; none if it has no other form.
pub(super) fn same_in_any_case(c: char) -> &'static [char] {
    static TABLE: LazyLock<HashMap<char, Box<[char]>>> = LazyLock::new(case_table);
    static LETTERS: LazyLock<Vec<[char; 2]>> =
        LazyLock::new(|| ('a'..='z').map(|c| [c, c.to_ascii_uppercase()]).collect());
    match c {
        'i' | 'I' => &['i', 'I', '\u{130}', '\u{131}'],
        'k' | 'K' => &['k', 'K', '\u{212a}'],
        's' | 'S' => &['s', 'S', '\u{17f}'],
        'a'..='z' => &LETTERS[c as usize - 'a' as usize],
        'A'..='Z' => &LETTERS[c as usize - 'A' as usize],
        '\0'..='\x7f' => &[],
        _ => TABLE.get(&c).map_or(&[], |same| same),
    }
}

/// The characters that are not alone in [`same_in_any_case`], each with its kin.
///
/// To Python those are the same whose lower-case forms are the same, or have the same upper-case form (`µ`, U+00B5,
/// and `μ`, U+03BC).
fn case_table() -> HashMap<char, Box<[char]>> {
    let mut kin: HashMap<String, Vec<char>> = HashMap::new();
    let cased = Ranges::of(r"[[\p{CWL}\p{CWU}]&&\p{age:14.0}]");
    for c in cased.0.iter().flat_map(|&(first, last)| first..=last) {
        kin.entry(lower(c).to_uppercase().collect()).or_default().push(c);
    }
    let mut table = HashMap::new();
    for same in kin.into_values().filter(|same| same.len() > 1) {
        for &c in &same {
            table.insert(c, same.clone().into_boxed_slice());
        }
    }
    table
}

/// Characters as sorted ranges.
struct Ranges(Vec<(char, char)>);

impl Ranges {
    fn of(class: &str) -> Self {
        let hir = regex_syntax::parse(class).expect("the class is written above");
        match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => Self::from(&class),
            other => unreachable!("{class} is a class of many characters, not {other:?}"),
        }
    }

    fn contain(&self, c: char) -> bool {
        let next = self.0.partition_point(|&(first, _)| first <= c);
        next > 0 && c <= self.0[next - 1].1
    }
}

impl From<&ClassUnicode> for Ranges {
    fn from(class: &ClassUnicode) -> Self {
        Self(class.iter().map(|range| (range.start(), range.end())).collect())
    }
}
