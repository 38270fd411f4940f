//! The enforcer's task: owns the ban maps, hears of bans, of their ends, and of drops.

use std::collections::HashMap;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tracing::{debug, error, info};

use super::jail::sleep_until;
use super::wiring::{ToEnforcer, chain};
use crate::addr::Offender;
use crate::clock::Now;
use crate::control::Owner;
use crate::enforce::xdp::Events;
use crate::enforce::{Claim, Enforcer, Party};
use crate::event::{Ban, Change, JailName};
use crate::scope::Scope;

/// What each jail's bans cover; those of others stop nothing.
type Scopes = HashMap<JailName, Scope>;

/// Runs until everyone who could tell it something is gone.
pub(super) async fn run(
    mut enforcer: Enforcer,
    events: Events,
    mut inbox: mpsc::Receiver<ToEnforcer>,
) {
    let mut scopes = Scopes::new();
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
    )]
    let mut events = match AsyncFd::with_interest(events, Interest::READABLE) {
        Ok(events) => Some(events),
        Err(error) => {
            error!(%error, "the kernel's events are not read; first drops will be unknown");
            None
        }
    };
    loop {
        tokio::select! {
            biased; // a ban before anything that can wait
            message = inbox.recv() => match message {
                Some(message) => obey(&mut enforcer, &mut scopes, message),
                None => return, // everyone is drained, and so are we
            },
            () = sleep_until(enforcer.next_end()) => {
                if let Err(error) = enforcer.expire(Now::read()) {
                    error!(error = chain(error), "ended bans stay in the map");
                }
            }
            () = readable(&mut events, &mut enforcer) => {}
        }
    }
}

/// Waits for events of the kernel's and notes them.
async fn readable(events: &mut Option<AsyncFd<Events>>, enforcer: &mut Enforcer) {
    let Some(ring) = events else { return std::future::pending().await };
    match ring.readable_mut().await {
        Ok(mut ready) => {
            while let Some(event) = ready.get_inner_mut().pop() {
                debug!(offender = %event.offender, dropped = event.dropped, "drop");
                enforcer.note(&event);
            }
            ready.clear_ready();
        }
        Err(error) => {
            error!(%error, "the kernel's events are read no more");
            *events = None;
        }
    }
}

fn obey(enforcer: &mut Enforcer, scopes: &mut Scopes, message: ToEnforcer) {
    // Who asked may have left, so that nobody takes the answer.
    match message {
        ToEnforcer::Changes(changes) => change_maps(enforcer, scopes, changes),
        ToEnforcer::Expect(bans) => enforcer.expect(bans),
        ToEnforcer::Restored(changes, reply) => {
            change_maps(enforcer, scopes, changes);
            let _ = reply.send(()); // the jail may have ended
        }
        ToEnforcer::Scope(jail, Some(scope)) => drop(scopes.insert(jail, scope)),
        ToEnforcer::Scope(jail, None) => drop(scopes.remove(&jail)),
        ToEnforcer::Claim(claims, reply) => {
            let count = claims.len();
            let result = enforcer.claim(claims, Now::read());
            info!(count, ok = result.is_ok(), "ban by hand");
            drop(reply.send(result.map_err(chain)));
        }
        ToEnforcer::Lift(offenders, reply) => {
            let result = enforcer.lift(&offenders, Now::read());
            info!(count = offenders.len(), ok = result.is_ok(), "unban by hand");
            drop(reply.send(result.map_err(chain)));
        }
        ToEnforcer::LiftAll(reply) => {
            let result = enforcer.lift_all();
            info!(ok = result.is_ok(), "all bans lifted");
            if let Some(reply) = reply {
                drop(reply.send(result.map_err(chain)));
            }
        }
        ToEnforcer::Rebase => {
            if let Err(error) = enforcer.rebase(Now::read()) {
                error!(
                    error = chain(error),
                    "bans end when they would have before the clock jumped"
                );
            }
        }
        ToEnforcer::Owners(reply) => {
            drop(reply.send(enforcer.parties().map(owner).collect()));
        }
        ToEnforcer::History(offenders, reply) => {
            let claims = offenders.iter().flat_map(|offender| enforcer.claims(*offender));
            drop(reply.send(claims.collect()));
        }
    }
}

/// Bans that follow one another go to the kernel in one piece.
fn change_maps(enforcer: &mut Enforcer, scopes: &Scopes, changes: Vec<Change>) {
    let mut claims = Vec::new();
    for change in changes {
        match change {
            Change::Ban(ban) | Change::Prolong(ban) | Change::Extend(ban) => {
                let scope = ban.jail.as_ref().and_then(|jail| scopes.get(jail));
                claims.extend(scope.cloned().and_then(|scope| Claim::new(&ban, scope)));
            }
            Change::Unban(ban, _) => {
                claim(enforcer, std::mem::take(&mut claims));
                withdraw(enforcer, &ban);
            }
        }
    }
    claim(enforcer, claims);
}

fn claim(enforcer: &mut Enforcer, claims: Vec<Claim>) {
    if claims.is_empty() {
        return;
    }
    let Err(error) = enforcer.claim(claims.iter().cloned(), Now::read()) else { return };
    if let [claim] = claims.as_slice() {
        let (jail, offender) = (name(&claim.party), claim.offender);
        return error!(jail, %offender, error = chain(error), "not banned");
    }
    // Each by itself: one that is refused must not keep the others out.
    claims.into_iter().for_each(|one| self::claim(enforcer, vec![one]));
}

fn withdraw(enforcer: &mut Enforcer, ban: &Ban) {
    let Some(offender) = ban.id.net() else { return };
    let party = Party::of(ban);
    if let Err(error) = enforcer.withdraw(&party, offender, Now::read()) {
        error!(jail = name(&party), %offender, error = chain(error), "not unbanned");
    }
}

/// The jail's name, for a log.
fn name(party: &Party) -> &str {
    party.jail().map_or("-", |jail| jail)
}

/// Carries nothing out (`enforce = actions`): there are no maps.
pub(super) async fn without_kernel(mut inbox: mpsc::Receiver<ToEnforcer>) {
    let none = || Err("enforce = actions: nothing is dropped in the kernel".to_owned());
    while let Some(message) = inbox.recv().await {
        // Who asked may have left.
        match message {
            ToEnforcer::Claim(_, reply) => drop(reply.send(none())),
            ToEnforcer::Lift(_, reply) => drop(reply.send(Ok(Vec::new()))),
            ToEnforcer::LiftAll(reply) => {
                if let Some(reply) = reply {
                    drop(reply.send(Ok(Vec::new())));
                }
            }
            ToEnforcer::Restored(_, reply) => {
                let _ = reply.send(());
            }
            ToEnforcer::Owners(reply) => drop(reply.send(Vec::new())),
            ToEnforcer::History(_, reply) => drop(reply.send(Vec::new())),
            ToEnforcer::Changes(_)
            | ToEnforcer::Scope(..)
            | ToEnforcer::Expect(_)
            | ToEnforcer::Rebase => {}
        }
    }
}

fn owner((offender, party): (Offender, &Party)) -> Owner {
    Owner { offender, jail: party.jail().map(|jail| jail.to_string()) }
}
