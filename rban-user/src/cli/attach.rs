//! `rban attach` and `rban detach`.

use clap::Args;
use serde::Serialize;

use super::{Common, Failure, render};
use crate::enforce::xdp::{self, Limits, Mode, Monitor};

const ATTACH_EXAMPLES: &str = "Examples:
  rban attach eth0
  rban attach eth0 --mode generic
  rban attach eth0 --monitor      # count what would be dropped, drop nothing";

/// Attach the dropper to an interface; works without a daemon, and outlives it
#[derive(Args, Debug)]
#[command(after_help = ATTACH_EXAMPLES)]
pub(super) struct Attach {
    /// The interface
    #[arg(value_name = "IF")]
    interface: String,
    #[command(flatten)]
    how: How,
    /// Count what would be dropped, drop nothing
    #[arg(long)]
    monitor: bool,
}

/// How to attach, where the configuration is not to say; also for `run`.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct How {
    /// Where in the kernel: auto tries native first
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// At most so many IPv4 addresses are banned at a time; counts when the maps are made
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    max_bans_v4: Option<u32>,
    /// At most so many IPv6 addresses are banned at a time; counts when the maps are made
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    max_bans_v6: Option<u32>,
}

impl How {
    pub(super) fn mode(&self, configured: Mode) -> Mode {
        self.mode.unwrap_or(configured)
    }

    pub(super) fn limits(&self, configured: Limits) -> Limits {
        Limits {
            max_bans_v4: self.max_bans_v4.unwrap_or(configured.max_bans_v4),
            max_bans_v6: self.max_bans_v6.unwrap_or(configured.max_bans_v6),
        }
    }
}

impl Attach {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let pins = common.pins()?;
        let names = [self.interface.clone()];
        let settings = common.settings()?;
        let (mode, limits) = (self.how.mode(settings.mode), self.how.limits(settings.limits));
        let attached = xdp::attach(&pins, &names, mode, limits)?;
        if self.monitor || settings.monitor == Monitor::On {
            xdp::set_monitor(&pins, Monitor::On)?;
        }
        for attached in &attached {
            render::print(common, attached, |it| format!("{it}\n"))?;
        }
        Ok(())
    }
}

const DETACH_EXAMPLES: &str = "Examples:
  rban detach eth0";

/// Take the dropper off an interface; with the last one go all bans and all pins
#[derive(Args, Debug)]
#[command(after_help = DETACH_EXAMPLES)]
pub(super) struct Detach {
    /// The interface
    #[arg(value_name = "IF")]
    interface: String,
}

#[derive(Serialize)]
struct Detached<'a> {
    interface: &'a str,
    detached: bool,
}

impl Detach {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        xdp::detach(&common.pins()?, &self.interface)?;
        if let Some(mut daemon) = common.daemon()? {
            let pid = daemon.status()?.pid;
            render::complain(&format!(
                "the daemon (pid {pid}) still runs, and bans without effect"
            ));
        }
        let detached = Detached { interface: &self.interface, detached: true };
        render::print(common, &detached, |it| format!("{}: detached\n", it.interface))
    }
}
