//! What waits for one jail's actions. Commands are slow, and no ban in the kernel may wait for them: whoever puts
//! something in never waits, and what is too much is given up by a rule.
//!
//! Where [`WAITING_MAX`] tickets wait, an unban cancels the ban of the same id that still waits. Otherwise room is made by
//! giving up what waits longest of: repeated checks and longer ban times, then bans. Unbans are the last to go, for one that
//! is lost keeps somebody out for ever: only where nothing else waits is a newcomer given up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::worker::Task;

/// So many tickets wait for one jail's actions.
pub(super) const WAITING_MAX: usize = 4_096;

/// Once a jail is to stop, bans that wait get so long; the rest, which stopping lifts anyway, are given up.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How many kinds there are.
const KINDS: usize = 5;

/// What kind of ticket waits, the first to be given up first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Again,
    Prolong,
    Ban,
    Unban,
    /// Not about one ban: never given up.
    Order,
}

impl Kind {
    fn of(task: &Task) -> Self {
        match task {
            Task::Again(_) => Self::Again,
            Task::Prolong(_) => Self::Prolong,
            Task::Ban(_) => Self::Ban,
            Task::Unban(_) => Self::Unban,
            Task::Start | Task::Flush(_) | Task::Revise { .. } | Task::Stop(_) => Self::Order,
        }
    }
}

#[derive(Default)]
struct Waiting {
    tasks: VecDeque<Task>,
    /// How many there are of each kind, so that none is searched for in vain.
    count: [usize; KINDS],
    given_up: u64,
    stops_since: Option<Instant>,
    is_closed: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nobody panics with it")
    }
}

/// The end where tasks go in. When it is dropped, the worker ends once it has done what waits.
pub(super) struct Entrance(Arc<Shared>);

/// The end where they come out.
pub(super) struct Exit(Arc<Shared>);

pub(super) fn queue() -> (Entrance, Exit) {
    let shared = Arc::<Shared>::default();
    (Entrance(shared.clone()), Exit(shared))
}

impl Entrance {
    pub(super) fn push(&self, task: Task) {
        self.0.lock().push(task, Instant::now());
        self.0.news.notify_one();
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.0.lock().tasks.len()
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.news.notify_one();
    }
}

impl Exit {
    /// What is to be done next; `None` = nothing any more.
    pub(super) async fn next(&mut self) -> Option<Task> {
        loop {
            {
                let mut waiting = self.0.lock();
                if let Some(task) = waiting.pop(Instant::now()) {
                    return Some(task);
                }
                if waiting.is_closed {
                    return None;
                }
            }
            self.0.news.notified().await;
        }
    }

    /// How many were given up since this was last asked.
    pub(super) fn given_up(&mut self) -> u64 {
        std::mem::take(&mut self.0.lock().given_up)
    }
}

impl Waiting {
    fn push(&mut self, task: Task, now: Instant) {
        let kind = Kind::of(&task);
        if matches!(task, Task::Stop(_)) {
            self.stops_since.get_or_insert(now);
        }
        if kind == Kind::Order || self.tasks.len() < WAITING_MAX {
            return self.add(task);
        }
        self.given_up += 1;
        if let Task::Unban(ticket) = &task {
            let is_its_ban = |it: &Task| matches!(it, Task::Ban(ban) if ban.id == ticket.id);
            if let Some(at) = self.tasks.iter().rposition(is_its_ban) {
                self.take(at);
                self.given_up += 1;
                return;
            }
        }
        let least = [Kind::Again, Kind::Prolong, Kind::Ban];
        let Some(least) = least.into_iter().find(|it| self.count[*it as usize] > 0) else { return };
        if kind != Kind::Again
            && let Some(at) = self.tasks.iter().position(|it| Kind::of(it) == least)
        {
            self.take(at);
            self.add(task);
        }
    }

    fn add(&mut self, task: Task) {
        self.count[Kind::of(&task) as usize] += 1;
        self.tasks.push_back(task);
    }

    fn take(&mut self, at: usize) -> Option<Task> {
        let task = self.tasks.remove(at)?;
        self.count[Kind::of(&task) as usize] -= 1;
        Some(task)
    }

    fn pop(&mut self, now: Instant) -> Option<Task> {
        let is_late = self.stops_since.is_some_and(|since| now - since > STOP_PATIENCE);
        loop {
            let task = self.take(0)?;
            if is_late && !matches!(Kind::of(&task), Kind::Order | Kind::Unban) {
                self.given_up += 1;
                continue;
            }
            return Some(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Ticket;
    use crate::clock::WallTime;

    fn ticket(id: usize) -> Arc<Ticket> {
        let id = id.to_string().into();
        Arc::new(Ticket { id, ..Ticket::empty(WallTime::from_secs(0), None) })
    }

    async fn rest(mut exit: Exit) -> (Vec<String>, u64) {
        let mut tasks = Vec::new();
        while let Some(task) = exit.next().await {
            tasks.push(match task {
                Task::Ban(ticket) => format!("ban {}", ticket.id),
                Task::Unban(ticket) => format!("unban {}", ticket.id),
                Task::Again(ticket) => format!("again {}", ticket.id),
                other => format!("{other:?}"),
            });
        }
        (tasks, exit.given_up())
    }

    #[tokio::test]
    async fn tasks_come_out_in_order() {
        let (entrance, exit) = queue();
        entrance.push(Task::Start);
        entrance.push(Task::Ban(ticket(1)));
        entrance.push(Task::Unban(ticket(1)));
        drop(entrance);
        assert_eq!(rest(exit).await, (["Start", "ban 1", "unban 1"].map(String::from).into(), 0));
    }

    #[tokio::test]
    async fn when_full_the_oldest_ban_goes_and_an_unban_cancels_its_ban() {
        let (entrance, exit) = queue();
        (0..WAITING_MAX).for_each(|id| entrance.push(Task::Ban(ticket(id))));
        entrance.push(Task::Ban(ticket(10_000)));
        entrance.push(Task::Unban(ticket(7)));
        entrance.push(Task::Unban(ticket(20_000)));
        entrance.push(Task::Again(ticket(30_000)));
        assert_eq!(entrance.len(), WAITING_MAX);
        drop(entrance);
        let (tasks, given_up) = rest(exit).await;
        assert_eq!((tasks[0].as_str(), tasks.last().unwrap().as_str()), ("ban 1", "unban 20000"));
        assert!(!tasks.contains(&"ban 7".to_owned()));
        assert_eq!(given_up, 4);
    }

    #[tokio::test]
    async fn unbans_are_the_last_to_go() {
        let (entrance, exit) = queue();
        (0..WAITING_MAX).for_each(|id| entrance.push(Task::Unban(ticket(id))));
        entrance.push(Task::Ban(ticket(10_000)));
        drop(entrance);
        let (tasks, given_up) = rest(exit).await;
        assert!(tasks.iter().all(|task| task.starts_with("unban ")));
        assert_eq!((tasks.len(), given_up), (WAITING_MAX, 1));
    }

    #[test]
    fn once_the_jail_stops_waiting_bans_get_only_so_long() {
        let mut waiting = Waiting::default();
        let now = Instant::now();
        let tasks = [Task::Ban(ticket(1)), Task::Ban(ticket(2)), Task::Unban(ticket(5))];
        tasks.into_iter().for_each(|task| waiting.push(task, now));
        waiting.push(Task::Stop(Vec::new()), now);
        assert!(matches!(waiting.pop(now + STOP_PATIENCE), Some(Task::Ban(_))));
        let late = now + STOP_PATIENCE * 2;
        assert!(matches!(waiting.pop(late), Some(Task::Unban(_))));
        assert!(matches!(waiting.pop(late), Some(Task::Stop(_))));
        assert_eq!(waiting.given_up, 1);
    }
}
