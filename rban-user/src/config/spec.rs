//! A jail's text → the stages' Specs. Everything that is wrong with it is found, not only the first.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::action::{ActionText, Does};
use super::args;
use super::error::{Quoted, Text};
use super::jail::{JailText, LogText};
use super::options::Value;
use super::problem::{Problem, Wrong};
use super::rban_conf::number;
use super::services::Services;
use super::takeover::{Asked, Takeover, takeover};
use super::value::{self, NotATime};
use crate::actions;
use crate::detect::{self, Patterns, UseDns};
use crate::event::JailName;
use crate::jail::formula::Formula;
use crate::jail::{self, Increment, Neighbours, ignore};
use crate::source::{self, Backend, Begin, Log};

/// One jail, stage by stage.
#[derive(Clone, Debug, PartialEq)]
pub struct JailSpec {
    /// Its name; `policy` has the same.
    pub name: JailName,
    /// Where its lines come from.
    pub source: source::Spec,
    /// Which of them are failures.
    pub filter: detect::Spec,
    /// When failures lead to a ban.
    pub policy: jail::Spec,
    /// What a ban leads to.
    pub actions: Vec<ActionSpec>,
}

/// One of a jail's actions.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionSpec {
    /// By what name the jail knows it.
    pub name: String,
    /// The file in `action.d`, without its extension.
    pub file: String,
    /// What the kernel does in its stead, if it is a firewall action.
    pub takeover: Option<Takeover>,
    /// Its commands and flags, in fail2ban's order, with tags that only a ban can fill in.
    pub commands: Vec<(String, String)>,
    /// What those tags may stand for.
    pub properties: Vec<(String, String)>,
}

impl ActionSpec {
    /// What its commands take to run. A `timeout` that is no time is the usual one.
    #[must_use]
    pub fn to_run(&self) -> actions::Spec {
        let timeout = self.properties.iter().rfind(|(name, _)| name == "timeout");
        let timeout = timeout.and_then(|(_, text)| value::span(text.trim()).ok());
        actions::Spec {
            name: self.name.clone(),
            timeout: timeout.unwrap_or(actions::TIMEOUT),
            options: self.commands.iter().chain(&self.properties).cloned().collect(),
        }
    }
}

/// What came of a jail's text: its Spec, unless something is wrong, and what else the admin should know.
pub(crate) struct Built {
    pub(crate) spec: Result<JailSpec, Vec<Problem>>,
    pub(crate) warnings: Vec<Problem>,
}

/// Whether a jail without a log is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    /// Not one that is configured: its log is missing.
    Needed,
    /// One that commands make: its log may be told of later.
    Optional,
}

/// Gives a jail's text its meaning.
pub(crate) fn build(jail: &JailText, services: &Services, logs: Logs) -> Built {
    let mut build = Build { jail, logs, problems: Vec::new(), warnings: Vec::new() };
    let findtime = build.findtime();
    let spec = JailSpec {
        name: jail.name.as_str().into(),
        source: build.source(),
        filter: build.filter(findtime),
        policy: build.policy(findtime),
        actions: jail.actions.iter().filter_map(|it| build.action(it, services)).collect(),
    };
    let Build { problems, warnings, .. } = build;
    Built { spec: if problems.is_empty() { Ok(spec) } else { Err(problems) }, warnings }
}

/// Gives a jail's filter its meaning, and nothing else of the jail.
pub(super) fn filter(jail: &JailText) -> Result<detect::Spec, Vec<Problem>> {
    let mut build =
        Build { jail, logs: Logs::Optional, problems: Vec::new(), warnings: Vec::new() };
    let findtime = build.findtime();
    let filter = build.filter(findtime);
    if build.problems.is_empty() { Ok(filter) } else { Err(build.problems) }
}

struct Build<'a> {
    jail: &'a JailText,
    logs: Logs,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl<'a> Build<'a> {
    fn text(&self, name: &str) -> Option<&'a Text> {
        self.jail
            .of_jail_or_filter(name)
            .map(|setting| &setting.text)
            .filter(|text| !text.value.is_empty())
    }

    /// An option of rban's own, or a variable.
    fn variable(&self, name: &str) -> Option<&'a Text> {
        let named = |(it, _): &&(String, Text)| it == name;
        self.jail.variables.iter().find(named).map(|(_, text)| text)
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = self.text(name).map_or("", |text| &text.value);
        text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.jail.of_jail_or_filter(name)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// An option's meaning; where it has none, that is a problem, and `unset` what it is taken for meanwhile.
    fn parse<T>(&mut self, name: &str, unset: T, parse: impl Fn(&str) -> Result<T, Wrong>) -> T {
        let Some(text) = self.text(name).or(self.variable(name)) else { return unset };
        parse(text.value.trim()).unwrap_or_else(|wrong| {
            self.problems.push(Problem { quoted: Quoted::of(name, text), wrong });
            unset
        })
    }

    fn source(&mut self) -> source::Spec {
        let backend = Backend::parse(&self.jail.backend);
        let backend = backend.unwrap_or_else(|| {
            let place = self.jail.setting("backend").and_then(|it| it.text.place.clone());
            let quoted = Quoted::new(place, "backend", &self.jail.backend);
            let wrong = Wrong::Word { allowed: "auto, pyinotify, polling or systemd" };
            self.problems.push(Problem { quoted, wrong });
            Backend::Auto
        });
        let logs = self.logs(&backend);
        source::Spec {
            backend,
            logs,
            journalmatch: self
                .jail
                .journalmatch
                .iter()
                .filter(|words| !words.is_empty())
                .cloned()
                .collect(),
            encoding: self.parse("logencoding", source::Encoding::default(), |text| {
                text.parse()
                    .map_err(|wrong: source::UnknownEncoding| Wrong::Stage(wrong.to_string()))
            }),
        }
    }

    /// The logs: patterns as patterns, for what they find changes; and files, those yet to come as well. Where none is
    /// there, something is wrong.
    fn logs(&mut self, backend: &Backend) -> Vec<Log> {
        if matches!(backend, Backend::Systemd(_)) {
            return Vec::new();
        }
        let logs = &self.jail.logs;
        if self.logs == Logs::Needed && logs.iter().all(|log| log.files.is_empty()) {
            let logpath = self.text("logpath");
            let value = logpath.map_or("", |text| &text.value);
            let quoted = Quoted::new(logpath.and_then(|it| it.place.clone()), "logpath", value);
            self.problems.push(Problem { quoted, wrong: Wrong::NoLog });
        }
        let log = |log: &LogText| {
            let begin = if log.from == "tail" { Begin::End } else { Begin::Start };
            Log { path: PathBuf::from(&log.glob), begin }
        };
        logs.iter().map(log).collect()
    }

    fn filter(&mut self, findtime: Duration) -> detect::Spec {
        const MAXLINES_MAX: i64 = 1_000;
        let one = NonZeroUsize::MIN;
        detect::Spec {
            patterns: Patterns {
                prefregex: self.text("prefregex").map(|text| text.value.clone()),
                failregex: self.lines("failregex"),
                ignoreregex: self.lines("ignoreregex"),
                maxlines: self.parse("maxlines", one, |text| {
                    let lines = number(text, 1, MAXLINES_MAX)?;
                    Ok(NonZeroUsize::new(lines as usize).unwrap_or(one))
                }),
                usedns: self.usedns(),
            },
            datepattern: self.lines("datepattern"),
            logtimezone: self.text("logtimezone").map(|text| text.value.clone()),
            findtime,
        }
    }

    /// What is none of the four words is taken for `no`, as fail2ban does.
    fn usedns(&mut self) -> UseDns {
        let Some(text) = self.text("usedns") else { return UseDns::default() };
        match text.value.to_lowercase().as_str() {
            "yes" => UseDns::Yes,
            "warn" => UseDns::Warn,
            "no" => UseDns::No,
            "raw" => UseDns::Raw,
            _ => {
                let wrong = Wrong::Word { allowed: "yes, warn, no or raw; no is taken" };
                self.warnings.push(Problem { quoted: Quoted::of("usedns", text), wrong });
                UseDns::No
            }
        }
    }

    fn findtime(&mut self) -> Duration {
        const UNSET: Duration = Duration::from_secs(600);
        self.parse("findtime", UNSET, |text| value::span(text).map_err(NotATime::into))
    }

    fn policy(&mut self, findtime: Duration) -> jail::Spec {
        const UNSET_BANTIME: Duration = Duration::from_secs(600);
        const UNSET_MAXRETRY: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
        jail::Spec {
            name: self.jail.name.as_str().into(),
            maxretry: self.parse("maxretry", UNSET_MAXRETRY, |text| {
                let times = number(text, 1, i64::from(u32::MAX))?;
                Ok(NonZeroU32::new(times as u32).unwrap_or(UNSET_MAXRETRY))
            }),
            findtime,
            bantime: self.parse("bantime", Some(UNSET_BANTIME), |text| {
                value::bantime(text).map_err(NotATime::into)
            }),
            maxmatches: self.parse("maxmatches", 5, |text| {
                const MATCHES_MAX: i64 = 10_000;
                Ok(number(text, 0, MATCHES_MAX)? as usize)
            }),
            increment: self.increment(),
            ipv6_prefix: 128,
            neighbours: self.neighbours(),
            ignore: self.ignore(),
        }
    }

    fn ignore(&mut self) -> ignore::Spec {
        let text = self.text("ignoreip");
        let (ignoreip, refused) = ignore::entries(text.map_or("", |text| &text.value));
        for error in refused {
            let place = text.and_then(|text| text.place.clone());
            let quoted = Quoted::new(place, "ignoreip", text.map_or("", |text| &text.value));
            let problem = Problem { quoted, wrong: Wrong::Stage(error.to_string()) };
            // As in fail2ban, a word that is nobody does no harm; a prefix gone wrong may lock the admin out.
            match error {
                ignore::NotAnEntry::Neither { .. } => self.warnings.push(problem),
                _ => self.problems.push(problem),
            }
        }
        ignore::Spec {
            ignoreself: self.flag("ignoreself").unwrap_or(true),
            ignoreip,
            ignorecommand: self.parse("ignorecommand", None, |text| template(text).map(Some)),
            ignorecache: self.parse("ignorecache", None, |text| cache(text).map(Some)),
        }
    }

    fn neighbours(&mut self) -> Option<Neighbours> {
        const HOSTS_MAX: i64 = 65_536;
        let hosts = self.parse("neighbours", None, |text| {
            Ok(NonZeroU32::new(number(text, 0, HOSTS_MAX)? as u32))
        });
        let v4 = self.parse("neighbours_v4", 24, |text| Ok(number(text, 8, 31)? as u8));
        let v6 = self.parse("neighbours_v6", 48, |text| Ok(number(text, 16, 64)? as u8));
        hosts.map(|hosts| Neighbours { hosts, v4, v6 })
    }

    fn increment(&mut self) -> Option<Increment> {
        let span = |text: &str| value::span(text).map(Some).map_err(NotATime::into);
        let increment = Increment {
            factor: self
                .parse("bantime.factor", 1.0, |text| value::number(text).ok_or(Wrong::Factor)),
            formula: self.parse("bantime.formula", None, |text| {
                let formula = text.parse::<Formula>().map(Some);
                formula.map_err(|mistake| Wrong::Stage(mistake.to_string()))
            }),
            multipliers: self.parse("bantime.multipliers", Vec::new(), |text| {
                let numbers = text.split_whitespace().map(|it| it.parse().ok());
                numbers.collect::<Option<_>>().ok_or(Wrong::Multipliers)
            }),
            maxtime: self.parse("bantime.maxtime", None, span),
            rndtime: self.parse("bantime.rndtime", None, span),
            overalljails: self.flag("bantime.overalljails").unwrap_or(false),
        };
        self.flag("bantime.increment").unwrap_or(false).then_some(increment)
    }

    fn action(&mut self, action: &ActionText, services: &Services) -> Option<ActionSpec> {
        let (settings, properties) = match &action.does {
            Does::Commands { settings, properties, .. } => (settings, properties),
            Does::Python { .. } => {
                let wrong = Wrong::Python { instead: instead_of(&action.file) };
                self.warnings.push(Problem { quoted: Quoted::of("action", &action.spec), wrong });
                return None;
            }
        };
        Some(ActionSpec {
            name: action.actname.clone(),
            file: action.file.clone(),
            takeover: self.takeover(action, properties, services),
            commands: settings
                .iter()
                .map(|it| (it.name.clone(), it.as_text().unwrap_or_default()))
                .collect(),
            properties: properties
                .iter()
                .map(|(name, it)| (name.clone(), it.value.clone()))
                .collect(),
        })
    }

    fn takeover(
        &mut self,
        action: &ActionText,
        properties: &[(String, Text)],
        services: &Services,
    ) -> Option<Takeover> {
        let variable =
            |name: &str| args::parse(&self.variable(name)?.value).ok().map(|spec| spec.name);
        let (banaction, allports) = (variable("banaction"), variable("banaction_allports"));
        let property = |name: &str| properties.iter().find(|(it, _)| it == name);
        let value = |name: &str| property(name).map(|(_, text)| text.value.as_str());
        let asked = Asked {
            file: &action.file,
            banaction: banaction.as_deref(),
            allports: allports.as_deref(),
            port: value("port"),
            protocol: value("protocol"),
            kind: value("type").or_else(|| value("actiontype")),
        };
        let (taken, problem) = takeover(&asked, services)?;
        if let Some(problem) = problem {
            let (option, found) = problem.option();
            let quoted = Quoted::new(action.spec.place.clone(), option, found);
            let wrong = Wrong::Stage(format!("{problem}; until then all traffic is stopped"));
            self.warnings.push(Problem { quoted, wrong });
        }
        Some(taken)
    }
}

fn template(text: &str) -> Result<ignore::Template, Wrong> {
    text.parse().map_err(|unknown: ignore::UnknownYet| Wrong::Stage(unknown.to_string()))
}

/// `key="<ip>", max-count=100, max-time=5m`.
fn cache(text: &str) -> Result<ignore::CacheSpec, Wrong> {
    const UNSET_COUNT: NonZeroUsize = NonZeroUsize::new(100).expect("not zero");
    const UNSET_TIME: Duration = Duration::from_secs(300);
    let spec = args::parse(&format!("ignorecache[{text}]"));
    let spec = spec.map_err(|wrong| Wrong::Stage(wrong.to_string()))?;
    let option = |name: &str| spec.options.iter().find(|(it, _)| it == name).map(|(_, it)| it);
    let key = option("key").ok_or(Wrong::Stage(r#"names no key; write key="<ip>""#.to_owned()))?;
    let count = option("max-count").map(|it| it.parse().map_err(|_| NOT_A_COUNT)).transpose()?;
    let time = option("max-time").map(|it| value::span(it)).transpose()?;
    Ok(ignore::CacheSpec {
        key: template(key)?,
        max_count: count.unwrap_or(UNSET_COUNT),
        max_time: time.unwrap_or(UNSET_TIME),
    })
}

const NOT_A_COUNT: Wrong = Wrong::Number { min: 1, max: i64::MAX };

/// What does natively what a program in Python did.
fn instead_of(file: &str) -> &'static str {
    match file {
        "smtp.py" => "write sendmail-whois, or sendmail, with dest and sender",
        "badips.py" => "there is no equivalent, for the service it reported to is gone",
        _ => "there is no native equivalent; write an action with actionban = YOUR-PROGRAM <ip>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_runs_with_its_properties_and_within_its_timeout() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let action = |timeout: &str| ActionSpec {
            name: "mail".to_owned(),
            file: "sendmail".to_owned(),
            takeover: None,
            commands: vec![pair("actionban", "mail <dest>")],
            properties: vec![pair("dest", "root"), pair("timeout", timeout)],
        };
        let spec = action("2m").to_run();
        assert_eq!(spec.timeout, Duration::from_secs(120));
        assert_eq!(spec.options[..2], [pair("actionban", "mail <dest>"), pair("dest", "root")]);
        assert_eq!(action("soon").to_run().timeout, actions::TIMEOUT);
    }
}
