//! Text becomes the stages' Specs. So far the text is our own: the one jail that needs no configuration.

mod sshd;
pub mod value;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::event::JailName;
use crate::{detect, jail, source};

/// Where distributions have sshd log to, the likeliest first.
const LOGS: [&str; 4] =
    ["/var/log/auth.log", "/var/log/secure", "/var/log/messages", "/var/log/syslog"];

/// Everything the daemon is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The jails, in the order in which they are to be started.
    pub jails: Vec<JailSpec>,
}

/// One jail, stage by stage.
#[derive(Clone, Debug)]
pub struct JailSpec {
    /// Its name; `policy` has the same.
    pub name: JailName,
    /// Where its lines come from.
    pub source: source::Spec,
    /// Which of them are failures.
    pub filter: detect::Spec,
    /// When failures lead to a ban.
    pub policy: jail::Spec,
}

/// A configuration that cannot be obeyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing stands where sshd usually logs to.
    #[error("no log of sshd found ({looked_for}); name it with --log FILE")]
    NoLog {
        /// The paths that were tried, with commas between them.
        looked_for: String,
    },
}

/// What we do unless told otherwise: the jail `sshd`, five failures in ten minutes, ten minutes' ban of all traffic.
///
/// It follows `log`, which need not be there yet; else the first of the usual logs that is there.
///
/// # Errors
/// No log named, and none of the usual ones found.
pub fn embedded(log: Option<PathBuf>) -> Result<Config, Error> {
    embedded_at(Path::new("/"), log)
}

fn embedded_at(root: &Path, log: Option<PathBuf>) -> Result<Config, Error> {
    let usual = || LOGS.map(|log| root.join(log.trim_start_matches('/'))).into_iter();
    let log = log.or_else(|| usual().find(|log| log.is_file()));
    let log = log.ok_or_else(|| Error::NoLog { looked_for: LOGS.join(", ") })?;
    let name: JailName = "sshd".into();
    let policy = jail::Spec {
        name: name.clone(),
        maxretry: const { NonZeroU32::new(5).expect("not zero") },
        findtime: Duration::from_secs(10 * 60),
        bantime: Some(Duration::from_secs(10 * 60)),
        maxmatches: 5,
        ignore: jail::ignore::Spec::default(),
    };
    let source = source::Spec { paths: vec![log], encoding: source::Encoding::UTF_8 };
    Ok(Config { jails: vec![JailSpec { name, source, filter: sshd::filter(), policy }] })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn log(config: &Config) -> &Path {
        &config.jails[0].source.paths[0]
    }

    #[test]
    fn the_first_usual_log_is_taken() {
        let root = TempDir::new().unwrap();
        fs::create_dir_all(root.path().join("var/log")).unwrap();
        for name in ["messages", "secure"] {
            fs::write(root.path().join("var/log").join(name), "").unwrap();
            let config = embedded_at(root.path(), None).unwrap();
            assert_eq!(log(&config), root.path().join("var/log").join(name));
        }
    }

    #[test]
    fn a_log_that_is_named_is_taken_even_if_missing() {
        let config = embedded(Some("/nowhere/log".into())).unwrap();
        assert_eq!(log(&config), Path::new("/nowhere/log"));
        let policy = &config.jails[0].policy;
        assert_eq!((&*policy.name, policy.maxretry.get()), ("sshd", 5));
    }

    #[test]
    fn where_no_log_is_found_the_error_says_what_to_do() {
        let root = TempDir::new().unwrap();
        assert_eq!(
            embedded_at(root.path(), None).unwrap_err().to_string(),
            "no log of sshd found (/var/log/auth.log, /var/log/secure, /var/log/messages, \
             /var/log/syslog); name it with --log FILE"
        );
    }
}
