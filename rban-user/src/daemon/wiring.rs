//! The channels: what travels, how much may wait, and what happens when that is full.

use tokio::sync::oneshot;

use crate::actions;
use crate::addr::Offender;
use crate::control::Owner;
use crate::enforce::{Claim, Moments};
use crate::event::{Ban, Change, Id, JailName, Line};
use crate::jail;
use crate::scope::Scope;

/// Batches of lines between a source and its detector. Full: the source waits, and the log keeps the rest.
pub(super) const LINE_BATCHES: usize = 4;

/// Batches of failures to a jail. Full: the detector waits, and so does its source.
pub(super) const FAILURE_BATCHES: usize = 16;

/// Other messages to a jail. Full: whoever asks waits.
pub(super) const JAIL_MESSAGES: usize = 16;

/// Failures of hosts known by name, on their way to the resolver. Full: they are shed, and counted.
pub(super) const SIGHTINGS: usize = 256;

/// Messages to the enforcer. Full: jails wait, and so do their detectors.
pub(super) const CHANGES: usize = 256;

/// Clients' requests. Full: clients wait.
pub(super) const REQUESTS: usize = 16;

/// Reports of how far lines were dealt with. Full: they are left out, for later ones say more.
pub(super) const PROGRESS: usize = 256;

/// What a jail hears, besides failures. Whoever asked may be gone before it is answered.
pub(super) enum ToJail {
    /// How are you?
    Status(oneshot::Sender<jail::Status>),
    /// Who is banned?
    Bans(Order, oneshot::Sender<Vec<Ban>>),
    /// What is known of this one's ban?
    Find(Id, oneshot::Sender<Option<Ban>>),
    /// Whether these are banned, one by one.
    AreBanned(Vec<Id>, oneshot::Sender<Vec<bool>>),
    /// Ban these by hand. Answered with how many were not banned before.
    Ban(Vec<Id>, oneshot::Sender<usize>),
    /// End these bans, and forget them. Answered with how many bans ended for each.
    Unban(Vec<Id>, oneshot::Sender<Vec<usize>>),
    /// End all bans, and forget them. Answered with how many there were.
    UnbanAll(oneshot::Sender<usize>),
    /// Somebody tells of a failure. Answered with whether it counts.
    Attempt(Id, Vec<Line>, oneshot::Sender<bool>),
    /// Obey this from now on. Bans and counts stay.
    Obey(Box<jail::Spec>),
    /// These are its actions from now on.
    Actions(Vec<actions::Spec>, actions::Revision),
    /// The store has bans that are new to it; put them in force.
    Restore,
    /// Whether failures wait to be judged until it says otherwise.
    Rest(Rest),
    /// End, once what was found is judged. Answered when its actions are done.
    Stop(Stopping, oneshot::Sender<()>),
}

/// In which order bans are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As they began.
    Begun,
    /// The one that ends first first.
    Ending,
}

/// Whether a jail rests (`set J idle`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It does.
    On,
    /// It does not.
    Off,
}

/// What becomes of a jail's bans when it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopping {
    /// The kernel goes on; only what actions made is taken back.
    Keep,
    /// They are all lifted; the store still remembers them.
    Repeal,
}

/// What the enforcer hears.
pub(super) enum ToEnforcer {
    /// From a jail.
    Changes(Vec<Change>),
    /// From a jail: it will restore so many bans.
    Expect(usize),
    /// From a jail that restores bans: they are in force once this is answered, so that they do not pile up.
    Restored(Vec<Change>, oneshot::Sender<()>),
    /// What a jail's bans cover from now on; `None` = nothing that the kernel does.
    Scope(JailName, Option<Scope>),
    /// From an admin: ban these. Answered with the refusal, if it is one.
    Claim(Vec<Claim>, oneshot::Sender<Result<(), String>>),
    /// From an admin: lift these.
    Lift(Vec<Offender>, oneshot::Sender<Result<Vec<Offender>, String>>),
    /// Lift all; from an admin who wants an answer, or on the way out.
    LiftAll(Option<oneshot::Sender<Result<Vec<Offender>, String>>>),
    /// The wall clock jumped.
    Rebase,
    /// Who banned whom?
    Owners(oneshot::Sender<Vec<Owner>>),
    /// Who wants these out, and what did the kernel do about it?
    History(Vec<Offender>, oneshot::Sender<Vec<(Claim, Moments)>>),
}

/// An error and its causes in one line, for a log or a client.
pub(super) fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
