//! What fail2ban's words for the state of jails are (spec, client 4.2 and 5.2).

use std::path::PathBuf;

use crate::config::JailSpec;
use crate::control::value::Value;
use crate::event::JailName;
use crate::jail::Status;
use crate::settings::Flavor;
use crate::source::{self, Backend};

/// How a jail is.
pub(super) struct Seen<'a> {
    pub(super) spec: &'a JailSpec,
    /// What it counted. One that does not run counted nothing.
    pub(super) status: Status,
    /// The logs that it reads.
    pub(super) files: Vec<PathBuf>,
    /// The list of who is banned.
    pub(super) banned: Value,
}

/// `status`.
pub(super) fn of_all(names: &[JailName]) -> Value {
    Value::List(summary(names))
}

/// `status --all`.
pub(super) fn of_each(names: &[JailName], jails: Vec<(JailName, Value)>) -> Value {
    let mut lines = summary(names);
    lines.push(dict(jails));
    Value::List(lines)
}

fn summary(names: &[JailName]) -> Vec<Value> {
    let jails = Value::Text(names.join(", "));
    vec![pair("Number of jail", number(names.len() as u64)), pair("Jail list", jails)]
}

/// What there is to say of each jail.
pub(super) fn dict(jails: Vec<(JailName, Value)>) -> Value {
    let jail = |(name, value): (JailName, Value)| (Value::Text(name.to_string()), value);
    Value::Dict(jails.into_iter().map(jail).collect())
}

/// `status JAIL`.
pub(super) fn of_one(seen: Seen<'_>, flavor: Flavor) -> Value {
    if flavor == Flavor::Stats {
        return stats(&seen);
    }
    let status = &seen.status;
    let filter = vec![
        pair("Currently failed", number(status.currently_failed as u64)),
        pair("Total failed", number(status.total_failed)),
        logs(&seen),
    ];
    let mut actions = vec![
        pair("Currently banned", number(status.currently_banned as u64)),
        pair("Total banned", number(status.total_banned)),
    ];
    if flavor != Flavor::Short {
        actions.push(pair("Banned IP list", seen.banned));
    }
    if flavor == Flavor::Cymru {
        let unknown = |name| pair(name, Value::List(Vec::new()));
        let names = ["Banned ASN list", "Banned Country list", "Banned RIR list"];
        actions.extend(names.map(unknown));
    }
    Value::List(vec![pair("Filter", Value::List(filter)), pair("Actions", Value::List(actions))])
}

/// A jail in numbers, for `stats`.
pub(super) fn stats(seen: &Seen<'_>) -> Value {
    let status = &seen.status;
    let numbers = |now: usize, total: u64| Value::Tuple(vec![number(now as u64), number(total)]);
    Value::List(vec![
        Value::Text(follower(&seen.spec.source.backend).to_owned()),
        numbers(status.currently_failed, status.total_failed),
        numbers(status.currently_banned, status.total_banned),
    ])
}

/// Where a jail's lines come from.
fn logs(seen: &Seen<'_>) -> Value {
    if let Backend::Systemd(_) = seen.spec.source.backend {
        let matches = Value::Text(journal_matches(&seen.spec.source));
        return pair("Journal matches", Value::List(vec![matches]));
    }
    let files = seen.files.iter().map(|file| Value::Text(file.to_string_lossy().into_owned()));
    pair("File list", Value::List(files.collect()))
}

fn journal_matches(source: &source::Spec) -> String {
    let matches: Vec<String> = source.journalmatch.iter().map(|words| words.join(" ")).collect();
    matches.join(" + ")
}

/// What follows the logs: by the kernel's word wherever that is not ruled out.
fn follower(backend: &Backend) -> &'static str {
    match backend {
        Backend::Auto | Backend::Pyinotify => "pyinotify",
        Backend::Polling => "polling",
        Backend::Systemd(_) => "systemd",
    }
}

/// A backend as it is written.
pub(super) fn backend(backend: &Backend) -> String {
    match backend {
        Backend::Auto => "auto".to_owned(),
        Backend::Pyinotify => "pyinotify".to_owned(),
        Backend::Polling => "polling".to_owned(),
        Backend::Systemd(options) => format!("systemd{options}"),
    }
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![Value::Text(name.to_owned()), value])
}

fn number(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::value::Value::{Int, List, Text, Tuple};
    use crate::settings::Settings;

    fn settings(backend: &str, commands: &[&[&str]]) -> Settings {
        let mut settings = Settings::new("");
        let add: &[&str] = &["add", "j", backend];
        for command in std::iter::once(&add).chain(commands) {
            let words: Vec<Value> = command.iter().map(|word| text(word)).collect();
            settings.apply(&words, &|_| true).unwrap();
        }
        settings
    }

    fn seen(settings: &Settings) -> Seen<'_> {
        let status = Status {
            name: "j".to_owned(),
            currently_failed: 1,
            total_failed: 2,
            currently_banned: 3,
            total_banned: 4,
        };
        let banned = List(vec![text("192.0.2.5")]);
        let spec = settings.spec("j").unwrap();
        Seen { spec, status, files: vec!["/var/log/j.log".into()], banned }
    }

    fn text(text: &str) -> Value {
        Text(text.to_owned())
    }

    fn filter(logs: Value) -> Value {
        let counts = [pair("Currently failed", Int(1)), pair("Total failed", Int(2))];
        pair("Filter", List(counts.into_iter().chain([logs]).collect()))
    }

    #[test]
    fn a_short_status_names_nobody() {
        let settings = settings("polling", &[]);
        let files = pair("File list", List(vec![text("/var/log/j.log")]));
        let mut actions = vec![pair("Currently banned", Int(3)), pair("Total banned", Int(4))];
        let short = List(vec![filter(files.clone()), pair("Actions", List(actions.clone()))]);
        assert_eq!(of_one(seen(&settings), Flavor::Short), short);
        actions.push(pair("Banned IP list", List(vec![text("192.0.2.5")])));
        let full = List(vec![filter(files), pair("Actions", List(actions))]);
        assert_eq!(of_one(seen(&settings), Flavor::Basic), full);
    }

    #[test]
    fn a_journal_is_told_by_what_is_read_of_it() {
        let matches = ["set", "j", "addjournalmatch", "_COMM=sshd", "+", "_UID=0", "_PID=1"];
        let settings = settings("systemd", &[&matches]);
        let matches = List(vec![text("_COMM=sshd + _UID=0 _PID=1")]);
        assert_eq!(logs(&seen(&settings)), pair("Journal matches", matches));
    }

    #[test]
    fn numbers_stand_behind_what_follows_the_logs() {
        let numbers = |now, total| Tuple(vec![Int(now), Int(total)]);
        let stats = List(vec![text("pyinotify"), numbers(1, 2), numbers(3, 4)]);
        assert_eq!(of_one(seen(&settings("auto", &[])), Flavor::Stats), stats);
    }
}
