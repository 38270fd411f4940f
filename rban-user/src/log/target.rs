//! Where the log goes: `logtarget` (spec, jail 14.1).

use std::path::{Path, PathBuf};

use super::layout::{Datetime, Layout, NotAFormat, Padding};
use crate::said::{Level, Said};

/// Where Linux keeps the syslog socket.
const DEV_LOG: &str = "/dev/log";
/// Where journald listens.
const JOURNAL: &str = "/run/systemd/journal/socket";

/// A place for lines, and what they look like there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// As configured, without its options.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) layout: Layout,
    /// What was wrong with its options, and yet did no harm.
    pub(super) complaints: Vec<Said>,
}

/// Where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Stdout,
    Stderr,
    Syslog {
        socket: PathBuf,
        facility: u8,
    },
    Journal {
        socket: PathBuf,
    },
    /// Appended to.
    File(PathBuf),
}

/// Options that ask for what there is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotATarget {
    /// No path and no known name.
    #[error("logtarget is empty; write a path, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL")]
    Empty,
    /// Its `format`.
    #[error("logtarget = {name}")]
    Format {
        /// The target.
        name: String,
        /// What is wrong with it.
        #[source]
        error: NotAFormat,
    },
}

impl Target {
    /// What `NAME[option=value, …]` means. Options that nobody knows are passed over, as fail2ban does. The socket
    /// is `syslogsocket`.
    ///
    /// # Errors
    /// Where no line could be written so.
    pub(crate) fn new(
        name: &str,
        options: &[(String, String)],
        syslog_socket: &str,
    ) -> Result<Self, NotATarget> {
        let option = |wanted: &str| {
            options.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        let mut complaints = Vec::new();
        let (place, datetime, padding) = match name.trim().to_uppercase().as_str() {
            "" => return Err(NotATarget::Empty),
            "STDOUT" => (Place::Stdout, Datetime::On, Padding::On),
            "SYSOUT" => (Place::Stdout, Datetime::Off, Padding::On),
            "STDERR" => (Place::Stderr, Datetime::On, Padding::On),
            "SYSLOG" => {
                let socket = PathBuf::from(match syslog_socket {
                    "auto" => DEV_LOG,
                    path => path,
                });
                let facility = facility(option("facility").unwrap_or("DAEMON"), &mut complaints);
                (Place::Syslog { socket, facility }, Datetime::Off, Padding::Off)
            }
            "SYSTEMD-JOURNAL" | "JOURNAL" => {
                (Place::Journal { socket: JOURNAL.into() }, Datetime::Off, Padding::Off)
            }
            _ => (Place::File(Path::new(name).to_owned()), Datetime::On, Padding::On),
        };
        let datetime = match option("datetime").map(is_on) {
            Some(true) => Datetime::On,
            Some(false) => Datetime::Off,
            None => datetime,
        };
        let padding = match option("padding").map(is_on) {
            Some(true) => Padding::On,
            Some(false) => Padding::Off,
            None => padding,
        };
        let layout = match (option("format"), &place) {
            (Some("json"), _) => Layout::Json,
            (Some(format), _) => Layout::parse(format)
                .map_err(|error| NotATarget::Format { name: name.to_owned(), error })?,
            (None, Place::Journal { .. }) => message_alone(),
            (None, _) => Layout::fail2bans(datetime, padding),
        };
        Ok(Self { name: name.to_owned(), place, layout, complaints })
    }

    /// As `Changed logging target to` has it.
    pub(super) fn shown(&self) -> String {
        match &self.place {
            Place::Syslog { socket, .. } => format!("{} ({})", self.name, socket.display()),
            _ => self.name.clone(),
        }
    }

    /// Whether a flush makes it anew.
    pub(super) fn rolls_over(&self) -> bool {
        matches!(self.place, Place::File(_))
    }
}

/// journald knows the rest by itself.
fn message_alone() -> Layout {
    Layout::parse("%(message)s").expect("a field there is")
}

fn is_on(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "on" | "true" | "yes")
}

/// The number of a syslog facility; what is none becomes `DAEMON`.
fn facility(name: &str, complaints: &mut Vec<Said>) -> u8 {
    const NAMES: [(&str, u8); 20] = [
        ("KERN", 0),
        ("USER", 1),
        ("MAIL", 2),
        ("DAEMON", 3),
        ("AUTH", 4),
        ("SYSLOG", 5),
        ("LPR", 6),
        ("NEWS", 7),
        ("UUCP", 8),
        ("CRON", 9),
        ("AUTHPRIV", 10),
        ("FTP", 11),
        ("LOCAL0", 16),
        ("LOCAL1", 17),
        ("LOCAL2", 18),
        ("LOCAL3", 19),
        ("LOCAL4", 20),
        ("LOCAL5", 21),
        ("LOCAL6", 22),
        ("LOCAL7", 23),
    ];
    let upper = name.to_uppercase();
    let known = NAMES.iter().find(|(known, _)| *known == upper);
    known.map_or_else(
        || {
            let text = format!("Unable to set facility '{name}', using 'DAEMON'");
            complaints.push(Said::new("server", Level::Error, text));
            3
        },
        |(_, number)| *number,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, options: &[(&str, &str)]) -> Result<Target, NotATarget> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Target::new(name, &options.iter().map(owned).collect::<Vec<_>>(), "auto")
    }

    #[track_caller]
    fn check(name: &str, options: &[(&str, &str)], place: Place, layout: Layout) {
        let target = target(name, options).unwrap();
        assert_eq!((target.place, target.layout), (place, layout));
    }

    #[test]
    fn names_are_known_in_any_case_and_everything_else_is_a_file() {
        let full = || Layout::fail2bans(Datetime::On, Padding::On);
        check("stdout", &[], Place::Stdout, full());
        check("STDERR", &[], Place::Stderr, full());
        check("SYSOUT", &[], Place::Stdout, Layout::fail2bans(Datetime::Off, Padding::On));
        check("/var/log/x.log", &[], Place::File("/var/log/x.log".into()), full());
    }

    #[test]
    fn syslog_has_a_facility_and_bare_lines() {
        let socket: PathBuf = DEV_LOG.into();
        let bare = Layout::fail2bans(Datetime::Off, Padding::Off);
        let place = Place::Syslog { socket: socket.clone(), facility: 4 };
        check("SYSLOG", &[("facility", "auth")], place, bare);
        let place = Place::Syslog { socket, facility: 3 };
        let options = [("datetime", "on"), ("padding", "on")];
        check("SYSLOG", &options, place, Layout::fail2bans(Datetime::On, Padding::On));
    }

    #[test]
    fn an_unknown_facility_is_told_and_does_no_harm() {
        let target = target("SYSLOG", &[("facility", "FOO")]).unwrap();
        assert_eq!(target.complaints[0].text, "Unable to set facility 'FOO', using 'DAEMON'");
    }

    #[test]
    fn any_target_can_have_json() {
        check("STDERR", &[("format", "json")], Place::Stderr, Layout::Json);
    }

    #[test]
    fn a_format_that_cannot_be_followed_is_refused() {
        assert!(matches!(target("STDERR", &[("format", "%(x)s")]), Err(NotATarget::Format { .. })));
        assert_eq!(target("", &[]), Err(NotATarget::Empty));
    }
}
