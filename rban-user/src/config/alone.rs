//! A filter by itself, as tools have it that try one out.

use std::path::Path;
use std::sync::Arc;

use super::args;
use super::directory::Directory;
use super::error::{Error, Place, Quoted, Text};
use super::filter::{FilterText, LogType, Source};
use super::jail::{JailText, file_name};
use super::layer::{Failed, Loader};
use super::load::{Unusable, chain};
use super::spec;
use crate::detect;

/// What `name[option=value, …]` stands for: a filter of this directory, or with a path in place of the name that of a
/// file, which is given without its extension. No jail adds anything to it, `logtype` only where neither the filter nor
/// its options say another.
///
/// # Errors
/// Everything that is wrong with it.
pub fn filter_alone(
    directory: &Directory,
    text: &str,
    logtype: Option<LogType>,
) -> Result<detect::Spec, Unusable> {
    directory.open(|loader| {
        let filter = read(&loader, text, logtype)
            .map_err(|errors| Unusable { reasons: errors.iter().map(chain).collect() })?;
        let jail = JailText::around(filter);
        spec::filter(&jail).map_err(|problems| Unusable {
            reasons: problems.iter().map(ToString::to_string).collect(),
        })
    })
}

fn read(
    loader: &Loader<'_>,
    text: &str,
    logtype: Option<LogType>,
) -> Result<FilterText, Vec<Error>> {
    let quoted = || Quoted::new(None, "filter", text);
    let parsed = args::parse(text).map_err(|source| {
        vec![Error::FilterSpec { quoted: quoted(), spec: text.to_owned(), source }]
    })?;
    let config =
        loader.load(&file_name("filter.d", &parsed.name)).map_err(|failed| match failed {
            Failed::Absent => vec![Error::NoFilter { quoted: quoted(), name: parsed.name.clone() }],
            Failed::Wrong(errors) => errors.to_vec(),
        })?;
    let spec = Text { value: text.to_owned(), place: None };
    let source = Source::new(config, spec, parsed, logtype, &loader.budget);
    source.read_alone().map_err(|error| vec![error])
}

impl JailText {
    /// A jail that says nothing itself.
    fn around(filter: FilterText) -> Self {
        let file: Arc<Path> = Path::new("").into();
        Self {
            name: filter.name.clone(),
            place: Place { file, line: 0 },
            outcome: Ok(()),
            backend: String::new(),
            settings: Vec::new(),
            filter: Some(filter),
            actions: Vec::new(),
            journalmatch: Vec::new(),
            logs: Vec::new(),
            variables: Vec::new(),
            unread: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of our own filters.
    fn ours(text: &str) -> Result<detect::Spec, Unusable> {
        filter_alone(&Directory::BuiltIn, text, None)
    }

    #[test]
    fn a_filter_is_read_without_a_jail() {
        let spec = ours("sshd").unwrap();
        assert!(!spec.patterns.failregex.is_empty());
    }

    #[test]
    fn its_options_count() {
        let number = |text| ours(text).unwrap().patterns.failregex.len();
        assert!(number("sshd[mode=aggressive]") > number("sshd"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [("nothing", "there is no filter nothing"), ("sshd[", "syntax")] {
            let unusable = ours(text).unwrap_err();
            assert!(unusable.to_string().contains(told), "{unusable}");
        }
    }
}
