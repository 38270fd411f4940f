//! A directory of configuration as text: what every jail says, with places, before it is given a meaning.

use super::error::Error;
use super::files::Files;
use super::finding::{Finding, What};
use super::ini::Raw;
use super::interpolate::{Budget, Reads};
use super::jail::{JailText, Reader};
use super::layer::{Failed, HIDDEN, INCLUDES, Layered, Loader};
use super::server::ServerText;
use std::path::Path;

/// The fail2ban whose configuration we read; `%(fail2ban_version)s` in a jail.
const FAIL2BAN_VERSION: &str = "1.1.2.dev1";

/// All that a directory says.
#[derive(Clone, Debug)]
pub struct Read {
    /// `fail2ban.conf`.
    pub server: ServerText,
    /// The jails that are enabled, in order of appearance, those among them that cannot be started too.
    pub jails: Vec<JailText>,
    /// What else the admin should know.
    pub findings: Vec<Finding>,
}

/// Reads a directory such as `/etc/fail2ban`, whose files may come from anywhere.
///
/// # Errors
/// All that is wrong with the files that make up `jail.conf`: then there are no jails to speak of.
pub fn read_from(dir: &Path, files: &dyn Files) -> Result<Read, Vec<Error>> {
    read(Loader::new(files, dir, Budget::default()))
}

/// Reads the loader's directory. An error in what one jail needs is that jail's.
///
/// # Errors
/// All that is wrong with the files that make up `jail.conf`: then there are no jails to speak of.
pub(super) fn read(loader: Loader<'_>) -> Result<Read, Vec<Error>> {
    let dir = loader.base();
    if !loader.files().is_dir(dir) {
        return Err(vec![Error::NoDirectory { dir: dir.to_owned() }]);
    }
    let mut findings = Vec::new();
    let server = ServerText::read(&loader, &mut findings);
    let config = match jail_conf(&loader) {
        Ok(config) => config,
        Err(Failed::Absent) => {
            let (name, dir) = ("jail".to_owned(), dir.to_owned());
            let what = What::Ignored(Error::NoFiles { name, dir });
            findings.push(Finding { jail: None, what });
            Layered::default()
        }
        Err(Failed::Wrong(errors)) => return Err(errors.to_vec()),
    };
    let reads = Reads::default();
    let reader = Reader { loader: &loader, config: &config, reads: &reads };
    let candidates = config.sections().filter(|section| !is_hidden(&section.name));
    let mut jails: Vec<JailText> =
        candidates.filter_map(|section| reader.read(section, &mut findings)).collect();
    jails.iter_mut().for_each(|jail| reader.note_unread(jail));
    let ignored = loader.into_ignored().into_iter();
    findings.extend(ignored.map(|error| Finding { jail: None, what: What::Ignored(error) }));
    Ok(Read { server, jails, findings })
}

/// `jail.conf`, with what fail2ban adds to its defaults.
pub(super) fn jail_conf(loader: &Loader<'_>) -> Result<Layered, Failed> {
    let mut config = Layered::clone(&*loader.load("jail")?);
    let dir = loader.base().to_string_lossy();
    for (name, value) in [("fail2ban_version", FAIL2BAN_VERSION), ("fail2ban_confpath", &dir)] {
        config.defaults.set(name, Raw { text: value.into(), place: None });
    }
    Ok(config)
}

/// Sections that are no jails.
pub(super) fn is_hidden(name: &str) -> bool {
    name == INCLUDES || name.starts_with(HIDDEN)
}

#[cfg(test)]
mod tests;
