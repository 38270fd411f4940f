//! `%Y` and its like → regular expression (spec, filter 3.1).

use super::fields::{MONTHS, MONTHS_SHORT, WEEKDAYS, WEEKDAYS_SHORT};
use super::reader::Decades;

/// A pattern with its tokens expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expanded {
    pub(super) regex: String,
    /// Names of months and the like are found in any case, and the rest of such a pattern with them.
    pub(super) ignores_case: bool,
}

/// A name that no token has, as it stands in the pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown(pub(super) String);

/// An abbreviation of a time zone: one letter, or three to five.
const ABBREVIATION: &str = "(?:[A-Z]{3,5}|[A-Z])";
/// An offset from Greenwich.
const OFFSET: &str = r"[+-][01]\d(?::?\d{2})?";

/// Replaces every token. What is no token is left as it is; `%%` is a percent sign.
pub(super) fn expand(pattern: &str, decades: Decades) -> Result<Expanded, Unknown> {
    let mut regex = String::with_capacity(pattern.len() * 8);
    let mut ignores_case = false;
    let mut rest = pattern;
    while let Some(percent) = rest.find('%') {
        regex.push_str(&rest[..percent]);
        rest = &rest[percent + 1..];
        let len = match rest.strip_prefix("Ex") {
            Some(name) => 2 + name.chars().next().map_or(0, char::len_utf8),
            None => rest.chars().next().map_or(0, char::len_utf8),
        };
        let (name, behind) = rest.split_at(len);
        let token = token(name, decades).ok_or_else(|| Unknown(format!("%{name}")))?;
        regex.push_str(&token);
        ignores_case |= matches!(name, "a" | "A" | "b" | "B" | "p" | "c");
        rest = behind;
    }
    regex.push_str(rest);
    Ok(Expanded { regex, ignores_case })
}

/// What a token accepts, alternatives in fail2ban's order.
fn token(name: &str, decades: Decades) -> Option<String> {
    let composite = |tokens: &[&str]| Some(tokens.concat());
    let (group, accepts) = match name {
        "%" => return Some("%".into()),
        "Y" | "G" => (name, r"\d{4}".into()),
        "ExY" => ("Y", format!(r"20{}\d", decades.class())),
        "y" | "Exy" => ("y", r"\d{2}".into()),
        "m" => (name, "0?[1-9]|1[0-2]".into()),
        "Exm" => ("m", "0[1-9]|1[0-2]".into()),
        "d" => (name, r"[12]\d|[0 ]?[1-9]|3[01]".into()),
        "Exd" => ("d", r"0[1-9]|[12]\d|3[01]".into()),
        "H" => (name, r"[01]?\d|2[0-3]".into()),
        "ExH" => ("H", r"[01]\d|2[0-3]".into()),
        "k" => ("H", r" ?[0-2]?\d".into()),
        "Exk" => ("H", r" ?(?:[01]?\d|2[0-3])".into()),
        "I" => (name, "1[0-2]|0[1-9]|[1-9]".into()),
        "l" => ("I", r" ?1?\d".into()),
        "Exl" => ("I", r" ?(?:1[0-2]|\d)".into()),
        "M" => (name, r"[0-5]?\d".into()),
        "ExM" => ("M", r"[0-5]\d".into()),
        "S" => (name, r"[0-5]?\d|6[01]".into()),
        "ExS" => ("S", r"[0-5]\d|6[01]".into()),
        "f" => (name, "[0-9]{1,6}".into()),
        "p" => (name, "am|pm".into()),
        "b" => (name, MONTHS_SHORT.join("|")),
        "B" => (name, MONTHS.join("|")),
        "a" => (name, WEEKDAYS_SHORT.join("|")),
        "A" => (name, WEEKDAYS.join("|")),
        "j" => (name, r"36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0?[1-9]".into()),
        "U" | "W" => (name, r"5[0-3]|[0-4]\d|\d".into()),
        "V" => (name, r"5[0-3]|0[1-9]|[1-4]\d|\d".into()),
        "w" => (name, "[0-6]".into()),
        "u" => (name, "[1-7]".into()),
        "z" => (name, format!("Z|UTC|GMT|{OFFSET}")),
        "Z" => (name, "Z|[A-Z]{3,5}".into()),
        "ExZ" => ("Z", ABBREVIATION.into()),
        "Exz" => ("z", format!("{ABBREVIATION}?{OFFSET}|{ABBREVIATION}")),
        "c" => {
            let weekday = WEEKDAYS_SHORT.join("|");
            let month = MONTHS_SHORT.join("|");
            let (day, time) = (C_DAY, C_TIME);
            let text =
                format!(r"(?P<a>{weekday})\s+(?P<b>{month})\s+{day}\s+{time}\s+(?P<Y>\d{{4}})");
            return Some(text);
        }
        "x" => return composite(&["(?P<m>1[0-2]|0?[1-9])/", C_DAY, r"/(?P<y>\d{2})"]),
        "X" => return composite(&[C_TIME]),
        _ => return None,
    };
    Some(format!("(?P<{group}>{accepts})"))
}

/// The day and the time as the C locale has them. They take two digits where they can, unlike [`token`]'s.
const C_DAY: &str = r"(?P<d>3[01]|[12]\d|[0 ]?[1-9])";
const C_TIME: &str = r"(?P<H>2[0-3]|[01]?\d):(?P<M>[0-5]?\d):(?P<S>6[01]|[0-5]?\d)";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, regex: Result<&str, &str>) {
        let expanded = expand(pattern, Decades::new(2026));
        let found = expanded.as_ref().map(|it| it.regex.as_str()).map_err(|it| it.0.as_str());
        assert_eq!(found, regex, "{pattern}");
    }

    #[test]
    fn tokens_become_named_groups() {
        check("%ExY-%Exm", Ok(r"(?P<Y>20[012]\d)-(?P<m>0[1-9]|1[0-2])"));
        check(r"^\[%Y", Ok(r"^\[(?P<Y>\d{4})"));
        check("100%%Y", Ok("100%Y"));
        check("no token", Ok("no token"));
    }

    #[test]
    fn other_names_are_refused() {
        for (pattern, name) in [
            ("%Q", "%Q"),
            ("x %", "%"),
            ("%é", "%é"),
            ("%Exj", "%Exj"),
            ("%Ex", "%Ex"),
            ("%s", "%s"),
            ("%-d", "%-"),
            ("%E", "%E"),
        ] {
            check(pattern, Err(name));
        }
    }

    #[test]
    fn only_names_ignore_case() {
        let ignores_case = |pattern| expand(pattern, Decades::new(2026)).unwrap().ignores_case;
        for pattern in ["%a", "%A", "%b", "%B", "%p", "%c", "%Y %b"] {
            assert!(ignores_case(pattern), "{pattern}");
        }
        for pattern in ["%Y-%m-%d", "%x %X", "%Z", "%%b"] {
            assert!(!ignores_case(pattern), "{pattern}");
        }
    }
}
