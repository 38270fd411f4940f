//! A directory of configuration → everything the daemon is asked to do.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::Error;
use super::directory::Directory;
use super::finding::Finding;
use super::problem::Problem;
use super::rban_conf::{self, Settings};
use super::interpolate::Budget;
use super::layer::Loader;
use super::read::{Read, read_with};
use super::services::Services;
use super::jail::JailText;
use super::spec::{self, Built, JailSpec};
use super::lint;

/// Everything the daemon is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it stands.
    pub directory: PathBuf,
    /// rban's own settings.
    pub settings: Settings,
    /// The jails, in the order in which they are to be started.
    pub jails: Vec<JailSpec>,
    /// Jails that are enabled and cannot be started.
    pub failed: Vec<FailedJail>,
    /// What stops nothing, but the admin should know.
    pub warnings: Vec<Warning>,
}

/// A jail that cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedJail {
    /// Its name.
    pub name: String,
    /// Everything that is wrong with it: place, what is wrong, what to write.
    pub reasons: Vec<String>,
}

/// Something that stops nothing, but the admin should know.
#[derive(Clone, Debug)]
pub enum Warning {
    /// Found while reading.
    Finding(Finding),
    /// Found in what was read.
    Problem {
        /// The jail that it is about, if it is about one.
        jail: Option<String>,
        /// What is wrong.
        problem: Problem,
    },
}

impl Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finding(finding) => finding.fmt(f),
            Self::Problem { jail: Some(jail), problem } => write!(f, "{problem} (jail {jail})"),
            Self::Problem { jail: None, problem } => problem.fmt(f),
        }
    }
}

/// A configuration of which nothing can be obeyed: everything that is wrong with it.
#[derive(Clone, Debug)]
pub struct Unusable {
    /// Place, what is wrong, what to write; at least one.
    pub reasons: Vec<String>,
}

impl Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons.join("; "))
    }
}

impl std::error::Error for Unusable {}

/// Reads a configuration.
///
/// What is wrong with one jail fails that jail alone.
///
/// # Errors
/// What is wrong with `jail.conf` or `rban.conf` themselves, all of it.
pub fn load(directory: &Directory) -> Result<Config, Unusable> {
    directory.open(|loader| load_from(loader, Depth::Meaning))
}

/// Reads a configuration as [`load`] does, and looks at it more closely: at every pattern, and for what nothing reads.
///
/// # Errors
/// As [`load`].
pub fn examine(directory: &Directory) -> Result<Config, Unusable> {
    directory.open(|loader| load_from(loader, Depth::Patterns))
}

/// Reads a configuration as text, as fail2ban does.
///
/// # Errors
/// All that is wrong with the files that make up `jail.conf`.
pub fn read(directory: &Directory) -> Result<Read, Vec<Error>> {
    directory.open(read_with)
}

/// How closely a configuration is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Meaning,
    Patterns,
}

fn load_from(loader: &Loader<'_>, depth: Depth) -> Result<Config, Unusable> {
    let (settings, (errors, problems)) = rban_conf::read(loader);
    let mut reasons: Vec<String> = errors.iter().map(chain).collect();
    reasons.extend(problems.iter().map(ToString::to_string));
    let read = read_with(loader);
    reasons.extend(read.as_ref().err().into_iter().flatten().map(chain));
    match read {
        Ok(read) if reasons.is_empty() => Ok(build(loader, settings, read, depth)),
        _ => Err(Unusable { reasons }),
    }
}

fn build(loader: &Loader<'_>, settings: Settings, read: Read, depth: Depth) -> Config {
    let services = loader.files().read(Path::new("/etc/services")).ok().flatten();
    let services = Services::parse(&String::from_utf8_lossy(&services.unwrap_or_default()));
    let mut config = Config {
        directory: loader.base().to_owned(),
        settings,
        jails: Vec::new(),
        failed: Vec::new(),
        warnings: read.findings.into_iter().map(Warning::Finding).collect(),
    };
    for text in &read.jails {
        config.add(text, &services, depth);
    }
    config
}

impl Config {
    fn add(&mut self, text: &JailText, services: &Services, depth: Depth) {
        let failed = |reasons| FailedJail { name: text.name.clone(), reasons };
        if let Err(wrong) = &text.outcome {
            self.failed.push(failed(vec![chain(&wrong.error)]));
            return;
        }
        let Built { spec, mut warnings } = spec::build(text, services);
        let spec = spec.and_then(|spec| {
            if depth == Depth::Patterns {
                let (unusable, unwise) = lint::patterns(text, &spec);
                warnings.extend(unwise);
                warnings.extend(lint::unread(text));
                if !unusable.is_empty() {
                    return Err(unusable);
                }
            }
            Ok(spec)
        });
        let warn = |problem| Warning::Problem { jail: Some(text.name.clone()), problem };
        self.warnings.extend(warnings.into_iter().map(warn));
        match spec {
            Ok(spec) => self.jails.push(spec),
            Err(problems) => {
                self.failed.push(failed(problems.iter().map(ToString::to_string).collect()));
            }
        }
    }
}

/// An error and its causes.
fn chain(error: &Error) -> String {
    format!("{:#}", anyhow::Error::new(error.clone()))
}
