//! `fail2ban.conf` (spec, config 12).

use super::definition::DEFINITION;
use super::error::{Error, Quoted};
use super::finding::{Finding, What};
use super::interpolate::Scope;
use super::layer::{Failed, Loader};
use super::options::{self, Known, Setting, Value};

/// The options of `fail2ban.conf` that are set.
#[derive(Clone, Debug, Default)]
pub struct ServerText {
    /// In the order of the specification.
    pub settings: Vec<Setting>,
    /// `stacksize` in `[Thread]`.
    pub stacksize: Option<Setting>,
    /// Whether it has a `[Definition]`.
    pub is_defined: bool,
}

impl ServerText {
    /// An option that is set.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// Reads it; what is wrong with it stands among the findings.
    pub(super) fn read(loader: &Loader<'_>, findings: &mut Vec<Finding>) -> Self {
        let mut add = |what| findings.push(Finding { jail: None, what });
        let mut server = Self::default();
        let config = match loader.load("fail2ban") {
            Ok(config) => config,
            Err(Failed::Absent) => {
                let (name, dir) = ("fail2ban".to_owned(), loader.base().to_owned());
                add(What::Ignored(Error::NoFiles { name, dir }));
                return server;
            }
            Err(Failed::Wrong(errors)) => {
                errors.iter().for_each(|error| add(What::Fatal(error.clone())));
                return server;
            }
        };
        let mut get = |section: &str, known: Known| {
            let scope = Scope::new(&config, section, &loader.budget);
            scope.section()?;
            let text = scope.get(known.name).map_err(|error| add(What::Fatal(error))).ok()??;
            let setting = Setting::new(known, text);
            if known.name == "loglevel" && !is_level(&setting.text.value) {
                let quoted = Quoted::of(known.name, &setting.text);
                add(What::Fatal(Error::NoLevel { quoted }));
            }
            if setting.value == Value::Nothing {
                add(What::NotAnInteger { quoted: Quoted::of(known.name, &setting.text) });
            }
            Some(setting)
        };
        server.is_defined = config.section(DEFINITION).is_some();
        server.stacksize = get("Thread", options::STACKSIZE);
        server.settings =
            options::SERVER.iter().filter_map(|(known, _)| get(DEFINITION, *known)).collect();
        for (known, default) in options::SERVER {
            if let Some(default) = default.filter(|_| server.setting(known.name).is_none()) {
                add(What::NotSet { option: known.name, default });
            }
        }
        server
    }

    /// An option's value, set or not.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        if let Some(setting) = self.setting(name) {
            return Some(setting.value.clone());
        }
        let (_, default) = options::SERVER.iter().find(|(known, _)| known.name == name)?;
        let default = default.map(|default| Value::Text(default.to_owned()));
        default.or((!self.is_defined).then_some(Value::Nothing))
    }
}

/// How much fail2ban may be told to log; a number does as well.
const LEVELS: [&str; 12] = [
    "CRITICAL",
    "FATAL",
    "ERROR",
    "WARNING",
    "WARN",
    "NOTICE",
    "INFO",
    "MSG",
    "DEBUG",
    "TRACEDEBUG",
    "HEAVYDEBUG",
    "NOTSET",
];

pub(crate) fn is_level(text: &str) -> bool {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number || LEVELS.contains(&&*text.to_uppercase())
}
