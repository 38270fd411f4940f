//! One jail: its options, its filter, its actions, its logs (spec, config 9 and 10).

use std::path::PathBuf;
use std::rc::Rc;

use super::action::{self, ActionText, Does};
use super::args;
use super::definition::KNOWN;
use super::error::{Error, Place, Quoted, Text};
use super::files::Found;
use super::filter::{self, FilterText};
use super::finding::{Finding, What};
use super::ini::{Raw, strip};
use super::interpolate::{Reads, Scope, Vars};
use super::layer::{Failed, Layered, Loader, Options, Section};
use super::options::{self, Known, Setting, Value};
use super::words;

/// A jail has no more actions.
const ACTIONS_MAX: usize = 1_000;
/// A jail's globs find no more files.
const LOGS_MAX: usize = 10_000;

/// What a jail has where nothing is said.
const DEFAULT_BACKEND: &str = "auto";
/// The options that its filter and actions find even where they are not set; the last one only its actions.
const DEFAULTS: [(&str, &str); 3] = [("backend", DEFAULT_BACKEND), ("filter", ""), ("action", "")];

/// Of these, a jail's values are of interest beside its options: they tell which actions are firewall actions.
const VARIABLES: [&str; 4] = ["banaction", "banaction_allports", "port", "protocol"];

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

/// A line of `logpath`.
#[derive(Clone, Debug)]
pub struct LogText {
    /// As written.
    pub glob: String,
    /// Where reading begins: `head` or `tail`; fail2ban passes on whatever is written.
    pub from: String,
    /// What it finds now, in the order of the directory; symbolic links that lead nowhere left out.
    pub files: Vec<PathBuf>,
}

impl JailText {
    /// A recognised option that is set.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
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

/// Reads jails.
pub(super) struct Reader<'a> {
    pub(super) loader: &'a Loader<'a>,
    pub(super) config: &'a Layered,
    pub(super) reads: &'a Reads,
}

impl Reader<'_> {
    /// The jail of a section, if it is enabled.
    pub(super) fn read(&self, section: &Section, findings: &mut Vec<Finding>) -> Option<JailText> {
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
        let mut findings = Findings { jail: &section.name, all: findings };
        match self.first(&mut jail) {
            Ok(()) if !jail.flag("enabled", Unset::No) => return None,
            Ok(()) => {
                let all = self.all(&mut jail, &mut findings);
                jail.outcome = all.map_err(Self::judge);
            }
            Err(error) => {
                // Whether it is enabled can be told all the same, unless that is what is wrong.
                let scope = self.scope(&jail);
                let enabled = scope.get("enabled").ok().flatten();
                let enabled = enabled.map(|text| Setting::new(options::JAIL[0], text).value);
                if enabled != Some(Value::Flag(true)) {
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

    fn all(&self, jail: &mut JailText, findings: &mut Findings<'_>) -> Result<(), Error> {
        let first = vars(&jail.settings, &DEFAULTS[..2]);
        let mut overlay = Options::default();
        let filter_file;
        let filter = match jail.setting("filter").map(|it| it.text.clone()) {
            Some(spec) if !spec.value.is_empty() => {
                let parsed = args::parse(&spec.value).map_err(|source| {
                    let (quoted, spec) = (Quoted::of("filter", &spec), spec.value.clone());
                    Error::FilterSpec { quoted, spec, source }
                })?;
                filter_file = self.load_filter(&parsed.name, &spec)?;
                let budget = &self.loader.budget;
                let mut source =
                    filter::Source::new(&filter_file, spec, parsed, &jail.backend, budget);
                for (name, text) in source.known(&first)?.iter() {
                    let raw = Raw { text: (*text.value).into(), place: text.place.clone() };
                    overlay.set(format!("{KNOWN}{name}"), raw);
                }
                Some(source)
            }
            _ => {
                findings.add(What::NoFilterSet { place: jail.place.clone() });
                None
            }
        };
        let scope = self.scope(jail).with_overlay(&overlay);
        jail.settings.clear();
        for known in options::JAIL {
            let Some(text) = scope.get(known.name)? else { continue };
            jail.settings.push(findings.converted(known, text));
        }
        for name in VARIABLES {
            // Without the notes of who reads what: nothing has read them for the jail's sake.
            let scope = Scope::new(self.config, &jail.name, &self.loader.budget);
            if let Ok(Some(text)) = scope.with_overlay(&overlay).get(name) {
                jail.variables.push((name.to_owned(), text));
            }
        }
        let vars = vars(&jail.settings, &DEFAULTS);
        if let Some(source) = filter {
            let filter = source.read(&vars)?;
            if !filter.is_defined {
                findings.add(What::NoDefinition { kind: "filter.d", name: filter.name.clone() });
            }
            findings.look_at(&filter.settings);
            jail.filter = Some(filter);
        }
        let of_filter = jail.filter.iter().flat_map(|filter| &filter.settings);
        let mut all = jail.settings.iter().chain(of_filter);
        if let Some(setting) = all.find(|setting| setting.name == "journalmatch") {
            jail.journalmatch = journalmatch(&setting.text)?;
        }
        self.actions(jail, &vars, findings)?;
        self.logs(jail, findings)
    }

    fn load_filter(&self, name: &str, spec: &Text) -> Result<Rc<Layered>, Error> {
        self.loader.load(&file_name("filter.d", name)).map_err(|failed| match failed {
            Failed::Absent => {
                Error::NoFilter { quoted: Quoted::of("filter", spec), name: name.to_owned() }
            }
            Failed::Wrong(errors) => first_of(&errors),
        })
    }

    fn actions(
        &self,
        jail: &mut JailText,
        vars: &Vars,
        findings: &mut Findings<'_>,
    ) -> Result<(), Error> {
        let list = jail.setting("action").map(|setting| setting.text.clone());
        let list = list.unwrap_or(Text { value: String::new(), place: None });
        for (number, entry) in args::split(&list.value).enumerate() {
            let quoted = || Quoted::new(list.place.clone(), "action", entry);
            // Finding where an entry ends may mean to look at the whole rest.
            self.loader.budget.spend(list.value.len(), quoted)?;
            if number >= ACTIONS_MAX {
                return Err(Error::TooManyActions { quoted: quoted(), max: ACTIONS_MAX });
            }
            let parsed = args::parse(entry).map_err(|source| {
                let spec = entry.to_owned();
                Error::ActionSpec { quoted: quoted(), spec, source }
            })?;
            let spec = Text { value: entry.to_owned(), place: list.place.clone() };
            jail.actions.push(if parsed.name.ends_with(".py") {
                self.python_action(spec, parsed)
            } else {
                let name = &parsed.name;
                let loaded = self.loader.load(&file_name("action.d", name));
                let config = loaded.map_err(|failed| match failed {
                    Failed::Absent => Error::NoAction { quoted: quoted(), name: name.clone() },
                    Failed::Wrong(errors) => first_of(&errors),
                })?;
                let (config, budget) = (&*config, &self.loader.budget);
                let source = action::Source { config, jail_name: &jail.name, spec, parsed, budget };
                source.read(vars)?
            });
            if let Some(ActionText {
                file, does: Does::Commands { is_defined: false, .. }, ..
            }) = jail.actions.last()
            {
                findings.add(What::NoDefinition { kind: "action.d", name: file.clone() });
            }
        }
        if jail.actions.is_empty() {
            findings.add(What::NoActions { place: jail.place.clone() });
        }
        Ok(())
    }

    fn python_action(&self, spec: Text, parsed: args::Spec) -> ActionText {
        let args::Spec { name, options: mut args } = parsed;
        let own = args.iter().position(|(name, _)| name == "actname");
        let actname = match own {
            Some(at) => args.remove(at).1,
            None => name.trim_end_matches(".py").to_owned(),
        };
        let file = self.loader.base().join("action.d").join(&name);
        ActionText { spec, file: name, actname, args, does: Does::Python { file } }
    }

    fn logs(&self, jail: &mut JailText, findings: &mut Findings<'_>) -> Result<(), Error> {
        let Some(logpath) = jail.setting("logpath").map(|setting| setting.text.clone()) else {
            return Ok(());
        };
        if jail.backend.starts_with("systemd") {
            return Ok(());
        }
        let quoted = |glob: &str| Quoted::new(logpath.place.clone(), "logpath", glob);
        let mut count = 0;
        for line in logpath.value.split('\n').map(strip).filter(|line| !line.is_empty()) {
            let (glob, from) = line.rsplit_once(' ').unwrap_or((line, "head"));
            let mut log = LogText { glob: glob.into(), from: from.into(), files: Vec::new() };
            let found_before = count;
            for Found { path, dangling } in self.loader.files().logs(glob) {
                count += 1;
                if dangling {
                    findings.add(What::DanglingLink { quoted: quoted(line), path });
                } else {
                    log.files.push(path);
                }
            }
            if count > LOGS_MAX {
                return Err(Error::TooManyLogs { quoted: quoted(line), max: LOGS_MAX });
            }
            if count == found_before {
                findings.add(What::NoFilesFor { quoted: quoted(line), glob: glob.to_owned() });
            }
            jail.logs.push(log);
        }
        if jail.logs.iter().any(|log| !log.files.is_empty()) {
            return Ok(());
        }
        let journalmatch = jail.setting("journalmatch");
        let has_journalmatch = journalmatch.is_some_and(|it| !it.text.value.is_empty());
        if jail.backend.starts_with("auto")
            && has_journalmatch
            && jail.flag("systemd_if_nologs", Unset::Yes)
        {
            jail.backend = "systemd".to_owned();
            findings.add(What::JournalInstead { quoted: quoted(&logpath.value) });
        } else if jail.flag("skip_if_nologs", Unset::No) {
            return Err(Error::NoLogs { quoted: quoted(&logpath.value), jail: jail.name.clone() });
        } else {
            findings.add(What::NoLogs { quoted: quoted(&logpath.value) });
        }
        Ok(())
    }

    /// Notes what the jail's section sets and nothing has read, once all jails are read.
    pub(super) fn note_unread(&self, jail: &mut JailText) {
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
fn file_name(dir: &str, name: &str) -> String {
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

/// Takes what is found about one jail.
struct Findings<'a> {
    jail: &'a str,
    all: &'a mut Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, what: What) {
        self.all.push(Finding { jail: Some(self.jail.to_owned()), what });
    }

    fn converted(&mut self, known: Known, text: Text) -> Setting {
        let setting = Setting::new(known, text);
        self.look_at(std::slice::from_ref(&setting));
        setting
    }

    fn look_at(&mut self, settings: &[Setting]) {
        for setting in settings {
            if setting.value == Value::Nothing {
                self.add(What::NotAnInteger { quoted: Quoted::of(&setting.name, &setting.text) });
            }
        }
    }
}
