//! What follows of a jail's decisions: the kernel first, then the log, the store, the actions.

use std::sync::Arc;

use anyhow::Result;
use tracing::warn;

use super::Task;
use crate::actions::{self, Ticket};
use crate::daemon::wiring::ToEnforcer;
use crate::event::{Ban, Change, Origin, Why};
use crate::jail::{Step, Surprise};
use crate::log::lines;
use crate::said::{Level, Said};
use crate::store::{StoredBan, Write};

/// What is to be told to whom.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) changes: Vec<Change>,
    said: Vec<Said>,
    writes: Vec<Write>,
    tasks: Vec<actions::Task>,
}

impl Effects {
    pub(super) fn say(&mut self, said: Said) {
        self.said.push(said);
    }

    /// What the log is to be told.
    pub(super) fn said(self) -> impl Iterator<Item = Said> {
        self.said.into_iter()
    }

    pub(super) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(super) fn act(&mut self, task: actions::Task) {
        self.tasks.push(task);
    }

    /// What one failure too many led to, or somebody's wish.
    pub(super) fn step(&mut self, step: Step) {
        match &step {
            Step::Already { ban, surprise, .. } => {
                let jail = ban.jail.as_deref().unwrap_or_default();
                let level = match surprise {
                    Surprise::None => Level::Debug,
                    Surprise::Some => Level::Notice,
                    Surprise::Great => Level::Warning,
                };
                self.say(lines::already_banned(jail, &ban.id, level));
                if *surprise > Surprise::None {
                    self.act(actions::Task::Again(ticket(ban)));
                }
            }
            Step::Expired(ban) => {
                self.say(lines::expired(ban.jail.as_deref().unwrap_or_default(), &ban.id));
            }
            Step::Banned { .. } => {}
        }
        self.changes.extend(step.changes());
    }

    pub(super) fn steps(&mut self, steps: impl IntoIterator<Item = Step>) {
        steps.into_iter().for_each(|step| self.step(step));
    }
}

impl Task {
    /// Tells everybody. Only the enforcer is waited for, if it has much to do.
    pub(super) async fn carry_out(&mut self, mut effects: Effects) -> Result<()> {
        if !effects.changes.is_empty() {
            self.tell_enforcer(ToEnforcer::Changes(effects.changes.clone())).await?;
        }
        for said in std::mem::take(&mut effects.said) {
            self.outlets.log.say(said);
        }
        for change in std::mem::take(&mut effects.changes) {
            self.follow(&change, &mut effects);
        }
        self.remember(effects.writes);
        if self.has_actions() {
            effects.tasks.into_iter().for_each(|task| self.outlets.actions.tell(task));
        }
        Ok(())
    }

    /// What the log, the store and the actions hear of a change.
    fn follow(&mut self, change: &Change, effects: &mut Effects) {
        match change {
            Change::Ban(ban) => {
                self.log_ban(ban);
                if self.has_actions() {
                    effects.act(actions::Task::Ban(ticket(ban)));
                }
                match ban.origin {
                    Origin::Restored => {}
                    _ if self.past.may_grow(&self.jail, ban) => {
                        self.past.ask_of_ban(&self.jail, ban)
                    }
                    _ => effects.write(Write::Ban(stored(ban))),
                }
            }
            Change::Prolong(_) => {}
            Change::Extend(ban) => effects.write(Write::Prolong(stored(ban))),
            Change::Unban(ban, why) => {
                let jail = ban.jail.as_deref().unwrap_or_default();
                self.outlets.log.say(match why {
                    Why::Ended | Why::Asked => lines::unban(jail, &ban.id),
                    Why::Repealed => lines::repeal_ban(jail, &ban.id),
                });
                if self.has_actions() {
                    effects.act(actions::Task::Unban(ticket(ban)));
                }
            }
        }
    }

    fn log_ban(&self, ban: &Ban) {
        let jail = ban.jail.as_deref().unwrap_or_default();
        self.outlets.log.say(match ban.origin {
            Origin::Restored => lines::restore_ban(jail, &ban.id),
            Origin::Found | Origin::ByHand => lines::ban(jail, &ban.id),
        });
    }

    pub(super) fn remember(&self, writes: Vec<Write>) {
        let Some(store) = self.outlets.store.as_ref().filter(|_| !writes.is_empty()) else {
            return;
        };
        if let Err(lost) = store.write(writes) {
            let count = lost.len();
            warn!(count, "the store does not keep up; a restart will not know of these bans");
        }
    }

    pub(super) fn has_actions(&self) -> bool {
        self.outlets.has_actions
    }
}

/// A ban, as actions are told of it.
pub(super) fn ticket(ban: &Ban) -> Arc<Ticket> {
    Arc::new(Ticket {
        id: ban.id.to_string().into(),
        ip: ban.ip.or(ban.id.net()),
        time: ban.since,
        bantime: ban.until.map(|until| until.since(ban.since)),
        failures: ban.attempts,
        bancount: ban.bancount,
        matches: ban.matches.clone(),
        captures: ban.captures.clone(),
        is_restored: ban.origin == Origin::Restored,
    })
}

/// A ban, as it is kept.
pub(in crate::daemon) fn stored(ban: &Ban) -> StoredBan {
    StoredBan {
        jail: ban.jail.clone(),
        id: ban.id.to_string().into(),
        ip: ban.ip,
        since: ban.since,
        until: ban.until,
        bancount: ban.bancount,
        failures: ban.attempts,
        matches: ban.matches.clone(),
        captures: ban.captures.clone(),
    }
}

/// A ban that was kept.
pub(super) fn unstored(stored: StoredBan) -> Ban {
    Ban {
        jail: stored.jail,
        id: stored.id.as_str().into(),
        ip: stored.ip,
        since: stored.since,
        until: stored.until,
        attempts: stored.failures,
        matches: stored.matches,
        captures: stored.captures,
        bancount: stored.bancount,
        origin: Origin::Restored,
    }
}
