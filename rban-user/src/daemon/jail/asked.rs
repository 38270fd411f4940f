//! What a jail does because somebody asks.

use anyhow::Result;
use tokio::sync::oneshot;
use tracing::info;

use super::carry_out::{Effects, ticket, unstored};
use super::{Next, Task};
use crate::actions;
use crate::clock::Now;
use crate::daemon::wiring::{Order, Stopping, ToEnforcer, ToJail};
use crate::event::{Ban, Change, Failure, Id, Line, Why};
use crate::jail::{Outcome, Restored, Span, Step, Tally};
use crate::log::lines;
use crate::said::Said;
use crate::store::{Detail, Write};

/// Of so many restored bans the log tells one by one: as many as wait to be written at a time.
const RESTORED_TOLD_MAX: usize = 4_096;

impl Task {
    /// Does what it is told; whoever asked may have left before the answer.
    pub(super) async fn obey(&mut self, message: ToJail) -> Result<Next> {
        match message {
            ToJail::Status(reply) => drop(reply.send(self.jail.status(Now::read().wall))),
            ToJail::Bans(order, reply) => drop(reply.send(match order {
                Order::Begun => self.jail.bans_in_order(),
                Order::Ending => self.jail.bans_by_end(),
            })),
            ToJail::Find(id, reply) => drop(reply.send(self.jail.find(&id))),
            ToJail::AreBanned(ids, reply) => {
                let banned = ids.iter().map(|id| self.jail.find(id).is_some()).collect();
                drop(reply.send(banned));
            }
            ToJail::Ban(ids, reply) => drop(reply.send(self.ban(ids).await?)),
            ToJail::Unban(ids, reply) => drop(reply.send(self.unban(&ids).await?)),
            ToJail::UnbanAll(reply) => drop(reply.send(self.unban_all().await?)),
            ToJail::Attempt(id, matches, reply) => {
                let _ = reply.send(self.attempt(id, matches).await?);
            }
            ToJail::Obey(spec) => self.jail.set_spec(*spec),
            ToJail::Actions(specs, how) => self.revise(specs, how),
            ToJail::Restore => self.restore().await?,
            ToJail::Rest(rest) => self.rest(rest).await?,
            ToJail::Stop(..) => unreachable!("the task's loop takes these"),
        }
        Ok(Next::Go)
    }

    async fn ban(&mut self, ids: Vec<Id>) -> Result<usize> {
        let now = Now::read().wall;
        let mut effects = Effects::default();
        let steps: Vec<Step> =
            ids.into_iter().map(|id| self.jail.ban(id, Span::OfJail, now)).collect();
        let new = steps.iter().filter(|step| matches!(step, Step::Banned { .. })).count();
        effects.steps(steps);
        self.carry_out(effects).await?;
        Ok(new)
    }

    /// The store forgets them whether or not they are banned (spec, jail 6).
    async fn unban(&mut self, ids: &[Id]) -> Result<Vec<usize>> {
        let jail = self.jail.spec().name.clone();
        let forget = |id: String| Write::Forget { jail: Some(jail.clone()), id: id.into() };
        let mut writes: Vec<Write> = ids.iter().map(|id| forget(id.to_string())).collect();
        let (mut ended, mut counts) = (Vec::new(), Vec::new());
        for id in ids {
            let bans = self.jail.unban(id);
            let within = bans.iter().filter(|ban| ban.id != *id);
            writes.extend(within.map(|ban| forget(ban.id.to_string())));
            if bans.is_empty() {
                self.outlets.log.say(lines::not_banned(id));
            }
            counts.push(bans.len());
            ended.extend(bans);
        }
        self.end(ended, Why::Asked).await?;
        self.remember(writes);
        Ok(counts)
    }

    async fn unban_all(&mut self) -> Result<usize> {
        let ended = self.jail.unban_all();
        let count = ended.len();
        self.repeal(ended, Why::Asked).await?;
        self.remember(vec![Write::ForgetJail(Some(self.jail.spec().name.clone()))]);
        Ok(count)
    }

    /// All bans end at once: actions may have a command for that.
    async fn repeal(&mut self, ended: Vec<Ban>, why: Why) -> Result<()> {
        for ban in &ended {
            let jail = ban.jail.as_deref().unwrap_or_default();
            self.outlets.log.say(match why {
                Why::Repealed => lines::repeal_ban(jail, &ban.id),
                Why::Ended | Why::Asked => lines::unban(jail, &ban.id),
            });
        }
        if self.has_actions() {
            self.outlets.actions.tell(actions::Task::Flush(ended.iter().map(ticket).collect()));
        }
        let changes: Vec<Change> = ended.into_iter().map(|ban| Change::Unban(ban, why)).collect();
        self.tell_enforcer(ToEnforcer::Changes(changes)).await
    }

    /// Whether it counts. What `ignorecommand` or a name would have to say is not waited for: it counts until then.
    async fn attempt(&mut self, id: Id, lines: Vec<Line>) -> Result<bool> {
        let now = Now::read();
        let jail = self.jail.spec().name.clone();
        self.outlets.log.say(lines::attempt(&jail, &id, now.wall, &jiff::tz::TimeZone::system()));
        let captures = Vec::new();
        let failure = Failure { jail, id, ip: None, time: now.wall, lines, captures };
        let mut effects = Effects::default();
        let counts = match self.jail.judge(&failure, Tally::Lines, now) {
            Outcome::Counted(counted) => {
                effects.steps(counted.step);
                true
            }
            Outcome::LetOff(rule) => {
                if let Some(rule) = rule {
                    effects.say(lines::ignored(&failure.jail, &failure.id, &rule));
                }
                false
            }
            Outcome::Waits | Outcome::Asks(_) => {
                let verdicts = self.screen.judge(&mut self.jail, vec![failure], now);
                self.sentence(verdicts).await?;
                true
            }
        };
        self.carry_out(effects).await?;
        Ok(counts)
    }

    fn revise(&mut self, specs: Vec<actions::Spec>, how: actions::Revision) {
        let bans = self.jail.bans_in_order().iter().map(ticket).collect();
        let had = std::mem::replace(&mut self.outlets.has_actions, !specs.is_empty());
        if had || self.outlets.has_actions {
            self.outlets.actions.tell(actions::Task::Revise { specs, bans, how });
        }
    }

    /// The last that the task does.
    pub(super) async fn stop(&mut self, how: Stopping, done: oneshot::Sender<()>) -> Result<()> {
        // Of a million bans, the list takes a while.
        let is_told = self.has_actions() || how == Stopping::Repeal;
        let bans = if is_told { self.jail.bans_in_order() } else { Vec::new() };
        if self.has_actions() {
            self.outlets.actions.tell(actions::Task::Stop(bans.iter().map(ticket).collect()));
        }
        if how == Stopping::Repeal {
            for ban in &bans {
                let jail = ban.jail.as_deref().unwrap_or_default();
                self.outlets.log.say(lines::repeal_ban(jail, &ban.id));
            }
            let repealed = bans.into_iter().map(|ban| Change::Unban(ban, Why::Repealed));
            self.tell_enforcer(ToEnforcer::Changes(repealed.collect())).await?;
        }
        let _ = done.send(()); // whoever stops us may not want to know
        Ok(())
    }

    /// Puts those bans in force again that the store remembers (spec, jail 8). Where they are many, the log tells of the
    /// first ones.
    ///
    /// # Errors
    /// The enforcer is gone.
    pub(in crate::daemon) async fn restore(&mut self) -> Result<()> {
        let Some(store) = self.outlets.store.clone() else { return Ok(()) };
        let detail = if self.has_actions() { Detail::Full } else { Detail::Bare };
        let name = Some(self.jail.spec().name.clone());
        let now = Now::read().wall;
        let Ok(count) = store.count_live(name.clone(), now).await else { return Ok(()) };
        self.jail.expect(count);
        self.tell_enforcer(ToEnforcer::Expect(count)).await?;
        let Ok(mut pages) = store.live(name, detail, now).await else { return Ok(()) };
        let mut untold = 0;
        let mut room = RESTORED_TOLD_MAX;
        while let Some(page) = pages.recv().await {
            let (mut effects, now) = (Effects::default(), Now::read());
            for stored in page {
                match self.jail.restore(unstored(stored), now) {
                    // It is in force already: the store learnt of it while the jail runs.
                    Restored::Step(Step::Already { .. }) | Restored::Over => {}
                    Restored::Step(step) => effects.step(step),
                    Restored::LetOff(rule) => {
                        let name = &self.jail.spec().name;
                        if let Some(rule) = rule {
                            effects.say(lines::ignored(name, &"a restored ban", &rule));
                        }
                    }
                    Restored::Waits(ban) => self.held.push(ban),
                }
            }
            if self.has_actions() {
                self.carry_out(effects).await?;
            } else {
                untold += self.enforce_restored(effects, &mut room).await?;
            }
        }
        if untold > 0 {
            let jail = &self.jail.spec().name;
            info!(%jail, untold, "more bans are in force again");
        }
        let asked = self.screen.judge(&mut self.jail, Vec::new(), Now::read());
        self.sentence(asked).await.map(drop)
    }

    /// Tells the kernel, and the log of as many as there is room for. Returns of how many the log was not told.
    async fn enforce_restored(&self, mut effects: Effects, room: &mut usize) -> Result<usize> {
        let changes = std::mem::take(&mut effects.changes);
        let (jail, count) = (&self.jail.spec().name, changes.len());
        let tell = |change: &Change| match change {
            Change::Ban(ban) => Some(lines::restore_ban(jail, &ban.id)),
            Change::Prolong(_) | Change::Extend(_) | Change::Unban(..) => None,
        };
        let told: Vec<Said> = changes.iter().take(*room).filter_map(tell).collect();
        *room -= count.min(*room);
        let untold = count - told.len();
        let (reply, done) = oneshot::channel();
        self.tell_enforcer(ToEnforcer::Restored(changes, reply)).await?;
        drop(done.await); // gone = the daemon is ending
        effects.said().chain(told).for_each(|said| self.outlets.log.say(said));
        Ok(untold)
    }

    /// Tries again those that waited for whom a name of `ignoreip` belongs to.
    pub(super) async fn restore_held(&mut self) -> Result<()> {
        let mut effects = Effects::default();
        for ban in std::mem::take(&mut self.held) {
            match self.jail.restore(ban, Now::read()) {
                Restored::Step(step) => effects.step(step),
                Restored::Over | Restored::LetOff(_) => {}
                Restored::Waits(ban) => self.held.push(ban),
            }
        }
        self.carry_out(effects).await
    }
}
