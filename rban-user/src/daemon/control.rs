//! Clients' requests, taken to whoever can answer them: the settings, the jails, the enforcer, the store, the log.
//!
//! One after the other, as they come. What a command changes of the settings counts once everybody obeys it.

mod bans;
mod in_words;
mod ours;
mod python;
mod reload;
mod server;
mod status;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::Reread;
use super::jails::Jails;
use super::wiring::{ToEnforcer, ToJail};
use crate::control::server::Request;
use crate::control::value::{Answer, Class, Exception, Value};
use crate::event::JailName;
use crate::log::{Log, lines};
use crate::said::{Level, Said};
use crate::settings::{Change, Command, Done, Note, Outcome, Server, Settings, What};
use crate::store;

/// What the system tells the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Read the configuration again (SIGHUP).
    Reread,
    /// Open the log anew (SIGUSR1).
    Flushlogs,
}

/// Whoever can answer.
pub(super) struct Control {
    pub(super) settings: Settings,
    pub(super) jails: Jails,
    pub(super) to_enforcer: mpsc::Sender<ToEnforcer>,
    pub(super) store: Option<store::Handle>,
    pub(super) log: Log,
    /// Tells when it is time to leave.
    pub(super) quit: Arc<Notify>,
    pub(super) reload: Reread,
    pub(super) signals: mpsc::Receiver<Signal>,
}

/// Whether there is more to answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    End,
}

/// Answers requests until one of them asks the daemon to quit, or it is time to leave, or the server is gone. Clients
/// whose requests wait then hear that the daemon leaves.
pub(super) async fn run(mut inbox: mpsc::Receiver<Request>, mut control: Control) -> Control {
    let quit = Arc::clone(&control.quit);
    loop {
        tokio::select! {
            () = quit.notified() => break,
            request = inbox.recv() => match request {
                Some((words, reply)) => match control.hear(&words, reply).await {
                    Next::Go => {}
                    Next::End => break,
                },
                None => break,
            },
            Some(signal) = control.signals.recv() => control.obey_signal(signal).await,
        }
    }
    control
}

impl Control {
    /// Answers one request. The client may have left before.
    async fn hear(&mut self, words: &[Value], reply: oneshot::Sender<Answer>) -> Next {
        let before = self.settings.server.clone();
        let answer = match self.settings.apply(words, &is_there) {
            Ok(Outcome::Command(Command::Sleep(span))) => {
                drop(tokio::spawn(answer_later(span, reply)));
                return Next::Go;
            }
            Ok(Outcome::Command(Command::Quit)) => {
                drop(reply.send(Ok(Value::None)));
                return Next::End;
            }
            Ok(Outcome::Command(command)) => self.carry_out(command).await,
            Ok(Outcome::Done(done)) => self.pass_on(done, before, started(words)).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            let (command, error) = (python::list(words), python::exception(error));
            self.log.say(lines::command_failed(&command, &error));
        }
        drop(reply.send(answer));
        Next::Go
    }

    async fn obey_signal(&mut self, signal: Signal) {
        match signal {
            // The log tells of what went wrong.
            Signal::Reread => drop(self.reread().await),
            Signal::Flushlogs => drop(self.log.flush().await),
        }
    }

    /// Has everybody obey what was set. `before` is what the server was set to, `meant` the jail that is to run.
    async fn pass_on(&mut self, done: Done, before: Server, meant: Option<JailName>) -> Answer {
        if let Err(error) = self.obey_server(&self.settings.server, &done.changes).await {
            self.settings.server = before;
            return Err(error);
        }
        self.note(done.notes);
        self.reconcile(done.changes, meant.as_slice()).await?;
        Ok(done.answer)
    }

    /// Has the jails match the settings. Those that should run and could not before are tried again, if they changed or
    /// are meant. What cannot be is told, and the rest is done.
    async fn reconcile(
        &mut self,
        mut changes: Vec<Change>,
        meant: &[JailName],
    ) -> Result<(), Exception> {
        let touched: BTreeSet<JailName> =
            changes.iter().filter_map(jail_of).chain(meant).cloned().collect();
        let again = touched.into_iter().filter(|jail| self.is_to_be_tried(jail, &changes));
        let again: Vec<Change> = again.map(|jail| Change::Jail(jail, What::Started)).collect();
        changes.extend(again);
        if !changes.iter().any(|change| jail_of(change).is_some()) {
            return Ok(());
        }
        let failed = self.jails.reconcile(&self.settings, &changes).await;
        if failed.is_empty() {
            return Ok(());
        }
        let reasons = failed.iter().map(|(jail, reason)| format!("jail '{jail}': {reason}"));
        Err(refused(reasons.collect::<Vec<_>>().join("; ")))
    }

    /// Whether a jail should run, does not, and is not among those that start anyway.
    fn is_to_be_tried(&self, jail: &JailName, changes: &[Change]) -> bool {
        let starts = [What::Started, What::Restarted];
        let is_started = self.settings.jails().any(|(name, entry)| name == jail && entry.started);
        let starts_anyway = starts.map(|what| Change::Jail(jail.clone(), what));
        is_started
            && self.jails.inbox(jail).is_none()
            && !starts_anyway.iter().any(|start| changes.contains(start))
    }

    async fn carry_out(&mut self, command: Command) -> Answer {
        match command {
            Command::Status => Ok(in_words::of_all(&self.names())),
            Command::StatusAll(flavor) => Ok(self.status_of_all(flavor).await),
            Command::StatusOf(jail, flavor) => Ok(self.status_of(&jail, flavor).await),
            Command::Stats => Ok(self.stats().await),
            Command::Banned => Ok(self.banned().await),
            Command::BannedBy(ids) => Ok(self.banned_by(&ids).await),
            Command::BannedIn(jail) => Ok(self.banned_in(&jail).await),
            Command::IsBanned { jail, ids } => Ok(self.is_banned(&jail, &ids).await),
            Command::Banip(jail, how) => Ok(self.banip(&jail, &how).await),
            Command::UnbanAll => self.unban_all().await,
            Command::Unban(ids) => self.unban(&ids).await,
            Command::Ban { jail, ids } => self.ban_in(&jail, &ids).await,
            Command::UnbanIn { jail, ids, absent } => self.unban_in(&jail, &ids, absent).await,
            Command::Attempt { jail, id, lines } => self.attempt(&jail, &id, lines).await,
            Command::Act { jail, action, method, .. } => Err(cannot_act(&jail, &action, &method)),
            Command::Flushlogs => self.flush_log().await,
            Command::ConfigError(text) => {
                self.note(vec![Note::Error(text)]);
                Ok(Value::None)
            }
            Command::Reload(reload) => self.reload(reload).await,
            Command::Stream(commands) => self.stream(commands).await,
            Command::Rban(json) => Ok(Value::Text(self.answer_ours(&json).await)),
            Command::Quit | Command::Sleep(_) => unreachable!("answered as they are heard"),
        }
    }

    fn note(&self, notes: Vec<Note>) {
        for note in notes {
            self.log.say(match note {
                Note::Warning(text) => Said::new("server", Level::Warning, text),
                Note::Error(text) => Said::new("transmitter", Level::Error, text),
                Note::Refused(text) => Said::new("filter", Level::Error, text),
            });
        }
    }

    /// All jails that are set, also those that do not run.
    fn names(&self) -> Vec<JailName> {
        self.settings.jails().map(|(name, _)| name.clone()).collect()
    }

    /// Asks a jail that has to run for it.
    async fn ask_running<T>(
        &self,
        jail: &str,
        question: impl FnOnce(oneshot::Sender<T>) -> ToJail,
    ) -> Result<T, Exception> {
        self.ask(jail, question).await.ok_or_else(|| {
            refused(format!("jail '{jail}' does not run; write `start {jail}` first"))
        })
    }

    /// Asks a jail; `None` = it does not run.
    async fn ask<T>(
        &self,
        jail: &str,
        question: impl FnOnce(oneshot::Sender<T>) -> ToJail,
    ) -> Option<T> {
        let inbox = self.jails.inbox(jail)?.clone();
        let (reply, answer) = oneshot::channel();
        inbox.send(question(reply)).await.ok()?;
        answer.await.ok()
    }

    async fn ask_enforcer<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> ToEnforcer,
    ) -> Result<T, String> {
        let (reply, answer) = oneshot::channel();
        let gone = || "the enforcer is gone".to_owned();
        self.to_enforcer.send(question(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// The jail that a `start` names.
fn started(words: &[Value]) -> Option<JailName> {
    match words {
        [Value::Text(verb), Value::Text(jail), ..] if verb == "start" => Some(jail.as_str().into()),
        _ => None,
    }
}

fn jail_of(change: &Change) -> Option<&JailName> {
    match change {
        Change::Jail(jail, _) => Some(jail),
        Change::Server(_) => None,
    }
}

/// Whether a file is there.
fn is_there(path: &Path) -> bool {
    path.exists()
}

/// An error of no class of its own.
fn refused(text: impl Into<String>) -> Exception {
    Exception::new(Class::Other, text)
}

fn cannot_act(jail: &str, action: &str, method: &str) -> Exception {
    refused(format!(
        "action '{action}' of jail '{jail}' cannot be told to {method}: it follows the jail's bans; write \
         `set {jail} banip`, `set {jail} unbanip` or `reload --restart {jail}`"
    ))
}

async fn answer_later(span: Duration, reply: oneshot::Sender<Answer>) {
    tokio::time::sleep(span).await;
    drop(reply.send(Ok(Value::None)));
}

/// What takes long is done where no ban waits for it: patterns are compiled, files read.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Exception> {
    spawn_blocking(work).await.map_err(|error| refused(format!("rban broke: {error}")))
}
