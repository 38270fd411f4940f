//! Texts and numbers as Python prints them: fail2ban-regex does, and scripts read it.

use std::io::{self, Write};

use crate::clock::WallTime;

/// A text in quotes.
pub(in crate::cli) fn quoted(out: &mut impl Write, text: &str) -> io::Result<()> {
    let is_simple =
        |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'\'' | b'"');
    if text.as_bytes().iter().all(is_simple) {
        out.write_all(b"'")?;
        out.write_all(text.as_bytes())?;
        return out.write_all(b"'");
    }
    let quote = if text.contains('\'') && !text.contains('"') { b'"' } else { b'\'' };
    out.write_all(&[quote])?;
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        if is_plain(c) && !(c == '\\' || c == char::from(quote)) {
            continue;
        }
        out.write_all(&text.as_bytes()[plain..at])?;
        plain = at + c.len_utf8();
        match c {
            '\n' => out.write_all(b"\\n")?,
            '\r' => out.write_all(b"\\r")?,
            '\t' => out.write_all(b"\\t")?,
            '\\' | '\'' | '"' => write!(out, "\\{c}")?,
            c if u32::from(c) <= 0xff => write!(out, "\\x{:02x}", u32::from(c))?,
            c if u32::from(c) <= 0xffff => write!(out, "\\u{:04x}", u32::from(c))?,
            c => write!(out, "\\U{:08x}", u32::from(c))?,
        }
    }
    out.write_all(&text.as_bytes()[plain..])?;
    out.write_all(&[quote])
}

/// Whether Python prints it as it is.
fn is_plain(c: char) -> bool {
    match c {
        ' ' => true,
        c if c.is_ascii() => !c.is_ascii_control(),
        // Blanks, marks of direction and the like, and what belongs to nobody.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
            false
        }
        '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => false,
        c => !c.is_control() && !c.is_whitespace(),
    }
}

/// Seconds since 1970, as a float.
pub(super) fn seconds(out: &mut impl Write, time: WallTime) -> io::Result<()> {
    let micros = time.as_micros();
    let sign = if micros < 0 { "-" } else { "" };
    let (secs, micros) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    match micros {
        0 => {
            out.write_all(sign.as_bytes())?;
            out.write_all(itoa::Buffer::new().format(secs).as_bytes())?;
            out.write_all(b".0")
        }
        micros => {
            let fraction = format!("{micros:06}");
            write!(out, "{sign}{secs}.{}", fraction.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut out = Vec::new();
        quoted(&mut out, text).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn texts_are_quoted_as_python_does() {
        check("a b", "'a b'");
        check("it's", "\"it's\"");
        check("it's \"so\"", "'it\\'s \"so\"'");
        check("a\\b\n\r\t\0\u{7f}", "'a\\\\b\\n\\r\\t\\x00\\x7f'");
        check("é€\u{fffd}", "'é€\u{fffd}'");
        check(
            "\u{a0}\u{ad}\u{200b}\u{2028}\u{e000}\u{10ffff}",
            "'\\xa0\\xad\\u200b\\u2028\\ue000\\U0010ffff'",
        );
    }

    #[test]
    fn times_are_floats() {
        let shown = |micros| {
            let mut out = Vec::new();
            seconds(&mut out, WallTime::from_micros(micros)).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(1_123_970_401_000_000), "1123970401.0");
        assert_eq!(shown(1_763_690_000_123_000), "1763690000.123");
        assert_eq!(shown(-1_500_000), "-1.5");
    }
}
