//! Characters of a text in UTF-8.

use super::class::Charset;
use super::unicode;

/// The character at a place, and how many bytes it has. What is no UTF-8 counts as U+FFFD, byte by byte.
pub(super) fn char_at(text: &[u8], at: usize) -> Option<(char, usize)> {
    let &byte = text.get(at)?;
    if byte.is_ascii() {
        return Some((byte.into(), 1));
    }
    let len = len_of(byte);
    let char = text.get(at..at + len).and_then(|bytes| str::from_utf8(bytes).ok());
    let char = char.and_then(|bytes| bytes.chars().next());
    Some(char.map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, len)))
}

/// The character before a place, and how many bytes it has.
pub(super) fn char_before(text: &[u8], at: usize) -> Option<(char, usize)> {
    let &byte = text[..at].last()?;
    if byte.is_ascii() {
        return Some((byte.into(), 1));
    }
    let lens = (2..=4).filter(|&len| len <= at);
    let found = lens.map(|len| (char_at(text, at - len), len));
    let found = found.filter_map(|(found, len)| found.filter(|(_, own)| *own == len));
    Some(found.into_iter().next().unwrap_or((char::REPLACEMENT_CHARACTER, 1)))
}

/// How many bytes a character has that begins with this one.
fn len_of(byte: u8) -> usize {
    match byte {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

/// Where a text ends that stands at a place of another, but for case.
pub(super) fn end_of_same(
    wanted: &[u8],
    text: &[u8],
    mut at: usize,
    lower: fn(char) -> char,
) -> Option<usize> {
    let mut done = 0;
    while let Some((c, len)) = char_at(wanted, done) {
        let (other, other_len) = char_at(text, at)?;
        if lower(c) != lower(other) {
            return None;
        }
        done += len;
        at += other_len;
    }
    Some(at)
}

/// What is a word to `\b`.
pub(super) fn word_test(charset: Charset) -> fn(char) -> bool {
    match charset {
        Charset::Ascii => unicode::is_ascii_word,
        Charset::Unicode => unicode::is_word,
    }
}
