//! `rban run`.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::attach::How;
use super::config::{From, unusable};
use super::{Common, Failure};
use crate::config::{self, Config, Overrides, value};
use crate::control::client::Client;
use crate::control::server::ListenError;
use crate::daemon::{self, AtExit, Options, Reread};
use crate::enforce::xdp::Monitor;

const EXAMPLES: &str = "Examples:
  rban run                              # what /etc/rban says, else /etc/fail2ban, else the jail sshd
  rban run -c ./fail2ban
  rban run --iface eth0 --log /var/log/auth.log
  rban run --monitor                    # count what would be dropped, drop nothing";

/// Run the daemon in the foreground: follow the logs, ban offenders in the kernel
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    #[command(flatten)]
    from: From,
    /// Attach to this interface; may be given again. Without it: those that rban.conf names, or those of the default
    /// routes
    #[arg(long = "iface", value_name = "IF")]
    interfaces: Vec<String>,
    /// Follow this log in place of the jails' own; it need not be there yet
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    #[command(flatten)]
    how: How,
    /// Count what would be dropped, drop nothing
    #[arg(long)]
    monitor: bool,
    /// Failures that lead to a ban, in place of the jail's own number
    #[arg(long, value_name = "N")]
    maxretry: Option<NonZeroU32>,
    /// Within which time they count: 600, 10m, 1d
    #[arg(long, value_name = "TIME")]
    findtime: Option<String>,
    /// How long a ban lasts: 600, 10m, 1d, -1 = for ever
    #[arg(long, value_name = "TIME")]
    bantime: Option<String>,
    /// Where the log goes, in place of what the configuration says: a file, STDOUT, STDERR, SYSLOG, JOURNAL
    #[arg(long, value_name = "TARGET")]
    logtarget: Option<String>,
    /// Where bans and positions in logs are kept
    #[arg(long, value_name = "FILE")]
    dbfile: Option<PathBuf>,
    /// Lift all bans when stopped; without it they stay in force until they end
    #[arg(long)]
    flush_on_exit: bool,
    /// Write the process id there, and remove it at the end
    #[arg(long, value_name = "FILE")]
    pidfile: Option<PathBuf>,
    /// Leave the terminal's session; for `client start`
    #[arg(long, hide = true)]
    detach: bool,
}

impl Run {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let config = self.config()?;
        let settings = &config.settings;
        let socket = common.socket.clone().unwrap_or_else(|| settings.socket.clone());
        if let Some(mut running) = Client::connect(&socket)? {
            let pid = running.status()?.pid;
            return Err(ListenError::AlreadyRunning { pid, socket }.into());
        }
        let given = !self.interfaces.is_empty();
        let options = Options {
            pins: common.pins()?,
            socket,
            interfaces: if given { &self.interfaces } else { &settings.interfaces }.clone(),
            mode: self.how.mode(settings.mode),
            limits: self.how.limits(settings.limits),
            monitor: if self.monitor { Monitor::On } else { settings.monitor },
            at_exit: if self.flush_on_exit { AtExit::Lift } else { AtExit::Keep },
            dbfile: self.dbfile.clone().unwrap_or_else(|| settings.dbfile.clone()),
            logtarget: self.logtarget.clone(),
            reread: self.reread(),
            config,
        };
        if self.detach {
            rustix::process::setsid().context("leaving the session of the terminal")?;
        }
        let pidfile = self.pidfile.as_deref().map(Pidfile::write).transpose()?;
        let outcome = daemon::run(options);
        drop(pidfile);
        Ok(outcome?)
    }

    /// What the configuration says, and in place of it the command line.
    fn config(&self) -> Result<Config, Failure> {
        config::load(&self.from.directory(), &self.overrides()?).map_err(unusable)
    }

    /// The same again, later.
    fn reread(&self) -> Reread {
        let (directory, overrides) = (self.from.directory(), self.overrides());
        Arc::new(move || {
            config::load(&directory, overrides.as_ref().unwrap_or(&Overrides::default()))
        })
    }

    fn overrides(&self) -> Result<Overrides, Failure> {
        let mut options = Vec::new();
        options.extend(self.maxretry.map(|times| ("maxretry", times.to_string())));
        for (option, time) in [("findtime", &self.findtime), ("bantime", &self.bantime)] {
            let Some(time) = time else { continue };
            value::bantime(time).map_err(|error| Failure::Usage(format!("--{option}: {error}")))?;
            options.push((option, time.clone()));
        }
        Ok(Overrides { log: self.log.clone(), options })
    }
}

/// A file that tells our process; removed when dropped.
struct Pidfile(PathBuf);

impl Pidfile {
    fn write(path: &Path) -> anyhow::Result<Self> {
        let doing = || format!("writing {}", path.display());
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(doing)?;
        }
        fs::write(path, format!("{}\n", process::id())).with_context(doing)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // Somebody may have removed it already, which is all that could go wrong.
        drop(fs::remove_file(&self.0));
    }
}
