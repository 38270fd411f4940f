//! Fail2ban's tags in patterns, as named groups (spec, filter 5).

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// An IPv4 address, perhaps mapped into IPv6. Numbers too large are matched too, and are no address later.
const IP4: &str = r"(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})";
const IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|:))";
const DNS: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>\d+)";

/// Whether a host name stands for a failure, and what is done about one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UseDns {
    /// Look it up; each of its addresses fails.
    Yes,
    /// The same, with a warning.
    #[default]
    Warn,
    /// `<HOST>` takes addresses only.
    No,
    /// The name itself is who failed.
    Raw,
}

/// The pattern with its tags replaced; unknown ones stay as text.
///
/// `</F-X>` closes only what `<F-X>` opened. A tag that is never closed leaves a group open, which the compiler
/// then complains of.
pub(crate) fn expand(pattern: &str, usedns: UseDns) -> String {
    static TAG: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"<(/?)([A-Za-z0-9_-]+)(/?)>").expect("a constant"));
    let mut expanded = String::with_capacity(pattern.len() * 2);
    let mut open: Vec<&str> = Vec::new();
    let mut skips = 0;
    let mut copied = 0;
    for tag in TAG.captures_iter(pattern) {
        let whole = tag.get_match();
        let (_, [before, name, after]) = tag.extract();
        let group = match (before, name, after) {
            ("", "SKIPLINES", "") => {
                skips += 1;
                Some(Cow::from(format!(r"\n(?P<skiplines{}>(?:(?:.*\n)*?))", skips - 1)))
            }
            ("", _, "") if name.starts_with("F-") => opened(name, &mut open),
            ("/", _, "") => closed(name, &mut open),
            ("", _, _) => replaced(name, after, usedns),
            _ => None,
        };
        if let Some(group) = group {
            expanded.push_str(&pattern[copied..whole.start()]);
            expanded.push_str(&group);
            copied = whole.end();
        }
    }
    expanded.push_str(&pattern[copied..]);
    scoped_flags(&expanded).into_owned()
}

fn opened<'p>(name: &'p str, open: &mut Vec<&'p str>) -> Option<Cow<'static, str>> {
    let group = group_of(name)?;
    open.push(name);
    Some(format!("(?P<{group}>").into())
}

fn closed(name: &str, open: &mut Vec<&str>) -> Option<Cow<'static, str>> {
    let opened = open.iter().rposition(|it| *it == name)?;
    open.remove(opened);
    Some(")".into())
}

/// The group that `<F-NAME>` opens; `None` if that is no tag.
fn group_of(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("F-")?;
    if name.is_empty() || name.contains(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    Some(match name {
        "ID" => "fid".to_owned(),
        "PORT" => "fport".to_owned(),
        name => name.to_ascii_lowercase(),
    })
}

/// What a tag without an end stands for. `<F-X/>` is `<X>` for some, and something of its own for others.
fn replaced(name: &str, slash: &str, usedns: UseDns) -> Option<Cow<'static, str>> {
    let long = name.strip_prefix("F-").filter(|_| slash == "/");
    let name = match (long, slash) {
        (Some("ID"), _) => return Some(r"(?P<fid>\S+)".into()),
        (Some("PORT"), _) => return Some(r"(?P<fport>\w+)".into()),
        (Some("HOST"), _) | (None, "/") => return None,
        (Some(name), _) => name,
        (None, _) => name,
    };
    Some(match name {
        "IP4" => IP4.into(),
        "IP6" => IP6.into(),
        "DNS" => DNS.into(),
        "CIDR" => CIDR.into(),
        "ADDR" => format!(r"\[?(?:{IP4}|{IP6})\]?").into(),
        "HOST" if usedns == UseDns::No => format!(r"\[?(?:{IP4}|{IP6})\]?").into(),
        "HOST" => format!(r"(?:\[?(?:{IP4}|{IP6})\]?|{DNS})").into(),
        "SUBNET" => format!(r"\[?(?:{IP4}|{IP6})(?:/{CIDR})?\]?").into(),
        _ => return None,
    })
}

/// `((?i)…)` means `(?i:…)`: Python wants flags for the whole at the very start only.
fn scoped_flags(pattern: &str) -> Cow<'_, str> {
    static SCOPED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\((?:\?:)?\(\?([a-z]+)\)").expect("a constant"));
    SCOPED.replace_all(pattern, "(?$1:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expanded: &str) {
        assert_eq!(expand(pattern, UseDns::Warn), expanded);
    }

    #[test]
    fn addresses_become_groups() {
        check("^<IP4>$", &format!("^{IP4}$"));
        check("<F-IP6/>", IP6);
        check("<ADDR>/<CIDR>", &format!(r"\[?(?:{IP4}|{IP6})\]?/{CIDR}"));
        check("<HOST>", &format!(r"(?:\[?(?:{IP4}|{IP6})\]?|{DNS})"));
        assert_eq!(expand("<HOST>", UseDns::No), format!(r"\[?(?:{IP4}|{IP6})\]?"));
    }

    #[test]
    fn pairs_become_named_groups() {
        check("<F-USER>a</F-USER>", "(?P<user>a)");
        check("<F-ALT_USER1>a</F-ALT_USER1>", "(?P<alt_user1>a)");
        check("<F-ID>x</F-ID> <F-PORT/>", r"(?P<fid>x) (?P<fport>\w+)");
        check("<F-ID/>", r"(?P<fid>\S+)");
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in ["<f-x>", "</F-USER>", "<host>", "<NOSRV>", "<", "<mdre-x>", "</HOST>", "<F->"]
        {
            check(text, text);
        }
        check("<F-A>x</F-B>", "(?P<a>x</F-B>");
    }

    #[test]
    fn skipped_lines_are_numbered() {
        check(
            "a<SKIPLINES>b<SKIPLINES>",
            r"a\n(?P<skiplines0>(?:(?:.*\n)*?))b\n(?P<skiplines1>(?:(?:.*\n)*?))",
        );
    }

    #[test]
    fn flags_inside_a_group_are_scoped() {
        check("a((?i)b)(?:(?i)c)(d)", "a(?i:b)(?i:c)(d)");
        check("(?i)a", "(?i)a");
    }
}
