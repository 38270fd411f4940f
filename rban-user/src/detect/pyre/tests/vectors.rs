//! What Python 3.11 finds: pattern, text, and where the groups begin and end, the whole match first.

use super::*;

type Vector = (&'static str, &'static str, Option<&'static [Option<(usize, usize)>]>);

const VECTORS: &[Vector] = &[
    ("a$", "a\n", Some(&[Some((0, 1))])),
    ("a$", "a\n\n", None),
    ("a\\Z", "a\n", None),
    ("(?m)^b$", "a\nb\nc", Some(&[Some((2, 3))])),
    ("^b", "a\nb", None),
    ("\\bab\\b", "xab ab", Some(&[Some((4, 6))])),
    ("\\Bb", "b ab", Some(&[Some((3, 4))])),
    ("\\B", "", None),
    ("\\b", "", None),
    ("$", "a\n", Some(&[Some((1, 1))])),
    ("(?m)$", "a\nb", Some(&[Some((1, 1))])),
    ("a.b", "a\nb", None),
    ("(?s)a.b", "a\nb", Some(&[Some((0, 3))])),
    ("a.b", "a\rb", Some(&[Some((0, 3))])),
    ("a.b", "aéb", Some(&[Some((0, 4))])),
    ("[^[]+", "ab[c", Some(&[Some((0, 2))])),
    ("[]a]+", "x]a]b", Some(&[Some((1, 4))])),
    ("[^]]+", "]ab]", Some(&[Some((1, 3))])),
    ("[\\d-]+", "a1-2", Some(&[Some((1, 4))])),
    ("[a\\-c]+", "b-c", Some(&[Some((1, 3))])),
    ("[é-ü]", "ê", Some(&[Some((0, 2))])),
    ("[\\x1d]", "\u{1d}", Some(&[Some((0, 1))])),
    ("\\s+", "\u{1c}\u{85}\u{a0}\u{2003}x", Some(&[Some((0, 8))])),
    ("\\w+", "é_1²Ⅷ-", Some(&[Some((0, 9))])),
    ("\\d+", "٣7²", Some(&[Some((0, 3))])),
    ("(?a)\\w+", "aé", Some(&[Some((0, 1))])),
    ("(?a)\\s", "\u{1c}", None),
    ("\\S+", "\u{1d}ab", Some(&[Some((1, 3))])),
    ("(?i)k", "K", Some(&[Some((0, 3))])),
    ("(?i)ſ", "S", Some(&[Some((0, 1))])),
    ("(?i)straße", "STRASSE", None),
    ("(?i)[a-f]+", "xABCf", Some(&[Some((1, 5))])),
    ("(?i)µ", "μ", Some(&[Some((0, 2))])),
    ("(?i)i", "İ", Some(&[Some((0, 2))])),
    ("(?i:A)b", "aB", None),
    ("(?i:A)b", "ab", Some(&[Some((0, 2))])),
    ("(?i)(a)\\1", "aA", Some(&[Some((0, 2)), Some((0, 1))])),
    ("(a)(?i:\\1)", "aA", Some(&[Some((0, 2)), Some((0, 1))])),
    ("(?i)é", "É", Some(&[Some((0, 2))])),
    ("a{,2}", "aaa", Some(&[Some((0, 2))])),
    ("a{2,}", "aaa", Some(&[Some((0, 3))])),
    ("a{1,2}?", "aaa", Some(&[Some((0, 1))])),
    ("a{x}", "a{x}", Some(&[Some((0, 4))])),
    ("({[^}]+})", "x{ab}", Some(&[Some((1, 5)), Some((1, 5))])),
    ("a*?b", "aab", Some(&[Some((0, 3))])),
    ("(a*)*", "aab", Some(&[Some((0, 2)), Some((2, 2))])),
    ("(a|b*)*", "abb", Some(&[Some((0, 3)), Some((3, 3))])),
    ("(a??)*?$", "aa", Some(&[Some((0, 2)), Some((1, 2))])),
    ("(?:a|(b))*", "aba", Some(&[Some((0, 3)), Some((1, 2))])),
    ("(a)|b", "b", Some(&[Some((0, 1)), None])),
    ("(a*)+", "b", Some(&[Some((0, 0)), Some((0, 0))])),
    ("(?:(a)|b)*", "ab", Some(&[Some((0, 2)), Some((0, 1))])),
    ("((a)|(b))*", "ab", Some(&[Some((0, 2)), Some((1, 2)), Some((0, 1)), Some((1, 2))])),
    ("(?:(a)|(b)|c)*", "abc", Some(&[Some((0, 3)), Some((0, 1)), Some((1, 2))])),
    ("(a+|b+)*?c", "aabbc", Some(&[Some((0, 5)), Some((2, 4))])),
    ("a++b", "aab", Some(&[Some((0, 3))])),
    ("a++ab", "aab", None),
    ("(?>a+)b", "aab", Some(&[Some((0, 3))])),
    ("(?>a|ab)c", "abc", None),
    ("(?:ab|a)++b", "abab", None),
    ("(?:aab|a){2}+", "aab", None),
    ("(a|ab)?+c", "abc", Some(&[Some((2, 3)), None])),
    ("(?=(a+))a", "aa", Some(&[Some((0, 1)), Some((0, 2))])),
    ("(?!(a))b", "b", Some(&[Some((0, 1)), None])),
    ("(?<=a)b", "ab", Some(&[Some((1, 2))])),
    ("(?<!a)b", "ab", None),
    ("(?<=é)b", "éb", Some(&[Some((2, 3))])),
    ("(?<=a|b)c", "bc", Some(&[Some((1, 2))])),
    ("(?<=^)a", "a", Some(&[Some((0, 1))])),
    ("(?<!^)a", "aa", Some(&[Some((1, 2))])),
    ("(?=(a+?))(\\1)", "aa", Some(&[Some((0, 1)), Some((0, 1)), Some((0, 1))])),
    ("(a|b)\\1", "abb", Some(&[Some((1, 3)), Some((1, 2))])),
    ("(?P<q>[\"\\'])(.*?)(?P=q)", "x'a\"b'", Some(&[Some((1, 6)), Some((1, 2)), Some((2, 5))])),
    ("(a)?(?(1)b|c)", "ab", Some(&[Some((0, 2)), Some((0, 1))])),
    ("(a)?(?(1)b|c)", "c", Some(&[Some((0, 1)), None])),
    ("(a)?(?(1)b)", "c", Some(&[Some((0, 0)), None])),
    ("(?:(a)|b)*(?(1)x|y)", "abx", Some(&[Some((0, 3)), Some((0, 1))])),
    ("(?P<a>x)?y(?(a)z|)", "xyz", Some(&[Some((0, 3)), Some((0, 1))])),
    ("(\\()?a(?(1)\\))$", "(a)", Some(&[Some((0, 3)), Some((0, 1))])),
    ("(\\()?a(?(1)\\))$", "(a", Some(&[Some((1, 2)), None])),
    ("(a)?\\1b", "b", None),
    ("(a|(?(1)b|c))*", "acb", Some(&[Some((0, 1)), Some((0, 1))])),
    ("a|ab", "ab", Some(&[Some((0, 1))])),
    ("(a|ab)(c|bcd)", "abcd", Some(&[Some((0, 4)), Some((0, 1)), Some((1, 4))])),
    ("(|a)+", "aa", Some(&[Some((0, 0)), Some((0, 0))])),
    ("(a|)+", "aa", Some(&[Some((0, 2)), Some((2, 2))])),
    ("x*|b", "b", Some(&[Some((0, 0))])),
    (
        "^(?P<u>\\S+|.*?) from (?P<h>\\S+)(?: port \\d+)?$",
        "a b from c from d port 7\n",
        Some(&[Some((0, 24)), Some((0, 10)), Some((16, 17))]),
    ),
    (
        "user=<(?P<u>[^>]*)>,? (?:(?! from ).)*x",
        "user=<a>, b fromx from x",
        Some(&[Some((0, 17)), Some((6, 7))]),
    ),
];

#[test]
fn searches_find_what_python_finds() {
    for &(source, text, expected) in VECTORS {
        let pattern = Pattern::new(source, Flags::default()).unwrap();
        let span = |span: &Option<(usize, usize)>| span.map(|(start, end)| start..end);
        let expected = expected.map(|spans| spans.iter().map(span).collect::<Vec<_>>());
        for mut scratch in [Scratch::default(), impatient()] {
            let found = groups(&pattern, text, &mut scratch);
            assert_eq!(found, expected, "{source} in {text:?}");
        }
    }
}
