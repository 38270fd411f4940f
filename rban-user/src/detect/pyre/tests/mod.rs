mod naive;
mod patterns;
mod vectors;

use proptest::prelude::*;
use regex_automata::meta;

use super::*;

const LIMIT: Steps = Steps(1_000_000);

/// What the groups of the first match are.
fn groups(pattern: &Pattern, text: &str, scratch: &mut Scratch) -> Option<naive::Groups> {
    let found = pattern.search(scratch, text.as_bytes(), LIMIT).unwrap();
    found.then(|| (0..=pattern.ast().groups.len()).map(|group| scratch.group(group)).collect())
}

fn impatient() -> Scratch {
    let mut scratch = Scratch::default();
    scratch.patience = 0;
    scratch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_search_finds_what_the_naive_one_finds(
        source in patterns::pattern(),
        texts in prop::collection::vec(patterns::text(), 4),
    ) {
        let Ok(pattern) = Pattern::new(&source, Flags::default()) else { return Ok(()) };
        for text in texts {
            let Ok(expected) = naive::search(pattern.ast(), &text) else { continue };
            let patient = groups(&pattern, &text, &mut Scratch::default());
            prop_assert_eq!(&patient, &expected, "{} in {:?}", source, text);
            let remembering = groups(&pattern, &text, &mut impatient());
            prop_assert_eq!(remembering, expected, "{} in {:?}, remembering", source, text);
        }
    }

    #[test]
    fn where_a_pattern_matches_its_over_approximation_does(
        source in patterns::pattern(),
        texts in prop::collection::vec(patterns::text(), 4),
    ) {
        let Ok(pattern) = Pattern::new(&source, Flags::default()) else { return Ok(()) };
        let regular = pattern.over_approximation();
        let bytes = meta::Config::new().utf8_empty(false);
        let regular = meta::Builder::new().configure(bytes).build_from_hir(&regular).unwrap();
        for text in texts {
            if pattern.search(&mut Scratch::default(), text.as_bytes(), LIMIT) != Ok(false) {
                prop_assert!(regular.is_match(text.as_bytes()), "{} in {:?}", source, text);
            }
        }
    }

    #[test]
    fn regular_patterns_mean_what_they_mean_to_the_regex_crate(
        source in patterns::regular(),
        text in patterns::text(),
    ) {
        let pattern = Pattern::new(&source, Flags::default()).unwrap();
        let source = source.replace("{,", "{0,");
        let Ok(regex) = regex::Regex::new(&source) else { return Ok(()) };
        // Rounds that match nothing are counted in other ways.
        prop_assume!(!may_be_empty(&pattern.ast().root));
        let expected = regex.captures(&text).map(|found| {
            found.iter().map(|group| group.map(|group| group.range())).collect::<Vec<_>>()
        });
        prop_assert_eq!(groups(&pattern, &text, &mut Scratch::default()), expected);
    }
}

/// Whether a repeat holds what may match nothing.
fn may_be_empty(node: &ast::Node) -> bool {
    let itself = match node {
        ast::Node::Repeat(repeat) => ast::Width::of(&repeat.body, &|_| ast::Width::ZERO).min == 0,
        _ => false,
    };
    itself || node.children().into_iter().any(may_be_empty)
}

/// A hostile text ends within the limit, and without back-references finds its answer.
#[track_caller]
fn bounded(source: &str, text: &str, expected: Result<bool, LimitReached>) {
    let pattern = Pattern::new(source, Flags::default()).unwrap();
    let found = pattern.search(&mut Scratch::default(), text.as_bytes(), Steps(3_000_000));
    assert_eq!(found, expected, "{source} in {} bytes", text.len());
}

#[test]
fn what_explodes_in_python_takes_linear_time() {
    let a = "a".repeat(20_000);
    for source in [
        "(a+)+$",
        "(a|aa)*b",
        "(a*)*b",
        "(a|a)*b",
        "(?:a?){10}(?:a*)*b",
        "^(a+?)+?b",
        "(?:(?:a{1,3}){2,4}){3,}b",
        "a*a*a*a*b",
        "(?:a|(b)|(?(1)c|a))*d",
        "(?:(?=a+b)a|a)*c",
        r"(?:\w+\s*)*:",
        r".*.*.*.*x",
    ] {
        let text = format!("{a}!");
        bounded(source, &text, Ok(false));
    }
}

#[test]
fn back_references_end_at_the_limit() {
    bounded(r"(a*)(a*)(a*)\1\2\3b", &format!("{}!b", "a".repeat(300)), Err(LimitReached));
}

#[test]
fn long_texts_are_searched_in_bounded_time_and_memory() {
    let long = "ab ".repeat(350_000);
    bounded(r"(?:(a)|b| )*$", &long, Ok(true));
    bounded(r"(?:(a)|b| )*.$", &long, Err(LimitReached));
    bounded("x.*y", &long, Ok(false));
    bounded(r"^.*from (\S+)$", &long, Ok(false));
    bounded(r"\S+ \S+:", &long, Ok(false));
    bounded("a b$", &long, Ok(false));
    bounded(" $", &long, Ok(true));
}

#[test]
fn a_part_of_a_text_ends_but_does_not_begin_there() {
    let check = |source: &str, text: &str, part: Range<usize>, expected: Option<Range<usize>>| {
        let pattern = Pattern::new(source, Flags::default()).unwrap();
        let mut scratch = Scratch::default();
        let found = pattern.search_within(&mut scratch, text.as_bytes(), part, LIMIT).unwrap();
        assert_eq!(found.then(|| scratch.group(0).unwrap()), expected, "{source} in {text}");
    };
    check("b", "abcb", 2..4, Some(3..4));
    check("b$", "abcb", 0..2, Some(1..2));
    check("^b", "ab", 1..2, None);
    check("(?<=a)b", "ab", 1..2, Some(1..2));
    check("b(?=c)", "abc", 0..2, None);
    check("", "abc", 2..2, Some(2..2));
}

#[test]
fn patterns_know_their_names_and_where_they_begin() {
    let pattern = Pattern::new("^(a)(?P<n>b)(?P<m>c)", Flags::default()).unwrap();
    assert_eq!(pattern.group_names().collect::<Vec<_>>(), [("n", 2), ("m", 3)]);
    assert!(pattern.is_anchored_at_start());
    for source in [r"\Aa", "(?:^a|^b)", "(^a)", "(?=a)^a"] {
        assert!(Pattern::new(source, Flags::default()).unwrap().is_anchored_at_start(), "{source}");
    }
    for source in ["a", "^a|b", "(?:^)?a", "a^", "(?m)^a"] {
        assert!(
            !Pattern::new(source, Flags::default()).unwrap().is_anchored_at_start(),
            "{source}"
        );
    }
}

#[test]
fn what_is_no_utf_8_does_no_harm() {
    let pattern = Pattern::new(r"(\w+|[^a]|é)*?.\Z", Flags::default()).unwrap();
    for text in [&b"\xff"[..], b"\xc3", b"a\xe2\x82", b"\x80\x80", b"\xf0\x9f\xc3\xa9"] {
        for at in 0..text.len() {
            let part = at..text.len();
            let found = pattern.search_within(&mut Scratch::default(), text, part, LIMIT);
            assert!(found.is_ok(), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn what_is_too_large_written_out_is_refused() {
    for source in ["(?:(?:ab?){1000}){1000}", "(?:ab){999999999}", "(?:(?:a|b){200}){200}"] {
        let error = Pattern::new(source, Flags::default()).unwrap_err();
        assert!(matches!(error.problem, syntax::Problem::TooLarge { .. }), "{source}: {error}");
    }
    for source in ["(?:){999999999}", "(?:^){1,4000000000}", "a{4000000000}", "(?:a{1,9}){1,99}"] {
        assert!(Pattern::new(source, Flags::default()).is_ok(), "{source}");
    }
}
