//! Patterns of all constructs, and texts that they often match.

use proptest::prelude::*;

/// A pattern. Not all are legal: back-references and conditions name groups that may not be there.
pub(super) fn pattern() -> impl Strategy<Value = String> {
    (
        prop::sample::select(&["", "", "", "", "(?i)", "(?s)", "(?m)", "(?a)"][..]),
        alternatives(Constructs::All),
    )
        .prop_map(|(flags, pattern)| format!("{flags}{pattern}"))
}

/// A pattern that other engines understand alike: nothing but characters, sets, groups and repeats of what is not empty.
pub(super) fn regular() -> impl Strategy<Value = String> {
    alternatives(Constructs::Regular)
}

/// A text, most of it of characters that patterns have.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(TEXT), 0..9).prop_map(|text| text.concat())
}

const TEXT: &[&str] =
    &["a", "a", "a", "b", "b", "c", "x", " ", "1", "é", "K", "k", "\u{212a}", "\n"];
const PLAIN: &[&str] = &["a", "b", "c", "ab", "bc", "x", " ", "1", "[ab]", "[^a]", "[a-c]", "."];
const ODD: &[&str] = &[
    "é", "K", r"\n", r"\w", r"\W", r"\d", r"\s", r"\S", "[éa]", r"[\w-]", "^", "$", r"\b", r"\B",
    r"\A", r"\Z", r"\1", r"\2", "(?<=a)", "(?<!b)", "(?<=.b)", "(?!ab)", "(?=b)", "(?:)",
];
const REPEATS: &[&str] =
    &["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "*?", "+?", "??", "{1,2}?"];
const ODD_REPEATS: &[&str] = &["*+", "++", "?+", "{1,2}+", "{,3}", "{0,3}?"];
const GROUPS: &[&str] = &["(", "(?:", "("];
const ODD_GROUPS: &[&str] =
    &["(?=", "(?!", "(?>", "(?i:", "(?s:", "(?-i:", "(?(1)", "(?(2)", "(?:(?!b)", "(?:(?!ab)."];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Constructs {
    Regular,
    All,
}

fn alternatives(constructs: Constructs) -> BoxedStrategy<String> {
    let pick = move |plain: &'static [&'static str], more: &'static [&'static str]| {
        let all: Vec<&str> = match constructs {
            Constructs::All => [plain, plain, more].concat(),
            Constructs::Regular => plain.to_vec(),
        };
        prop::sample::select(all)
    };
    let leaf = pick(PLAIN, ODD).prop_map(str::to_owned).boxed();
    let quantified = move |item: BoxedStrategy<String>| {
        let repeat = pick(REPEATS, ODD_REPEATS);
        prop_oneof![
            2 => item.clone(),
            1 => (item, repeat).prop_map(|(item, repeat)| format!("(?:{item}){repeat}")),
        ]
    };
    let leaf = quantified(leaf);
    leaf.prop_recursive(3, 24, 4, move |inner| {
        let sequence = prop::collection::vec(inner, 1..4).prop_map(|items| items.concat());
        let choice = prop::collection::vec(sequence, 1..4).prop_map(|items| items.join("|"));
        let group =
            (pick(GROUPS, ODD_GROUPS), choice).prop_map(|(open, body)| format!("{open}{body})"));
        quantified(group.boxed())
    })
    .boxed()
}
