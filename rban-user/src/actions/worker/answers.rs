//! What tags stand for that has to be asked for: only where a command has them, once for all commands of a ban.

use std::time::Duration;

use tokio::time::timeout;

use super::{Jails, World};
use crate::actions::tags::next_tag;
use crate::actions::ticket::{Found, Ticket};

/// Whoever is asked has so long to answer; the tag is filled in without.
const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// What was asked for one ban, once for all its commands.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) found: Found,
    asked: Vec<&'static str>,
}

impl Answers {
    /// Asks for what this command's tags stand for.
    pub(super) async fn learn(&mut self, command: &str, ticket: &Ticket, world: &impl World) {
        let mut from = 0;
        while let Some((start, end)) = next_tag(command, from) {
            from = end;
            let question = match &command[start + 1..end - 1] {
                "ip-host" => "host",
                "ipmatches" | "ipfailures" => "all",
                "ipjailmatches" | "ipjailfailures" => "jail",
                tag if tag.starts_with("jail.") => "counters",
                _ => continue,
            };
            if !self.asked.contains(&question) {
                self.asked.push(question);
                // Who does not answer in time leaves the tag to the ban's own values.
                drop(timeout(ANSWER_PATIENCE, self.ask(question, ticket, world)).await);
            }
        }
    }

    async fn ask(&mut self, question: &str, ticket: &Ticket, world: &impl World) {
        let found = &mut self.found;
        match question {
            "counters" => found.counters = world.counters().await,
            _ if ticket.id.is_empty() => (),
            "host" => {
                if let Some(ip) = ticket.ip.and_then(|ip| ip.as_addr()) {
                    found.host = world.host_name(ip).await;
                }
            }
            "all" => found.of_all_jails = world.record(&ticket.id, Jails::All).await,
            _ => found.of_this_jail = world.record(&ticket.id, Jails::This).await,
        }
    }
}
