//! rban's own settings: `rban.conf` and what lies over it (design, section 3).

use std::path::PathBuf;

use serde::Serialize;

use super::error::{Error, Quoted, Text};
use super::interpolate::Scope;
use super::layer::{Failed, Loader};
use super::nearest::nearest;
use super::options::is_true;
use super::problem::{Problem, Wrong};
use crate::enforce::xdp::{Limits, Mode, Monitor};

/// Who carries out the firewall actions of jails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforce {
    /// The kernel's dropper.
    Xdp,
    /// Their commands, as fail2ban has it.
    Actions,
    /// The dropper first, then their commands.
    Both,
}

/// What `rban.conf` says; what it does not say is as [`Default`] has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Who carries out the firewall actions of jails.
    pub enforce: Enforce,
    /// Where clients find the daemon.
    pub socket: PathBuf,
    /// Where bans are kept.
    pub dbfile: PathBuf,
    /// Where the log goes: a file, `STDOUT`, `STDERR`, `SYSLOG`, `JOURNAL`; `None` = where `fail2ban.conf` says.
    pub logtarget: Option<String>,
    /// The interfaces to attach to; none = those of the default routes.
    pub interfaces: Vec<String>,
    /// Where in the kernel.
    pub mode: Mode,
    /// Whether to drop, or only to count.
    pub monitor: Monitor,
    /// How many bans at a time.
    pub limits: Limits,
    /// By how many bits IPv6 sources are counted and banned, 1 to 128.
    pub ipv6_prefix: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enforce: Enforce::Xdp,
            socket: crate::control::DEFAULT_SOCKET.into(),
            dbfile: "/var/lib/rban/rban.sqlite3".into(),
            logtarget: None,
            interfaces: Vec::new(),
            mode: Mode::Auto,
            monitor: Monitor::Off,
            limits: Limits::default(),
            ipv6_prefix: 128,
        }
    }
}

const DEFINITION: &str = "Definition";
const XDP: &str = "xdp";

/// The options of each section; any other is a mistake.
const KNOWN: [(&str, &[&str]); 2] = [
    (DEFINITION, &["enforce", "socket", "dbfile", "logtarget"]),
    (XDP, &["interfaces", "mode", "monitor", "max_bans_v4", "max_bans_v6", "ipv6_prefix"]),
];

/// So many bans are the most that a map is made for.
const BANS_MAX: i64 = 100_000_000;

/// What was wrong with the files themselves, and with what they say.
type Wrongs = (Vec<Error>, Vec<Problem>);

/// Reads it from the loader's directory, where it may be absent.
pub(super) fn read(loader: &Loader<'_>) -> (Settings, Wrongs) {
    let config = match loader.load("rban") {
        Ok(config) => config,
        Err(Failed::Absent) => return Default::default(),
        Err(Failed::Wrong(errors)) => return (Settings::default(), (errors.to_vec(), Vec::new())),
    };
    let mut take = Take { errors: Vec::new(), problems: Vec::new() };
    let mut settings = Settings::default();
    for section in config.sections() {
        let known = KNOWN.iter().find(|(name, _)| *name == &*section.name);
        for (option, raw) in section.options.iter() {
            let options: &[&str] = known.map_or(&[], |(_, options)| options);
            if !options.contains(&&**option) {
                let instead = match nearest(option, options) {
                    Some(meant) => format!("write {meant} if that is meant"),
                    None => format!("remove it, or put it into {DEFINITION} or {XDP}"),
                };
                let quoted = Quoted::new(raw.place.clone(), option, &raw.text);
                take.problems.push(Problem { quoted, wrong: Wrong::Unread { instead } });
            }
        }
        let scope = Scope::new(&config, &section.name, &loader.budget);
        let options = known.into_iter().flat_map(|(_, options)| options.iter());
        for option in options.filter(|option| section.options.contains(option)) {
            match scope.get(option) {
                Ok(Some(text)) => take.option(option, &text, &mut settings),
                Ok(None) => {}
                Err(error) => take.errors.push(error),
            }
        }
    }
    (settings, (take.errors, take.problems))
}

/// Takes options one by one, and what is wrong with them.
struct Take {
    errors: Vec<Error>,
    problems: Vec<Problem>,
}

impl Take {
    fn option(&mut self, option: &str, text: &Text, settings: &mut Settings) {
        let value = text.value.trim();
        let taken = match option {
            "enforce" => word(value, "xdp, actions or both", |word| match word {
                "xdp" => Some(Enforce::Xdp),
                "actions" => Some(Enforce::Actions),
                "both" => Some(Enforce::Both),
                _ => None,
            })
            .map(|enforce| settings.enforce = enforce),
            "mode" => word(value, "auto, native or generic", |word| match word {
                "auto" => Some(Mode::Auto),
                "native" => Some(Mode::Native),
                "generic" => Some(Mode::Generic),
                _ => None,
            })
            .map(|mode| settings.mode = mode),
            "monitor" => {
                settings.monitor = if is_true(value) { Monitor::On } else { Monitor::Off };
                Ok(())
            }
            "max_bans_v4" => {
                number(value, 1, BANS_MAX).map(|bans| settings.limits.max_bans_v4 = bans as u32)
            }
            "max_bans_v6" => {
                number(value, 1, BANS_MAX).map(|bans| settings.limits.max_bans_v6 = bans as u32)
            }
            "ipv6_prefix" => number(value, 1, 128).map(|bits| settings.ipv6_prefix = bits as u8),
            "interfaces" => {
                settings.interfaces = match value {
                    "auto" | "" => Vec::new(),
                    list => list
                        .split([',', ' ', '\n'])
                        .filter(|it| !it.is_empty())
                        .map(str::to_owned)
                        .collect(),
                };
                Ok(())
            }
            "socket" => path(value).map(|path| settings.socket = path),
            "dbfile" => path(value).map(|path| settings.dbfile = path),
            _ => {
                settings.logtarget = Some(value.to_owned());
                Ok(())
            }
        };
        if let Err(wrong) = taken {
            self.problems.push(Problem { quoted: Quoted::of(option, text), wrong });
        }
    }
}

fn word<T>(
    value: &str,
    allowed: &'static str,
    meaning: impl Fn(&str) -> Option<T>,
) -> Result<T, Wrong> {
    meaning(&value.to_lowercase()).ok_or(Wrong::Word { allowed })
}

/// A whole number of this range.
pub(super) fn number(value: &str, min: i64, max: i64) -> Result<i64, Wrong> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or(Wrong::Number { min, max })
}

fn path(value: &str) -> Result<PathBuf, Wrong> {
    let wrong = || Wrong::Stage("not an absolute path; write one that begins with /".to_owned());
    value.starts_with('/').then(|| value.into()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::files::Embedded;
    use super::super::interpolate::Budget;
    use super::*;

    fn read_text(text: &str) -> (Settings, Wrongs) {
        let files = [("/etc/rban.conf", text.as_bytes())];
        read(&Loader::new(&Embedded(&files), Path::new("/etc"), Budget::default()))
    }

    #[track_caller]
    fn problem(text: &str, message: &str) {
        let (_, (errors, problems)) = read_text(text);
        let messages = errors.iter().map(ToString::to_string);
        let messages: Vec<String> =
            messages.chain(problems.iter().map(ToString::to_string)).collect();
        assert_eq!(messages, [message]);
    }

    #[test]
    fn what_is_said_is_taken() {
        let text = "[Definition]\nenforce = both\nsocket = /run/x.sock\n[xdp]\ninterfaces = eth0, eth1\n\
                    mode = Native\nmonitor = yes\nmax_bans_v4 = 10\nmax_bans_v6 = 20\nipv6_prefix = 64\n";
        let (settings, (errors, problems)) = read_text(text);
        assert!(errors.is_empty() && problems.is_empty(), "{errors:?} {problems:?}");
        let expected = Settings {
            enforce: Enforce::Both,
            socket: "/run/x.sock".into(),
            interfaces: vec!["eth0".to_owned(), "eth1".to_owned()],
            mode: Mode::Native,
            monitor: Monitor::On,
            limits: Limits { max_bans_v4: 10, max_bans_v6: 20 },
            ipv6_prefix: 64,
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn without_a_file_all_is_as_we_have_it() {
        let none: Embedded<'_, &[u8]> = Embedded(&[]);
        let loader = Loader::new(&none, Path::new("/etc"), Budget::default());
        assert_eq!(read(&loader).0, Settings::default());
    }

    #[test]
    fn a_wrong_value_says_what_to_write() {
        let here = "/etc/rban.conf:2: ";
        for (option, wrong) in [
            ("enforce = xpd", "not one of these; write xdp, actions or both"),
            ("socket = x", "not an absolute path; write one that begins with /"),
        ] {
            problem(&format!("[Definition]\n{option}\n"), &format!("{here}{option}: {wrong}"));
        }
        problem(
            "[xdp]\nipv6_prefix = 129\n",
            &format!("{here}ipv6_prefix = 129: not a number from 1 to 128; write digits only"),
        );
    }

    #[test]
    fn a_misspelt_option_is_told_of() {
        problem(
            "[xdp]\nmonitr = yes\n",
            "/etc/rban.conf:2: monitr = yes: nothing reads this option; write monitor if that is meant",
        );
    }
}
