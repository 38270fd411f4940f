//! The options that fail2ban recognises, and their order.

use super::error::Text;
use super::ini::strip;

/// What an option's text is turned into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Flag,
}

/// An option that is recognised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

const fn text(name: &'static str) -> Known {
    Known { name, kind: Kind::Text }
}

const fn int(name: &'static str) -> Known {
    Known { name, kind: Kind::Int }
}

const fn flag(name: &'static str) -> Known {
    Known { name, kind: Kind::Flag }
}

/// Of a filter.
pub(super) const FILTER: [Known; 7] = [
    text("usedns"),
    text("prefregex"),
    text("ignoreregex"),
    text("failregex"),
    int("maxlines"),
    text("datepattern"),
    text("journalmatch"),
];

/// Of an action.
pub(super) const ACTION: [Known; 13] = [
    text("actionstart"),
    flag("actionstart_on_demand"),
    text("actionstop"),
    text("actionflush"),
    text("actionreload"),
    text("actioncheck"),
    text("actionrepair"),
    flag("actionrepair_on_unban"),
    text("actionban"),
    text("actionprolong"),
    text("actionreban"),
    text("actionunban"),
    flag("norestored"),
];

/// Of a jail, what decides whether it is read at all and with which filter.
pub(super) const JAIL_FIRST: [Known; 3] = [flag("enabled"), text("backend"), text("filter")];

/// Of a jail, all; those that are sent stand in the order in which they are.
pub(super) const JAIL: [Known; 31] = [
    flag("enabled"),
    text("backend"),
    text("filter"),
    text("logpath"),
    flag("skip_if_nologs"),
    flag("systemd_if_nologs"),
    text("usedns"),
    text("prefregex"),
    int("maxlines"),
    text("ignoreregex"),
    text("failregex"),
    text("datepattern"),
    text("journalmatch"),
    int("maxretry"),
    int("maxmatches"),
    text("findtime"),
    text("bantime"),
    flag("bantime.increment"),
    text("bantime.factor"),
    text("bantime.formula"),
    text("bantime.multipliers"),
    text("bantime.maxtime"),
    text("bantime.rndtime"),
    flag("bantime.overalljails"),
    text("ignorecommand"),
    flag("ignoreself"),
    text("ignoreip"),
    text("ignorecache"),
    text("logtimezone"),
    text("logencoding"),
    text("action"),
];

/// Of a jail, rban's own, which fail2ban does not know.
pub(super) const OWN: [&str; 3] = ["neighbours", "neighbours_v4", "neighbours_v6"];

/// Of `fail2ban.conf`, with what is taken where they are not set.
pub(super) const SERVER: [(Known, Option<&str>); 9] = [
    (text("loglevel"), Some("INFO")),
    (text("logtarget"), Some("/var/log/fail2ban.log")),
    (text("syslogsocket"), Some("auto")),
    (text("socket"), Some("/var/run/fail2ban/fail2ban.sock")),
    (text("pidfile"), Some("/var/run/fail2ban/fail2ban.pid")),
    (text("allowipv6"), Some("auto")),
    (text("dbfile"), Some("/var/lib/fail2ban/fail2ban.sqlite3")),
    (int("dbmaxmatches"), None),
    (text("dbpurgeage"), Some("1d")),
];

/// Of `fail2ban.conf`, in `[Thread]`.
pub(super) const STACKSIZE: Known = int("stacksize");

/// A value as it is sent to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer that was none: Python's `None`.
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// An integer.
    Int(i64),
    /// Everything else.
    Text(String),
}

/// An option that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, in lower case.
    pub name: String,
    /// What it means.
    pub value: Value,
    /// What was written, its `%(…)s` and `<…>` replaced, and where.
    pub text: Text,
}

impl Setting {
    pub(super) fn new(known: Known, text: Text) -> Self {
        let value = match known.kind {
            Kind::Text => Value::Text(text.value.clone()),
            Kind::Flag => Value::Flag(is_true(&text.value)),
            Kind::Int => integer(&text.value).map_or(Value::Nothing, Value::Int),
        };
        Self { name: known.name.to_owned(), value, text }
    }

    /// What a `%(name)s` finds, if it finds anything.
    pub(super) fn as_text(&self) -> Option<String> {
        match &self.value {
            Value::Nothing => None,
            Value::Flag(true) => Some("True".to_owned()),
            Value::Flag(false) => Some("False".to_owned()),
            Value::Int(number) => Some(number.to_string()),
            Value::Text(text) => Some(text.clone()),
        }
    }
}

/// What counts as yes; all else is no.
pub(crate) fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "on" | "true" | "yes")
}

/// An integer as Python reads one: a sign, digits, single underscores between them.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = strip(text);
    if text.ends_with('_') || text.contains("__") {
        return None;
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(known: Known, written: &str, value: Value) {
        let text = Text { value: written.to_owned(), place: None };
        assert_eq!(Setting::new(known, text).value, value, "{written}");
    }

    #[test]
    fn integers_are_pythons() {
        for (written, number) in
            [("5", 5), (" -1 ", -1), ("+1_000", 1_000), ("007", 7), ("0", 0), ("-0", 0)]
        {
            check(int("maxretry"), written, Value::Int(number));
        }
        for written in ["", "x", "1.5", "1 2", "_1", "1_", "1__0", "+", "0x1", "1e3", "- 1", "+-1"]
        {
            check(int("maxretry"), written, Value::Nothing);
        }
        check(int("maxretry"), &"9".repeat(30), Value::Nothing);
    }

    #[test]
    fn four_words_mean_yes() {
        for written in ["1", "on", "TRUE", "Yes"] {
            check(flag("enabled"), written, Value::Flag(true));
        }
        for written in ["0", "off", "false", "no", "", "2", "y", "enabled", "true dat"] {
            check(flag("enabled"), written, Value::Flag(false));
        }
    }
}
