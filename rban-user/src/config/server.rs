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
                add(What::Error(Error::NoFiles { name, dir }));
                return server;
            }
            Err(Failed::Wrong(errors)) => {
                errors.iter().for_each(|error| add(What::Error(error.clone())));
                return server;
            }
        };
        let mut get = |section: &str, known: Known| {
            let scope = Scope::new(&config, section, &loader.budget);
            scope.section()?;
            let text = scope.get(known.name).map_err(|error| add(What::Error(error))).ok()??;
            let setting = Setting::new(known, text);
            if setting.value == Value::Nothing {
                add(What::NotAnInteger { quoted: Quoted::of(known.name, &setting.text) });
            }
            Some(setting)
        };
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
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        if let Some(setting) = self.setting(name) {
            return Some(setting.value.clone());
        }
        let (_, default) = options::SERVER.iter().find(|(known, _)| known.name == name)?;
        default.map(|default| Value::Text(default.to_owned()))
    }
}
