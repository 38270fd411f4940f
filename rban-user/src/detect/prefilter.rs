//! Literals that every match must contain, looked for in one pass.
//!
//! Most lines of a log are no failures, and most of those lack every word that a failure begins with. Finding that out
//! costs a twentieth of what the patterns cost.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::{Extractor, Seq};

/// Tells at little cost of most texts that no pattern matches anywhere in them.
#[derive(Clone, Debug)]
pub(super) struct Prefilter {
    /// Any of the literals; `None` where a pattern may begin with anything.
    literals: Option<Regex>,
}

impl Prefilter {
    /// Made of patterns that compile.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let mut beginnings = Seq::empty();
        for pattern in patterns {
            beginnings.union(&mut beginnings_of(pattern));
        }
        let literals = beginnings.literals().filter(|found| found.iter().all(|l| !l.is_empty()));
        let any = literals.map(|found| {
            let escaped = |byte: &u8| format!(r"\x{byte:02x}");
            let literal = |bytes: &[u8]| bytes.iter().map(escaped).collect::<String>();
            found.iter().map(|found| literal(found.as_bytes())).collect::<Vec<_>>().join("|")
        });
        // Should the literals be too many to compile, there is no harm in doing without.
        let literals = any.and_then(|any| RegexBuilder::new(&any).unicode(false).build().ok());
        Self { literals }
    }

    /// False only if no pattern matches anywhere in the text.
    pub(super) fn may_match(&self, text: &[u8]) -> bool {
        self.literals.as_ref().is_none_or(|literals| literals.is_match(text))
    }
}

/// What a match of this pattern begins with; infinite if that may be anything.
fn beginnings_of(pattern: &str) -> Seq {
    match ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern) {
        Ok(parsed) => Extractor::new().extract(&parsed),
        Err(_) => Seq::infinite(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(patterns: &[&str], text: &str, may_match: bool) {
        let prefilter = Prefilter::new(patterns.iter().copied());
        assert_eq!(prefilter.may_match(text.as_bytes()), may_match, "{patterns:?} in {text}");
    }

    #[test]
    fn a_text_without_any_beginning_cannot_match() {
        let patterns = ["^Failed (?:password|none) for .*$", r"^\[x\] .* from"];
        check(&patterns, "Accepted password for root", false);
        check(&patterns, "x: Failed password for root", true);
        check(&patterns, "x: [x] and so on", true);
        check(&patterns, "", false);
    }

    #[test]
    fn where_a_pattern_may_begin_with_anything_every_text_may_match() {
        check(&["^a", "^.*b"], "xyz", true);
        check(&["^a", r"^\S+ b"], "xyz", true);
        check(&["^a", "^(?:c|)d*"], "xyz", true);
    }

    proptest! {
        #[test]
        fn what_matches_may_match(text in "[ab\\[ F\\x00\u{e9}]{0,12}", patterns in prop::collection::vec("\\^?[abF][ab?*.]{0,4}", 1..4)) {
            let regexes: Vec<Regex> = patterns.iter().filter_map(|p| RegexBuilder::new(p).unicode(false).build().ok()).collect();
            let prefilter = Prefilter::new(regexes.iter().map(Regex::as_str));
            if regexes.iter().any(|regex| regex.is_match(text.as_bytes())) {
                prop_assert!(prefilter.may_match(text.as_bytes()));
            }
        }
    }
}
