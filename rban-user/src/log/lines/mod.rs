//! The lines of fail2ban's log that tools and people look for (spec, jail 15), each made in one place; those of actions'
//! commands are made in `actions`.

mod actions;
mod filter;
mod server;

use std::fmt;

use jiff::tz::TimeZone;

use super::layout;
use crate::clock::WallTime;
use crate::said::{Level, Said, SaidId};
pub(crate) use actions::*;
pub(crate) use filter::*;
pub(crate) use server::*;

/// `2026-11-21 07:22:54`, in that zone.
pub(crate) fn moment(at: WallTime, zone: &TimeZone) -> String {
    layout::to_the_second(at, zone)
}

/// `[J] …`.
fn in_jail(logger: &'static str, level: Level, jail: &str, what: fmt::Arguments<'_>) -> Said {
    Said::new(logger, level, format!("[{jail}] {what}"))
}
