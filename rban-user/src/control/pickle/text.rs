//! Texts as the older protocols write them: one line of ASCII, with escapes.

/// The text of an instruction `V`: Latin-1, with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn unicode(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after.first()) {
            (b'\\', Some(b'u')) => text.push(escaped(&mut rest, 4)?),
            (b'\\', Some(b'U')) => text.push(escaped(&mut rest, 8)?),
            // A backslash behind a backslash begins nothing.
            (b'\\', Some(b'\\')) => {
                text.push_str("\\\\");
                rest = &rest[1..];
            }
            _ => text.push(char::from(first)),
        }
    }
    Some(text)
}

/// The character whose number follows the letter at the start of `rest`; half of a pair is none, and replaced.
fn escaped(rest: &mut &[u8], digits: usize) -> Option<char> {
    let number = rest.get(1..=digits)?;
    *rest = &rest[digits + 1..];
    Some(char::from_u32(hex(number)?).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    digits.iter().try_fold(0, |number: u32, it| Some(number << 4 | digit(it)?))
}

/// The text of an instruction `S`: in quotes, as Python 2 prints it.
pub(super) fn quoted(line: &[u8]) -> Option<String> {
    let (&quote, inner) = line.split_first()?;
    let (&last, inner) = inner.split_last()?;
    if last != quote || !matches!(quote, b'\'' | b'"') {
        return None;
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match *rest.next()? {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'x' => {
                let number = hex(rest.as_slice().get(..2)?)?;
                rest.nth(1);
                bytes.push(u8::try_from(number).ok()?);
            }
            other => bytes.push(other),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A text as the line of an instruction `V`, with everything but letters, digits and blanks escaped.
pub(super) fn to_unicode(text: &str) -> String {
    let mut line = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => line.push(c),
            c if u32::from(c) <= 0xffff => line.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => line.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_read() {
        assert_eq!(unicode(b"a\\u20ac\\U0001f600\xe9\\n").unwrap(), "a\u{20ac}\u{1f600}\u{e9}\\n");
        assert_eq!(unicode(b"\\\\u0041").unwrap(), "\\\\u0041");
        assert_eq!(unicode(b"\\ud800").unwrap(), "\u{fffd}");
        assert_eq!(unicode(b"\\u12"), None);
        assert_eq!(quoted(br"'it\'s\n\x41'").unwrap(), "it's\nA");
        for line in [&b"'a"[..], b"'", b"'a\\'", b"'\\x4'", b"a"] {
            assert_eq!(quoted(line), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>()) {
            prop_assert_eq!(unicode(to_unicode(&text).as_bytes()), Some(text));
        }
    }
}
