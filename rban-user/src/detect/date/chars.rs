//! Python's opinion of characters: which are letters of a word, which are digits, and how much a digit is worth.
//! Python 3.11 knows Unicode 14.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Whether `\w` matches.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() { is_word_byte(c as u8) } else { is_in(&WORD, c) }
}

/// The same of an ASCII byte.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a letter or a number, as `str.isalnum` has it.
pub(super) fn is_alphanumeric(c: char) -> bool {
    c != '_' && is_word(c)
}

/// What a digit of any script is worth; `\d` matches these.
pub(super) fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    // Every script has its ten digits in a row, and several such rows may touch.
    let (start, end) = range_of(&DIGITS, c)?;
    debug_assert!((u32::from(end) - u32::from(start) + 1).is_multiple_of(10));
    Some((u32::from(c) - u32::from(start)) % 10)
}

/// Whether a pattern's digit or letter could match the character although it is not ASCII: a digit of another script,
/// or one of the letters that are ASCII ones when case is ignored.
pub(super) fn passes_for_ascii(c: char) -> bool {
    !c.is_ascii() && (matches!(c, 'ı' | 'İ' | 'ſ' | '\u{212a}') || is_in(&DIGITS, c))
}

type Ranges = Vec<(char, char)>;

static WORD: LazyLock<Ranges> = LazyLock::new(|| ranges(r"[[\p{L}\p{N}]&&\p{age:14.0}]"));
static DIGITS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"[\p{Nd}&&\p{age:14.0}]"));

fn ranges(class: &str) -> Ranges {
    let hir = regex_syntax::parse(class).expect("the class is a constant");
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().map(|range| (range.start(), range.end())).collect()
        }
        _ => Vec::new(),
    }
}

fn range_of(ranges: &Ranges, c: char) -> Option<(char, char)> {
    let at = ranges.partition_point(|(_, end)| *end < c);
    ranges.get(at).copied().filter(|(start, _)| *start <= c)
}

fn is_in(ranges: &Ranges, c: char) -> bool {
    range_of(ranges, c).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_numbers_and_the_underscore() {
        assert!("aZ0_éß中٣²Ⅷ".chars().all(is_word));
        assert!(!" -.[«€\u{301}\u{203f}\u{200d}".chars().any(is_word));
    }

    #[test]
    fn digits_of_all_scripts_have_a_value() {
        assert_eq!(
            "09٠٣९𝟎𝟗𝟘".chars().map(digit).collect::<Option<Vec<_>>>(),
            Some(vec![0, 9, 0, 3, 9, 0, 9, 0])
        );
        assert!("a²½Ⅷ".chars().all(|c| digit(c).is_none()));
    }

    #[test]
    fn every_row_of_digits_is_whole() {
        for &(start, end) in DIGITS.iter() {
            assert!((u32::from(end) - u32::from(start) + 1).is_multiple_of(10), "{start} {end}");
        }
    }
}
