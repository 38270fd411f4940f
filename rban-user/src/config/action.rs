//! A jail's actions (spec, config 7 and 9).

use std::path::PathBuf;
use std::rc::Rc;

use super::args::Spec;
use super::definition::{Args, Definition, KNOWN, Others, Unresolved};
use super::error::{Error, Text};
use super::filter::settings;
use super::interpolate::{Budget, Vars};
use super::layer::Layered;
use super::options::{self, Known, Setting, Value};
use super::ordered::Ordered;

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
    pub(super) config: Rc<Layered>,
    pub(super) spec: Text,
    pub(super) parsed: Spec,
    pub(super) budget: &'a Budget,
}

impl<'a> Source<'a> {
    pub(super) fn read(self, jail_name: &str, jail: &Vars) -> Result<Pending<'a>, Error> {
        let Spec { name: file, options: given } = self.parsed;
        let mut args = Args::default();
        for (name, value) in &given {
            args.set(&**name, Text { value: value.clone(), place: self.spec.place.clone() });
        }
        let by_program = |value: &str| Text { value: value.to_owned(), place: None };
        if !args.contains("name") {
            args.set("name", by_program(jail_name));
        }
        let name = args.get("name").map_or("", |text| &text.value);
        let actname = match args.get("actname") {
            Some(actname) => actname.value.clone(),
            None => default_actname(&file, name, jail_name),
        };
        args.set("actname", by_program(&actname));
        let mut definition =
            Definition::new(self.config, args, &options::ACTION, &OF_A_BAN, self.budget);
        let options = definition.read(jail, Others::Unwanted)?;
        Ok(Pending { spec: self.spec, file, given, actname, definition, options })
    }
}

/// An action that is read, its tags not replaced yet.
pub(super) struct Pending<'a> {
    spec: Text,
    file: String,
    given: Vec<(String, String)>,
    actname: String,
    definition: Definition<'a>,
    options: Unresolved,
}

impl Pending<'_> {
    pub(super) fn resolve(self, jail: &Vars) -> Result<ActionText, Error> {
        let Self { spec, file, given, actname, definition, options } = self;
        let options = definition.resolve(options, jail)?;
        let is_property = |name: &str| !options::ACTION.iter().any(|known| known.name == name);
        let properties = definition.args().iter().filter(|(name, _)| is_property(name));
        let properties = properties.filter(|(name, _)| !name.starts_with(KNOWN));
        let does = Does::Commands {
            settings: if definition.is_defined() {
                settings(&options, &options::ACTION)
            } else {
                options::ACTION.map(|known| undefined(known, &options)).into()
            },
            properties: properties.map(|(name, text)| (name.to_string(), text.clone())).collect(),
            is_defined: definition.is_defined(),
        };
        Ok(ActionText { spec, file, actname, args: given, does })
    }
}

/// A recognised option of a file without `[Definition]`: fail2ban sends it even if nothing sets it.
fn undefined(known: Known, options: &Ordered<Text>) -> Setting {
    match options.get(known.name) {
        Some(text) => Setting::new(known, text.clone()),
        None => Setting {
            name: known.name.to_owned(),
            value: Value::Nothing,
            text: Text { value: String::new(), place: None },
        },
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
