//! Requests of rban's own, which fail2ban has no words for.

use std::process;
use std::time::Duration;

use super::Control;
use crate::addr::Offender;
use crate::clock::{MonoTime, Now};
use crate::control::{Command, Episode, FailedJail, JailStatus, Reply, Status};
use crate::daemon::wiring::{ToEnforcer, ToJail};
use crate::enforce::{Claim, Moments};
use crate::event::{Ban, JailName, Line};
use crate::scope::Scope;

impl Control {
    /// A reply to a request of rban's own, both as JSON.
    pub(super) async fn answer_ours(&self, json: &str) -> String {
        let reply = match serde_json::from_str(json) {
            Ok(command) => self.obey_ours(command).await.unwrap_or_else(Reply::Error),
            Err(error) => Reply::Error(format!("not a request: {error}")),
        };
        serde_json::to_string(&reply).expect("replies are made of texts and numbers")
    }

    async fn obey_ours(&self, command: Command) -> Result<Reply, String> {
        match command {
            Command::Status => Ok(Reply::Status(self.our_status().await)),
            Command::Ban { offenders, seconds, scope } => {
                let claims = claims(&offenders, seconds, &scope);
                self.ask_enforcer(|reply| ToEnforcer::Claim(claims, reply)).await??;
                Ok(Reply::Banned(offenders))
            }
            Command::Unban { offenders } => {
                let lift = |reply| ToEnforcer::Lift(offenders, reply);
                let lifted = self.ask_enforcer(lift).await??;
                self.forget(&lifted).await;
                Ok(Reply::Unbanned(lifted))
            }
            Command::UnbanAll => {
                let lift = |reply| ToEnforcer::LiftAll(Some(reply));
                let lifted = self.ask_enforcer(lift).await??;
                self.forget(&lifted).await;
                Ok(Reply::Unbanned(lifted))
            }
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

    /// Jails count anew those whose ban was lifted by hand.
    async fn forget(&self, lifted: &[Offender]) {
        for name in self.running() {
            let Some(inbox) = self.jails.inbox(&name).cloned() else { continue };
            drop(inbox.send(ToJail::Lifted(lifted.to_vec())).await); // gone = has forgotten
        }
    }
}

fn claims(offenders: &[Offender], seconds: Option<u64>, scope: &Scope) -> Vec<Claim> {
    let now = Now::read().wall;
    let until = seconds.map(|seconds| now.saturating_add(Duration::from_secs(seconds)));
    let claim = |offender: &Offender| {
        Claim::new(&Ban::by_hand(None, (*offender).into(), now, until), scope.clone())
    };
    offenders.iter().filter_map(claim).collect()
}
