//! A line as a shell splits it into words: quotes and backslashes honoured.

use super::ini::is_blank;

/// The words; `None` if a quote is not closed, or a backslash comes last.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            c if is_blank(c) => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        // Within quotes a backslash stands for itself, unless it escapes one of these two.
                        '\\' => match chars.next()? {
                            c @ ('"' | '\\') => word.push(c),
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, words: Option<&[&str]>) {
        let words = words.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(split(line), words, "{line}");
    }

    #[test]
    fn blanks_divide_words() {
        check(" _A=b  +\t_C=d\n", Some(&["_A=b", "+", "_C=d"]));
        check("", Some(&[]));
    }

    #[test]
    fn quotes_hold_words_together() {
        check("_A='b c'\"d e\"f ''", Some(&["_A=b cd ef", ""]));
        check(r#""a\"\\\n" 'a\' \' \ x"#, Some(&[r#"a"\\n"#, r"a\", "'", " x"]));
    }

    #[test]
    fn what_is_open_is_no_line() {
        for line in ["'a", "\"a", "a\\", "\"a\\"] {
            check(line, None);
        }
    }

    proptest! {
        #[test]
        fn words_in_quotes_come_back(words in prop::collection::vec("[^']{0,5}", 0..5)) {
            let line: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            prop_assert_eq!(split(&line.join(" ")), Some(words));
        }

        #[test]
        fn no_line_is_too_odd(line in any::<String>()) {
            drop(split(&line));
        }
    }
}
