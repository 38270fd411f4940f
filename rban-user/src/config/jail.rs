//! One jail, as its section, its filter and its actions have it (spec, config 9 and 10).

mod logs;
mod reader;

use super::action::ActionText;
use super::error::{Error, Place, Text};
use super::filter::FilterText;
use super::options::{self, Setting, Value};

pub use logs::LogText;
pub(super) use reader::{Reader, file_name};

/// A jail that is enabled, or would be if it could be read.
#[derive(Clone, Debug)]
pub struct JailText {
    /// Its name.
    pub name: String,
    /// Where its section begins first.
    pub place: Place,
    /// Whether it can be started.
    pub outcome: Result<(), JailError>,
    /// How it is told of new lines: `auto`, or what it says, options in brackets included.
    pub backend: String,
    /// The recognised options that are set, in its section or in `[DEFAULT]`, in the order of the specification.
    pub settings: Vec<Setting>,
    /// Its filter, if it has one.
    pub filter: Option<FilterText>,
    /// Its actions.
    pub actions: Vec<ActionText>,
    /// What it wants of the journal, by its own option or its filter's: alternatives, each a list of words.
    pub journalmatch: Vec<Vec<String>>,
    /// Its log files.
    pub logs: Vec<LogText>,
    /// `banaction`, `banaction_allports`, `port` and `protocol` as this jail has them, if it has.
    pub variables: Vec<(String, Text)>,
    /// What its section sets and nothing reads: each option's name, and its text as written.
    pub unread: Vec<(String, Text)>,
}

/// Why a jail cannot be started.
#[derive(Clone, Debug)]
pub struct JailError {
    /// What is wrong.
    pub error: Error,
    /// What fail2ban makes of it.
    pub in_fail2ban: Consequence,
}

/// What fail2ban makes of an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing is started.
    Fatal,
    /// The jail is skipped, with this reason.
    Skipped(String),
}

impl JailText {
    /// A recognised option that is set.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// Has a command say something in place of the jail, or of what it said. The option is one of the specification.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        let known = options::JAIL.iter().find(|known| known.name == name);
        let text = Text { value: value.to_owned(), place: None };
        let setting = Setting::new(*known.expect("an option of the specification"), text);
        self.settings.retain(|it| it.name != name);
        self.settings.push(setting);
    }

    /// A recognised option that is set in the jail, or else in its filter.
    pub(crate) fn of_jail_or_filter(&self, name: &str) -> Option<&Setting> {
        let of_filter = self.filter.iter().flat_map(|filter| &filter.settings);
        self.setting(name).or_else(|| of_filter.into_iter().find(|setting| setting.name == name))
    }

    /// What is wrong with it, if fail2ban starts nothing on account of it.
    pub(super) fn fatal(&self) -> Option<&Error> {
        let error = self.outcome.as_ref().err()?;
        (error.in_fail2ban == Consequence::Fatal).then_some(&error.error)
    }

    fn flag(&self, name: &str, unset: Unset) -> bool {
        match self.setting(name).map(|setting| &setting.value) {
            Some(Value::Flag(flag)) => *flag,
            _ => unset == Unset::Yes,
        }
    }
}

/// What an option means that is not set.
#[derive(PartialEq, Eq)]
enum Unset {
    Yes,
    No,
}
