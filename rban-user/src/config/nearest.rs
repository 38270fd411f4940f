//! What was probably meant by a word that means nothing.

/// The nearest of these words, if it is near enough to be a slip.
pub(super) fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.7;
    let near = words.iter().map(|it| (strsim::normalized_damerau_levenshtein(word, it), *it));
    let (likeness, nearest) = near.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= NEAR).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, meant: Option<&str>) {
        assert_eq!(nearest(word, &["maxretry", "findtime", "bantime", "ignoreip"]), meant);
    }

    #[test]
    fn a_slip_is_recognised() {
        check("maxrety", Some("maxretry"));
        check("max_retry", Some("maxretry"));
        check("igonreip", Some("ignoreip"));
    }

    #[test]
    fn another_word_is_not() {
        check("udpport", None);
        check("x", None);
    }
}
