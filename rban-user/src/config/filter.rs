//! A jail's filter (spec, config 7).

use super::args::Spec;
use super::definition::{self, Args, DEFINITION, OfJail, Resolved, Wanted};
use super::error::{Error, Text};
use super::interpolate::{Budget, Vars};
use super::layer::Layered;
use super::options::{self, Setting};
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
}

/// Where a jail's filter comes from.
pub(super) struct Source<'a> {
    pub(super) config: &'a Layered,
    pub(super) spec: Text,
    pub(super) parsed: Spec,
    pub(super) backend: String,
    pub(super) budget: &'a Budget,
}

impl Source<'_> {
    fn args(&self) -> Args {
        let mut args = Args::default();
        for (name, value) in &self.parsed.options {
            args.set(&**name, Text { value: value.clone(), place: self.spec.place.clone() });
        }
        let definition = self.config.section(DEFINITION);
        let own = definition.and_then(|it| it.options.get("logtype"));
        if own.is_none() && args.get("logtype").is_none_or(|it| it.value.is_empty()) {
            let value = if self.backend.starts_with("systemd") { "journal" } else { "file" };
            args.set("logtype", Text { value: value.to_owned(), place: None });
        }
        args
    }

    fn resolve(&self, jail: OfJail<'_>, wanted: &Wanted) -> Result<Resolved, Error> {
        definition::resolve(self.config, self.args(), jail, wanted, &[], self.budget)
    }

    /// All that it says, for `%(known/…)s` in the jail.
    pub(super) fn known(&self, first: &Vars) -> Result<Ordered<Text>, Error> {
        let jail = OfJail { vars: first, tags: first };
        Ok(self.resolve(jail, &Wanted::All)?.options)
    }

    /// What of it counts beside the jail's own options; and whether it has a `[Definition]`.
    pub(super) fn read(&self, jail: OfJail<'_>) -> Result<(FilterText, bool), Error> {
        let resolved = self.resolve(jail, &Wanted::Recognised(&options::FILTER))?;
        let args = self.args();
        let args = args.iter().map(|(name, text)| (name.to_string(), text.value.clone()));
        let filter = FilterText {
            spec: self.spec.clone(),
            name: self.parsed.name.clone(),
            args: args.collect(),
            settings: settings(&resolved.options, &options::FILTER),
        };
        Ok((filter, resolved.is_defined))
    }
}

/// The recognised ones of some options, in the options' order.
pub(super) fn settings(options: &Ordered<Text>, known: &[options::Known]) -> Vec<Setting> {
    let of = |(name, text): (&std::sync::Arc<str>, &Text)| {
        let known = known.iter().find(|known| *known.name == **name)?;
        Some(Setting::new(*known, text.clone()))
    };
    options.iter().filter_map(of).collect()
}
