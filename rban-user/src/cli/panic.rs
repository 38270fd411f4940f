//! `rban panic`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Common, Failure, render};
use crate::enforce::xdp;

const EXAMPLES: &str = "Examples:
  rban panic        # pass everything, now
  rban panic off    # drop again";

/// Stop all dropping at once and keep all state, or go on
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Panic {
    /// off = drop again
    #[arg(value_enum, default_value_t)]
    switch: Switch,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Switch {
    #[default]
    On,
    Off,
}

#[derive(Serialize)]
struct Switched {
    panic: bool,
}

impl Panic {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let (panic, switched) = match self.switch {
            Switch::On => (xdp::Panic::On, Switched { panic: true }),
            Switch::Off => (xdp::Panic::Off, Switched { panic: false }),
        };
        xdp::set_panic(&common.pins()?, panic)?;
        render::print(common, &switched, |it| {
            let text = if it.panic {
                "nothing is dropped any more; to go on: rban panic off\n"
            } else {
                "bans are enforced\n"
            };
            text.to_owned()
        })
    }
}
