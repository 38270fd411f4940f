//! Clients' requests, taken to whoever can answer them.

mod in_words;

use std::process;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::wiring::{JailHandle, ToEnforcer, ToJail};
use crate::addr::Offender;
use crate::clock::Now;
use crate::config;
use crate::control::server::Request;
use crate::control::value::{Answer, Class, Exception, Value};
use crate::control::{Command, FailedJail, JailStatus, OURS, Reply, Status};
use crate::enforce::Claim;
use crate::event::Ban;

/// Answers requests, one after the other, until the server is gone.
pub(super) async fn run(
    mut inbox: mpsc::Receiver<Request>,
    jails: Vec<JailHandle>,
    failed: Vec<config::FailedJail>,
    to_enforcer: mpsc::Sender<ToEnforcer>,
) {
    let failed =
        failed.into_iter().map(|jail| FailedJail { name: jail.name, reasons: jail.reasons });
    let control = Control { jails, failed: failed.collect(), to_enforcer };
    while let Some((words, reply)) = inbox.recv().await {
        drop(reply.send(control.answer(&words).await)); // the client may have left
    }
}

struct Control {
    jails: Vec<JailHandle>,
    failed: Vec<FailedJail>,
    to_enforcer: mpsc::Sender<ToEnforcer>,
}

impl Control {
    async fn answer(&self, words: &[Value]) -> Answer {
        let text = |word: &Value| match word {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        };
        let words: Vec<String> = words.iter().map_while(text).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            [OURS, json] => Ok(Value::Text(self.answer_ours(json).await)),
            ["ping", ..] => Ok(Value::Text("pong".to_owned())),
            ["version", ..] => Ok(Value::Text(env!("CARGO_PKG_VERSION").to_owned())),
            ["status"] => Ok(in_words::of_all(&self.status().await)),
            ["status", name, ..] => in_words::of_one(&self.status().await, name),
            _ => Err(Exception::new(Class::Other, "Invalid command")),
        }
    }

    /// A reply to a request of rban's own, both as JSON.
    async fn answer_ours(&self, json: &str) -> String {
        let reply = match serde_json::from_str(json) {
            Ok(command) => self.obey(command).await.unwrap_or_else(Reply::Error),
            Err(error) => Reply::Error(format!("not a request: {error}")),
        };
        serde_json::to_string(&reply).expect("replies are made of texts and numbers")
    }

    async fn obey(&self, command: Command) -> Result<Reply, String> {
        match command {
            Command::Status => Ok(Reply::Status(self.status().await)),
            Command::Ban { offenders, seconds, scope } => {
                let now = Now::read();
                let span = seconds.map(Duration::from_secs);
                let until = span.map(|span| now.wall.saturating_add(span));
                let by_hand = |offender: &Offender| {
                    let ban = Ban::by_hand(None, (*offender).into(), now.wall, until);
                    Claim::new(ban, scope.clone())
                };
                let claims = offenders.iter().filter_map(by_hand).collect();
                self.ask(|reply| ToEnforcer::Claim(claims, reply)).await??;
                Ok(Reply::Banned(offenders))
            }
            Command::Unban { offenders } => {
                let lifted = self.ask(|reply| ToEnforcer::Lift(offenders, reply)).await??;
                self.forget(&lifted).await;
                Ok(Reply::Unbanned(lifted))
            }
            Command::UnbanAll => {
                let lifted = self.ask(|reply| ToEnforcer::LiftAll(Some(reply))).await??;
                self.forget(&lifted).await;
                Ok(Reply::Unbanned(lifted))
            }
            Command::Owners => Ok(Reply::Owners(self.ask(ToEnforcer::Owners).await?)),
            Command::History { offenders } => {
                let history = self.ask(|reply| ToEnforcer::History(offenders, reply)).await?;
                Ok(Reply::History(history))
            }
        }
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> ToEnforcer,
    ) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the enforcer is gone".to_owned();
        self.to_enforcer.send(question(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    /// Those that stop just now are left out.
    async fn status(&self) -> Status {
        let mut jails = Vec::new();
        for jail in &self.jails {
            let (reply, answer) = oneshot::channel();
            if jail.inbox.send(ToJail::Status(reply)).await.is_err() {
                continue;
            }
            let Ok(status) = answer.await else { continue };
            jails.push(JailStatus {
                name: status.name,
                currently_failed: status.currently_failed as u64,
                total_failed: status.total_failed,
                currently_banned: status.currently_banned as u64,
                total_banned: status.total_banned,
                files: jail.files.clone(),
            });
        }
        Status { pid: process::id(), jails, failed: self.failed.clone() }
    }

    /// Jails count anew those whose ban was lifted by hand.
    async fn forget(&self, lifted: &[Offender]) {
        for jail in &self.jails {
            drop(jail.inbox.send(ToJail::Lifted(lifted.to_vec())).await); // gone = has forgotten
        }
    }
}
