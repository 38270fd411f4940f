//! What is not as it was.

use super::Settings;
use super::jail::Entry;
use super::server::{Part, Server};
use crate::event::JailName;

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A setting of the server.
    Server(Part),
    /// Something about a jail.
    Jail(JailName, What),
}

/// What is not as it was about a jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It is new, and not started yet; nothing else is told of it but whether it has started.
    Added,
    /// It is gone.
    Removed,
    /// It is to end and begin anew, as it is now: its lines come another way. Nothing else is told of it.
    Restarted,
    /// It is to run from now on.
    Started,
    /// Where its lines come from.
    Source,
    /// Which of them are failures.
    Filter,
    /// When failures lead to a ban, and how long it lasts.
    Policy,
    /// Whose failures do not count.
    Ignore,
    /// What a ban leads to.
    Actions,
    /// Whether it rests.
    Idle,
}

/// All that differs, jails that are gone first.
#[must_use]
pub fn diff(old: &Settings, new: &Settings) -> Vec<Change> {
    let mut changes = of_server(&old.server, &new.server);
    let gone = old.jails.keys().filter(|name| !new.jails.contains_key(*name));
    changes.extend(gone.map(|name| Change::Jail(name.clone(), What::Removed)));
    for (name, entry) in &new.jails {
        match old.jails.get(name) {
            Some(old) => changes.extend(of_jail(old, entry)),
            None => {
                changes.push(Change::Jail(name.clone(), What::Added));
                let starts = entry.started.then(|| Change::Jail(name.clone(), What::Started));
                changes.extend(starts);
            }
        }
    }
    changes
}

fn of_server(old: &Server, new: &Server) -> Vec<Change> {
    let differs = |part: &Part| old.get(*part) != new.get(*part);
    Part::ALL.into_iter().filter(differs).map(Change::Server).collect()
}

/// What differs between two states of a jail.
pub(super) fn of_jail(old: &Entry, new: &Entry) -> Vec<Change> {
    let (was, is) = (&old.spec, &new.spec);
    let differs = [
        (What::Source, was.source != is.source),
        (What::Filter, was.filter != is.filter),
        (What::Policy, was.policy != is.policy && !differ_in_ignore_only(old, new)),
        (What::Ignore, was.policy.ignore != is.policy.ignore),
        (What::Actions, was.actions != is.actions),
        (What::Started, new.started && !old.started),
        (What::Idle, new.idle != old.idle),
    ];
    let change = |what| Change::Jail(is.name.clone(), what);
    if was.source.backend != is.source.backend {
        return vec![change(What::Restarted)];
    }
    differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| change(what)).collect()
}

fn differ_in_ignore_only(old: &Entry, new: &Entry) -> bool {
    let mut was = old.spec.policy.clone();
    was.ignore = new.spec.policy.ignore.clone();
    was == new.spec.policy
}
