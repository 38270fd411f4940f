//! What comes out, whatever the chunks it came in.

use proptest::prelude::*;

use super::*;

fn encoding(name: &str) -> Encoding {
    name.parse().unwrap()
}

fn decode<'a>(encoding: Encoding, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut decoder = Decoder::new(encoding);
    let mut decoded = Vec::new();
    for chunk in chunks {
        decoded.extend_from_slice(&decoder.decode(chunk));
    }
    decoded.extend_from_slice(&decoder.finish());
    decoded
}

#[track_caller]
fn check(name: &str, bytes: &[u8], text: &str) {
    let decoded = decode(encoding(name), [bytes]);
    assert_eq!(String::from_utf8(decoded).unwrap(), text, "{name}");
}

#[test]
fn utf8_is_left_as_it_is_broken_or_not() {
    let bytes = b"\xef\xbb\xbfa\xc3\xa9\xff\n";
    assert_eq!(decode(Encoding::UTF_8, [&bytes[..]]), bytes);
}

#[test]
fn latin_1_is_what_iso_says_and_not_windows() {
    check("latin-1", b"\xe9\x80\x9f\xff", "\u{e9}\u{80}\u{9f}\u{ff}");
    check("cp1252", b"\xe9\x80\x9f", "\u{e9}\u{20ac}\u{178}");
    check("iso8859-15", b"\xa4\x80", "\u{20ac}\u{80}");
    check("iso8859-9", b"\xfd\x80", "\u{131}\u{80}");
}

#[test]
fn what_means_nothing_is_replaced() {
    check("ascii", b"a\xe9b", "a\u{fffd}b");
    check("cp1252", b"a\x81b", "a\u{fffd}b");
    check("gbk", b"a\xc4\nb", "a\u{fffd}\nb");
    check("shift_jis", b"\x83", "\u{fffd}");
    check("utf-16-le", b"\x00\xdca\0", "\u{fffd}a");
}

#[test]
fn other_scripts_are_read() {
    check("koi8-r", b"\xf0\xd2\xc9\xd7\xc5\xd4", "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}");
    check("cp1251", b"\xcf\xf0", "\u{41f}\u{440}");
    check("gbk", b"\xc4\xe3\xba\xc3", "\u{4f60}\u{597d}");
    check("shift_jis", b"\x93\xfa\x96\x7b", "\u{65e5}\u{672c}");
    check("euc-jp", b"\xc6\xfc\xcb\xdc", "\u{65e5}\u{672c}");
    check("euc-kr", b"\xc7\xd1", "\u{d55c}");
    check("big5", b"\xa4\xa4", "\u{4e2d}");
}

#[test]
fn the_mark_at_the_beginning_tells_the_byte_order_of_utf16() {
    check("utf-16", b"\xff\xfea\0", "a");
    check("utf-16", b"\xfe\xff\0a", "a");
    check("utf-16", b"a\0b\0", "ab");
    check("utf-16", b"a", "\u{fffd}");
    check("utf-16-be", b"\0a\x0a\x0a", "a\u{a0a}");
}

#[test]
fn a_stream_may_be_entered_behind_its_mark() {
    let mut decoder = Decoder::within(encoding("utf-16"), b"\xfe\xff");
    assert_eq!(decoder.decode(b"\0a"), "a");
    assert_eq!(decoder.finish(), "");
    assert_eq!(decoder.decode(b"\xff\xfeb\0"), "b", "then another stream begins");
}

#[test]
fn what_is_malformed_is_told_once() {
    let mut decoder = Decoder::new(encoding("ascii"));
    decoder.decode(b"a");
    assert!(!decoder.was_malformed());
    decoder.decode(b"\xe9");
    assert!(decoder.was_malformed());
    assert!(!decoder.was_malformed());
}

#[test]
fn names_are_those_of_python() {
    for (name, known) in [
        ("auto", "utf-8"),
        ("UTF-8", "utf-8"),
        ("utf_8", "utf-8"),
        ("U8", "utf-8"),
        ("us-ascii", "ascii"),
        ("iso-8859-1", "latin-1"),
        ("ISO8859_1", "latin-1"),
        ("L1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("iso-8859-11", "iso8859-11"),
        ("UTF-16LE", "utf-16-le"),
        ("GB2312", "gb2312"),
        ("EUC_JP", "euc-jp"),
    ] {
        assert_eq!(encoding(name).to_string(), known, "{name}");
    }
    for name in ["", "utf-9", "cp437", "iso8859-12", "rot13"] {
        let error = name.parse::<Encoding>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{name:?}: not an encoding that rban knows; write auto"))
        );
    }
}

proptest! {
    #[test]
    fn chunks_do_not_matter(
        name in prop::sample::select(vec![
            "utf-8", "ascii", "latin-1", "cp1252", "utf-16", "utf-16-be", "gbk", "gb18030", "big5", "shift_jis",
            "euc-jp", "iso-2022-jp", "euc-kr",
        ]),
        mut bytes in prop::collection::vec(
            prop_oneof![Just(b'\n'), Just(0), Just(0xfe), Just(0xff), Just(0x1b), 0x20u8..0x7f, any::<u8>()], 0..100),
        marked in any::<bool>(),
        cuts in prop::collection::vec(0usize..100, 0..20),
    ) {
        if marked {
            bytes.splice(0..0, [0xfe, 0xff]);
        }
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        let whole = decode(encoding(name), [&bytes[..]]);
        prop_assert_eq!(decode(encoding(name), chunks), &whole[..]);
        prop_assert!(name == "utf-8" || std::str::from_utf8(&whole).is_ok());
    }

    #[test]
    fn what_was_utf16_comes_back(text in ".{0,40}") {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        prop_assert_eq!(decode(encoding("utf-16-le"), [&bytes[..]]), text.as_bytes());
    }
}
