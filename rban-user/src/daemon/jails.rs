//! The jails that run: starts them, stops them, has them match the settings.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ipnet::IpNet;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{error, warn};

use super::actions::World;
use super::ignore::{self, Screen};
use super::jail::{Outlets, Task};
use super::scan::{Member, Scans};
use super::told;
use super::wiring::{self, Rest, Stopping, ToEnforcer, ToJail, chain};
use crate::actions::{self, Families, OwnNames, Revision, Setup, Worker};
use crate::config::{ActionSpec, Enforce, FailedJail, JailSpec};
use crate::control::Deed;
use crate::event::{Failure, JailName};
use crate::jail::Jail;
use crate::log::{Log, lines};
use crate::said::Said;
use crate::scope::Scope;
use crate::settings::{self, Settings, What};
use crate::store;

/// A jail that stops gives its actions so long to take back what they did.
const ACTIONS_PATIENCE: Duration = Duration::from_secs(10);

/// What every jail is given.
pub(super) struct Common {
    pub(super) enforce: Enforce,
    pub(super) to_enforcer: mpsc::Sender<ToEnforcer>,
    pub(super) store: Option<store::Handle>,
    pub(super) log: Log,
    pub(super) ignore: ignore::World,
    /// Whom the kernel lets off, and all jails as well.
    pub(super) own: watch::Receiver<BTreeSet<IpNet>>,
    pub(super) families: Families,
    pub(super) own_names: OwnNames,
}

/// The jails that run.
pub(super) struct Jails {
    common: Common,
    scans: Scans,
    running: BTreeMap<JailName, Running>,
    failed: Vec<FailedJail>,
    /// Of all jails' commands one runs at a time, as fail2ban has it.
    turns: Arc<Semaphore>,
}

struct Running {
    inbox: mpsc::Sender<ToJail>,
    failures: mpsc::Sender<Vec<Failure>>,
    task: JoinHandle<Result<()>>,
    actions: JoinHandle<()>,
    /// What the log heard of its settings.
    told: Vec<Said>,
}

impl Jails {
    /// None yet. `failed` are those that cannot even be tried.
    pub(super) fn new(common: Common, scans: Scans, failed: Vec<FailedJail>) -> Self {
        let turns = Arc::new(Semaphore::new(1));
        Self { common, scans, running: BTreeMap::new(), failed, turns }
    }

    /// Starts all jails that the settings have started. Returns those that could not be, with the reason.
    pub(super) async fn start_all(&mut self, settings: &Settings) -> Vec<(JailName, String)> {
        let started = settings.jails().filter(|(_, entry)| entry.started);
        let changes: Vec<settings::Change> =
            started.map(|(name, _)| settings::Change::Jail(name.clone(), What::Started)).collect();
        self.reconcile(settings, &changes).await
    }

    /// Makes what runs match the settings. Returns each jail that could not be started or changed, with the reason.
    pub(super) async fn reconcile(
        &mut self,
        settings: &Settings,
        changes: &[settings::Change],
    ) -> Vec<(JailName, String)> {
        let mut scanned = Vec::new();
        for change in changes {
            let settings::Change::Jail(name, what) = change else { continue };
            let entry = settings.jails().find(|(it, _)| *it == name).map(|(_, entry)| entry);
            if let (Some(entry), Some(running)) = (entry, self.running.get_mut(name)) {
                let told = told::settings(&entry.spec);
                let news = told.iter().filter(|said| !running.told.contains(said));
                news.cloned().for_each(|said| self.common.log.say(said));
                running.told = told;
            }
            match (what, entry) {
                (What::Removed, _) => self.stop(name, Stopping::Repeal).await,
                (What::Restarted, Some(entry)) => {
                    self.stop(name, Stopping::Repeal).await;
                    scanned.push(self.start(&entry.spec).await);
                }
                (What::Started, Some(entry)) if !self.running.contains_key(name) => {
                    scanned.push(self.start(&entry.spec).await);
                }
                (What::Source | What::Filter, Some(entry)) => {
                    let failures = self.running.get(name).map(|it| it.failures.clone());
                    let of = |failures| Member::of(&entry.spec, failures);
                    let is_new = !scanned.iter().any(|member: &Member| member.jail == *name);
                    scanned.extend(failures.filter(|_| is_new).map(of));
                }
                (What::Policy | What::Ignore, Some(entry)) => {
                    let policy = Box::new(entry.spec.policy.clone());
                    self.tell(name, ToJail::Obey(policy)).await;
                }
                (What::Actions, Some(entry)) => self.change_actions(&entry.spec).await,
                (What::Idle, Some(entry)) => {
                    let rest = if entry.idle { Rest::On } else { Rest::Off };
                    self.tell(name, ToJail::Rest(rest)).await;
                }
                (What::Added | What::Started, _) | (_, None) => {}
            }
        }
        let failed = self.scans.arrange(scanned).await;
        for (name, reason) in &failed {
            error!(jail = %name, reason, "the jail does not run; the others do");
            self.failed.retain(|jail| *jail.name != **name);
            let reasons = vec![reason.clone()];
            self.failed.push(FailedJail { name: name.to_string(), reasons });
            // It has no lines, and never had any: nothing of it is to stay.
            self.stop(name, Stopping::Keep).await;
        }
        failed
    }

    /// A running jail's mailbox.
    pub(super) fn inbox(&self, jail: &str) -> Option<&mpsc::Sender<ToJail>> {
        self.running.get(jail).map(|running| &running.inbox)
    }

    /// All running jails, in the order of their names.
    pub(super) fn inboxes(&self) -> impl Iterator<Item = (&JailName, &mpsc::Sender<ToJail>)> {
        self.running.iter().map(|(name, running)| (name, &running.inbox))
    }

    /// The logs that each jail reads now.
    pub(super) async fn logs(&self) -> HashMap<JailName, Vec<PathBuf>> {
        self.scans.logs().await
    }

    /// Jails that are enabled and do not run.
    pub(super) fn failed(&self) -> &[FailedJail] {
        &self.failed
    }

    /// Stops all of them, at a time.
    pub(super) async fn stop_all(&mut self, how: Stopping) {
        self.scans.end();
        let mut ending = JoinSet::new();
        for (name, running) in std::mem::take(&mut self.running) {
            ending.spawn(end(name, running, how, self.common.log.clone()));
        }
        drop(ending.join_all().await);
    }

    async fn tell(&self, jail: &JailName, message: ToJail) {
        if let Some(inbox) = self.inbox(jail) {
            drop(inbox.send(message).await); // gone = obeys nobody
        }
    }

    /// Starts a jail, whose stored bans are in force again when this returns; its lines are still to be looked at.
    async fn start(&mut self, spec: &JailSpec) -> Member {
        let name = spec.name.clone();
        let told = told::settings(spec);
        let beginning = lines::creating_jail(&name).chain(told::backend(spec));
        beginning.chain(told.iter().cloned()).for_each(|said| self.common.log.say(said));
        self.failed.retain(|jail| *jail.name != *name);
        let scope = ToEnforcer::Scope(name.clone(), self.scope(spec));
        drop(self.common.to_enforcer.send(scope).await); // gone = the daemon is ending
        let (failures, failures_inbox) = mpsc::channel(wiring::FAILURE_BATCHES);
        let (inbox, jail_inbox) = mpsc::channel(wiring::JAIL_MESSAGES);
        let specs = self.commands(&spec.actions);
        let (handle, worker) = self.worker(spec, &specs, &inbox);
        let outlets = Outlets {
            to_enforcer: self.common.to_enforcer.clone(),
            store: self.common.store.clone(),
            has_actions: !specs.is_empty(),
            actions: handle,
            log: self.common.log.clone(),
            own: self.common.own.clone(),
        };
        if outlets.has_actions {
            outlets.actions.tell(actions::Task::Start);
        }
        let jail = Jail::new(spec.policy.clone());
        let screen = Screen::new(name.clone(), self.common.ignore.clone());
        let mut task = Task::new(jail, screen, outlets);
        let (restored, done) = oneshot::channel();
        let task = tokio::spawn(async move {
            task.restore().await?;
            let _ = restored.send(()); // nobody waits any more
            task.run(failures_inbox, jail_inbox).await
        });
        drop(done.await); // an error shows when the task is joined
        self.common.log.say(lines::jail_started(&name));
        let actions = tokio::spawn(worker.run());
        let member = Member::of(spec, failures.clone());
        self.running.insert(name, Running { inbox, failures, task, actions, told });
        member
    }

    fn worker(
        &self,
        spec: &JailSpec,
        specs: &[actions::Spec],
        inbox: &mpsc::Sender<ToJail>,
    ) -> (actions::Handle, Worker<World>) {
        let setup = Setup {
            jail: spec.name.clone(),
            bantime: spec.policy.bantime,
            families: self.common.families,
            own_names: self.common.own_names.clone(),
            turns: self.turns.clone(),
        };
        let world = World {
            jail: spec.name.clone(),
            inbox: inbox.downgrade(),
            store: self.common.store.clone(),
            log: self.common.log.clone(),
        };
        Worker::new(setup, specs, world)
    }

    /// The actions whose commands are run.
    fn commands(&self, actions: &[ActionSpec]) -> Vec<actions::Spec> {
        let runs =
            |action: &&ActionSpec| action.takeover.is_none() || self.common.enforce != Enforce::Xdp;
        actions.iter().filter(runs).map(ActionSpec::to_run).collect()
    }

    /// What the kernel does about a jail's bans, of all its firewall actions together; `None` = nothing.
    fn scope(&self, spec: &JailSpec) -> Option<Scope> {
        if self.common.enforce == Enforce::Actions {
            return None;
        }
        let taken = spec.actions.iter().filter_map(|action| action.takeover.as_ref());
        let scope = taken.map(|takeover| takeover.scope.clone()).reduce(|a, b| a.union(&b));
        if scope.is_none() && spec.actions.is_empty() {
            warn!(jail = %spec.name, "has no action, so its bans stop nothing");
        }
        scope
    }

    /// What a jail's bans lead to: each action, and who carries it out.
    pub(super) fn deeds(&self, spec: Option<&JailSpec>) -> Vec<Deed> {
        let actions = spec.map(|spec| &spec.actions[..]).unwrap_or_default();
        let deed = |action: &ActionSpec| {
            let taken = action.takeover.as_ref().map(|takeover| takeover.scope.clone());
            let scope = taken.filter(|_| self.common.enforce != Enforce::Actions);
            let runs = action.takeover.is_none() || self.common.enforce != Enforce::Xdp;
            Deed { action: action.name.clone(), scope, runs }
        };
        actions.iter().map(deed).collect()
    }

    async fn change_actions(&self, spec: &JailSpec) {
        let scope = ToEnforcer::Scope(spec.name.clone(), self.scope(spec));
        drop(self.common.to_enforcer.send(scope).await); // gone = the daemon is ending
        let specs = self.commands(&spec.actions);
        self.tell(&spec.name, ToJail::Actions(specs, Revision::Set)).await;
    }

    async fn stop(&mut self, name: &JailName, how: Stopping) {
        self.scans.remove(name).await;
        let Some(running) = self.running.remove(name) else { return };
        end(name.clone(), running, how, self.common.log.clone()).await;
    }
}

/// Has a jail end, and its actions, if they do in time.
async fn end(name: JailName, running: Running, how: Stopping, log: Log) {
    let (reply, done) = oneshot::channel();
    if running.inbox.send(ToJail::Stop(how, reply)).await.is_ok() {
        drop(done.await); // gone = it has stopped
    }
    drop(running.inbox);
    match running.task.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => error!(jail = %name, error = chain(error), "the jail broke"),
        Err(error) => error!(jail = %name, %error, "the jail broke"),
    }
    if timeout(ACTIONS_PATIENCE, running.actions).await.is_err() {
        warn!(jail = %name, "actions did not take back in time what they did");
    }
    log.say(lines::jail_stopped(&name));
}
