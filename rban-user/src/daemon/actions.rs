//! What a jail's actions ask of the rest of the daemon.

use std::net::IpAddr;

use tokio::sync::{mpsc, oneshot};

use super::wiring::ToJail;
use crate::actions::{self, Counters, Jails, Record};
use crate::clock::{Now, WallTime};
use crate::event::JailName;
use crate::log::Log;
use crate::said::Said;
use crate::store::{self, Within};

/// One jail's surroundings.
pub(super) struct World {
    pub(super) jail: JailName,
    /// The jail; that its actions know of it keeps nobody from leaving.
    pub(super) inbox: mpsc::WeakSender<ToJail>,
    pub(super) store: Option<store::Handle>,
    pub(super) log: Log,
}

impl actions::World for World {
    async fn host_name(&self, ip: IpAddr) -> Option<String> {
        actions::host_name(ip).await
    }

    async fn record(&self, id: &str, jails: Jails) -> Option<Record> {
        let within = match jails {
            Jails::All => Within::AllJails,
            Jails::This => Within::Jail,
        };
        let store = self.store.as_ref()?;
        let merged = store.merged(Some(self.jail.clone()), id.into(), within).await.ok()?;
        (merged.failures > 0 || !merged.matches.is_empty())
            .then(|| Record { matches: merged.matches, failures: merged.failures })
    }

    async fn counters(&self) -> Counters {
        let Some(inbox) = self.inbox.upgrade() else { return Counters::default() };
        let (reply, answer) = oneshot::channel();
        if inbox.send(ToJail::Status(reply)).await.is_err() {
            return Counters::default();
        }
        let Ok(status) = answer.await else { return Counters::default() };
        Counters {
            banned: status.currently_banned as u64,
            banned_total: status.total_banned,
            found: status.currently_failed as u64,
            found_total: status.total_failed,
        }
    }

    fn now(&self) -> WallTime {
        Now::read().wall
    }

    fn say(&self, said: Said) {
        self.log.say(said);
    }
}
