//! What one action runs, and when: started on demand, checked, repaired, tried again (spec, jail 10).
//!
//! A plan runs nothing itself. It is told what is to be done ([`Plan::begin`]), says what to run next ([`Plan::next`]),
//! and hears how that ended ([`Plan::ended`]).

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::fill::{Script, fill};
use super::tags::{Endless, Family, Options};
use super::ticket::{Facts, Found, Ticket};
use super::worker::Setup;
use super::{ACTIONS, COMMAND_ACTION, Spec};
use crate::event::JailName;
use crate::said::{Level, Said};

mod steps;

use steps::{Step, family, is_check};

/// What fail2ban says of a command that failed.
const FAILED: &str = "'Script error'";

/// Which families of addresses there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// IPv4 and IPv6.
    Both,
    /// IPv4 alone.
    V4Only,
}

/// What an action is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    Start,
    Ban,
    Reban,
    Prolong,
    Unban,
    Flush,
    /// Is everything still as it was made?
    Check,
    Reload,
    Stop,
}

/// What came of a deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Failed,
}

#[derive(Clone, Debug, Default)]
struct State {
    /// What was run to start it, if it is.
    started: Option<Script>,
    has_items: bool,
}

/// One action of one jail.
pub(super) struct Plan {
    jail: JailName,
    name: String,
    timeout: Duration,
    options: Options,
    families: Families,
    states: BTreeMap<Family, State>,
    /// Who was banned since something was repaired; `None` = nothing ever was.
    banned_since_repair: Option<HashSet<Arc<str>>>,
    current: Option<Current>,
    said: Vec<Said>,
}

/// A deed on its way.
struct Current {
    deed: Deed,
    ticket: Arc<Ticket>,
    found: Arc<Found>,
    /// What is still to be run, the next one last.
    steps: Vec<Step>,
    running: Option<(Step, Script)>,
    /// Commands that need not be run for another family.
    ran: Vec<Script>,
    error: Option<String>,
}

impl Plan {
    pub(super) fn new(spec: &Spec, setup: &Setup) -> Self {
        Self {
            jail: setup.jail.clone(),
            name: spec.name.clone(),
            timeout: spec.timeout,
            options: Options::new(&spec.options, &setup.own_names),
            families: setup.families,
            states: BTreeMap::new(),
            banned_since_repair: None,
            current: None,
            said: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Other commands from now on; what was started stays so.
    pub(super) fn revise(&mut self, spec: &Spec, setup: &Setup) {
        self.timeout = spec.timeout;
        self.options = Options::new(&spec.options, &setup.own_names);
    }

    /// How long a command of it may take.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What it has said since this was last asked.
    pub(super) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// Whether this ban may have gone when something was repaired.
    pub(super) fn may_have_lost(&self, ticket: &Ticket) -> bool {
        let is_new = |banned: &HashSet<_>| banned.contains(&ticket.id);
        !self.lets_off(ticket) && self.banned_since_repair.as_ref().is_some_and(|it| !is_new(it))
    }

    /// Whether all its bans can be lifted by one command.
    pub(super) fn can_flush(&self) -> bool {
        [Family::Any, Family::Inet4, Family::Inet6].iter().any(|family| {
            self.options.get("actionflush", *family).is_some_and(|it| !it.trim().is_empty())
        })
    }

    /// The commands that a deed runs if all goes well, tags of a ban still in them.
    pub(super) fn commands(&self, deed: Deed, ticket: &Ticket) -> Vec<String> {
        let steps = self.steps(deed, ticket);
        let names = steps.iter().map(|step| (self.command(deed, step), family(step)));
        names.filter_map(|(name, family)| self.options.expand(name, family).ok()).collect()
    }

    /// Begins a deed; the former one is at its end.
    pub(super) fn begin(&mut self, deed: Deed, ticket: Arc<Ticket>, found: Arc<Found>) {
        let mut steps = self.steps(deed, &ticket);
        steps.reverse();
        match (deed, &mut self.banned_since_repair) {
            (Deed::Unban, Some(banned)) => drop(banned.remove(&ticket.id)),
            (Deed::Flush, Some(banned)) => banned.clear(),
            _ => (),
        }
        self.current = Some(Current {
            deed,
            ticket,
            found,
            steps,
            running: None,
            ran: Vec::new(),
            error: None,
        });
    }

    /// What is to be run next. `None`: the deed is at its end.
    pub(super) fn next(&mut self) -> Option<Script> {
        loop {
            let step = self.current.as_mut()?.steps.pop();
            let Some(step) = step else {
                self.tell_error();
                self.current = None;
                return None;
            };
            if is_check(&step) && self.current.as_ref()?.deed == Deed::Flush {
                self.tell_error();
            }
            match self.script(&step) {
                Err(endless) => self.give_up(Some(endless.to_string())),
                Ok(script) if script.is_empty() || self.ran_before(&step, &script) => {
                    self.run_out(step, script, Outcome::Done);
                }
                Ok(script) => {
                    self.current.as_mut()?.running = Some((step, script.clone()));
                    return Some(script);
                }
            }
        }
    }

    /// How the command ended that was given last.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        let running = self.current.as_mut().and_then(|current| current.running.take());
        if let Some((step, script)) = running {
            self.run_out(step, script, outcome);
        }
    }

    fn script(&self, step: &Step) -> Result<Script, Endless> {
        let Some(current) = &self.current else { return Ok(Script::default()) };
        let family = family(step);
        let text = self.options.expand(self.command(current.deed, step), family)?;
        Ok(match step {
            // These are not told of a ban.
            Step::Check(_) | Step::Recheck(_) | Step::Repair(_) => Script::plain(text, family),
            Step::Start(_) | Step::StartToRestore(_) | Step::StopToRestore(_) | Step::Each(_) => {
                let empty = Ticket::empty(current.ticket.time, current.ticket.bantime);
                let facts = Facts { jail: &self.jail, ticket: &empty, found: &current.found };
                fill(&text, &facts, family)
            }
            Step::First(_) | Step::Second(_) => {
                let (ticket, found) = (&*current.ticket, &*current.found);
                fill(&text, &Facts { jail: &self.jail, ticket, found }, family)
            }
        })
    }

    /// Whether the same was run for another family.
    fn ran_before(&self, step: &Step, script: &Script) -> bool {
        match step {
            Step::Start(_) => {
                self.states.values().any(|state| state.started.as_ref() == Some(script))
            }
            Step::Each(_) => self.current.as_ref().is_some_and(|it| it.ran.contains(script)),
            _ => false,
        }
    }

    fn run_out(&mut self, step: Step, script: Script, outcome: Outcome) {
        let Some(deed) = self.current.as_ref().map(|current| current.deed) else { return };
        match (step, outcome) {
            (Step::Start(family) | Step::StartToRestore(family), Outcome::Done) => {
                self.states.entry(family).or_default().started = Some(script);
            }
            (Step::Start(_), Outcome::Failed) => {
                let error = self.error_of("starting");
                // The other families may yet start; but nobody is banned by what is not there.
                match deed {
                    Deed::Start => self.note(error),
                    _ => self.give_up(Some(error)),
                }
            }
            (Step::First(family), Outcome::Failed) => {
                self.push(Step::Second(family));
                if self.has("actioncheck", family) {
                    self.push(Step::Check(family));
                }
            }
            (Step::First(family) | Step::Second(family), Outcome::Done) => {
                self.succeeded(deed, family);
            }
            (Step::Second(_), Outcome::Failed) => self.give_up(None),
            (Step::Each(family), outcome) => self.ended_each(deed, family, script, outcome),
            (Step::Check(family), Outcome::Failed) => self.restore(deed, family),
            (Step::StopToRestore(family), _) => {
                self.states.insert(family, State::default());
            }
            (Step::Repair(_) | Step::StartToRestore(_) | Step::Recheck(_), Outcome::Failed) => {
                self.say(Said::new(
                    COMMAND_ACTION,
                    Level::Critical,
                    "Unable to restore environment",
                ));
                self.give_up(None);
            }
            (Step::Check(_) | Step::Repair(_) | Step::Recheck(_), Outcome::Done) => (),
        }
    }

    fn succeeded(&mut self, deed: Deed, family: Family) {
        let Some(current) = &self.current else { return };
        if matches!(deed, Deed::Ban | Deed::Reban) {
            if let Some(banned) = &mut self.banned_since_repair {
                banned.insert(current.ticket.id.clone());
            }
            let state = self.states.entry(family).or_default();
            state.started.get_or_insert_default();
            state.has_items = true;
        }
    }

    fn ended_each(&mut self, deed: Deed, family: Family, script: Script, outcome: Outcome) {
        match (deed, outcome) {
            (Deed::Stop, _) => drop(self.states.remove(&family)),
            (Deed::Flush, Outcome::Done) => {
                self.states.entry(family).or_default().has_items = false
            }
            _ => (),
        }
        if outcome == Outcome::Done {
            if let Some(current) = &mut self.current {
                current.ran.push(script);
            }
            return;
        }
        let error = self.error_of(match deed {
            Deed::Flush => "flushing",
            Deed::Reload => "reloading",
            _ => "stopping",
        });
        self.note(error);
        let is_first = !self.current.as_ref().is_some_and(|it| it.steps.iter().any(is_check));
        if deed == Deed::Flush && is_first {
            let checks: Vec<_> = self.started().map(|(family, _)| Step::Check(*family)).collect();
            if let Some(current) = &mut self.current {
                // Once all families are flushed.
                current.steps.splice(..0, checks.into_iter().rev());
            }
        }
    }

    /// Something is not as it was made.
    fn restore(&mut self, deed: Deed, family: Family) {
        match deed {
            Deed::Unban if !self.options.flag("actionrepair_on_unban") => {
                let text = "Invariant check failed. Unban is impossible.";
                self.say(Said::new(COMMAND_ACTION, Level::Error, text));
                return self.give_up(None);
            }
            Deed::Flush => {
                let text = "Invariant check failed. Flush is impossible.".to_owned();
                return self.say(Said::new(ACTIONS, Level::Error, text));
            }
            _ => (),
        }
        let text = "Invariant check failed. Trying to restore a sane environment";
        self.say(Said::new(COMMAND_ACTION, Level::Error, text));
        self.banned_since_repair = Some(HashSet::new());
        self.push(Step::Recheck(family));
        if self.has("actionrepair", family) {
            self.push(Step::Repair(family));
        } else {
            self.push(Step::StartToRestore(family));
            self.push(Step::StopToRestore(family));
        }
    }

    fn push(&mut self, step: Step) {
        if let Some(current) = &mut self.current {
            current.steps.push(step);
        }
    }

    fn say(&mut self, said: Said) {
        self.said.push(said);
    }

    fn error_of(&self, doing: &str) -> String {
        format!("Error {doing} action Jail('{}')/{}: {FAILED}", self.jail, self.name)
    }

    /// Something failed, and the deed goes on; only the first failure is told.
    fn note(&mut self, error: String) {
        if let Some(current) = &mut self.current {
            current.error.get_or_insert(error);
        }
    }

    /// The deed failed; nothing more is run for it.
    fn give_up(&mut self, error: Option<String>) {
        let Some(current) = &mut self.current else { return };
        let doing = match current.deed {
            Deed::Ban => "banning",
            Deed::Reban => "rebanning",
            Deed::Prolong => "prolonging",
            Deed::Unban => "unbanning",
            // What was to be repaired has been told.
            Deed::Check => return current.steps.retain(is_check),
            _ => "executing",
        };
        let error = error.unwrap_or_else(|| format!("Error {doing} {}", current.ticket.address()));
        current.steps.clear();
        current.error.get_or_insert(error);
    }

    fn tell_error(&mut self) {
        let Some(current) = &mut self.current else { return };
        let Some(error) = current.error.take() else { return };
        let (deed, ticket) = (current.deed, current.ticket.clone());
        let what = match deed {
            Deed::Start => "start",
            Deed::Stop => "stop",
            Deed::Reload => "reload",
            Deed::Flush => "flush bans in",
            Deed::Check => "check",
            Deed::Ban => "execute ban",
            Deed::Reban => "execute reban",
            Deed::Prolong => "execute prolong",
            Deed::Unban => "execute unban",
        };
        let (jail, name) = (&self.jail, &self.name);
        let info = match deed {
            Deed::Ban | Deed::Reban | Deed::Prolong | Deed::Unban => {
                format!(" info '{}'", ticket.info())
            }
            _ => String::new(),
        };
        let text = format!("Failed to {what} jail '{jail}' action '{name}'{info}: {error}");
        self.said.push(Said::new(ACTIONS, Level::Error, text));
    }
}

#[cfg(test)]
mod tests;
