//! A jail's actions (spec, config 7 and 9).

use std::path::PathBuf;

use super::args::Spec;
use super::definition::{self, Args, OfJail, Wanted};
use super::error::{Error, Text};
use super::filter::settings;
use super::interpolate::{Budget, Vars};
use super::layer::Layered;
use super::options::{self, Setting};

/// Tags that are filled in for each ban.
const OF_A_BAN: [&str; 5] = ["matches", "ipmatches", "ipjailmatches", "timeout", "bantime"];

/// An action as a jail has it.
#[derive(Clone, Debug)]
pub struct ActionText {
    /// Its entry in the jail's `action`, as it was written, its `%(…)s` replaced.
    pub spec: Text,
    /// The file in `action.d`, without its extension; with it for one in Python.
    pub file: String,
    /// By what name the jail knows it.
    pub actname: String,
    /// What the jail gives it.
    pub args: Vec<(String, String)>,
    /// What it does.
    pub does: Does,
}

/// What an action does.
#[derive(Clone, Debug)]
pub enum Does {
    /// It runs commands.
    Commands {
        /// The recognised options, commands among them, in the order in which they are sent.
        settings: Vec<Setting>,
        /// What their tags may stand for: the arguments, and what `[Init]` sets; not resolved yet.
        properties: Vec<(String, Text)>,
        /// Whether the file has a `[Definition]`.
        is_defined: bool,
    },
    /// It is a program in Python.
    Python {
        /// The file.
        file: PathBuf,
    },
}

/// Where a jail's action comes from.
pub(super) struct Source<'a> {
    pub(super) config: &'a Layered,
    pub(super) jail_name: &'a str,
    pub(super) spec: Text,
    pub(super) parsed: Spec,
    pub(super) budget: &'a Budget,
}

impl Source<'_> {
    pub(super) fn read(self, jail: &Vars) -> Result<ActionText, Error> {
        let Spec { name: file, options: given } = self.parsed;
        let mut args = Args::default();
        for (name, value) in &given {
            args.set(&**name, Text { value: value.clone(), place: self.spec.place.clone() });
        }
        let by_program = |value: &str| Text { value: value.to_owned(), place: None };
        if !args.contains("name") {
            args.set("name", by_program(self.jail_name));
        }
        let name = args.get("name").map_or("", |text| &text.value);
        let actname = match args.get("actname") {
            Some(actname) => actname.value.clone(),
            None => default_actname(&file, name, self.jail_name),
        };
        args.set("actname", by_program(&actname));
        let wanted = Wanted::Recognised(&options::ACTION);
        let jail = OfJail { vars: jail, tags: jail };
        let read = definition::resolve(self.config, args, jail, &wanted, &OF_A_BAN, self.budget)?;
        let is_property = |name: &str| !options::ACTION.iter().any(|known| known.name == name);
        let properties = read.args.iter().filter(|(name, _)| is_property(name));
        let properties = properties.filter(|(name, _)| !name.starts_with("known/"));
        let does = Does::Commands {
            settings: settings(&read.options, &options::ACTION),
            properties: properties.map(|(name, text)| (name.to_string(), text.clone())).collect(),
            is_defined: read.is_defined,
        };
        Ok(ActionText { spec: self.spec, file, actname, args: given, does })
    }
}

/// The file's name, with what tells this action's `name` from the jail's.
fn default_actname(file: &str, name: &str, jail_name: &str) -> String {
    match name.strip_prefix(jail_name) {
        Some("") => file.to_owned(),
        Some(rest) => format!("{file}{rest}"),
        None => format!("{file}-{name}"),
    }
}
