//! The channels: what travels, how much may wait, and what happens when that is full.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot};

use crate::addr::Offender;
use crate::control::{Episode, Owner};
use crate::enforce::Claim;
use crate::event::Change;
use crate::jail;

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

/// What a jail hears, besides failures.
pub(super) enum ToJail {
    /// How are you?
    Status(oneshot::Sender<jail::Status>),
    /// These are never to be banned, besides those that its `ignoreip` lets off.
    LetOff(BTreeSet<IpNet>),
    /// These were lifted; forget that they are banned.
    Lifted(Vec<Offender>),
}

/// What the enforcer hears.
pub(super) enum ToEnforcer {
    /// From a jail.
    Change(Change),
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
    /// What led to the bans of these?
    History(Vec<Offender>, oneshot::Sender<Vec<Episode>>),
}

/// A running jail, as control sees it.
pub(super) struct JailHandle {
    /// The logs it follows.
    pub(super) files: Vec<PathBuf>,
    /// Its mailbox. A jail ends when no more failures can come, whoever else could still ask it something.
    pub(super) inbox: mpsc::Sender<ToJail>,
}

/// An error and its causes in one line, for a log or a client.
pub(super) fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
