//! What must hold of any pattern in any text.

use regex_automata::meta;

use super::{Flags, LimitReached, Pattern, Scratch, Steps};

/// Few enough that a search always ends soon.
const STEPS: Steps = Steps(100_000);
/// Larger automata are not made; their patterns are searched for all the same.
const AUTOMATON_MAX_BYTES: usize = 1 << 20;

/// Where a pattern matches, its groups lie in the text, between characters; a search that remembers what failed finds
/// the same; and the pattern's over-approximation matches too.
pub(in crate::detect) fn search(source: &str, text: &str) {
    let Ok(pattern) = Pattern::new(source, Flags::default()) else { return };
    let patient = groups(&pattern, text, &mut Scratch::default());
    let mut impatient = Scratch::default();
    impatient.patience = 0;
    let remembering = groups(&pattern, text, &mut impatient);
    if let (Ok(patient), Ok(remembering)) = (&patient, &remembering) {
        assert_eq!(patient, remembering, "{source:?} in {text:?}, remembering or not");
    }
    let Ok(Some(found)) = patient else { return };
    for group in found.iter().flatten() {
        assert!(text.get(group.0..group.1).is_some(), "{source:?} in {text:?}: {group:?}");
    }
    let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(AUTOMATON_MAX_BYTES));
    let regular = pattern.over_approximation();
    let Ok(regular) = meta::Builder::new().configure(config).build_from_hir(&regular) else {
        return;
    };
    assert!(regular.is_match(text.as_bytes()), "{source:?} in {text:?}: not the approximation");
}

/// From where to where each group of the first match goes.
type Groups = Vec<Option<(usize, usize)>>;

fn groups(
    pattern: &Pattern,
    text: &str,
    scratch: &mut Scratch,
) -> Result<Option<Groups>, LimitReached> {
    let found = pattern.search(scratch, text.as_bytes(), STEPS)?;
    let count = pattern.0.ast.groups.len();
    let group = |index| scratch.group(index).map(|group| (group.start, group.end));
    Ok(found.then(|| (0..=count).map(group).collect()))
}
