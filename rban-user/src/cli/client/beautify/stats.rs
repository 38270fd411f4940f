//! All jails' numbers as a table (spec, client 5.3).

use crate::cli::client::repr::shown;
use crate::control::value::Value;

/// What lines are drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::client) enum Lines {
    Boxes,
    Ascii,
}

impl Lines {
    /// What a terminal of this locale can show; no locale at all is taken for UTF-8, as Python does.
    pub(in crate::cli::client) fn of_locale(locale: &str) -> Self {
        let codeset = locale.split_once('.').map(|(_, codeset)| codeset.to_ascii_lowercase());
        match codeset {
            Some(codeset) if !codeset.starts_with("utf8") && !codeset.starts_with("utf-8") => {
                Self::Ascii
            }
            _ => Self::Boxes,
        }
    }
}

/// The narrowest that columns of text and of numbers are.
const TEXT_MIN: usize = 8;
const NUMBER_MIN: usize = 3;

/// The table; `None` if the value is no dict of such.
pub(super) fn table(value: &Value, lines: Lines) -> Option<String> {
    let Value::Dict(jails) = value else { return None };
    if jails.is_empty() {
        return Some("No jails found.".to_owned());
    }
    let rows: Vec<[String; 6]> = jails.iter().map(row).collect::<Option<_>>()?;
    let width = |column: usize, min: usize| {
        rows.iter().map(|row| row[column].chars().count()).fold(min, usize::max)
    };
    let [name, backend] = [0, 1].map(|column| width(column, TEXT_MIN));
    let [a, b, c, d] = [2, 3, 4, 5].map(|column| width(column, NUMBER_MIN));
    let (filter, actions) = (a + b + 3, c + d + 3);
    let rule =
        |mark: &str| [name, backend, filter, actions].map(|width| "═".repeat(width + 2)).join(mark);
    let inner = |width: usize| "─".repeat(width + 2);
    let mut text = format!(
        " {:name$} ║ {:backend$} ║ {:filter$} ║ {:actions$}\n",
        "", "", "Filter", "Actions"
    );
    text.push_str(&format!(
        " {:name$} ║ {:backend$} ╟{}╫{}\n",
        "Jail",
        "Backend",
        inner(filter),
        inner(actions)
    ));
    text.push_str(&format!(
        " {:name$} ║ {:backend$} ║ {:>a$} │ {:>b$} ║ {:>c$} │ {:>d$}\n",
        "", "", "cur", "tot", "cur", "tot"
    ));
    text.push_str(&rule("╬"));
    for [jail, by, failed, total_failed, banned, total_banned] in &rows {
        text.push_str(&format!(
            "\n {jail:name$} ║ {by:backend$} ║ {failed:>a$} │ {total_failed:>b$} ║ {banned:>c$} │ {total_banned:>d$}"
        ));
    }
    text.push('\n');
    text.push_str(&rule("╩"));
    Some(match lines {
        Lines::Boxes => text,
        Lines::Ascii => text.chars().map(ascii).collect(),
    })
}

fn row((jail, numbers): &(Value, Value)) -> Option<[String; 6]> {
    let items = |value: &Value| match value {
        Value::List(items) | Value::Tuple(items) => Some(items.clone()),
        _ => None,
    };
    let [backend, failed, banned] = &items(numbers)?[..] else { return None };
    let ([a, b], [c, d]) = (&items(failed)?[..], &items(banned)?[..]) else { return None };
    Some([jail, backend, a, b, c, d].map(shown))
}

fn ascii(c: char) -> char {
    match c {
        '║' | '│' => '|',
        '═' | '─' => '-',
        '╬' | '╫' | '╟' | '╩' => 'x',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(jails: &[(&str, [i64; 4])]) -> Value {
        let number = Value::Int;
        let jail = |(name, [a, b, c, d]): &(&str, [i64; 4])| {
            let numbers = vec![
                Value::Text("polling".to_owned()),
                Value::Tuple(vec![number(*a), number(*b)]),
                Value::Tuple(vec![number(*c), number(*d)]),
            ];
            (Value::Text((*name).to_owned()), Value::List(numbers))
        };
        Value::Dict(jails.iter().map(jail).collect())
    }

    #[test]
    fn the_table_is_that_of_the_specification() {
        let expected = "          ║          ║ Filter    ║ Actions  
 Jail     ║ Backend  ╟───────────╫───────────
          ║          ║ cur │ tot ║ cur │ tot
══════════╬══════════╬═══════════╬═══════════
 j1       ║ polling  ║   0 │   6 ║   6 │   7
 j2       ║ polling  ║   0 │   4 ║   0 │   2
══════════╩══════════╩═══════════╩═══════════";
        let value = stats(&[("j1", [0, 6, 6, 7]), ("j2", [0, 4, 0, 2])]);
        assert_eq!(table(&value, Lines::Boxes).unwrap(), expected);
    }

    #[test]
    fn columns_grow_with_what_is_in_them() {
        let value = stats(&[("a-long-name", [12_345, 6, 6, 7])]);
        let text = table(&value, Lines::Ascii).unwrap();
        assert!(text.is_ascii());
        assert!(text.contains("\n a-long-name | polling  | 12345 |   6 |   6 |   7\n"), "{text}");
        assert_eq!(table(&stats(&[]), Lines::Boxes).unwrap(), "No jails found.");
    }

    #[test]
    fn only_a_named_other_codeset_has_no_boxes() {
        assert_eq!(Lines::of_locale(""), Lines::Boxes);
        assert_eq!(Lines::of_locale("C"), Lines::Boxes);
        assert_eq!(Lines::of_locale("de_DE.utf8"), Lines::Boxes);
        assert_eq!(Lines::of_locale("de_DE.ISO-8859-1"), Lines::Ascii);
    }
}
