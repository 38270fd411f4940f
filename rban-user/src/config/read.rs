//! A directory of configuration as text: what every jail says, with places, before it is given a meaning.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::Error;
use super::files::Files;
use super::finding::{Finding, What};
use super::ini::Raw;
use super::interpolate::{Budget, Reads};
use super::jail::{JailText, Reader};
use super::layer::{Failed, HIDDEN, INCLUDES, Layered, Loader};
use super::server::ServerText;

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

/// Reads a directory such as `/etc/fail2ban`. An error in what one jail needs is that jail's.
///
/// # Errors
/// All that is wrong with the files that make up `jail.conf`: then there are no jails to speak of.
pub fn read(dir: &Path, files: &dyn Files) -> Result<Read, Vec<Error>> {
    read_within(dir, files, Budget::default())
}

fn read_within(dir: &Path, files: &dyn Files, budget: Budget) -> Result<Read, Vec<Error>> {
    // Without a slash at its end.
    let dir: &Path = &dir.components().collect::<PathBuf>();
    if !files.is_dir(dir) {
        return Err(vec![Error::NoDirectory { dir: dir.to_owned() }]);
    }
    let loader = Loader::new(files, dir, budget);
    let mut findings = Vec::new();
    let server = ServerText::read(&loader, &mut findings);
    let config = match loader.load("jail") {
        Ok(config) => config,
        Err(Failed::Absent) => {
            let (name, dir) = ("jail".to_owned(), dir.to_owned());
            let what = What::Ignored(Error::NoFiles { name, dir });
            findings.push(Finding { jail: None, what });
            Rc::default()
        }
        Err(Failed::Wrong(errors)) => return Err(errors.to_vec()),
    };
    let mut config = Layered::clone(&config);
    let ours =
        [("fail2ban_version", FAIL2BAN_VERSION), ("fail2ban_confpath", &dir.to_string_lossy())];
    for (name, value) in ours {
        config.defaults.set(name, Raw { text: value.into(), place: None });
    }
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

/// Sections that are no jails.
fn is_hidden(name: &str) -> bool {
    name == INCLUDES || name.starts_with(HIDDEN)
}

#[cfg(test)]
mod tests;
