//! rban's own settings: `rban.conf`, over what we ship (design, section 3).

use std::path::PathBuf;

use serde::Serialize;

use super::error::{Quoted, Text};
use super::interpolate::Scope;
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

/// What `rban.conf` says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who carries out the firewall actions of jails.
    pub enforce: Enforce,
    /// Where clients find the daemon.
    pub socket: PathBuf,
    /// Where bans are kept.
    pub dbfile: PathBuf,
    /// Where fail2ban's log lines go: a file, `STDOUT`, `STDERR`, `SYSLOG`, `JOURNAL`.
    pub logtarget: String,
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

const DEFINITION: &str = "Definition";
const XDP: &str = "xdp";

/// The options of each section; any other is a mistake.
const KNOWN: [(&str, &[&str]); 2] = [
    (DEFINITION, &["enforce", "socket", "dbfile", "logtarget"]),
    (XDP, &["interfaces", "mode", "monitor", "max_bans_v4", "max_bans_v6", "ipv6_prefix"]),
];

/// Takes options one by one, and what is wrong with them.
struct Take<'a, 'p> {
    scope: &'a dyn Fn(&str) -> Scope<'a>,
    problems: &'p mut Vec<Problem>,
}
