//! The tags that configuration can fill in: an action's options within its commands (spec, jail 11).

use std::collections::HashMap;
use std::fmt;

use super::names::OwnNames;

/// More replacements in one command are taken for a circle.
const REPLACED_MAX: usize = 2_000;

/// A longer command is none.
pub(super) const COMMAND_MAX_BYTES: usize = 1024 * 1024;

/// These are a ban's, whatever options there are.
const OF_A_BAN: [&str; 3] = ["matches", "ipmatches", "ipjailmatches"];

/// For whose sake a command runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Family {
    /// An action that makes no difference between them.
    Any,
    Inet4,
    Inet6,
    /// Somebody without an address.
    Raw,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "",
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
            Self::Raw => "None",
        })
    }
}

/// The options refer to each other in a circle, or come to too much.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "properties contain self referencing definitions '{option}'; write <{option}> nowhere in what it stands for"
)]
pub(super) struct Endless {
    pub(super) option: String,
}

/// An action's options, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    options: HashMap<String, String>,
    own: OwnNames,
}

impl Options {
    /// A `bantime` among them is none: `<bantime>` is a ban's.
    pub(super) fn new(options: &[(String, String)], own: &OwnNames) -> Self {
        let options = options.iter().filter(|(name, _)| name != "bantime");
        Self { options: options.cloned().collect(), own: own.clone() }
    }

    /// Whether some differ between families.
    pub(super) fn are_conditional(&self) -> bool {
        self.options.keys().any(|name| name.contains("?family="))
    }

    /// Whether a switch is on.
    pub(super) fn flag(&self, name: &str) -> bool {
        let text = self.get(name, Family::Any).unwrap_or_default();
        matches!(text.trim().to_lowercase().as_str(), "1" | "true" | "yes" | "on")
    }

    /// What one is worth for a family.
    pub(super) fn get(&self, name: &str, family: Family) -> Option<&str> {
        let special = match family {
            Family::Inet4 | Family::Inet6 => self.options.get(&format!("{name}?family={family}")),
            Family::Any | Family::Raw => None,
        };
        special.or_else(|| self.options.get(name)).map(String::as_str)
    }

    /// An option's text for a family, other options put in; empty where there is no such option.
    pub(super) fn expand(&self, name: &str, family: Family) -> Result<String, Endless> {
        let mut text = self.get(name, family).unwrap_or_default().to_owned();
        let mut from = 0;
        let mut replaced = 0;
        while let Some((start, end)) = next_tag(&text, from) {
            let Some(by) = self.stands_for(&text[start + 1..end - 1], family) else {
                from = end;
                continue;
            };
            replaced += 1;
            if replaced > REPLACED_MAX || text.len() + by.len() > COMMAND_MAX_BYTES {
                return Err(Endless { option: text[start + 1..end - 1].to_owned() });
            }
            text.replace_range(start..end, by);
            // It may have completed a tag that began before: `<rule-<type>>`.
            from = text[..start].rfind('<').unwrap_or(start);
        }
        Ok(text)
    }

    fn stands_for(&self, tag: &str, family: Family) -> Option<&str> {
        if OF_A_BAN.contains(&tag) {
            return None;
        }
        self.get(tag, family).or(match tag {
            "br" => Some("\n"),
            "sp" => Some(" "),
            "timeout" => Some("60"),
            "fq-hostname" => Some(&self.own.full),
            "sh-hostname" => Some(&self.own.short),
            _ => None,
        })
    }
}

/// The next `<tag>` from here on, brackets included: no blank and no other bracket stands in it.
pub(super) fn next_tag(text: &str, mut from: usize) -> Option<(usize, usize)> {
    loop {
        let start = from + text[from..].find('<')?;
        let inner = &text[start + 1..];
        let length = inner.find(['<', '>', ' '])?;
        from = start + 1 + length;
        if length > 0 && inner[length..].starts_with('>') {
            return Some((start, from + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(options: &[(&str, &str)]) -> Options {
        let options: Vec<_> = options.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        Options::new(&options, &OwnNames::default())
    }

    #[track_caller]
    fn check(given: &[(&str, &str)], family: Family, expected: &str) {
        assert_eq!(options(given).expand("actionban", family).unwrap(), expected);
    }

    #[test]
    fn options_stand_in_for_tags_from_the_inside_out() {
        let given = [
            ("actionban", "x <rule-<type>> <ip> <unknown> <F-USER> a < b"),
            ("type", "<kind>port"),
            ("kind", "multi"),
            ("rule-multiport", "[<chain>]"),
            ("chain", "f2b-<name>"),
            ("name", "sshd"),
        ];
        check(&given, Family::Any, "x [f2b-sshd] <ip> <unknown> <F-USER> a < b");
    }

    #[test]
    fn the_variant_for_the_family_comes_first() {
        let given = [("actionban", "<t> <ip>"), ("t", "iptables"), ("t?family=inet6", "ip6tables")];
        check(&given, Family::Inet4, "iptables <ip>");
        check(&given, Family::Inet6, "ip6tables <ip>");
        check(&given, Family::Raw, "iptables <ip>");
    }

    #[test]
    fn some_tags_are_the_bans_alone() {
        let given = [
            ("actionban", "<matches> <bantime> <timeout><br><sp>|<family>"),
            ("matches", "no"),
            ("bantime", "600"),
            ("family", "mine"),
        ];
        check(&given, Family::Inet4, "<matches> <bantime> 60\n |mine");
    }

    #[test]
    fn circles_end() {
        for given in [
            [("actionban", "<a>"), ("a", "<b>"), ("b", "<a>")],
            [("actionban", "<actionban> x"), ("a", ""), ("b", "")],
            [("actionban", "<a>"), ("a", "<b><b><a>"), ("b", "long")],
        ] {
            assert!(options(&given).expand("actionban", Family::Any).is_err(), "{given:?}");
        }
    }
}
