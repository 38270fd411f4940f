//! One of a filter's patterns, compiled: what it captures, and under which names.

use std::ops::Range;

use super::fields::{Fields, Name, Names, Value};
use super::pyre::{self, Flags, LimitReached, Scratch, Steps};
use super::tag::{self, UseDns};

/// So many steps may one search take; then its line counts as not matching. The longest lines of the slowest shipped
/// patterns take a thousandth of it.
const SEARCH_STEPS: Steps = Steps(2_000_000);

/// The option whose pattern has the content of lines.
pub(super) const PREFREGEX: &str = "prefregex";

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not Python's dialect.
    #[error(
        "{option} = {pattern}: not a usable pattern; correct it, or escape what is meant literally"
    )]
    Pattern {
        /// Which option it stands in.
        option: &'static str,
        /// The pattern as it was written.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: pyre::Error,
    },
    /// A match would tell of nobody.
    #[error(
        "{option} = {pattern}: tells of nobody; write <HOST>, <ADDR> or <F-ID>…</F-ID> where they stand"
    )]
    Nobody {
        /// Which option it stands in.
        option: &'static str,
        /// The pattern as it was written.
        pattern: String,
    },
}

/// A pattern at work.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) pyre: pyre::Pattern,
    /// As it is compiled, its tags replaced.
    expanded: Box<str>,
    /// What each named group is stored under.
    groups: Vec<(Name, usize)>,
    /// Names that take the first of these groups that is not empty, where they have nothing themselves.
    alternatives: Vec<(Name, Vec<usize>)>,
    /// Names that become a tuple with these groups' values.
    tuples: Vec<(Name, Vec<usize>)>,
    /// The groups of skipped lines.
    skipped: Vec<usize>,
    /// The group of `<F-CONTENT>`, in a prefregex.
    content: Option<usize>,
}

impl Pattern {
    pub(super) fn new(
        option: &'static str,
        source: &str,
        flags: Flags,
        usedns: UseDns,
        names: &mut Names,
    ) -> Result<Self, Error> {
        let expanded = tag::expand(source, usedns);
        let pyre = pyre::Pattern::new(&expanded, flags).map_err(|cause| Error::Pattern {
            option,
            pattern: source.to_owned(),
            source: cause,
        })?;
        let mut named: Vec<(String, usize)> =
            pyre.group_names().map(|(name, group)| (name.to_owned(), group)).collect();
        let skips = |(name, _): &(String, usize)| name.starts_with("skiplines");
        let skipped = named.iter().filter(|it| skips(it)).map(|(_, group)| *group).collect();
        named.retain(|it| !skips(it));
        let alternatives = targets(&named, "alt_", names);
        let tuples = targets(&named, "tuple_", names);
        named.sort_by_key(|(_, group)| *group);
        let mut groups: Vec<(Name, usize)> =
            named.into_iter().map(|(name, group)| (names.intern(&name), group)).collect();
        let content = groups.iter().position(|(name, _)| *name == Name::CONTENT);
        let content = content.filter(|_| option == PREFREGEX).map(|at| groups.remove(at).1);
        let expanded = expanded.into();
        Ok(Self { pyre, expanded, groups, alternatives, tuples, skipped, content })
    }

    /// Whether a match says who failed, or at least in which session.
    pub(super) fn tells_of_somebody(&self) -> bool {
        let ids = [Name::FID, Name::IP4, Name::IP6, Name::DNS, Name::MLFID];
        self.groups.iter().any(|(name, _)| ids.contains(name))
            || self.alternatives.iter().any(|(name, _)| ids.contains(name))
    }

    /// Searches a text; what is captured stays in `scratch`.
    pub(super) fn search(&self, scratch: &mut Scratch, text: &[u8]) -> Result<bool, LimitReached> {
        self.pyre.search(scratch, text, SEARCH_STEPS)
    }

    /// The pattern, its tags replaced.
    pub(super) fn expanded(&self) -> &str {
        &self.expanded
    }

    /// The names of its groups, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = Name> {
        self.groups.iter().map(|(name, _)| *name)
    }

    /// Where the last search of a prefregex captured `<F-CONTENT>`.
    pub(super) fn content(&self, scratch: &Scratch) -> Option<Range<usize>> {
        scratch.group(self.content?)
    }

    /// Where the last search captured skipped lines.
    pub(super) fn skipped(&self, scratch: &Scratch) -> impl Iterator<Item = Range<usize>> {
        self.skipped.iter().filter_map(|group| scratch.group(*group))
    }

    /// Adds to `fields` what the last search captured in `text`.
    pub(super) fn capture(&self, scratch: &Scratch, text: &[u8], fields: &mut Fields) {
        let text = str::from_utf8(text).expect("texts are UTF-8");
        // Groups end between characters.
        let value = |group: usize| scratch.group(group).map(|range| &text[range]);
        for (name, group) in &self.groups {
            if let Some(text) = value(*group) {
                fields.set(*name, Value::Text(text.into()));
            }
        }
        for (name, groups) in &self.alternatives {
            if fields.text(*name).is_none()
                && let Some(text) =
                    groups.iter().find_map(|group| value(*group).filter(|it| !it.is_empty()))
            {
                fields.set(*name, Value::Text(text.into()));
            }
        }
        for (name, groups) in &self.tuples {
            let own = fields.text(*name).unwrap_or_default().into();
            let rest = groups.iter().map(|group| value(*group).unwrap_or_default().into());
            fields.set(*name, Value::Many(std::iter::once(own).chain(rest).collect()));
        }
    }
}

/// The groups named `PREFIX_X` or `PREFIX_X_1` by X, in the order of their names.
fn targets(named: &[(String, usize)], prefix: &str, names: &mut Names) -> Vec<(Name, Vec<usize>)> {
    let mut sorted: Vec<_> = named.iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    sorted.sort();
    let mut targets: Vec<(Name, Vec<usize>)> = Vec::new();
    for (name, group) in sorted {
        let target = &name[prefix.len()..];
        let base = target.rsplit_once('_');
        let numbered = |(_, end): &(&str, &str)| end.bytes().all(|byte| byte.is_ascii_digit());
        let target = base.filter(numbered).map_or(target, |(base, _)| base);
        let target = names.intern(match target {
            "id" => "fid",
            "port" => "fport",
            target => target,
        });
        match targets.iter_mut().find(|(it, _)| *it == target) {
            Some((_, groups)) => groups.push(*group),
            None => targets.push((target, vec![*group])),
        }
    }
    targets
}
