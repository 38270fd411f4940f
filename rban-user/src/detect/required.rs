//! Literals of which every match of a pattern contains at least one.

use regex_syntax::hir::{Class, Hir, HirKind};

/// A set larger than this rules too little out.
const LITERALS_MAX: usize = 128;

/// A literal's beginning says enough.
const LITERAL_MAX_BYTES: usize = 32;

/// A set of literals; a text with none of them cannot match. Never empty, and none of its literals is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Required(pub(super) Vec<Vec<u8>>);

/// Of the sets that a pattern has, so many are kept: the rarest.
const SETS_MAX: usize = 8;

/// Sets of which every match of this pattern contains a literal, the rarest first; none where nothing is known.
pub(super) fn required(pattern: &Hir) -> Vec<Required> {
    let found = look(pattern);
    let mut sets = found.inside;
    sets.extend(whole(found.exact));
    sets.sort_by(|a, b| a.chance().total_cmp(&b.chance()));
    sets.dedup();
    sets.truncate(SETS_MAX);
    sets
}

/// Those of either; `None` where they are too many.
pub(super) fn either(mut one: Required, other: Required) -> Option<Required> {
    one.0.extend(other.0);
    one.0.sort();
    one.0.dedup();
    (one.0.len() <= LITERALS_MAX).then_some(one)
}

impl Required {
    /// Grows with how often a log contains one of these by chance.
    fn chance(&self) -> f64 {
        self.0.iter().map(|literal| chance(literal)).sum()
    }
}

/// Grows with how often a log contains this literal by chance.
pub(super) fn chance(literal: &[u8]) -> f64 {
    literal.iter().map(|byte| commonness(*byte)).product()
}

/// How common a byte is in logs, roughly.
fn commonness(byte: u8) -> f64 {
    match byte {
        b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b'0'..=b'2' | b'.' => 0.08,
        b'/' | b':' | b'"' | b'-' | b'3'..=b'9' => 0.04,
        b'a'..=b'z' => 0.03,
        _ => 0.01,
    }
}

/// What is known of a part of a pattern.
struct Known {
    /// All texts that it can match, if they are few.
    exact: Option<Vec<Vec<u8>>>,
    /// Sets of which it contains a literal.
    inside: Vec<Required>,
}

impl Known {
    const NOTHING: Self = Self { exact: None, inside: Vec::new() };

    /// All that is known of what it contains.
    fn sets(self) -> Vec<Required> {
        let mut sets = self.inside;
        sets.extend(whole(self.exact));
        sets
    }
}

fn look(part: &Hir) -> Known {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => exactly(vec![Vec::new()]),
        HirKind::Literal(literal) => exactly(vec![literal.0.to_vec()]),
        HirKind::Class(class) => spelled(class).map_or(Known::NOTHING, exactly),
        HirKind::Capture(capture) => look(&capture.sub),
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
        HirKind::Repetition(repetition) if repetition.min == 0 => Known::NOTHING,
        HirKind::Repetition(repetition) => {
            let sub = look(&repetition.sub);
            let once = repetition.max == Some(1);
            let exact = sub.exact.clone().filter(|_| once);
            Known { exact, inside: sub.sets() }
        }
    }
}

fn exactly(texts: Vec<Vec<u8>>) -> Known {
    let few = texts.len() <= LITERALS_MAX;
    Known { exact: few.then_some(texts), inside: Vec::new() }
}

/// The characters of a small class.
fn spelled(class: &Class) -> Option<Vec<Vec<u8>>> {
    const SMALL: usize = 4;
    let mut texts = Vec::new();
    match class {
        Class::Bytes(class) => {
            for range in class.ranges() {
                texts.extend((range.start()..=range.end()).take(SMALL + 1).map(|byte| vec![byte]));
            }
        }
        Class::Unicode(class) => {
            for range in class.ranges() {
                let chars = (range.start()..=range.end()).take(SMALL + 1);
                texts.extend(chars.map(|it| it.to_string().into_bytes()));
            }
        }
    }
    (texts.len() <= SMALL).then_some(texts)
}

/// These texts as literals to look for, unless one of them is empty.
fn whole(exact: Option<Vec<Vec<u8>>>) -> Option<Required> {
    let exact = exact.filter(|texts| !texts.is_empty() && texts.iter().all(|it| !it.is_empty()))?;
    Some(Required(exact.into_iter().map(cut).collect()))
}

fn cut(mut literal: Vec<u8>) -> Vec<u8> {
    literal.truncate(LITERAL_MAX_BYTES);
    literal
}

/// Neighbours whose texts are known are joined, for longer literals are rarer.
fn concat(parts: &[Hir]) -> Known {
    let nothing_yet = || vec![Vec::new()];
    let mut inside = Vec::new();
    let mut run = nothing_yet();
    let mut all_exact = true;
    for part in parts {
        let known = look(part);
        inside.extend(known.inside);
        let joined = known.exact.as_ref().map(|texts| run.len() * texts.len());
        if let Some(texts) = &known.exact
            && joined <= Some(LITERALS_MAX)
        {
            run = cross(&run, texts);
        } else {
            all_exact = false;
            let next = known.exact.unwrap_or_else(nothing_yet);
            inside.extend(whole(Some(std::mem::replace(&mut run, next))));
        }
    }
    if all_exact {
        return Known { exact: Some(run), inside };
    }
    inside.extend(whole(Some(run)));
    Known { exact: None, inside }
}

fn cross(before: &[Vec<u8>], after: &[Vec<u8>]) -> Vec<Vec<u8>> {
    before.iter().flat_map(|a| after.iter().map(move |b| [&a[..], &b[..]].concat())).collect()
}

fn alternation(parts: &[Hir]) -> Known {
    let known: Vec<Known> = parts.iter().map(look).collect();
    let exact: Option<Vec<Vec<u8>>> =
        known.iter().map(|it| it.exact.clone()).collect::<Option<Vec<_>>>().map(|it| it.concat());
    let exact = exact.filter(|texts| texts.len() <= LITERALS_MAX);
    let rarest =
        |sets: Vec<Required>| sets.into_iter().min_by(|a, b| a.chance().total_cmp(&b.chance()));
    let mut sets = known.into_iter().map(|it| rarest(it.sets()));
    let first = sets.next().flatten();
    let inside = first.and_then(|first| sets.try_fold(first, |all, set| either(all, set?)));
    Known { exact, inside: Vec::from_iter(inside) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::RegexBuilder;
    use regex_syntax::ParserBuilder;

    use super::*;

    fn of(pattern: &str) -> Vec<Vec<String>> {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        let text = |set: Required| -> Vec<String> {
            set.0.into_iter().map(|it| String::from_utf8(it).unwrap()).collect()
        };
        required(&hir).into_iter().map(text).collect()
    }

    #[track_caller]
    fn check(pattern: &str, literals: &[&str]) {
        let mut found = of(pattern).into_iter().next().unwrap_or_default();
        found.sort();
        assert_eq!(found, literals, "{pattern}");
    }

    #[test]
    fn the_rarest_literal_is_taken() {
        check("^a.*password for .* b", &["password for "]);
        check("^(?:x y)+$", &["x y"]);
    }

    #[test]
    fn the_others_are_known_too() {
        let sets = of(r#"^\S+ "(?:GET|POST) \S+" 404 "#);
        assert!(sets.iter().any(|set| set == &["\" 404 "]), "{sets:?}");
    }

    #[test]
    fn alternatives_are_all_taken() {
        check("^(?:Failed|Invalid) .* from", &["Failed ", "Invalid "]);
        check("(?:ab|c.*d?ef)", &["ab", "ef"]);
        check("[Pp]ass", &["Pass", "pass"]);
    }

    #[test]
    fn where_anything_goes_nothing_is_known() {
        for pattern in ["", "a*", r"\S+", "(?:abc|)", "^$", "(?:abc|.)", r"\d+"] {
            check(pattern, &[]);
        }
    }

    proptest! {
        #[test]
        fn what_matches_contains_one(text in "[abc ]{0,10}", pattern in "([abc]|a\\*|\\(\\?:ab\\|c\\)|\\(\\?:a\\|b\\)\\+|[ab]\\?|\\.){1,7}") {
            let regex = RegexBuilder::new(&pattern).unicode(false).build();
            if regex.is_ok_and(|regex| regex.is_match(text.as_bytes())) {
                for set in of(&pattern) {
                    prop_assert!(set.iter().any(|it| text.contains(it.as_str())), "{set:?}");
                }
            }
        }
    }
}
