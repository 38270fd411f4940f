//! Reads jails.

use super::{Consequence, JailError, JailText, Unset};
use crate::config::action::{self, ActionText, Does};
use crate::config::args;
use crate::config::definition::KNOWN;
use crate::config::error::{Error, Quoted, Text};
use crate::config::filter::{self, LogType};
use crate::config::finding::{Finding, OfJail, What};
use crate::config::ini::{Raw, strip};
use crate::config::interpolate::{Reads, Scope, Vars};
use crate::config::layer::{Failed, Layered, Loader, Options, Section};
use crate::config::options::{self, Setting, Value};
use crate::config::words;

/// A jail has no more actions.
const ACTIONS_MAX: usize = 1_000;
/// What a jail has where nothing is said.
const DEFAULT_BACKEND: &str = "auto";
/// The options that its filter and actions find even where they are not set; the last one only its actions.
const DEFAULTS: [(&str, &str); 3] = [("backend", DEFAULT_BACKEND), ("filter", ""), ("action", "")];

/// Of these, a jail's values are of interest beside its options: they tell which actions are firewall actions.
const VARIABLES: [&str; 4] = ["banaction", "banaction_allports", "port", "protocol"];

/// An action, as far as it can be read before all others are.
enum Action<'a> {
    Commands(Box<action::Pending<'a>>),
    Python(ActionText),
}

/// Reads the jails of one configuration.
pub(in crate::config) struct Reader<'a> {
    pub(in crate::config) loader: &'a Loader<'a>,
    pub(in crate::config) config: &'a Layered,
    pub(in crate::config) reads: &'a Reads,
}

impl Reader<'_> {
    /// The jail of a section, if it is enabled.
    pub(in crate::config) fn read(
        &self,
        section: &Section,
        findings: &mut Vec<Finding>,
    ) -> Option<JailText> {
        let mut jail = JailText {
            name: section.name.to_string(),
            place: section.place.clone(),
            outcome: Ok(()),
            backend: DEFAULT_BACKEND.to_owned(),
            settings: Vec::new(),
            filter: None,
            actions: Vec::new(),
            journalmatch: Vec::new(),
            logs: Vec::new(),
            variables: Vec::new(),
            unread: Vec::new(),
        };
        let mut findings = OfJail { jail: &section.name, all: findings };
        match self.first(&mut jail) {
            Ok(()) if !jail.flag("enabled", Unset::No) => return None,
            Ok(()) => {
                let all = self.all(&mut jail, &mut findings);
                jail.outcome = all.map_err(Self::judge);
            }
            Err(error) => {
                // Whether it is enabled can be told all the same, unless that is what is wrong.
                let enabled = self
                    .scope(&jail)
                    .get("enabled")
                    .map(|text| text.map(|text| Setting::new(options::JAIL[0], text).value));
                if enabled.is_ok_and(|enabled| enabled != Some(Value::Flag(true))) {
                    findings.add(What::Fatal(error));
                    return None;
                }
                jail.outcome = Err(Self::judge(error));
            }
        }
        Some(jail)
    }

    fn judge(error: Error) -> JailError {
        let in_fail2ban = match error.reason_in_fail2ban() {
            Some(reason) => Consequence::Skipped(reason),
            None => Consequence::Fatal,
        };
        JailError { error, in_fail2ban }
    }

    fn scope(&self, jail: &JailText) -> Scope<'_> {
        Scope::new(self.config, &jail.name, &self.loader.budget).noting(self.reads)
    }

    /// Whether it is enabled, and what decides how it is read.
    fn first(&self, jail: &mut JailText) -> Result<(), Error> {
        let scope = self.scope(jail);
        for known in options::JAIL_FIRST {
            if let Some(text) = scope.get(known.name)? {
                jail.settings.push(Setting::new(known, text));
            }
        }
        if let Some(backend) = jail.setting("backend") {
            jail.backend = backend.text.value.clone();
        }
        Ok(())
    }

    fn all(&self, jail: &mut JailText, findings: &mut OfJail<'_>) -> Result<(), Error> {
        let mut overlay = Options::default();
        let filter = self.filter(jail)?;
        let filter = match filter {
            Some(mut source) => {
                for (name, text) in source.known(&vars(&jail.settings, &DEFAULTS[..2]))?.iter() {
                    let raw = Raw { text: (*text.value).into(), place: text.place.clone() };
                    overlay.set(format!("{KNOWN}{name}"), raw);
                }
                Some(source)
            }
            None => {
                findings.add(What::NoFilterSet { place: jail.place.clone() });
                None
            }
        };
        self.settings(jail, &overlay)?;
        findings.look_at(&jail.settings);
        let vars = vars(&jail.settings, &DEFAULTS);
        let filter = filter.map(|source| source.read(&vars)).transpose()?;
        let actions = self.actions(jail, &vars)?;
        if actions.is_empty() {
            findings.add(What::NoActions { place: jail.place.clone() });
        }
        if let Some(filter) = filter {
            let filter = filter.resolve(&vars)?;
            findings.look_at_file("filter.d", &filter.name, filter.is_defined);
            findings.look_at(&filter.settings);
            jail.filter = Some(filter);
        }
        for action in actions {
            let action = match action {
                Action::Commands(pending) => pending.resolve(&vars)?,
                Action::Python(action) => action,
            };
            if let Does::Commands { is_defined, .. } = action.does {
                findings.look_at_file("action.d", &action.file, is_defined);
            }
            jail.actions.push(action);
        }
        let of_filter = jail.filter.iter().flat_map(|filter| &filter.settings);
        let mut all = jail.settings.iter().chain(of_filter);
        if let Some(setting) = all.find(|setting| setting.name == "journalmatch") {
            jail.journalmatch = journalmatch(&setting.text)?;
        }
        jail.find_logs(self.loader.files(), findings)
    }

    /// Its filter, not read yet, if it has one.
    fn filter(&self, jail: &JailText) -> Result<Option<filter::Source<'_>>, Error> {
        let spec = jail.setting("filter").map(|it| it.text.clone());
        let Some(spec) = spec.filter(|spec| !spec.value.is_empty()) else { return Ok(None) };
        let parsed = args::parse(&spec.value).map_err(|source| {
            let (quoted, spec) = (Quoted::of("filter", &spec), spec.value.clone());
            Error::FilterSpec { quoted, spec, source }
        })?;
        let name = &parsed.name;
        let config =
            self.loader.load(&file_name("filter.d", name)).map_err(|failed| match failed {
                Failed::Absent => {
                    Error::NoFilter { quoted: Quoted::of("filter", &spec), name: name.clone() }
                }
                Failed::Wrong(errors) => first_of(&errors),
            })?;
        let (logtype, budget) = (Some(LogType::of(&jail.backend)), &self.loader.budget);
        Ok(Some(filter::Source::new(config, spec, parsed, logtype, budget)))
    }

    /// Its options, with what is known of its filter.
    fn settings(&self, jail: &mut JailText, overlay: &Options) -> Result<(), Error> {
        let scope = self.scope(jail).with_overlay(overlay);
        jail.settings.clear();
        for known in options::JAIL {
            if let Some(text) = scope.get(known.name)? {
                jail.settings.push(Setting::new(known, text));
            }
        }
        // Without notes of who reads what: nothing has read these for the jail's sake.
        let scope = Scope::new(self.config, &jail.name, &self.loader.budget).with_overlay(overlay);
        for name in VARIABLES.into_iter().chain(options::OWN) {
            if let Ok(Some(text)) = scope.get(name) {
                jail.variables.push((name.to_owned(), text));
            }
        }
        Ok(())
    }

    /// Its actions, their tags not replaced yet.
    fn actions(&self, jail: &JailText, vars: &Vars) -> Result<Vec<Action<'_>>, Error> {
        let list = jail.setting("action").map(|setting| setting.text.clone());
        let list = list.unwrap_or(Text { value: String::new(), place: None });
        let mut actions = Vec::new();
        for entry in args::split(&list.value) {
            let spec = Text { value: entry.to_owned(), place: list.place.clone() };
            let quoted = || Quoted::of("action", &spec);
            // Finding where an entry ends may mean to look at the whole rest.
            self.loader.budget.spend(list.value.len(), quoted)?;
            if actions.len() >= ACTIONS_MAX {
                return Err(Error::TooManyActions { quoted: quoted(), max: ACTIONS_MAX });
            }
            actions.push(self.action(jail, spec, vars)?);
        }
        Ok(actions)
    }

    fn action(&self, jail: &JailText, spec: Text, vars: &Vars) -> Result<Action<'_>, Error> {
        let quoted = || Quoted::of("action", &spec);
        let parsed = args::parse(&spec.value).map_err(|source| {
            let spec = spec.value.clone();
            Error::ActionSpec { quoted: quoted(), spec, source }
        })?;
        let name = &parsed.name;
        if name.ends_with(".py") {
            return Ok(Action::Python(self.python_action(spec, parsed)));
        }
        let config =
            self.loader.load(&file_name("action.d", name)).map_err(|failed| match failed {
                Failed::Absent => Error::NoAction { quoted: quoted(), name: name.clone() },
                Failed::Wrong(errors) => first_of(&errors),
            })?;
        let (jail_name, budget) = (&*jail.name, &self.loader.budget);
        let source = action::Source { config, spec, parsed, budget };
        Ok(Action::Commands(Box::new(source.read(jail_name, vars)?)))
    }

    fn python_action(&self, spec: Text, parsed: args::Spec) -> ActionText {
        let args::Spec { name, options: mut args } = parsed;
        let own = args.iter().position(|(name, _)| name == "actname");
        let actname = match own {
            Some(at) => args.remove(at).1,
            None => name.strip_suffix(".py").unwrap_or(&name).to_owned(),
        };
        let file = self.loader.base().join("action.d").join(&name);
        ActionText { spec, file: name, actname, args, does: Does::Python { file } }
    }

    /// Notes what the jail's section sets and nothing has read, once all jails are read.
    pub(in crate::config) fn note_unread(&self, jail: &mut JailText) {
        let section = self.config.section(&jail.name).filter(|_| jail.outcome.is_ok());
        let Some(section) = section else { return };
        for (name, raw) in section.options.iter() {
            if !self.reads.contain(&section.name, name) {
                let text = Text { value: raw.text.to_string(), place: raw.place.clone() };
                jail.unread.push((name.to_string(), text));
            }
        }
    }
}

/// Lines as a shell splits them.
fn journalmatch(text: &Text) -> Result<Vec<Vec<String>>, Error> {
    let lines = text.value.split('\n').filter(|line| !strip(line).is_empty());
    let words = |line| {
        let quoted = || Quoted::new(text.place.clone(), "journalmatch", line);
        words::split(line).ok_or_else(|| Error::OpenQuote { quoted: quoted() })
    };
    lines.map(words).collect()
}

/// The configuration that a filter or an action is: of the kind's directory, unless it is a path.
pub(in crate::config) fn file_name(dir: &str, name: &str) -> String {
    if name.starts_with("./") || name.starts_with('/') {
        name.to_owned()
    } else {
        format!("{dir}/{name}")
    }
}

/// The first of the errors of a file: there is one, or it would have been read.
fn first_of(errors: &[Error]) -> Error {
    errors.first().cloned().expect("a file that is wrong has errors")
}

/// A jail's options, as its filter and actions may refer to them.
fn vars(settings: &[Setting], defaults: &[(&str, &str)]) -> Vars {
    let text = |it: &Setting| Some(Text { value: it.as_text()?, place: it.text.place.clone() });
    let set = settings.iter().map(|it| (it.name.clone(), text(it)));
    let default = |(name, value): &(&str, &str)| {
        ((*name).to_owned(), Some(Text { value: (*value).to_owned(), place: None }))
    };
    defaults.iter().map(default).chain(set).collect()
}
