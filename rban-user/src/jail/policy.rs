//! How patient a jail is and how long it punishes.

use std::num::NonZeroU32;
use std::time::Duration;

use super::ignore;
use crate::event::JailName;

/// What configuration asks of a jail.
#[derive(Clone, Debug)]
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
    /// Whose failures do not count.
    pub ignore: ignore::Spec,
}
