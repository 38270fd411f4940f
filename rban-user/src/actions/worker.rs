//! One jail's actions at work: takes tasks as they come, runs commands one after the other, tells the log.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::names::OwnNames;
use super::plan::{Deed, Families, Plan};
use super::queue::{Entrance, Exit, queue};
use super::ticket::{Counters, Record, Ticket};
use super::{ACTIONS, Spec};
use crate::clock::WallTime;
use crate::event::JailName;
use crate::said::{Level, Said, SaidId};

mod answers;
mod execute;

use answers::Answers;
use execute::execute;

/// Whether everything is as it was made is looked up no more often.
const CHECKED_EVERY: Duration = Duration::from_secs(3);

/// What a jail's actions are to do.
#[derive(Clone, Debug)]
pub enum Task {
    /// The jail starts.
    Start,
    /// This ban began.
    Ban(Arc<Ticket>),
    /// Its offender failed again, more than 3 s after it began; does it hold?
    Again(Arc<Ticket>),
    /// It ends later.
    Prolong(Arc<Ticket>),
    /// It ended.
    Unban(Arc<Ticket>),
    /// All bans end, which are these. None need be named where [`Handle::lifts_singly`] is false.
    Flush(Vec<Arc<Ticket>>),
    /// These are the actions from now on. Those not among them are stopped, their bans lifted.
    Revise {
        /// All of them.
        specs: Vec<Spec>,
        /// Who is banned.
        bans: Vec<Arc<Ticket>>,
        /// Why.
        how: Revision,
    },
    /// The jail stops; all bans, which are these, end. The worker ends as well.
    Stop(Vec<Arc<Ticket>>),
}

/// Why actions change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The configuration was read again: actions that stay run their `actionreload`.
    Reload,
    /// Somebody set an option, added an action or removed one.
    Set,
}

/// Whose failures are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jails {
    /// Those of all jails.
    All,
    /// Those of the worker's own.
    This,
}

/// What a worker asks and tells others.
pub trait World: Send + Sync + 'static {
    /// The name of an address ([`super::host_name`] asks the system).
    fn host_name(&self, ip: IpAddr) -> impl Future<Output = Option<String>> + Send;

    /// What is stored of an offender.
    fn record(&self, id: &str, jails: Jails) -> impl Future<Output = Option<Record>> + Send;

    /// What the jail has counted.
    fn counters(&self) -> impl Future<Output = Counters> + Send;

    /// The time.
    fn now(&self) -> WallTime;

    /// For the log.
    fn say(&self, said: Said);
}

/// What a worker has to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whose actions they are.
    pub jail: JailName,
    /// How long its bans usually last.
    pub bantime: Option<Duration>,
    /// Which addresses there are.
    pub families: Families,
    /// What this host calls itself.
    pub own_names: OwnNames,
    /// One permit: of all jails' commands one runs at a time, as fail2ban does it.
    pub turns: Arc<Semaphore>,
}

/// The way to a worker. When it is dropped, the worker ends without stopping the actions.
pub struct Handle {
    entrance: Entrance,
}

impl Handle {
    /// Never waits. Where too much waits already, something is given up, and the log told (see `queue`).
    pub fn tell(&self, task: Task) {
        self.entrance.push(task);
    }

    /// How many tasks wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.entrance.len()
    }

    /// Whether one of these actions lifts bans one by one even where all end.
    #[must_use]
    pub fn lifts_singly(specs: &[Spec]) -> bool {
        let has = |spec: &Spec, name: &str| {
            spec.options
                .iter()
                .any(|(it, text)| it.split('?').next() == Some(name) && !text.trim().is_empty())
        };
        specs.iter().any(|spec| has(spec, "actionunban") && !has(spec, "actionflush"))
    }
}

/// One jail's actions.
pub struct Worker<W> {
    setup: Setup,
    world: W,
    plans: Vec<Plan>,
    tasks: Exit,
    checked: Option<Instant>,
}

impl<W: World> Worker<W> {
    /// A worker that does nothing until it [runs](Self::run) and is told to.
    pub fn new(setup: Setup, specs: &[Spec], world: W) -> (Handle, Self) {
        let (entrance, tasks) = queue();
        let plans = specs.iter().map(|spec| Plan::new(spec, &setup)).collect();
        (Handle { entrance }, Self { setup, world, plans, tasks, checked: None })
    }

    /// Works until it is stopped, or its handle dropped.
    pub async fn run(mut self) {
        while let Some(task) = self.tasks.next().await {
            self.tell_of_losses();
            match task {
                Task::Start => self.all(Deed::Start).await,
                Task::Ban(ticket) => self.each(Deed::Ban, &ticket).await,
                Task::Prolong(ticket) => self.each(Deed::Prolong, &ticket).await,
                Task::Unban(ticket) => self.each(Deed::Unban, &ticket).await,
                Task::Again(ticket) => self.check(&ticket).await,
                Task::Flush(bans) => self.flush(&bans).await,
                Task::Revise { specs, bans, how } => self.revise(specs, &bans, how).await,
                Task::Stop(bans) => {
                    self.flush(&bans).await;
                    self.plans.reverse();
                    return self.all(Deed::Stop).await;
                }
            }
        }
    }

    fn tell_of_losses(&mut self) {
        let given_up = self.tasks.given_up();
        if given_up > 0 {
            let text = format!(
                "[{}] {given_up} task(s) of actions given up, for too many wait; have the commands end sooner",
                self.setup.jail
            );
            self.world.say(Said::new(ACTIONS, Level::Error, text));
        }
    }

    /// What is not about one ban.
    async fn all(&mut self, deed: Deed) {
        let nobody = self.nobody();
        self.each(deed, &nobody).await;
    }

    fn nobody(&self) -> Arc<Ticket> {
        Arc::new(Ticket::empty(self.world.now(), self.setup.bantime))
    }

    async fn each(&mut self, deed: Deed, ticket: &Arc<Ticket>) {
        let mut answers = Answers::default();
        for at in 0..self.plans.len() {
            self.one(at, deed, ticket, &mut answers).await;
        }
    }

    /// One deed of one action, to its end.
    async fn one(&mut self, at: usize, deed: Deed, ticket: &Arc<Ticket>, answers: &mut Answers) {
        let plan = &mut self.plans[at];
        for command in plan.commands(deed, ticket) {
            answers.learn(&command, ticket, &self.world).await;
        }
        plan.begin(deed, ticket.clone(), Arc::new(answers.found.clone()));
        let time = plan.timeout();
        while let Some(script) = plan.next() {
            plan.take_said().into_iter().for_each(|said| self.world.say(said));
            let outcome = execute(&script, time, &self.setup.turns, &self.world).await;
            plan.ended(outcome);
        }
        plan.take_said().into_iter().for_each(|said| self.world.say(said));
    }

    /// Is everything as it was made? Bans that were made before something had to be repaired are made again.
    async fn check(&mut self, ticket: &Arc<Ticket>) {
        if self.checked.is_none_or(|then| then.elapsed() >= CHECKED_EVERY) {
            self.checked = Some(Instant::now());
            self.all(Deed::Check).await;
        }
        let lost = |plan: &Plan| plan.may_have_lost(ticket);
        let lost: Vec<usize> = (0..self.plans.len()).filter(|at| lost(&self.plans[*at])).collect();
        let action = match lost[..] {
            [] => return,
            [one] => format!(", action '{}'", self.plans[one].name()),
            _ => String::new(),
        };
        let text = format!("[{}] Reban {}{action}", self.setup.jail, SaidId(&ticket.id));
        self.world.say(Said::new(ACTIONS, Level::Notice, text));
        let mut answers = Answers::default();
        for at in lost {
            self.one(at, Deed::Reban, ticket, &mut answers).await;
        }
    }

    /// Lifts all bans, each action's by one command where it has one.
    async fn flush(&mut self, bans: &[Arc<Ticket>]) {
        let nobody = self.nobody();
        let mut singly = Vec::new();
        for at in 0..self.plans.len() {
            if !self.plans[at].can_flush() {
                singly.push(at);
                continue;
            }
            let (jail, name) = (&self.setup.jail, self.plans[at].name());
            let text = format!("[{jail}] Flush ticket(s) with {name}");
            self.world.say(Said::new(ACTIONS, Level::Notice, text));
            self.one(at, Deed::Flush, &nobody, &mut Answers::default()).await;
        }
        if singly.is_empty() {
            return;
        }
        for ban in bans {
            let mut answers = Answers::default();
            for at in &singly {
                self.one(*at, Deed::Unban, ban, &mut answers).await;
            }
        }
    }

    async fn revise(&mut self, specs: Vec<Spec>, bans: &[Arc<Ticket>], how: Revision) {
        let is_wanted = |plan: &Plan| specs.iter().any(|spec| spec.name == plan.name());
        let (mut kept, removed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.plans).into_iter().partition(is_wanted);
        self.plans = removed;
        self.flush(bans).await;
        self.plans.reverse();
        self.all(Deed::Stop).await;
        self.plans.clear();
        let nobody = self.nobody();
        for spec in specs {
            let known = kept.iter().position(|plan| plan.name() == spec.name);
            let deed = match known {
                Some(at) => {
                    let mut plan = kept.swap_remove(at);
                    plan.revise(&spec, &self.setup);
                    self.plans.push(plan);
                    (how == Revision::Reload).then_some(Deed::Reload)
                }
                None => {
                    self.plans.push(Plan::new(&spec, &self.setup));
                    Some(Deed::Start)
                }
            };
            if let Some(deed) = deed {
                let last = self.plans.len() - 1;
                self.one(last, deed, &nobody, &mut Answers::default()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
