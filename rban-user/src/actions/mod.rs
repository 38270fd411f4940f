//! What bans lead to besides the kernel: commands, as fail2ban's actions run them (spec, jail 10 to 12).
//!
//! Each jail has one [`Worker`], and each of its actions a plan of what to run next; commands take as long as they take,
//! and nobody waits for them. What a command's tags stand for comes from the [`Ticket`] and from a [`World`] that the
//! daemon provides. Knows nothing of files of configuration, nor of the kernel.

use std::time::Duration;

mod fill;
mod names;
mod plan;
mod queue;
mod tags;
mod ticket;
mod worker;

pub use names::{OwnNames, host_name};
pub use plan::Families;
pub use ticket::{Counters, Record, Ticket};
pub use worker::{Handle, Jails, Revision, Setup, Task, Worker, World};

/// What configuration asks of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// By what name the jail knows it.
    pub name: String,
    /// How long one of its commands may take.
    pub timeout: Duration,
    /// Its commands and flags, and what else their tags may stand for; of two with one name the later holds.
    pub options: Vec<(String, String)>,
}

/// fail2ban's logger of what a jail's actions are about.
const ACTIONS: &str = "actions";
/// fail2ban's logger of what one action is about.
const COMMAND_ACTION: &str = "CommandAction";
/// fail2ban's logger of commands and what they print.
const UTILS: &str = "utils";

/// A command without a limit of its own may take so long.
pub const TIMEOUT: Duration = Duration::from_secs(60);
