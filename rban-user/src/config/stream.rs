//! The commands that `fail2ban-client -d` prints, in its order (spec, config 9).

use serde_json::{Value as Json, json};

use super::action::{ActionText, Does};
use super::error::Error;
use super::finding::What;
use super::jail::{Consequence, JailText};
use super::options::{Setting, Value};
use super::read::Read;

/// The options of `fail2ban.conf` that are sent, in order.
const GENERAL: [&str; 7] =
    ["syslogsocket", "loglevel", "logtarget", "allowipv6", "dbfile", "dbmaxmatches", "dbpurgeage"];

/// Options of a jail that are not sent as they are.
const NOT_SENT: [&str; 7] =
    ["enabled", "backend", "filter", "logpath", "skip_if_nologs", "systemd_if_nologs", "action"];

/// What fail2ban makes of a configuration.
#[derive(Clone, Debug)]
pub struct Stream {
    /// What it sends its server, in order.
    pub commands: Vec<Json>,
    /// Whether it starts at all: not so if all jails are skipped.
    pub starts: bool,
}

/// All commands, or the error for which fail2ban would send none.
///
/// # Errors
/// What fail2ban calls fatal: the first of it, in the order in which fail2ban reads.
pub fn stream(read: &Read) -> Result<Stream, Error> {
    stream_with(read, |_| None)
}

/// The same commands, and behind each jail's what fail2ban's do not tell of it: which files its actions are, what
/// `banaction` names, and how its logs are written. Only rban knows that command.
///
/// # Errors
/// As [`stream`].
pub fn stream_for_rban(read: &Read) -> Result<Stream, Error> {
    stream_with(read, |jail| Some(origin(jail)))
}

fn stream_with(read: &Read, more: impl Fn(&JailText) -> Option<Json>) -> Result<Stream, Error> {
    let fatal = |finding: &super::Finding| match &finding.what {
        What::Fatal(error) => Some(error.clone()),
        _ => None,
    };
    if let Some(error) = read.findings.iter().find_map(fatal) {
        return Err(error);
    }
    let mut commands = general(read);
    let mut starts = Vec::new();
    for jail in &read.jails {
        match jail.outcome.as_ref().map_err(|error| &error.in_fail2ban) {
            Ok(()) => {
                of_jail(jail, &mut commands);
                commands.extend(more(jail));
                starts.push(json!(["start", jail.name]));
            }
            Err(Consequence::Skipped(reason)) => {
                let name = &jail.name;
                let message = format!("Jail '{name}' skipped, because of {reason}");
                commands.push(json!(["config-error", message]));
            }
            Err(Consequence::Fatal) => {}
        }
    }
    if let Some(error) = read.jails.iter().find_map(JailText::fatal) {
        return Err(error.clone());
    }
    let starts_any = read.jails.is_empty() || !starts.is_empty();
    commands.extend(starts);
    Ok(Stream { commands, starts: starts_any })
}

fn general(read: &Read) -> Vec<Json> {
    let mut commands = Vec::new();
    if let Some(stacksize) = &read.server.stacksize {
        commands.push(json!(["set", "thread", {"stacksize": json(&stacksize.value)}]));
    }
    for name in GENERAL {
        if let Some(value) = read.server.value(name) {
            commands.push(json!(["set", name, json(&value)]));
        }
    }
    commands
}

fn of_jail(jail: &JailText, commands: &mut Vec<Json>) {
    let name = &jail.name;
    commands.push(json!(["add", name, jail.backend]));
    let of_filter = jail.filter.as_ref().map_or(&[][..], |filter| &filter.settings);
    for settings in [&jail.settings, of_filter] {
        for wanted in [is_usedns, is_first] {
            for setting in settings.iter().filter(|setting| wanted(setting)) {
                of_setting(jail, setting, commands);
            }
        }
    }
    for setting in of_filter.iter().chain(&jail.settings).filter(|setting| is_later(setting)) {
        of_setting(jail, setting, commands);
    }
    for log in &jail.logs {
        for file in &log.files {
            commands.push(json!(["set", name, "addlogpath", file.to_string_lossy(), log.from]));
        }
    }
    jail.actions.iter().for_each(|action| of_action(name, action, commands));
}

/// How names are resolved is told before anything else,
fn is_usedns(setting: &Setting) -> bool {
    setting.name == "usedns"
}

/// then what the other regular expressions depend on.
fn is_first(setting: &Setting) -> bool {
    matches!(&*setting.name, "prefregex" | "maxlines")
}

fn is_later(setting: &Setting) -> bool {
    !is_usedns(setting) && !is_first(setting) && !NOT_SENT.contains(&&*setting.name)
}

fn of_setting(jail: &JailText, setting: &Setting, commands: &mut Vec<Json>) {
    let (name, text) = (&jail.name, &setting.text.value);
    let lines = || text.split('\n').filter(|line| !line.is_empty());
    match &*setting.name {
        "failregex" | "ignoreregex" => {
            let command = format!("add{}", setting.name);
            let lines: Vec<&str> = lines().collect();
            match lines.as_slice() {
                [] => {}
                [one] => commands.push(json!(["set", name, command, one])),
                some => commands.push(json!(["multi-set", name, command, some])),
            }
        }
        "journalmatch" => {
            for words in &jail.journalmatch {
                let mut command = vec!["set", name, "addjournalmatch"];
                command.extend(words.iter().map(String::as_str));
                commands.push(command.into());
            }
        }
        "ignoreip" => {
            let addresses = text.split([' ', ',', '\n']).filter(|it| !it.is_empty());
            let mut command = vec!["set", name, "addignoreip"];
            command.extend(addresses);
            commands.push(command.into());
        }
        "maxlines" if setting.value == Value::Nothing => {}
        option => commands.push(json!(["set", name, option, json(&setting.value)])),
    }
}

fn of_action(jail: &str, action: &ActionText, commands: &mut Vec<Json>) {
    let name = &action.actname;
    match &action.does {
        Does::Python { file } => {
            let args = python_json(&action.args);
            commands.push(json!(["set", jail, "addaction", name, file.to_string_lossy(), args]));
        }
        Does::Commands { settings, properties, .. } => {
            commands.push(json!(["set", jail, "addaction", name]));
            let settings = settings.iter().map(|it| json!([it.name, json(&it.value)]));
            let properties = properties.iter().map(|(key, text)| json!([key, text.value]));
            let all: Vec<Json> = settings.chain(properties).collect();
            commands.push(json!(["multi-set", jail, "action", name, all]));
        }
    }
}

/// What [`JailText::set_origin`] takes.
fn origin(jail: &JailText) -> Json {
    let actions = jail.actions.iter().map(|it| json!([it.actname, it.file, it.spec.value]));
    let variables = jail.variables.iter().map(|(name, text)| json!([name, text.value]));
    let logs = jail.logs.iter().map(|log| {
        let files: Vec<_> = log.files.iter().map(|file| file.to_string_lossy()).collect();
        json!([log.glob, log.from, files])
    });
    let (actions, variables, logs): (Vec<_>, Vec<_>, Vec<_>) =
        (actions.collect(), variables.collect(), logs.collect());
    json!(["set", jail.name, "origin", actions, variables, logs])
}

fn json(value: &Value) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Flag(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
    }
}

/// As Python's `json.dumps` prints an object of texts.
fn python_json(args: &[(String, String)]) -> String {
    let quoted = |text: &str| {
        let mut quoted = String::new();
        for c in Json::from(text).to_string().chars() {
            if matches!(c, ' '..='~') {
                quoted.push(c);
            } else {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.for_each(|unit| quoted.push_str(&format!("\\u{unit:04x}")));
            }
        }
        quoted
    };
    let pair = |(key, value): &(String, String)| format!("{}: {}", quoted(key), quoted(value));
    format!("{{{}}}", args.iter().map(pair).collect::<Vec<_>>().join(", "))
}
