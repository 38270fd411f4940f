//! Of the daemon, its jails, its database and its log.

use std::fmt::Display;
use std::path::Path;

use crate::log::NotOpened;
use crate::said::{Level, Said};

const SERVER: &str = "server";
const JAIL: &str = "jail";
const DATABASE: &str = "database";
/// Longer names were too long for iptables once.
const JAIL_NAME_MAX: usize = 25;

fn server(text: impl Into<String>) -> Said {
    Said::new(SERVER, Level::Info, text)
}

fn jail(text: impl Into<String>) -> Said {
    Said::new(JAIL, Level::Info, text)
}

/// The first two lines of a run.
pub(crate) fn starting(version: &str) -> [Said; 2] {
    [server("-".repeat(50)), server(format!("Starting Fail2ban v{version}"))]
}

/// The daemon runs.
pub(crate) fn daemon_started() -> Said {
    server("Daemon started")
}

/// The daemon was told to stop.
pub(crate) fn shutdown() -> Said {
    server("Shutdown in progress...")
}

/// The jails stop.
pub(crate) fn stopping_all_jails() -> Said {
    server("Stopping all jails")
}

/// The last line of a run.
pub(crate) fn exiting() -> Said {
    server("Exiting Fail2ban")
}

/// A reload of everything begins.
pub(crate) fn reload_all() -> Said {
    server("Reload all jails")
}

/// A reload of one jail begins.
pub(crate) fn reload_one(name: &str) -> Said {
    server(format!("Reload jail {name}"))
}

/// A jail that runs takes its new configuration.
pub(crate) fn reload_jail(name: &str) -> Said {
    server(format!("Reload jail '{name}'"))
}

/// A jail must stop to take its new configuration: what made it another one.
pub(crate) fn restart_jail(name: &str, was: &str, is: &str) -> Said {
    server(format!("Restart jail '{name}' (reason: '{was}' != '{is}')"))
}

/// A jail runs by its new configuration.
pub(crate) fn jail_reloaded(name: &str) -> Said {
    server(format!("Jail '{name}' reloaded"))
}

/// A reload is over.
pub(crate) fn reload_finished() -> Said {
    server("Reload finished.")
}

/// A jail is made; with what is to be said of its name.
pub(crate) fn creating_jail(name: &str) -> impl Iterator<Item = Said> {
    let too_long = (name.chars().count() > JAIL_NAME_MAX).then(|| {
        let text = format!(
            "Jail name '{name}' might be too long and some commands might not function correctly. Please shorten"
        );
        Said::new(JAIL, Level::Warning, text)
    });
    too_long.into_iter().chain([jail(format!("Creating new jail '{name}'"))])
}

/// What follows a jail's logs: `poller`, `pyinotify`, `systemd`; the options as Python writes them, `{}`.
pub(crate) fn jail_uses(name: &str, backend: &str, options: &dyn Display) -> Said {
    jail(format!("Jail '{name}' uses {backend} {options}"))
}

/// It does: `polling`, `pyinotify`, `systemd`.
pub(crate) fn initiated_backend(backend: &str) -> Said {
    jail(format!("Initiated '{backend}' backend"))
}

/// An option of growing ban times is set; the value as Python writes it.
pub(crate) fn set_bantime_option(option: &str, value: &dyn Display) -> Said {
    jail(format!("Set banTime.{option} = {value}"))
}

/// A jail runs.
pub(crate) fn jail_started(name: &str) -> Said {
    jail(format!("Jail '{name}' started"))
}

/// A jail runs no more.
pub(crate) fn jail_stopped(name: &str) -> Said {
    jail(format!("Jail '{name}' stopped"))
}

/// The database is open.
pub(crate) fn connected_to_database(file: &Path) -> Said {
    let text = format!("Connected to fail2ban persistent database '{}'", file.display());
    Said::new(DATABASE, Level::Info, text)
}

/// The database was not there.
pub(crate) fn new_database(version: usize) -> Said {
    Said::new(DATABASE, Level::Warning, format!("New database created. Version '{version}'"))
}

/// The database is closed.
pub(crate) fn database_closed() -> Said {
    Said::new(DATABASE, Level::Info, "Connection to database closed.")
}

/// A client's command failed; command and error as Python writes them.
pub(crate) fn command_failed(command: &dyn Display, error: &dyn Display) -> Said {
    let text = format!("Command {command} has failed. Received {error}");
    Said::new("transmitter", Level::Error, text)
}

/// Of log lines, so many were not written.
pub(in crate::log) fn lost(lines: u64) -> Said {
    let text = format!("{lines} lines of this log are lost: more were said than its target takes");
    Said::new("rban", Level::Warning, text)
}

/// The first line after the target changed.
pub(in crate::log) fn begins(version: &str) -> Said {
    server(format!("Start Fail2ban v{version}"))
}

/// The target changed.
pub(in crate::log) fn changed_target(target: &str, version: &str) -> Said {
    server(format!("Changed logging target to {target} for Fail2ban v{version}"))
}

/// The target did not change.
pub(in crate::log) fn not_opened(error: &NotOpened) -> Said {
    Said::new(SERVER, Level::Error, error.to_string())
}

/// Where the log goes on.
pub(in crate::log) fn previous_target(target: &str) -> Said {
    server(format!("Logging to previous target '{target}'"))
}

/// The file was opened anew.
pub(in crate::log) fn rolled_over(target: &str) -> Said {
    server(format!("rollover performed on {target}"))
}

/// Nothing was to be opened anew.
pub(in crate::log) fn flushed(target: &str) -> Said {
    server(format!("flush performed on {target}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_warned_of_first() {
        let levels = |name: &str| creating_jail(name).map(|said| said.level).collect::<Vec<_>>();
        assert_eq!(levels(&"a".repeat(25)), [Level::Info]);
        assert_eq!(levels(&"a".repeat(26)), [Level::Warning, Level::Info]);
    }

    #[test]
    fn a_jail_that_restarts_says_why() {
        let text = "Restart jail 'j' (reason: 'polling' != 'systemd')";
        assert_eq!(restart_jail("j", "polling", "systemd").text, text);
    }

    #[test]
    fn a_run_begins_with_fifty_dashes() {
        let [dashes, starting] = starting("1.1.1");
        assert_eq!(dashes.text, "-".repeat(50));
        assert_eq!(starting.text, "Starting Fail2ban v1.1.1");
    }
}
