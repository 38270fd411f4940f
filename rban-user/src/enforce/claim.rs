//! One party's wish to keep an offender out.

use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::{Ban, JailName, Origin};
use crate::scope::Scope;

/// What the kernel has to know of a ban; what led to it, its jail knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Whose packets it is about.
    pub offender: Offender,
    /// Who wants it.
    pub party: Party,
    /// When it began.
    pub since: WallTime,
    /// When it ends; `None` = never.
    pub until: Option<WallTime>,
    /// Which packets it is about.
    pub scope: Scope,
    /// Where it comes from.
    pub origin: Origin,
}

/// Who may want an offender out; each has one claim on it at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// A jail. It tells when its bans end.
    Jail(JailName),
    /// An admin, by hand.
    Admin,
    /// Nobody that we know of yet: the maps had it before us.
    Unknown,
}

impl Party {
    /// The jail, if it is one.
    #[must_use]
    pub fn jail(&self) -> Option<&JailName> {
        match self {
            Self::Jail(name) => Some(name),
            Self::Admin | Self::Unknown => None,
        }
    }

    /// Whose a ban is.
    #[must_use]
    pub fn of(ban: &Ban) -> Self {
        ban.jail.clone().map_or(Self::Admin, Self::Jail)
    }
}

impl Claim {
    /// That of a ban; `None` where it is of no address, of which the kernel could not hear.
    #[must_use]
    pub fn new(ban: &Ban, scope: Scope) -> Option<Self> {
        let (offender, party) = (ban.id.net()?, Party::of(ban));
        Some(Self {
            offender,
            party,
            since: ban.since,
            until: ban.until,
            scope,
            origin: ban.origin,
        })
    }

    /// Whether this lasts as long as one that the maps had before us, give or take what two clocks disagree in.
    pub(super) fn outlasts(&self, until: Option<WallTime>) -> bool {
        const DISAGREEMENT: std::time::Duration = std::time::Duration::from_secs(2);
        match (self.until, until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(ours), Some(theirs)) => ours.saturating_add(DISAGREEMENT) >= theirs,
        }
    }
}
