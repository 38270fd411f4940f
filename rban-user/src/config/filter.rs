//! A jail's filter (spec, config 7).

use std::rc::Rc;

use super::args::Spec;
use super::definition::{Args, DEFINITION, Definition, Others, Unresolved};
use super::error::{Error, Text};
use super::interpolate::{Budget, Vars};
use super::layer::Layered;
use super::options::{self, Known, Setting};
use super::ordered::Ordered;

/// A filter as a jail has it.
#[derive(Clone, Debug)]
pub struct FilterText {
    /// The jail's `filter`, as it was written, its `%(…)s` replaced.
    pub spec: Text,
    /// The file in `filter.d`, without its extension.
    pub name: String,
    /// What the jail gives it, `logtype` included if it was chosen by the backend.
    pub args: Vec<(String, String)>,
    /// The recognised options that the filter itself sets; those that the jail sets are among the jail's.
    pub settings: Vec<Setting>,
    /// Whether its file has a `[Definition]`.
    pub is_defined: bool,
}

/// How lines come, which a filter may ask for as `<logtype>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogType {
    /// As text in a file.
    File,
    /// As entries of the journal.
    Journal,
}

impl LogType {
    /// How they come by this backend.
    pub(super) fn of(backend: &str) -> Self {
        if backend.starts_with("systemd") { Self::Journal } else { Self::File }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Journal => "journal",
        }
    }
}

/// A filter while it is read: once for what is known of it, then for what counts beside the jail's own options.
pub(super) struct Source<'a> {
    spec: Text,
    name: String,
    given: Vec<(String, String)>,
    definition: Definition<'a>,
}

impl<'a> Source<'a> {
    /// `logtype` counts where neither the filter nor its arguments say another.
    pub(super) fn new(
        config: Rc<Layered>,
        spec: Text,
        parsed: Spec,
        logtype: Option<LogType>,
        budget: &'a Budget,
    ) -> Self {
        let mut args = Args::default();
        for (name, value) in &parsed.options {
            args.set(&**name, Text { value: value.clone(), place: spec.place.clone() });
        }
        let definition = config.section(DEFINITION);
        let is_set = definition.is_some_and(|it| it.options.contains("logtype"));
        if let Some(logtype) = logtype
            && !is_set
            && args.get("logtype").is_none_or(|it| it.value.is_empty())
        {
            args.set("logtype", Text { value: logtype.as_str().to_owned(), place: None });
        }
        let given = args.iter().map(|(name, text)| (name.to_string(), text.value.clone()));
        let given = given.collect();
        let definition = Definition::new(config, args, &options::FILTER, &[], budget);
        Self { spec, name: parsed.name, given, definition }
    }

    /// All that it says, for `%(known/…)s` in the jail.
    pub(super) fn known(&mut self, jail: &Vars) -> Result<Ordered<Text>, Error> {
        let options = self.definition.read(jail, Others::Wanted)?;
        self.definition.resolve(options, jail)
    }

    /// Reads what of it counts beside the jail's own options.
    pub(super) fn read(mut self, jail: &Vars) -> Result<Pending<'a>, Error> {
        let options = self.definition.read(jail, Others::Unwanted)?;
        Ok(Pending { source: self, options })
    }

    /// What of it counts where there is no jail. It is read once then, so options see what it is given as in `known`.
    pub(super) fn read_alone(mut self) -> Result<FilterText, Error> {
        let options = self.definition.read(&Vars::default(), Others::Wanted)?;
        Pending { source: self, options }.resolve(&Vars::default())
    }
}

/// A filter that is read, its tags not replaced yet.
pub(super) struct Pending<'a> {
    source: Source<'a>,
    options: Unresolved,
}

impl Pending<'_> {
    pub(super) fn resolve(self, jail: &Vars) -> Result<FilterText, Error> {
        let Source { spec, name, given, definition } = self.source;
        let options = definition.resolve(self.options, jail)?;
        Ok(FilterText {
            spec,
            name,
            args: given,
            settings: settings(&options, &options::FILTER),
            is_defined: definition.is_defined(),
        })
    }
}

/// The recognised ones of some options, in the options' order.
pub(super) fn settings(options: &Ordered<Text>, recognised: &[Known]) -> Vec<Setting> {
    let known = |name: &str| recognised.iter().find(|known| known.name == name);
    let of = |(name, text): (_, &Text)| Some(Setting::new(*known(name)?, text.clone()));
    options.iter().map(|(name, text)| (&**name, text)).filter_map(of).collect()
}
