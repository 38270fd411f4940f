//! A jail's task: owns the jail, and sleeps until something fails or a ban ends.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tracing::{debug, info};

use super::wiring::{ToEnforcer, ToJail};
use crate::clock::{Now, WallTime};
use crate::event::{Ban, Change, Failure};
use crate::jail::Jail;

/// Sleep in pieces of at most this: the wall clock, by which bans end, may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// Runs until everyone who could feed it is gone.
pub(super) async fn run(
    mut jail: Jail,
    mut inbox: mpsc::Receiver<ToJail>,
    to_enforcer: mpsc::Sender<ToEnforcer>,
) -> Result<()> {
    loop {
        tokio::select! {
            message = inbox.recv() => match message {
                Some(ToJail::Failures(batch)) => {
                    for ban in record(&mut jail, &batch, Now::read().wall) {
                        send(&to_enforcer, Change::Ban(ban)).await?;
                    }
                }
                Some(ToJail::Status(reply)) => {
                    drop(reply.send(jail.status(Now::read().wall))); // the asker may have left
                }
                Some(ToJail::LetOff(nets)) => jail.let_off(nets),
                Some(ToJail::Lifted(offenders)) => {
                    for offender in &offenders {
                        jail.unban(offender);
                    }
                }
                None => return Ok(()), // upstream closed: we are drained
            },
            () = sleep_until(jail.next_expiry()) => {
                for ban in jail.expire(Now::read().wall) {
                    info!(jail = name(&ban), offender = %ban.offender, "unban");
                    send(&to_enforcer, Change::Unban(ban)).await?;
                }
            }
        }
    }
}

fn record(jail: &mut Jail, batch: &[Failure], now: WallTime) -> Vec<Ban> {
    let mut bans = Vec::new();
    for failure in batch {
        debug!(jail = %failure.jail, offender = %failure.offender, "found");
        bans.extend(jail.record(failure, now));
    }
    bans
}

async fn send(to_enforcer: &mpsc::Sender<ToEnforcer>, change: Change) -> Result<()> {
    to_enforcer.send(ToEnforcer::Change(change)).await.ok().context("the enforcer is gone")
}

/// The jail's name, for a log.
pub(super) fn name(ban: &Ban) -> &str {
    ban.jail.as_deref().unwrap_or("-")
}

/// Until that moment comes, or may have; for ever where there is none.
pub(super) async fn sleep_until(moment: Option<WallTime>) {
    match moment {
        Some(moment) => sleep(moment.since(Now::read().wall).min(SLEEP_MAX)).await,
        None => std::future::pending().await,
    }
}
