//! A jail or a filter that somebody names to try it out: `sshd`, `sshd[mode=aggressive]`, `filter.d/sshd`,
//! `./my-filter.conf` (spec, client 8.1).
//!
//! Unlike for the daemon, a jail need not be enabled, nor have logs or actions; and a filter need not have a jail.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::args;
use super::directory::Directory;
use super::error::{Error, Place, Text};
use super::files::{Disk, Files};
use super::filter::{self, LogType};
use super::ini::{self, Raw};
use super::interpolate::{Budget, Reads};
use super::jail::{JailText, Reader};
use super::layer::{Failed, Layered, Loader};
use super::load::{Unusable, chain};
use super::read::{is_hidden, jail_conf};
use super::spec;
use crate::detect;

/// Where filters are kept.
const FILTERS: &str = "filter.d";

/// The ends of names of files that configuration is read from.
const EXTENSIONS: [&str; 2] = [".conf", ".local"];

/// What such options in a jail lead to is nothing that a filter is tried out with.
const ASIDE: [(&str, &str); 6] = [
    ("enabled", "true"),
    ("backend", "auto"),
    ("action", ""),
    ("logpath", ""),
    ("skip_if_nologs", "false"),
    ("systemd_if_nologs", "false"),
];

/// A filter that was found by its name.
#[derive(Clone, Debug)]
pub struct Named {
    /// By which of its names.
    pub origin: Origin,
    /// The options in brackets.
    pub options: Vec<(String, String)>,
    /// The filter.
    pub filter: detect::Spec,
    /// `maxlines`, as it was written, if it was.
    pub maxlines: Option<String>,
    /// `logencoding`, as it was written, if it was.
    pub logencoding: Option<String>,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A jail, enabled or not.
    Jail(String),
    /// A filter of a directory's `filter.d`.
    Filter {
        /// Its name, without an extension.
        name: String,
        /// The directory that `filter.d` is in.
        directory: PathBuf,
    },
    /// A file outside any `filter.d`.
    File(PathBuf),
}

/// The filter that a text names; `None` if it names none, and so may be a pattern itself.
///
/// # Errors
/// What is wrong with what it names.
pub fn lookup(directory: &Directory, text: &str) -> Result<Option<Named>, Unusable> {
    let Some(named) = parse(text) else { return Ok(None) };
    let stem = EXTENSIONS.iter().find_map(|it| named.name.strip_suffix(it));
    if stem.is_none()
        && !named.name.contains('/')
        && let Some(found) = directory.open(|loader| jail(&loader, &named))?
    {
        return Ok(Some(found));
    }
    let name = stem.unwrap_or(&named.name);
    let name = name.strip_prefix("filter.d/").unwrap_or(name);
    if !name.contains('/')
        && let Some(found) = directory.open(|loader| filter(&loader, name, &named))?
    {
        return Ok(Some(found));
    }
    let path = Path::new(&named.name);
    match path.is_file() {
        true if stem.is_some() => file(path, &named),
        true => {
            let path = path.display();
            let reason = format!("{path}: not the name of a filter; let it end in .conf");
            Err(Unusable { reasons: vec![reason] })
        }
        false => Ok(None),
    }
}

/// The name and the options, if the text has the shape of such.
fn parse(text: &str) -> Option<args::Spec> {
    let named = args::parse(text).ok()?;
    let is_of_name = |c: char| c.is_alphanumeric() || "_/-.".contains(c);
    named.name.chars().all(is_of_name).then_some(named)
}

fn jail(loader: &Loader<'_>, named: &args::Spec) -> Result<Option<Named>, Unusable> {
    let mut config = match jail_conf(loader) {
        Ok(config) => config,
        Err(Failed::Absent) => return Ok(None),
        Err(Failed::Wrong(errors)) => return Err(unusable(errors.iter())),
    };
    let Some(section) = config.section(&named.name).filter(|it| !is_hidden(&it.name)) else {
        return Ok(None);
    };
    let filter = section.options.get("filter").or_else(|| config.defaults.get("filter"));
    let filter = filter.map(|raw| raw.text.to_string() + &in_brackets(&named.options));
    let given = named.options.iter().map(|(name, value)| (name.to_lowercase(), escaped(value)));
    let aside = ASIDE.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = aside.into_iter().chain(given).chain(filter.map(|it| ("filter".to_owned(), it)));
    let raw = |text: String| Raw { text: text.into(), place: None };
    let asked = ini::Section {
        name: section.name.clone(),
        place: section.place.clone(),
        options: options.map(|(name, value)| (name.into(), raw(value))).collect(),
    };
    config.merge(&vec![asked]);
    let section = config.section(&named.name).expect("it was there before");
    let reader = Reader { loader, config: &config, reads: &Reads::default() };
    let jail = reader.read(section, &mut Vec::new()).expect("it was enabled above");
    if let Err(wrong) = &jail.outcome {
        return Err(unusable([&wrong.error].into_iter()));
    }
    named_by(Origin::Jail(jail.name.clone()), named, &jail).map(Some)
}

/// Options as they stand behind a filter's name.
fn in_brackets(options: &[(String, String)]) -> String {
    let one = |(name, value): &(String, String)| {
        let quote = if value.contains('"') { '\'' } else { '"' };
        format!("[{name}={quote}{}{quote}]", escaped(value))
    };
    options.iter().map(one).collect()
}

/// The text, for where `%(name)s` is replaced.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

fn filter(loader: &Loader<'_>, name: &str, named: &args::Spec) -> Result<Option<Named>, Unusable> {
    let Some(config) = load(loader, &format!("{FILTERS}/{name}"))? else { return Ok(None) };
    let origin = Origin::Filter { name: name.to_owned(), directory: loader.base().to_owned() };
    filter_of(loader, config, origin, named).map(Some)
}

fn file(path: &Path, named: &args::Spec) -> Result<Option<Named>, Unusable> {
    let wrong = |error| Unusable { reasons: vec![format!("{}: {error}", path.display())] };
    let whole = std::path::absolute(path).map_err(wrong)?;
    let directory = whole.parent().unwrap_or(Path::new("/"));
    let name = whole.with_extension("");
    if directory.file_name().is_some_and(|it| it == FILTERS) {
        let base = Directory::At(directory.parent().unwrap_or(directory).to_owned());
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return base.open(|loader| filter(&loader, &name, named));
    }
    let loader = Loader::new(&WithoutParts, directory, Budget::default());
    let Some(config) = load(&loader, &name.to_string_lossy())? else { return Ok(None) };
    filter_of(&loader, config, Origin::File(path.to_owned()), named).map(Some)
}

fn load(loader: &Loader<'_>, name: &str) -> Result<Option<Rc<Layered>>, Unusable> {
    match loader.load(name) {
        Ok(config) => Ok(Some(config)),
        Err(Failed::Absent) => Ok(None),
        Err(Failed::Wrong(errors)) => Err(unusable(errors.iter())),
    }
}

fn filter_of(
    loader: &Loader<'_>,
    config: Rc<Layered>,
    origin: Origin,
    named: &args::Spec,
) -> Result<Named, Unusable> {
    let spec = Text { value: named.name.clone(), place: None };
    let source =
        filter::Source::new(config, spec, named.clone(), Some(LogType::File), &loader.budget);
    let filter = source.read_alone().map_err(|error| unusable([&error].into_iter()))?;
    if !filter.is_defined {
        let reason =
            format!("{}: has no [Definition]; write one, with failregex in it", named.name);
        return Err(Unusable { reasons: vec![reason] });
    }
    let place = Place { file: Arc::from(Path::new(&named.name)), line: 1 };
    let jail = JailText {
        name: named.name.clone(),
        place,
        outcome: Ok(()),
        backend: "auto".to_owned(),
        settings: Vec::new(),
        filter: Some(filter),
        actions: Vec::new(),
        journalmatch: Vec::new(),
        logs: Vec::new(),
        variables: Vec::new(),
        unread: Vec::new(),
    };
    named_by(origin, named, &jail)
}

fn named_by(origin: Origin, named: &args::Spec, jail: &JailText) -> Result<Named, Unusable> {
    let filter = spec::filter(jail).map_err(|problems| Unusable {
        reasons: problems.iter().map(ToString::to_string).collect(),
    })?;
    let text = |name| jail.of_jail_or_filter(name).map(|setting| setting.text.value.clone());
    Ok(Named {
        origin,
        options: named.options.clone(),
        filter,
        maxlines: text("maxlines"),
        logencoding: text("logencoding"),
    })
}

fn unusable<'a>(errors: impl Iterator<Item = &'a Error>) -> Unusable {
    Unusable { reasons: errors.map(chain).collect() }
}

/// This host's files, without directories of parts: a file outside `filter.d` has none.
struct WithoutParts;

impl Files for WithoutParts {
    fn read(&self, path: &Path) -> std::io::Result<Option<Vec<u8>>> {
        Disk.read(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        Disk.is_dir(path)
    }

    fn list(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const JAILS: &str = "[DEFAULT]
mode = normal
filter = %(__name__)s[mode=%(mode)s]
[web]
enabled = false
port = http
logpath = /nowhere
action = %(nothing_of_that_name)s
[own]
filter = web
failregex = ^own <HOST>
";
    const FILTER: &str = "[Definition]
failregex = ^<mode> <HOST>
[Init]
mode = unset
";

    fn directory() -> TempDir {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("filter.d")).unwrap();
        fs::create_dir(dir.path().join("alone.d")).unwrap();
        let files = [
            ("jail.conf", JAILS),
            ("filter.d/web.conf", FILTER),
            ("filter.d/other.conf", FILTER),
            ("alone.conf", FILTER),
            ("alone.local", "[Init]\nmode = local\n"),
            ("alone.d/part.conf", "[Init]\nmode = part\n"),
            ("odd.filter", FILTER),
            ("none.conf", "[Init]\n"),
        ];
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    /// What a name stands for, and the first pattern of its filter.
    #[track_caller]
    fn check(name: &str, expected: Option<(&str, &str)>) {
        let dir = directory();
        let name = name.replace("DIR", dir.path().to_str().unwrap());
        let found = lookup(&Directory::At(dir.path().to_owned()), &name).unwrap();
        let found = found.map(|found| {
            let origin = match found.origin {
                Origin::Jail(name) => format!("jail {name}"),
                Origin::Filter { name, .. } => format!("filter {name}"),
                Origin::File(path) => format!("file {}", path.file_name().unwrap().display()),
            };
            (origin, found.filter.patterns.failregex[0].clone())
        });
        let found = found.as_ref().map(|(origin, pattern)| (origin.as_str(), pattern.as_str()));
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn a_jail_goes_before_a_filter_of_its_name() {
        check("web", Some(("jail web", "^normal <HOST>")));
        check("own", Some(("jail own", "^own <HOST>")));
        check("web.conf", Some(("filter web", "^unset <HOST>")));
        check("filter.d/web", Some(("filter web", "^unset <HOST>")));
        check("other", Some(("filter other", "^unset <HOST>")));
    }

    #[test]
    fn options_are_the_jails_and_its_filters() {
        check("web[mode=x]", Some(("jail web", "^x <HOST>")));
        check("web[mode=\"a%b\"]", Some(("jail web", "^a%b <HOST>")));
        check("web[failregex=\"^<HOST>\"]", Some(("jail web", "^<HOST>")));
        check("other[mode=x]", Some(("filter other", "^x <HOST>")));
    }

    #[test]
    fn a_path_leads_to_a_filter() {
        check("DIR/filter.d/web.conf", Some(("filter web", "^unset <HOST>")));
        check("DIR/alone.conf", Some(("file alone.conf", "^local <HOST>")));
        check("DIR/alone.conf[mode=x]", Some(("file alone.conf", "^x <HOST>")));
    }

    #[test]
    fn anything_else_may_be_a_pattern() {
        for text in ["nobody", "DEFAULT", "web[mode", "^x <HOST>", "web other", "DIR/none", ""] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_named_and_wrong_is_told() {
        let dir = directory();
        let wrong = |name: &str| {
            let name = format!("{}/{name}", dir.path().display());
            lookup(&Directory::BuiltIn, &name).unwrap_err().to_string()
        };
        assert!(wrong("odd.filter").ends_with("let it end in .conf"));
        assert!(wrong("none.conf").contains("has no [Definition]"));
    }
}
