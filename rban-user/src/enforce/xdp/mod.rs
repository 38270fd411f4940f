//! Bans → the kernel: the pinned maps, the program that reads them, and the interfaces it sits on.
//!
//! Everything here works with and without a daemon: what counts is what is pinned. Knows neither jails nor logs.

mod allow;
mod attach;
mod bans;
mod error;
mod events;
mod family;
mod host;
mod nets;
mod pins;
mod program;
mod scopes;
mod settings;
pub mod stats;
mod sys;
mod table;

pub use allow::Allow;
pub use attach::{Attached, Mode, Place, attach, detach, places};
pub use bans::{Bans, Record, Request, Sizes, Standing};
pub use error::XdpError;
pub use events::{Event, Events};
pub use host::{Changes, default_interfaces};
pub use pins::{DEFAULT_DIR, Pins};
pub use settings::{Monitor, Panic, read as read_settings, set_monitor, set_panic};

/// How many exact bans of each family user space allows itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// IPv4, 1 or more.
    pub max_bans_v4: u32,
    /// IPv6, 1 or more.
    pub max_bans_v6: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bans_v4: 1_048_576, max_bans_v6: 262_144 }
    }
}
