//! The enforcer's task: owns the ban maps, hears of bans, of their ends, and of drops.

use std::collections::HashMap;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tracing::{debug, error, info};

use super::jail::{name, sleep_until};
use super::wiring::{ToEnforcer, chain};
use crate::clock::Now;
use crate::control::{Episode, Owner};
use crate::enforce::xdp::Events;
use crate::enforce::{Claim, Enforcer};
use crate::event::{Change, Id, JailName};
use crate::scope::Scope;

/// Runs until everyone who could tell it something is gone. `scopes` says what each jail's bans cover; those of others
/// stop nothing.
pub(super) async fn run(
    mut enforcer: Enforcer,
    scopes: HashMap<JailName, Scope>,
    events: Events,
    mut inbox: mpsc::Receiver<ToEnforcer>,
) {
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
                Some(message) => obey(&mut enforcer, &scopes, message),
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

fn obey(enforcer: &mut Enforcer, scopes: &HashMap<JailName, Scope>, message: ToEnforcer) {
    // Who asked may have left, so that nobody takes the answer.
    match message {
        ToEnforcer::Change(change) => change_map(enforcer, scopes, change),
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
        ToEnforcer::Owners(reply) => drop(reply.send(enforcer.all_claims().map(owner).collect())),
        ToEnforcer::History(offenders, reply) => {
            let claims = offenders.iter().flat_map(|offender| enforcer.claims(*offender));
            drop(reply.send(claims.map(episode).collect()));
        }
    }
}

fn change_map(enforcer: &mut Enforcer, scopes: &HashMap<JailName, Scope>, change: Change) {
    match change {
        Change::Ban(ban) | Change::Prolong(ban) | Change::Extend(ban) => {
            let (jail, id, attempts) = (ban.jail.clone(), ban.id.clone(), ban.attempts);
            let scope = jail.as_ref().and_then(|jail| scopes.get(jail)).cloned();
            let jail = jail.as_deref().unwrap_or("-");
            let Some(claim) = scope.and_then(|scope| Claim::new(ban, scope)) else {
                return info!(jail, %id, attempts, "ban without a firewall action");
            };
            match enforcer.claim(vec![claim], Now::read()) {
                Ok(()) => info!(jail, %id, attempts, "ban"),
                Err(error) => error!(jail, %id, error = chain(error), "not banned"),
            }
        }
        Change::Unban(ban, _) => {
            let Id::Net(offender) = ban.id else { return };
            let withdrawn = enforcer.withdraw(ban.jail.as_ref(), offender, Now::read());
            if let Err(error) = withdrawn {
                error!(jail = name(&ban), %offender, error = chain(error), "not unbanned");
            }
        }
    }
}

fn owner(claim: &Claim) -> Owner {
    Owner { offender: claim.offender, jail: claim.ban.jail.as_deref().map(str::to_owned) }
}

fn episode(claim: &Claim) -> Episode {
    let ban = &claim.ban;
    Episode {
        jail: ban.jail.as_deref().map(str::to_owned),
        since: ban.since.to_string(),
        until: ban.until.map(|until| until.to_string()),
        attempts: ban.attempts,
        lines: ban.matches.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect(),
        enforced_ns: claim.enforced.map(|at| at.as_nanos()),
        first_drop_ns: claim.first_drop.map(|at| at.as_nanos()),
    }
}
