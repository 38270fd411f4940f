//! Date templates as fail2ban shows them: tokens as words (spec, client 8.3).

/// What each token is called. `Ex` before a token stays before its word.
const WORDS: [(char, &str); 20] = [
    ('a', "DAY"),
    ('A', "DAYNAME"),
    ('b', "MON"),
    ('B', "MONTH"),
    ('d', "Day"),
    ('H', "24hour"),
    ('I', "12hour"),
    ('j', "Yearday"),
    ('m', "Month"),
    ('M', "Minute"),
    ('p', "AMPM"),
    ('S', "Second"),
    ('U', "Yearweek"),
    ('W', "Yearweek"),
    ('w', "Weekday"),
    ('y', "Year2"),
    ('Y', "Year"),
    ('z', "Zone offset"),
    ('Z', "Zone name"),
    ('f', "Microseconds"),
];

/// A template, its tokens as words; those that have none stay.
pub(crate) fn in_words(template: &str) -> String {
    let mut words = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        words.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (extended, behind) = match rest.strip_prefix("Ex") {
            Some(behind) => ("Ex", behind),
            None => ("", rest),
        };
        let token = behind.chars().next();
        let word = WORDS.iter().find(|(known, _)| Some(*known) == token);
        match word {
            Some((_, word)) => {
                words.push_str(extended);
                words.push_str(word);
                rest = &behind[1..];
            }
            None => words.push('%'),
        }
    }
    words.push_str(rest);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, words: &str) {
        assert_eq!(in_words(template), words);
    }

    #[test]
    fn tokens_become_words() {
        check(
            r"{^LN-BEG}(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
            r"{^LN-BEG}(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?",
        );
        check("^<%m/%d/%Exy@%H:%M:%S>", "^<Month/Day/ExYear2@24hour:Minute:Second>");
        check("Epoch", "Epoch");
        check("%Exk %% %", "%Exk %% %");
        check("%é%Ex", "%é%Ex");
    }
}
