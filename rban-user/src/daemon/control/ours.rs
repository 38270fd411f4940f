//! Requests of rban's own, which fail2ban has no words for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process;
use std::time::Duration;

use tracing::warn;

use super::Control;
use crate::addr::Offender;
use crate::clock::{MonoTime, Now};
use crate::control::{Command, Episode, FailedJail, JailStatus, Reply, Status};
use crate::daemon::memory;
use crate::daemon::wiring::{Order, ToEnforcer, ToJail, chain};
use crate::enforce::{Claim, Moments};
use crate::event::{Ban, Id, JailName, Line};
use crate::scope::Scope;
use crate::store::Write;

impl Control {
    /// A reply to a request of rban's own, both as JSON.
    pub(super) async fn answer_ours(&mut self, json: &str) -> String {
        let reply = match serde_json::from_str(json) {
            Ok(command) => self.obey_ours(command).await.unwrap_or_else(Reply::Error),
            Err(error) => Reply::Error(format!("not a request: {error}")),
        };
        serde_json::to_string(&reply).expect("replies are made of texts and numbers")
    }

    async fn obey_ours(&mut self, command: Command) -> Result<Reply, String> {
        match command {
            Command::Status => Ok(Reply::Status(self.our_status().await)),
            Command::Ban { offenders, seconds, scope } => {
                let claims = claims(&offenders, seconds, &scope);
                let writes = claims.iter().map(memory::by_hand).collect();
                self.ask_enforcer(|reply| ToEnforcer::Claim(claims, reply)).await??;
                self.remember(writes).await;
                Ok(Reply::Banned(offenders))
            }
            Command::Unban { offenders } => {
                let ended = self.unban_in_jails(&offenders).await;
                let lift = |reply| ToEnforcer::Lift(offenders, reply);
                let lifted = self.ask_enforcer(lift).await??;
                self.remember(lifted.iter().map(memory::not_by_hand).collect()).await;
                Ok(Reply::Unbanned(together(ended, lifted)))
            }
            Command::UnbanAll => {
                let mut ended = Vec::new();
                for name in self.running() {
                    let bans = self.ask(&name, |reply| ToJail::Bans(Order::Begun, reply)).await;
                    ended.extend(bans.unwrap_or_default().iter().filter_map(|ban| ban.id.net()));
                    self.ask(&name, ToJail::UnbanAll).await;
                }
                let lift = |reply| ToEnforcer::LiftAll(Some(reply));
                let lifted = self.ask_enforcer(lift).await??;
                self.remember(lifted.iter().map(memory::not_by_hand).collect()).await;
                Ok(Reply::Unbanned(together(ended, lifted)))
            }
            Command::Reload => match self.reread().await {
                Ok(()) => Ok(Reply::Reloaded),
                Err(error) => Err(error.to_string()),
            },
            Command::Import { file } => self.import(file).await,
            Command::Owners => Ok(Reply::Owners(self.ask_enforcer(ToEnforcer::Owners).await?)),
            Command::History { offenders } => {
                let ask = |reply| ToEnforcer::History(offenders, reply);
                let mut history = Vec::new();
                for (claim, moments) in self.ask_enforcer(ask).await? {
                    history.push(self.episode(claim, moments).await);
                }
                Ok(Reply::History(history))
            }
        }
    }

    /// Takes over what fail2ban knows, and puts its live bans in force.
    async fn import(&self, file: Option<PathBuf>) -> Result<Reply, String> {
        let Some(store) = &self.store else {
            return Err("nothing is remembered (dbfile = None), so nothing is imported".to_owned());
        };
        let imported =
            memory::import_on_demand(store, file, &self.settings).await.map_err(chain)?;
        for (_, inbox) in self.jails.inboxes() {
            drop(inbox.send(ToJail::Restore).await); // gone = stops just now
        }
        Ok(Reply::Imported(imported))
    }

    /// What led to a ban, its jail knows.
    async fn episode(&self, claim: Claim, moments: Moments) -> Episode {
        let jail = claim.party.jail();
        let ban = match jail {
            Some(jail) => self.ask(jail, |reply| ToJail::Find(claim.offender.into(), reply)).await,
            None => None,
        };
        let ban = ban.flatten();
        let text = |line: &Line| String::from_utf8_lossy(line).into_owned();
        Episode {
            jail: jail.map(|jail| jail.to_string()),
            since: claim.since.to_string(),
            until: claim.until.map(|until| until.to_string()),
            attempts: ban.as_ref().map_or(0, |ban| ban.attempts),
            lines: ban.iter().flat_map(|ban| &ban.matches).map(text).collect(),
            enforced_ns: moments.enforced.map(MonoTime::as_nanos),
            first_drop_ns: moments.first_drop.map(MonoTime::as_nanos),
        }
    }

    /// Those that stop just now are left out.
    async fn our_status(&self) -> Status {
        let mut logs = self.jails.logs().await;
        let mut jails = Vec::new();
        for name in self.running() {
            let Some(status) = self.ask(&name, ToJail::Status).await else { continue };
            jails.push(JailStatus {
                name: status.name,
                currently_failed: status.currently_failed as u64,
                total_failed: status.total_failed,
                currently_banned: status.currently_banned as u64,
                total_banned: status.total_banned,
                files: logs.remove(&name).unwrap_or_default(),
                does: self.jails.deeds(self.settings.spec(&name)),
            });
        }
        let failed = self.jails.failed().iter();
        let failed = failed
            .map(|jail| FailedJail { name: jail.name.clone(), reasons: jail.reasons.clone() });
        Status { pid: process::id(), jails, failed: failed.collect() }
    }

    fn running(&self) -> Vec<JailName> {
        self.jails.inboxes().map(|(name, _)| name.clone()).collect()
    }

    /// Writes down what was done by hand. A ban that cannot be is in force all the same.
    pub(super) async fn remember(&self, writes: Vec<Write>) {
        let Some(store) = &self.store else { return };
        if store.write_all(writes).await.is_err() {
            warn!("the store has ended; a reboot will not know of what was done by hand");
        }
    }

    /// Ends the bans of all jails, also of those whose bans are none of the kernel's. Returns who was banned.
    async fn unban_in_jails(&self, offenders: &[Offender]) -> Vec<Offender> {
        let ids: Vec<Id> = offenders.iter().map(|offender| (*offender).into()).collect();
        let mut ended = Vec::new();
        for name in self.running() {
            let ids = ids.clone();
            let counts = self.ask(&name, |reply| ToJail::Unban(ids, reply)).await;
            let counts = offenders.iter().zip(counts.unwrap_or_default());
            ended.extend(counts.filter(|(_, count)| *count > 0).map(|(offender, _)| *offender));
        }
        ended
    }
}

/// Each once.
fn together(ended: Vec<Offender>, lifted: Vec<Offender>) -> Vec<Offender> {
    ended.into_iter().chain(lifted).collect::<BTreeSet<_>>().into_iter().collect()
}

fn claims(offenders: &[Offender], seconds: Option<u64>, scope: &Scope) -> Vec<Claim> {
    let now = Now::read().wall;
    let until = seconds.map(|seconds| now.saturating_add(Duration::from_secs(seconds)));
    let claim = |offender: &Offender| {
        Claim::new(&Ban::by_hand(None, (*offender).into(), now, until), scope.clone())
    };
    offenders.iter().filter_map(claim).collect()
}
