//! `%(name)s`, `%(known/name)s`, `%(default/name)s`, `%(section/name)s` (spec, config 5).
//!
//! Applied when an option is read, not when files are merged: so a value in an early file sees what later files set.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::{Error, Place, Quoted, Text};
use super::ini::Raw;
use super::layer::{Layered, Options, Section, known_of};

/// References within references.
const DEPTH_MAX: usize = 10;
/// So long may a value grow; every reference counts for [`REFERENCE_COST`] bytes more.
pub(super) const VALUE_MAX_BYTES: usize = 1 << 20;
/// What replacing a reference costs, even by nothing.
pub(super) const REFERENCE_COST: usize = 16;
/// What reading an option costs, even an empty one.
const OPTION_COST: usize = 64;
/// All values of one load together; the stock configuration with all its jails costs a fiftieth.
const LOAD_MAX_BYTES: u64 = 256 << 20;

/// What resolving all the values of one load may yet cost, in bytes copied or looked at.
#[derive(Debug)]
pub(super) struct Budget {
    max: u64,
    left: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::new(LOAD_MAX_BYTES)
    }
}

impl Budget {
    pub(super) fn new(max: u64) -> Self {
        Self { max, left: Cell::new(max) }
    }

    /// Takes so much away; an error that quotes the option if there is not so much.
    pub(super) fn spend(&self, cost: usize, quoted: impl FnOnce() -> Quoted) -> Result<(), Error> {
        match self.left.get().checked_sub(cost as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                // Or many would come who ask for more than is left, each after the work is done.
                self.left.set(0);
                Err(Error::TooMuchWork { quoted: quoted(), max: self.max })
            }
        }
    }
}

/// Options that come before those of the section, their names in lower case. One that is `None` is not to be found,
/// but hides what comes after it.
pub(super) type Vars = HashMap<String, Option<Text>>;

/// Which options of which sections something has read.
#[derive(Debug, Default)]
pub(super) struct Reads(RefCell<HashSet<(Arc<str>, String)>>);

impl Reads {
    pub(super) fn contain(&self, section: &Arc<str>, option: &str) -> bool {
        self.0.borrow().contains(&(section.clone(), option.to_owned()))
    }
}

/// Where names are looked up: a section of a configuration, [`DEFAULT`](super::ini::DEFAULT) behind it, and perhaps
/// something before it.
pub(super) struct Scope<'a> {
    config: &'a Layered,
    section: Option<&'a Section>,
    /// What comes before the section, the first of them first.
    vars: [Option<&'a Vars>; 2],
    /// Options that a jail has from its filter: `known/…`.
    overlay: Option<&'a Options>,
    reads: Option<&'a Reads>,
    budget: &'a Budget,
}

/// An option's text as it stands there.
#[derive(Clone, Copy)]
struct Found<'a> {
    text: &'a str,
    place: Option<&'a Place>,
}

impl<'a> From<&'a Raw> for Found<'a> {
    fn from(raw: &'a Raw) -> Self {
        Self { text: &raw.text, place: raw.place.as_ref() }
    }
}

impl<'a> From<&'a Text> for Found<'a> {
    fn from(text: &'a Text) -> Self {
        Self { text: &text.value, place: text.place.as_ref() }
    }
}

impl<'a> Scope<'a> {
    /// A section; where it is missing, only `DEFAULT`.
    pub(super) fn new(config: &'a Layered, section: &str, budget: &'a Budget) -> Self {
        let section = config.section(section);
        Self { config, section, vars: [None; 2], overlay: None, reads: None, budget }
    }

    /// With options that come before the section's own, the first of them first.
    pub(super) fn with_vars(self, vars: [&'a Vars; 2]) -> Self {
        Self { vars: vars.map(Some), ..self }
    }

    pub(super) fn with_overlay(self, overlay: &'a Options) -> Self {
        Self { overlay: Some(overlay), ..self }
    }

    pub(super) fn noting(self, reads: &'a Reads) -> Self {
        Self { reads: Some(reads), ..self }
    }

    pub(super) fn section(&self) -> Option<&'a Section> {
        self.section
    }

    /// An option, with all its references replaced.
    pub(super) fn get(&self, option: &str) -> Result<Option<Text>, Error> {
        self.find(option).map(|found| self.resolve(option, found)).transpose()
    }

    /// What stands in an option, its references replaced.
    fn resolve(&self, option: &str, found: Found<'_>) -> Result<Text, Error> {
        let mut value =
            Expansion { scope: self, text: String::with_capacity(found.text.len()), cost: 0 };
        let added = value.add(option, found, 1);
        self.budget.spend(OPTION_COST + value.cost, || {
            Quoted::new(found.place.cloned(), option, found.text)
        })?;
        added?;
        Ok(Text { value: value.text, place: found.place.cloned() })
    }

    /// What an option was before the last layer that set it, as it comes to in that layer; else what it is. The vars
    /// are left aside.
    pub(super) fn get_known(&self, option: &str) -> Result<Option<Text>, Error> {
        let bare = Self { vars: [None; 2], ..*self };
        let before = self.known().map(|known| Self { section: Some(known), ..bare });
        match before.map(|before| before.get(option)).transpose()?.flatten() {
            Some(text) => Ok(Some(text)),
            None => bare.get(option),
        }
    }

    fn known(&self) -> Option<&'a Section> {
        self.config.section(&known_of(&self.section?.name))
    }

    /// An option as it stands there.
    fn find(&self, option: &str) -> Option<Found<'a>> {
        if let Some(text) = self.vars.into_iter().flatten().find_map(|vars| vars.get(option)) {
            return text.as_ref().map(Into::into);
        }
        if let Some(raw) = self.overlay.and_then(|overlay| overlay.get(option)) {
            return Some(raw.into());
        }
        if let Some(raw) = self.section.and_then(|section| self.of_section(section, option)) {
            return Some(raw.into());
        }
        self.config.defaults.get(option).map(Into::into)
    }

    fn of_section(&self, section: &'a Section, option: &str) -> Option<&'a Raw> {
        let raw = section.options.get(option)?;
        if let Some(Reads(reads)) = self.reads {
            reads.borrow_mut().insert((section.name.clone(), option.to_owned()));
        }
        Some(raw)
    }

    /// What `%(name)s` stands for.
    fn refer(&self, name: &str) -> Option<Found<'a>> {
        let lower = lower_case(name);
        if *lower == *"__name__" {
            let section = self.section?;
            return Some(Found { text: &section.name, place: None });
        }
        if let Some(found) = self.find(&lower) {
            return Some(found);
        }
        if lower != name {
            return None;
        }
        let (section, option) = name.split_once('/')?;
        let found = match section {
            "known" => self.known().and_then(|known| known.options.get(option)),
            "default" => None,
            _ if section.contains(|c: char| !c.is_alphanumeric() && c != '_' && c != '-') => {
                return None;
            }
            _ => self.of_section(self.config.section(section)?, option),
        };
        found.or_else(|| self.config.defaults.get(option)).map(Into::into)
    }
}

/// In lower case, as the names of options are.
pub(super) fn lower_case(name: &str) -> Cow<'_, str> {
    if name.chars().any(|c| !c.is_ascii() || c.is_ascii_uppercase()) {
        return name.to_lowercase().into();
    }
    name.into()
}

/// A value as it grows.
struct Expansion<'s, 'a> {
    scope: &'s Scope<'a>,
    text: String,
    cost: usize,
}

impl Expansion<'_, '_> {
    /// Adds what stands in an option, its references replaced.
    fn add(&mut self, option: &str, found: Found<'_>, depth: usize) -> Result<(), Error> {
        let quoted = || Quoted::new(found.place.cloned(), option, found.text);
        if depth > DEPTH_MAX {
            return Err(Error::TooDeep { quoted: quoted(), max: DEPTH_MAX });
        }
        let mut rest = found.text;
        while let Some(at) = rest.find('%') {
            self.push(&rest[..at], &quoted)?;
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                self.push("%", &quoted)?;
                rest = after;
                continue;
            }
            let Some(after) = rest.strip_prefix('(') else {
                return Err(Error::PercentSign { quoted: quoted() });
            };
            let closed = after.split_once(')').filter(|(name, _)| !name.is_empty());
            let closed = closed.and_then(|(name, rest)| Some((name, rest.strip_prefix('s')?)));
            let Some((name, after)) = closed else {
                return Err(Error::OpenReference { quoted: quoted() });
            };
            rest = after;
            self.spend(REFERENCE_COST, &quoted)?;
            let Some(inner) = self.scope.refer(name) else {
                return Err(Error::NoSuchName { quoted: quoted(), name: name.to_owned() });
            };
            if inner.text.contains('%') {
                self.add(&lower_case(name), inner, depth + 1)?;
            } else {
                self.push(inner.text, &quoted)?;
            }
        }
        self.push(rest, &quoted)
    }

    fn push(&mut self, text: &str, quoted: &dyn Fn() -> Quoted) -> Result<(), Error> {
        self.spend(text.len(), quoted)?;
        self.text.push_str(text);
        Ok(())
    }

    fn spend(&mut self, cost: usize, quoted: &dyn Fn() -> Quoted) -> Result<(), Error> {
        self.cost += cost;
        if self.cost > VALUE_MAX_BYTES {
            return Err(Error::TooLong { quoted: quoted(), max: VALUE_MAX_BYTES });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
