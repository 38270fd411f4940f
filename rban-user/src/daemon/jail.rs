//! A jail's task: owns the jail, and sleeps until something fails or a ban ends.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::ignore::Screen;
use super::wiring::{ToEnforcer, ToJail};
use crate::clock::{Now, WallTime};
use crate::event::{Ban, Change, Failure, Why};
use crate::jail::Jail;

/// Sleep in pieces of at most this: the wall clock, by which bans end, may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// So long may it take to find out whom to ignore once no failures come any more; what waits longer is lost.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);

/// Runs until no more failures can come.
pub(super) async fn run(
    mut jail: Jail,
    mut screen: Screen,
    mut failures: mpsc::Receiver<Vec<Failure>>,
    mut inbox: mpsc::Receiver<ToJail>,
    to_enforcer: mpsc::Sender<ToEnforcer>,
) -> Result<()> {
    loop {
        tokio::select! {
            batch = failures.recv(), if !screen.is_full() => match batch {
                Some(batch) => {
                    let changes = screen.judge(&mut jail, batch, Now::read());
                    send_all(&to_enforcer, changes).await?;
                }
                None => break,
            },
            done = screen.done() => {
                let changes = screen.hear(&mut jail, done?, Now::read());
                send_all(&to_enforcer, changes).await?;
            }
            Some(message) = inbox.recv() => match message {
                ToJail::Status(reply) => {
                    drop(reply.send(jail.status(Now::read().wall))); // the asker may have left
                }
                ToJail::LetOff(nets) => jail.let_off(nets),
                ToJail::Lifted(offenders) => {
                    for offender in offenders {
                        jail.unban(&offender.into());
                    }
                }
            },
            () = sleep_until(jail.next_expiry()) => {
                for ban in jail.expire(Now::read().wall) {
                    info!(jail = name(&ban), id = %ban.id, "unban");
                    send(&to_enforcer, Change::Unban(ban, Why::Ended)).await?;
                }
            }
        }
    }
    drain(jail, screen, &to_enforcer).await
}

/// Has judged what still can be.
async fn drain(
    mut jail: Jail,
    mut screen: Screen,
    to_enforcer: &mpsc::Sender<ToEnforcer>,
) -> Result<()> {
    let judged = timeout(DRAIN_PATIENCE, async {
        while screen.waiting() > 0 {
            let done = screen.done().await?;
            let changes = screen.hear(&mut jail, done, Now::read());
            send_all(to_enforcer, changes).await?;
        }
        Ok(())
    });
    match judged.await {
        Ok(outcome) => outcome,
        Err(_) => {
            let count = screen.waiting();
            warn!(count, "failures do not count: whether to ignore them was not known in time");
            Ok(())
        }
    }
}

async fn send_all(to_enforcer: &mpsc::Sender<ToEnforcer>, changes: Vec<Change>) -> Result<()> {
    for change in changes {
        send(to_enforcer, change).await?;
    }
    Ok(())
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
