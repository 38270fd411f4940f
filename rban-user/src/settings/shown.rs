//! What clients are told of a jail's settings (spec, client 4.4 and 4.6).

use std::time::Duration;

use super::jail::Entry;
use super::server::seconds;
use super::words::{Words, refused};
use super::{actions, patterns};
use crate::config::{self, cache_key, is_true};
use crate::control::value::{Exception, Value};
use crate::detect::{UseDns, expand};
use crate::glob;
use crate::jail::ignore;
use crate::source::Backend;

/// What can be asked for, beside `bantime.…`.
const KEYS: [&str; 22] = [
    "ignoreself",
    "ignoreip",
    "ignorecommand",
    "ignorecache",
    "logpath",
    "logencoding",
    "journalmatch",
    "prefregex",
    "failregex",
    "ignoreregex",
    "usedns",
    "findtime",
    "maxretry",
    "maxmatches",
    "maxlines",
    "bantime",
    "datepattern",
    "logtimezone",
    "actions",
    "action",
    "actionproperties",
    "actionmethods",
];

/// An error where `get` knows no such option.
pub(super) fn check_key(key: &str) -> Result<(), Exception> {
    if KEYS.contains(&key) || key.starts_with("bantime.") {
        return Ok(());
    }
    Err(refused("Invalid command (no get action or not yet implemented)"))
}

impl Entry {
    /// What a client is told.
    pub(super) fn get(&self, key: &str, mut words: Words<'_>) -> Result<Value, Exception> {
        let (spec, text) = (&self.spec, &self.text);
        let (patterns, policy) = (&spec.filter.patterns, &spec.policy);
        Ok(match key {
            "ignoreself" => Value::Bool(policy.ignore.ignoreself),
            "ignoreip" => ignoreip(&policy.ignore.ignoreip),
            "ignorecommand" => match text.setting(key) {
                Some(setting) => Value::Text(setting.text.value.clone()),
                None => Value::Bool(false),
            },
            "ignorecache" => self.ignorecache(),
            "logpath" => {
                let to_come = text
                    .logs
                    .iter()
                    .filter(|log| log.files.is_empty() && !glob::has_wildcards(&log.glob));
                let to_come = to_come.map(|log| log.glob.as_str().into());
                texts(text.files().map(|file| file.to_string_lossy()).chain(to_come))
            }
            "logencoding" => match text.value(key) {
                written if written.is_empty() || written.eq_ignore_ascii_case("auto") => {
                    Value::Text("UTF-8".to_owned())
                }
                written => Value::Text(written.to_owned()),
            },
            "journalmatch" => self.journalmatch(),
            "prefregex" => {
                let prefregex = patterns.prefregex.as_deref().unwrap_or_default();
                Value::Text(expand(prefregex, patterns.usedns))
            }
            "failregex" => texts(patterns.failregex.iter().map(|it| expand(it, patterns.usedns))),
            "ignoreregex" => {
                texts(patterns.ignoreregex.iter().map(|it| expand(it, patterns.usedns)))
            }
            "usedns" => Value::Text(
                match patterns.usedns {
                    UseDns::Yes => "yes",
                    UseDns::Warn => "warn",
                    UseDns::No => "no",
                    UseDns::Raw => "raw",
                }
                .to_owned(),
            ),
            "findtime" => seconds(policy.findtime),
            "maxretry" => Value::Int(policy.maxretry.get().into()),
            "maxmatches" => Value::Int(policy.maxmatches as i64),
            "maxlines" => Value::Int(patterns.maxlines.get() as i64),
            "bantime" => bantime(policy.bantime),
            "datepattern" => self.datepattern(),
            "logtimezone" => spec.filter.logtimezone.clone().map_or(Value::None, Value::Text),
            "actions" => actions::names(text),
            "action" => actions::get(text, &words.text()?, &words.text()?)?,
            "actionproperties" => actions::properties(text, &words.text()?)?,
            "actionmethods" => actions::methods(text, &words.text()?)?,
            _ => self.growth(key),
        })
    }

    fn reads_journal(&self) -> bool {
        matches!(self.spec.source.backend, Backend::Systemd(_))
    }

    fn ignorecache(&self) -> Value {
        let cache = self.spec.policy.ignore.ignorecache.as_ref();
        let key = cache_key(self.text.value("ignorecache"));
        match (cache, key) {
            (Some(cache), Some(key)) => Value::List(vec![
                Value::Text(key),
                Value::Int(cache.max_count.get() as i64),
                seconds(cache.max_time),
            ]),
            _ => Value::None,
        }
    }

    /// Alternatives that stand in one command with a `+` between them are told one by one.
    fn journalmatch(&self) -> Value {
        if !self.reads_journal() {
            return Value::List(Vec::new());
        }
        let all = self.spec.source.journalmatch.iter();
        Value::List(all.flat_map(|words| words.split(|word| word == "+")).map(texts).collect())
    }

    fn datepattern(&self) -> Value {
        if self.reads_journal() {
            return Value::None;
        }
        let (pattern, name) = patterns::date_pattern(&self.spec.filter);
        Value::Tuple(vec![pattern.map_or(Value::None, Value::Text), Value::Text(name)])
    }

    /// One of `bantime.…`.
    fn growth(&self, key: &str) -> Value {
        let written = self.text.value(key);
        match key {
            _ if self.text.setting(key).is_none() || written.is_empty() => Value::None,
            "bantime.increment" | "bantime.overalljails" => Value::Bool(is_true(written)),
            "bantime.maxtime" | "bantime.rndtime" => {
                config::value::span(written).map_or(Value::None, seconds)
            }
            _ => Value::Text(written.to_owned()),
        }
    }
}

/// Whole seconds; −1 for ever.
fn bantime(bantime: Option<Duration>) -> Value {
    let secs = bantime.map_or(Some(-1), |it| i64::try_from(it.as_secs()).ok());
    Value::Int(secs.unwrap_or(i64::MAX))
}

/// Those that are no single addresses first.
fn ignoreip(entries: &[ignore::Entry]) -> Value {
    let is_single = |entry: &&ignore::Entry| matches!(entry, ignore::Entry::Net(net) if net.as_addr().is_some());
    let (mut single, others): (Vec<_>, Vec<_>) = entries.iter().partition(is_single);
    let mut seen = std::collections::HashSet::new();
    single.retain(|entry| seen.insert(entry.to_string()));
    texts(others.into_iter().chain(single).map(ToString::to_string))
}

fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Value {
    Value::List(texts.into_iter().map(|text| Value::Text(text.into())).collect())
}
