//! How patient a jail is and how long it punishes.

use std::num::NonZeroU32;
use std::time::Duration;

use super::formula::Formula;
use super::ignore;
use crate::event::JailName;

/// What configuration asks of a jail.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The jail's name, as status and logs print it.
    pub name: JailName,
    /// So many failures within `findtime` lead to a ban.
    pub maxretry: NonZeroU32,
    /// The span over which failures are counted.
    pub findtime: Duration,
    /// How long a ban lasts, from the time of the failure that led to it; `None` = for ever.
    pub bantime: Option<Duration>,
    /// How many of an offender's last lines are remembered; 0 for none.
    pub maxmatches: usize,
    /// How bans grow with each that an offender had before; `None` = they do not.
    pub increment: Option<Increment>,
    /// By how many bits IPv6 sources are counted and banned, 1 to 128.
    pub ipv6_prefix: u8,
    /// When a ban spreads to a whole prefix; `None` = never.
    pub neighbours: Option<Neighbours>,
    /// Whose failures do not count.
    pub ignore: ignore::Spec,
}

/// How bans grow: `bantime.increment` and its kin.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// What every growth is multiplied by.
    pub factor: f64,
    /// The expression that gives a ban's length; `None` = doubled for each earlier ban.
    pub formula: Option<Formula>,
    /// In place of the formula: what the first, second, … ban is multiplied by.
    pub multipliers: Vec<f64>,
    /// No ban grows longer.
    pub maxtime: Option<Duration>,
    /// Up to so much is added at random.
    pub rndtime: Option<Duration>,
    /// Whether bans of other jails count too.
    pub overalljails: bool,
}

/// When a ban spreads to a whole prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours {
    /// Once so many hosts of the prefix are banned, it is banned as a whole.
    pub hosts: NonZeroU32,
    /// How long a prefix of IPv4 is, in bits, 8 to 31.
    pub v4: u8,
    /// How long a prefix of IPv6 is, in bits, 16 to 64.
    pub v6: u8,
}
