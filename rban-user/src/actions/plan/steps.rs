//! Which commands a deed consists of.

use super::{Deed, Families, Plan, State};
use crate::actions::tags::Family;
use crate::actions::ticket::Ticket;

/// One command, and what it is run for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Start(Family),
    First(Family),
    Second(Family),
    Each(Family),
    Check(Family),
    Repair(Family),
    StopToRestore(Family),
    StartToRestore(Family),
    Recheck(Family),
}

impl Plan {
    /// The steps of a deed, as long as nothing goes wrong.
    pub(super) fn steps(&self, deed: Deed, ticket: &Ticket) -> Vec<Step> {
        let of = ticket.family();
        match deed {
            Deed::Start if self.is_on_demand() => Vec::new(),
            Deed::Start => self.own_families().into_iter().map(Step::Start).collect(),
            Deed::Ban | Deed::Reban | Deed::Prolong | Deed::Unban if self.lets_off(ticket) => {
                Vec::new()
            }
            Deed::Ban | Deed::Reban => {
                let mut steps = self.starts_on_demand(of);
                steps.push(Step::First(of));
                steps
            }
            Deed::Prolong => vec![Step::First(of)],
            Deed::Unban => match self.states.get(&of) {
                Some(state) if state.has_items => vec![Step::First(of)],
                _ => Vec::new(),
            },
            Deed::Flush => self
                .started()
                .filter(|(_, state)| state.has_items)
                .map(|(family, _)| Step::Each(*family))
                .collect(),
            Deed::Check => self.started().map(|(family, _)| Step::Check(*family)).collect(),
            Deed::Reload | Deed::Stop => {
                self.started().map(|(family, _)| Step::Each(*family)).collect()
            }
        }
    }

    /// What is started.
    pub(super) fn started(&self) -> impl Iterator<Item = (&Family, &State)> {
        self.states.iter().filter(|(_, state)| state.started.is_some())
    }

    /// Whether it is not told of this ban.
    pub(super) fn lets_off(&self, ticket: &Ticket) -> bool {
        ticket.is_restored && self.options.flag("norestored")
    }

    fn is_on_demand(&self) -> bool {
        match self.options.get("actionstart_on_demand", Family::Any) {
            Some(_) => self.options.flag("actionstart_on_demand"),
            None => self.options.are_conditional(),
        }
    }

    fn own_families(&self) -> Vec<Family> {
        let chosen = self.options.get("families", Family::Any).unwrap_or_default();
        let chosen: Vec<_> = chosen
            .split([',', ' ', '\n'])
            .filter_map(|word| match word {
                "inet4" => Some(Family::Inet4),
                "inet6" => Some(Family::Inet6),
                _ => None,
            })
            .collect();
        match (chosen.is_empty(), self.options.are_conditional(), self.families) {
            (false, _, _) => chosen,
            (true, false, _) => vec![Family::Any],
            (true, true, Families::Both) => vec![Family::Inet4, Family::Inet6],
            (true, true, Families::V4Only) => vec![Family::Inet4],
        }
    }

    /// What has to be started before somebody of this family is banned. One without an address may be of any.
    fn starts_on_demand(&self, of: Family) -> Vec<Step> {
        let is_started =
            |family: &Family| self.states.get(family).is_some_and(|state| state.started.is_some());
        if !self.is_on_demand() || is_started(&of) {
            return Vec::new();
        }
        let families = if of == Family::Raw { self.own_families() } else { vec![of] };
        families.into_iter().filter(|it| !is_started(it)).map(Step::Start).collect()
    }

    /// The option that has a step's command.
    pub(super) fn command(&self, deed: Deed, step: &Step) -> &'static str {
        match step {
            Step::Start(_) | Step::StartToRestore(_) => "actionstart",
            Step::StopToRestore(_) => "actionstop",
            Step::Check(_) | Step::Recheck(_) => "actioncheck",
            Step::Repair(_) => "actionrepair",
            Step::First(family) | Step::Second(family) | Step::Each(family) => match deed {
                Deed::Ban | Deed::Start | Deed::Check => "actionban",
                Deed::Reban if self.has("actionreban", *family) => "actionreban",
                Deed::Reban => "actionban",
                Deed::Prolong => "actionprolong",
                Deed::Unban => "actionunban",
                Deed::Flush => "actionflush",
                Deed::Reload => "actionreload",
                Deed::Stop => "actionstop",
            },
        }
    }

    pub(super) fn has(&self, command: &str, family: Family) -> bool {
        self.options.get(command, family).is_some_and(|text| !text.trim().is_empty())
    }
}

/// For whose sake it is run.
pub(super) fn family(step: &Step) -> Family {
    match step {
        Step::Start(family)
        | Step::First(family)
        | Step::Second(family)
        | Step::Each(family)
        | Step::Check(family)
        | Step::Repair(family)
        | Step::StopToRestore(family)
        | Step::StartToRestore(family)
        | Step::Recheck(family) => *family,
    }
}

/// Whether it asks if everything is as it was made.
pub(super) fn is_check(step: &Step) -> bool {
    matches!(step, Step::Check(_))
}
