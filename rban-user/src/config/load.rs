//! A directory of configuration → everything the daemon is asked to do.

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::directory::Directory;
use super::error::Error;
use super::files::Files;
use super::finding::{Finding, What};
use super::jail::{JailText, LogText};
use super::layer::Loader;
use super::lint;
use super::problem::Problem;
use super::rban_conf::{self, Settings};
use super::read::{self, Read};
use super::server::ServerText;
use super::services::Services;
use super::spec::{self, Built, JailSpec, Logs};

/// Everything the daemon is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it stands.
    pub directory: PathBuf,
    /// rban's own settings.
    pub settings: Settings,
    /// What `fail2ban.conf` says of the server.
    pub server: ServerText,
    /// The jails, in the order in which they are to be started.
    pub jails: Vec<JailSpec>,
    /// What was written of each of them, in the same order.
    pub texts: Vec<JailText>,
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

/// What the command line says in place of what jails say.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The one log of every jail; it need not be there yet.
    pub log: Option<PathBuf>,
    /// Options of every jail, such as `maxretry`.
    pub options: Vec<(&'static str, String)>,
}

/// Reads a configuration.
///
/// What is wrong with one jail fails that jail alone.
///
/// # Errors
/// What is wrong with `jail.conf` or `rban.conf` themselves, all of it.
pub fn load(directory: &Directory, overrides: &Overrides) -> Result<Config, Unusable> {
    directory.open(|loader| load_from(loader, overrides, Depth::Meaning))
}

/// Reads rban's own settings alone.
///
/// # Errors
/// Everything that is wrong with them.
pub fn settings(directory: &Directory) -> Result<Settings, Unusable> {
    directory.open(|loader| settings_of(&loader))
}

/// Reads a configuration as [`load`] does, and looks at it more closely: at every pattern, and for what nothing reads.
///
/// # Errors
/// As [`load`].
pub fn examine(directory: &Directory) -> Result<Config, Unusable> {
    directory.open(|loader| load_from(loader, &Overrides::default(), Depth::Patterns))
}

/// Reads a configuration as text, as fail2ban does.
///
/// # Errors
/// All that is wrong with the files that make up `jail.conf`.
pub fn read(directory: &Directory) -> Result<Read, Vec<Error>> {
    directory.open(read::read)
}

/// How closely a configuration is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Meaning,
    Patterns,
}

fn load_from(loader: Loader<'_>, overrides: &Overrides, depth: Depth) -> Result<Config, Unusable> {
    let (files, base) = (loader.files(), loader.base());
    let settings = settings_of(&loader);
    let read = read::read(loader)
        .map_err(|errors| Unusable { reasons: errors.iter().map(chain).collect() });
    match (settings, read) {
        (Ok(settings), Ok(mut read)) => {
            overrides.apply(&mut read);
            Ok(build(files, base, settings, read, depth))
        }
        (settings, read) => {
            let both = [settings.err(), read.err()].into_iter().flatten();
            Err(Unusable { reasons: both.flat_map(|it| it.reasons).collect() })
        }
    }
}

fn settings_of(loader: &Loader<'_>) -> Result<Settings, Unusable> {
    let (settings, (errors, problems)) = rban_conf::read(loader);
    let reasons = errors.iter().map(chain).chain(problems.iter().map(ToString::to_string));
    let reasons: Vec<String> = reasons.collect();
    if reasons.is_empty() { Ok(settings) } else { Err(Unusable { reasons }) }
}

fn build(files: &dyn Files, base: &Path, settings: Settings, read: Read, depth: Depth) -> Config {
    let services = files.read(Path::new("/etc/services")).ok().flatten();
    let services = Services::parse(&String::from_utf8_lossy(&services.unwrap_or_default()));
    let mut config = Config {
        directory: base.to_owned(),
        settings,
        server: read.server,
        jails: Vec::new(),
        texts: Vec::new(),
        failed: Vec::new(),
        warnings: Vec::new(),
    };
    let of_interest = read.findings.into_iter().filter(|it| is_of_interest(&it.what));
    config.warnings.extend(of_interest.map(Warning::Finding));
    for text in &read.jails {
        config.add(text, &services, depth);
    }
    config
}

impl Overrides {
    fn apply(&self, read: &mut Read) {
        if self.log.is_some() {
            read.findings.retain(|it| !matches!(it.what, What::NoFilesFor { .. }));
        }
        for jail in &mut read.jails {
            if let Some(log) = &self.log {
                jail.backend = "auto".to_owned();
                let (glob, from) = (log.display().to_string(), "tail".to_owned());
                jail.logs = vec![LogText { glob, from, files: vec![log.clone()] }];
            }
            for (option, value) in &self.options {
                jail.set(option, value);
            }
        }
    }
}

impl Config {
    fn add(&mut self, text: &JailText, services: &Services, depth: Depth) {
        let failed = |reasons| FailedJail { name: text.name.clone(), reasons };
        if let Err(wrong) = &text.outcome {
            self.failed.push(failed(vec![chain(&wrong.error)]));
            return;
        }
        let Built { spec, mut warnings } = spec::build(text, services, Logs::Needed);
        let spec = spec.and_then(|mut spec| {
            spec.policy.ipv6_prefix = self.settings.ipv6_prefix;
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
            Ok(spec) => {
                self.jails.push(spec);
                self.texts.push(text.clone());
            }
            Err(problems) => {
                self.failed.push(failed(problems.iter().map(ToString::to_string).collect()));
            }
        }
    }
}

/// Whether rban's admin should know: not what only fail2ban's server would do without, nor that a jail has no log at
/// all, for then the jail fails and says so itself.
fn is_of_interest(what: &What) -> bool {
    !matches!(
        what,
        What::NoLogs { .. } | What::NotSet { .. } | What::Ignored(Error::NoFiles { .. })
    )
}

/// An error and its causes.
pub(super) fn chain(error: &Error) -> String {
    format!("{:#}", anyhow::Error::new(error.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::files::Embedded;
    use super::super::interpolate::Budget;
    use super::*;
    use crate::jail::Neighbours;

    /// A jail with these options, examined.
    fn examined(options: &str) -> Config {
        let jail =
            format!("[j]\nenabled = true\nbackend = systemd\nfilter = f\naction = a\n{options}");
        let files = [
            ("/etc/jail.conf", jail.as_bytes()),
            ("/etc/rban.conf", &b"[xdp]\nipv6_prefix = 64\n"[..]),
            ("/etc/filter.d/f.conf", b"[Definition]\nfailregex = ^fail <HOST>\n"),
            ("/etc/action.d/a.conf", b"[Definition]\nactionban = true\n"),
        ];
        let files = Embedded(&files);
        let loader = Loader::new(&files, Path::new("/etc"), Budget::default());
        load_from(loader, &Overrides::default(), Depth::Patterns).unwrap()
    }

    #[test]
    fn how_bans_spread_is_asked_in_the_jail_and_in_rban_conf() {
        let config = examined("neighbours = 5\nneighbours_v6 = 56\n");
        let (policy, warnings) = (&config.jails[0].policy, &config.warnings);
        let expected = Neighbours { hosts: 5.try_into().unwrap(), v4: 24, v6: 56 };
        assert_eq!((policy.neighbours, policy.ipv6_prefix), (Some(expected), 64));
        assert!(warnings.is_empty(), "{}", warnings[0]);
        assert_eq!(examined("").jails[0].policy.neighbours, None);
        assert_eq!(examined("neighbours = 0\n").jails[0].policy.neighbours, None);
    }

    #[track_caller]
    fn refused(option: &str, reason: &str) {
        let failed = &examined(&format!("{option}\n")).failed[0].reasons;
        assert!(failed[0].starts_with(reason), "{failed:?}");
    }

    #[test]
    fn what_cannot_be_obeyed_fails_the_jail() {
        refused(
            "neighbours_v4 = 32",
            "/etc/jail.conf:6: neighbours_v4 = 32: not a number from 8 to 31; write digits only",
        );
        refused(
            "bantime.formula = os.system('x')",
            "/etc/jail.conf:6: bantime.formula = os.system('x'): \"os.system\" means nothing in a formula; write numbers,",
        );
    }
}
