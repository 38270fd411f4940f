//! How jails are: who is asked, before it is put in words.

use std::collections::HashMap;
use std::path::PathBuf;

use super::in_words::{self, Seen};
use super::{Control, bans};
use crate::control::value::Value;
use crate::daemon::wiring::{Order, ToJail};
use crate::event::JailName;
use crate::jail::Status;
use crate::said::{Level, Said};
use crate::settings::Flavor;

impl Control {
    /// `status J`; the jail is there.
    pub(super) async fn status_of(&self, jail: &str, flavor: Flavor) -> Value {
        self.warn_of(flavor);
        let mut logs = self.jails.logs().await;
        self.one(jail, flavor, &mut logs).await.unwrap_or(Value::None)
    }

    /// `status --all`
    pub(super) async fn status_of_all(&self, flavor: Flavor) -> Value {
        self.warn_of(flavor);
        in_words::of_each(&self.names(), self.each(flavor).await)
    }

    /// `stats`
    pub(super) async fn stats(&self) -> Value {
        in_words::dict(self.each(Flavor::Stats).await)
    }

    async fn each(&self, flavor: Flavor) -> Vec<(JailName, Value)> {
        let mut logs = match flavor {
            Flavor::Stats => HashMap::new(),
            _ => self.jails.logs().await,
        };
        let mut jails = Vec::new();
        for name in self.names() {
            let status = self.one(&name, flavor, &mut logs).await;
            jails.extend(status.map(|status| (name, status)));
        }
        jails
    }

    async fn one(
        &self,
        jail: &str,
        flavor: Flavor,
        logs: &mut HashMap<JailName, Vec<PathBuf>>,
    ) -> Option<Value> {
        let spec = self.settings.spec(jail)?;
        let status = self.ask(jail, ToJail::Status).await.unwrap_or_else(|| nothing(jail));
        let banned = match flavor {
            Flavor::Short | Flavor::Stats => Value::None,
            _ => bans::ids(&self.bans(jail, Order::Begun).await),
        };
        let files = logs.remove(jail).unwrap_or_default();
        Some(in_words::of_one(Seen { spec, status, files, banned }, flavor))
    }

    fn warn_of(&self, flavor: Flavor) {
        let text = match flavor {
            Flavor::Basic | Flavor::Short | Flavor::Stats => return,
            Flavor::Cymru => "status cymru: networks and countries are not looked up",
            Flavor::Unknown => {
                "status: no such flavor, so it is told as basic; write basic, short, stats or cymru"
            }
        };
        self.log.say(Said::new("server", Level::Warning, text));
    }
}

/// The status of a jail that does not run.
fn nothing(jail: &str) -> Status {
    Status {
        name: jail.to_owned(),
        currently_failed: 0,
        total_failed: 0,
        currently_banned: 0,
        total_banned: 0,
    }
}
