//! A formula's text → words, numbers and symbols.

use super::number::Number;

/// A piece of a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Number(Number),
    /// A name, with its dots.
    Word(&'a str),
    Symbol(&'static str),
}

/// Longer symbols first.
const SYMBOLS: [&str; 18] = [
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "+", "-", "*", "/", "%", "(", ")", ",", "<",
    ">",
];

/// The first piece, and what follows it; what it cannot be read from otherwise.
pub(super) fn next(text: &str) -> Result<Option<(Token<'_>, &str)>, &str> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r']);
    let Some(first) = text.chars().next() else { return Ok(None) };
    let is_number = first.is_ascii_digit()
        || (first == '.' && text[1..].starts_with(|c: char| c.is_ascii_digit()));
    if is_number {
        let (digits, rest) = text.split_at(number_length(text.as_bytes()));
        let number = number(digits).ok_or(digits)?;
        return Ok(Some((Token::Number(number), rest)));
    }
    let symbol = SYMBOLS.iter().find_map(|symbol| Some((symbol, text.strip_prefix(symbol)?)));
    if let Some((symbol, rest)) = symbol {
        return Ok(Some((Token::Symbol(symbol), rest)));
    }
    let of_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let end = text.find(|c| !of_word(c)).unwrap_or(text.len());
    if end == 0 {
        return Err(&text[..first.len_utf8()]);
    }
    let (word, rest) = text.split_at(end);
    Ok(Some((Token::Word(word), rest)))
}

/// How far a number goes, or what was meant to be one: `12abc` is one mistake.
fn number_length(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = text.get(length) {
        let is_sign = matches!(byte, b'+' | b'-')
            && length > 0
            && matches!(text[length - 1], b'e' | b'E')
            && text.get(length + 1).is_some_and(u8::is_ascii_digit);
        if !(is_sign || byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_')) {
            break;
        }
        length += 1;
    }
    length
}

fn number(text: &str) -> Option<Number> {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let between_digits = |at: usize| {
        bytes[..at].last().copied().is_some_and(is_digit)
            && bytes.get(at + 1).copied().is_some_and(is_digit)
    };
    let underscores_fit = (0..bytes.len()).all(|at| bytes[at] != b'_' || between_digits(at));
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    if !underscores_fit {
        return None;
    }
    if plain.bytes().all(is_digit) {
        let is_zero = plain.bytes().all(|byte| byte == b'0');
        let is_octal = plain.starts_with('0') && !is_zero;
        let whole = plain
            .parse()
            .map_or_else(|_| plain.parse().map(Number::Float), |int| Ok(Number::Int(int)));
        return whole.ok().filter(|_| !is_octal);
    }
    let of_float = |byte: u8| is_digit(byte) || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let float = plain.bytes().all(of_float).then(|| plain.parse().ok()).flatten();
    float.filter(|float: &f64| float.is_finite()).map(Number::Float)
}
