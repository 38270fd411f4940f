//! One jail: what was said of it, what that means, and how commands change it (spec, client 4.3 and 4.4).

use std::path::Path;

use super::command::Edit;
use super::reload::Note;
use super::words::{Words, integer, list, refused, text, wrong};
use super::{Exists, actions, patterns};
use crate::config::{
    ActionOrigin, Built, JailSpec, JailText, LogText, Logs, Services, build, is_true,
};
use crate::control::value::{Class, Exception, Value};
use crate::jail::ignore;
use crate::source::Backend;

/// A jail has no more patterns of a kind.
const PATTERNS_MAX: usize = 10_000;
/// It lets off no more by name, address or prefix.
const IGNOREIP_MAX: usize = 100_000;
/// It follows no more files.
const LOGS_MAX: usize = 10_000;
/// It has no more alternatives of journal entries, and none of them more words.
const JOURNALMATCH_MAX: usize = 1_000;
/// It has no more variables that tell which of its actions block.
const VARIABLES_MAX: usize = 100;
/// A list, its elements and what stands between them, is no longer.
const LIST_MAX_BYTES: usize = 8 << 20;

/// Options that are one value, and the same in configuration.
const VALUES: [&str; 21] = [
    "ignoreself",
    "ignorecommand",
    "ignorecache",
    "logencoding",
    "prefregex",
    "usedns",
    "findtime",
    "maxretry",
    "maxmatches",
    "maxlines",
    "bantime",
    "bantime.increment",
    "bantime.factor",
    "bantime.formula",
    "bantime.multipliers",
    "bantime.maxtime",
    "bantime.rndtime",
    "bantime.overalljails",
    "datepattern",
    "logtimezone",
    "idle",
];

/// What else can be set.
const OTHERS: [&str; 14] = [
    "addignoreip",
    "delignoreip",
    "addlogpath",
    "dellogpath",
    "addjournalmatch",
    "deljournalmatch",
    "addfailregex",
    "delfailregex",
    "addignoreregex",
    "delignoreregex",
    "addaction",
    "delaction",
    "action",
    "origin",
];

/// One jail.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it is.
    pub spec: JailSpec,
    /// What was said of it, of which `spec` is the meaning.
    pub(super) text: JailText,
    /// What the log was told of it.
    warned: Vec<String>,
    /// Whether it is to run.
    pub started: bool,
    /// Whether it rests: reads nothing, and bans nobody.
    pub idle: bool,
}

/// What a client is told once the jail is changed.
#[derive(Debug)]
pub(super) enum Reply {
    /// This.
    Value(Value),
    /// What this option is now.
    Get(&'static str),
    /// The same, and the log something else.
    Noted(&'static str, Note),
}

/// An error where `set` knows no such option.
pub(super) fn check_key(key: &str) -> Result<(), Exception> {
    if VALUES.contains(&key) || OTHERS.contains(&key) || key.starts_with("bantime.") {
        return Ok(());
    }
    Err(unknown(key))
}

fn unknown(key: &str) -> Exception {
    refused(format!("Invalid command '{key}' (no set action or not yet implemented)"))
}

impl Entry {
    /// A jail that files describe. Whoever read them has told the log what to warn of.
    pub(super) fn of_config(spec: JailSpec, text: JailText, services: &Services) -> Self {
        let warned = meaning(&text, services).map(|(_, warnings)| warnings).unwrap_or_default();
        Self { spec, text, warned, started: true, idle: false }
    }

    /// A jail of which only this is said.
    pub(super) fn added(
        name: &str,
        backend: &str,
        services: &Services,
    ) -> Result<(Self, Vec<Note>), Exception> {
        if Backend::parse(backend).is_none() {
            return Err(wrong(format!(
                "Unknown backend {backend}. Must be among ['pyinotify', 'polling', 'systemd'] or 'auto'"
            )));
        }
        let text = JailText::by_command(name, backend);
        let (spec, warned) = meaning(&text, services)?;
        let notes = warned.iter().cloned().map(Note::Warning).collect();
        Ok((Self { spec, text, warned, started: false, idle: false }, notes))
    }

    /// Gives the text its meaning anew, and says what the log is to be told of it that it was not told before.
    pub(super) fn rebuild(&mut self, services: &Services) -> Result<Vec<Note>, Exception> {
        let (spec, warnings) = meaning(&self.text, services)?;
        self.spec = spec;
        let before = std::mem::replace(&mut self.warned, warnings);
        let new = self.warned.iter().filter(|warning| !before.contains(warning));
        Ok(new.cloned().map(Note::Warning).collect())
    }

    /// Whether its patterns can be used, those that it did not have before.
    pub(super) fn check(&self, old: Option<&JailSpec>) -> Result<(), Exception> {
        if old.is_some_and(|old| old.filter == self.spec.filter) {
            return Ok(());
        }
        patterns::check(&self.spec.filter)
    }

    /// Changes the text.
    pub(super) fn edit(&mut self, edit: &Edit<'_>, exists: Exists<'_>) -> Result<Reply, Exception> {
        match edit {
            Edit::Set(key, words) => self.set(key, *words, exists),
            Edit::SetMany(key, words) => self.set_many(key, *words),
            Edit::Start => {
                self.started = true;
                Ok(Reply::Value(Value::None))
            }
        }
    }

    fn set(
        &mut self,
        key: &str,
        mut words: Words<'_>,
        exists: Exists<'_>,
    ) -> Result<Reply, Exception> {
        if let Some(option) = VALUES.iter().find(|option| **option == key) {
            return self.set_value(option, words.next()?);
        }
        match key {
            "addignoreip" => self.add_ignoreip(&words.rest()?),
            "delignoreip" => self.remove_ignoreip(&words.text()?),
            "addlogpath" => self.add_logpath(words, exists),
            "dellogpath" => {
                self.text.remove_file(Path::new(&words.text()?));
                Ok(Reply::Get("logpath"))
            }
            "addjournalmatch" => self.add_journalmatch(words.rest()?),
            "deljournalmatch" => self.remove_journalmatch(&words.rest()?),
            "addfailregex" => self.add_patterns("failregex", &[words.text()?]),
            "addignoreregex" => self.add_patterns("ignoreregex", &[words.text()?]),
            "delfailregex" => self.remove_pattern("failregex", words.next()?),
            "delignoreregex" => self.remove_pattern("ignoreregex", words.next()?),
            "addaction" => actions::add(&mut self.text, words),
            "delaction" => actions::remove(&mut self.text, &words.text()?),
            "action" => actions::set(&mut self.text, words),
            "origin" => self.set_origin(words),
            _ => Err(unknown(key)),
        }
    }

    fn set_many(&mut self, key: &str, mut words: Words<'_>) -> Result<Reply, Exception> {
        let option = match key {
            "addfailregex" => "failregex",
            "addignoreregex" => "ignoreregex",
            "action" => return actions::set_many(&mut self.text, words),
            _ => return Err(unknown(key)),
        };
        let patterns: Vec<String> = words.list()?.iter().map(text).collect::<Result<_, _>>()?;
        self.add_patterns(option, &patterns)?;
        Ok(Reply::Value(Value::Bool(true)))
    }

    fn set_value(&mut self, option: &'static str, value: &Value) -> Result<Reply, Exception> {
        let written = match option {
            "idle" => {
                self.idle = match value {
                    Value::Text(word) if word == "on" => true,
                    Value::Text(word) if word == "off" => false,
                    _ => return Err(refused("Invalid idle option, must be 'on' or 'off'")),
                };
                return Ok(Reply::Value(Value::Bool(self.idle)));
            }
            "maxretry" | "maxmatches" | "maxlines" => integer(value)?.to_string(),
            "ignoreself" | "bantime.increment" | "bantime.overalljails" => {
                let is_set = !matches!(value, Value::None) && is_true(&text(value)?);
                is_set.to_string()
            }
            "prefregex" | "datepattern" | "logtimezone" if *value == Value::None => String::new(),
            "findtime" | "bantime" => span(option, value)?,
            _ if option.starts_with("bantime.") && *value == Value::None => String::new(),
            _ => text(value)?,
        };
        if option == "prefregex" {
            patterns::one_line(option, &written)?;
        }
        self.text.set(option, &written);
        Ok(Reply::Get(option))
    }

    fn add_ignoreip(&mut self, words: &[String]) -> Result<Reply, Exception> {
        let mut all = self.text.value("ignoreip").to_owned();
        for word in words {
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(word);
        }
        within("addignoreip", all.split_whitespace().count(), IGNOREIP_MAX)?;
        self.set_list("ignoreip", &all)?;
        Ok(Reply::Get("ignoreip"))
    }

    fn remove_ignoreip(&mut self, entry: &str) -> Result<Reply, Exception> {
        let wanted: Result<ignore::Entry, _> = entry.parse();
        let all = self.text.value("ignoreip").to_owned();
        let words = all.split(|c: char| c == ',' || c.is_whitespace()).filter(|it| !it.is_empty());
        let is_it = |word: &&str| match (&wanted, word.parse::<ignore::Entry>()) {
            (Ok(wanted), Ok(found)) => *wanted == found,
            _ => *word == entry,
        };
        let (gone, left): (Vec<&str>, Vec<&str>) = words.partition(is_it);
        if gone.is_empty() {
            return Err(wrong("list.remove(x): x not in list"));
        }
        self.set_list("ignoreip", &left.join(" "))?;
        Ok(Reply::Get("ignoreip"))
    }

    fn add_logpath(
        &mut self,
        mut words: Words<'_>,
        exists: Exists<'_>,
    ) -> Result<Reply, Exception> {
        let path = words.text()?;
        let from = words.more()?.unwrap_or_else(|| "head".to_owned());
        if !matches!(from.as_str(), "head" | "tail") {
            return Err(wrong("File option must be 'head' or 'tail'"));
        }
        if !words.0.is_empty() {
            return Err(wrong("Only one file can be added at a time"));
        }
        if !exists(Path::new(&path)) {
            let text = Value::Text("No such file or directory".to_owned());
            let args = vec![Value::Int(2), text, Value::Text(path)];
            return Err(Exception { class: Class::FileNotFound, args });
        }
        if self.text.files().any(|file| file == Path::new(&path)) {
            return Ok(Reply::Noted("logpath", Note::Refused(format!("{path} already exists"))));
        }
        within("addlogpath", self.text.logs.len() + 1, LOGS_MAX)?;
        self.text.add_file(&path, &from);
        Ok(Reply::Get("logpath"))
    }

    fn add_journalmatch(&mut self, words: Vec<String>) -> Result<Reply, Exception> {
        within("addjournalmatch", self.text.journalmatch.len() + 1, JOURNALMATCH_MAX)?;
        within("addjournalmatch", words.len(), JOURNALMATCH_MAX)?;
        self.text.journalmatch.push(words);
        Ok(Reply::Get("journalmatch"))
    }

    fn remove_journalmatch(&mut self, words: &[String]) -> Result<Reply, Exception> {
        let matches = &mut self.text.journalmatch;
        let at = matches.iter().position(|it| it == words);
        let not_there = || wrong(format!("Match {} not found", words.join(" ")));
        matches.remove(at.ok_or_else(not_there)?);
        Ok(Reply::Get("journalmatch"))
    }

    fn add_patterns(
        &mut self,
        option: &'static str,
        patterns: &[String],
    ) -> Result<Reply, Exception> {
        for pattern in patterns {
            if pattern.trim().is_empty() {
                return Err(wrong("Cannot add empty regex"));
            }
            patterns::one_line(option, pattern)?;
        }
        let mut lines = self.text.lines(option);
        lines.extend(patterns.iter().map(String::as_str));
        within(option, lines.len(), PATTERNS_MAX)?;
        let all = lines.join("\n");
        self.set_list(option, &all)?;
        Ok(Reply::Get(option))
    }

    fn remove_pattern(&mut self, option: &'static str, number: &Value) -> Result<Reply, Exception> {
        let number = integer(number)?;
        let mut lines = self.text.lines(option);
        // As in Python, numbers below zero count from the end.
        let from_end = |number: i64| lines.len().checked_sub(usize::try_from(-number).ok()?);
        let at = if number < 0 { from_end(number) } else { usize::try_from(number).ok() };
        let Some(at) = at.filter(|at| *at < lines.len()) else {
            let said = format!("Cannot remove regular expression. Index {number} is not valid");
            return Ok(Reply::Noted(option, Note::Refused(said)));
        };
        lines.remove(at);
        let all = lines.join("\n");
        self.set_list(option, &all)?;
        Ok(Reply::Get(option))
    }

    fn set_list(&mut self, option: &str, all: &str) -> Result<(), Exception> {
        within(option, all.len(), LIST_MAX_BYTES)?;
        self.text.set(option, all);
        Ok(())
    }

    /// What only rban's own stream tells.
    fn set_origin(&mut self, mut words: Words<'_>) -> Result<Reply, Exception> {
        let mut origin = ActionOrigin::default();
        for action in words.list()? {
            let mut words = Words(list(action)?);
            origin.actions.push((words.text()?, words.text()?, words.text()?));
        }
        for variable in words.list()? {
            let mut words = Words(list(variable)?);
            origin.variables.push((words.text()?, words.text()?));
        }
        within("origin", origin.variables.len(), VARIABLES_MAX)?;
        for log in words.list()? {
            let mut words = Words(list(log)?);
            let (glob, from) = (words.text()?, words.text()?);
            let files = words.list()?.iter().map(|file| text(file).map(Into::into));
            origin.logs.push(LogText { glob, from, files: files.collect::<Result<_, _>>()? });
        }
        let files = origin.logs.iter().map(|log| log.files.len());
        within("origin", files.sum::<usize>() + origin.logs.len(), 2 * LOGS_MAX)?;
        self.text.set_origin(origin);
        Ok(Reply::Value(Value::None))
    }
}

/// What a jail's text means, and what the log should hear of it.
fn meaning(text: &JailText, services: &Services) -> Result<(JailSpec, Vec<String>), Exception> {
    let Built { spec, warnings } = build(text, services, Logs::Optional);
    let spec = spec.map_err(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        wrong(all.join("; "))
    })?;
    Ok((spec, warnings.iter().map(ToString::to_string).collect()))
}

/// A span's text; in Python, yes is 1.
fn span(option: &str, value: &Value) -> Result<String, Exception> {
    match value {
        Value::Bool(flag) => Ok(i64::from(*flag).to_string()),
        value => {
            let written = text(value)?;
            if written.trim().is_empty() {
                return Err(wrong(format!(
                    "{option}: no time; write seconds (600) or a unit (10m, 2h, 1d)"
                )));
            }
            Ok(written)
        }
    }
}

fn within(what: &str, found: usize, max: usize) -> Result<(), Exception> {
    if found <= max {
        return Ok(());
    }
    Err(wrong(format!("{what}: {found} is more than the {max} that fit; remove some first")))
}
