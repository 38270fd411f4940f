//! New settings in the place of the old: by a stream of commands, or by reading the configuration again (spec, jail 13).
//!
//! All of it or nothing: as long as anything is wrong, what runs runs on as it did.

use std::fs;
use std::slice;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Control, aside, in_words, is_there, refused};
use crate::clock::Now;
use crate::config::{Config, Unusable};
use crate::control::value::{Answer, Exception, Value};
use crate::daemon::Reread;
use crate::daemon::wiring::{ToJail, chain};
use crate::detect::{self, Detector};
use crate::event::JailName;
use crate::log::lines;
use crate::said::{Level, Said};
use crate::settings::{Change, Note, Reload, Reloaded, Settings, What, Which, diff};

/// Where the host names its services.
const SERVICES: &str = "/etc/services";

/// What becomes of the bans of the jails that are reloaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bans {
    Stay,
    End,
}

impl Control {
    /// `reload`
    pub(super) async fn reload(&mut self, reload: Reload) -> Answer {
        self.log.say(match &reload.which {
            Which::All => lines::reload_all(),
            Which::One(jail) => lines::reload_one(jail),
        });
        let bans = if reload.unban { Bans::End } else { Bans::Stay };
        let settings = self.settings.clone();
        let reloaded = aside(move || settings.reload(&reload, &is_there)).await??;
        self.take_over(reloaded, bans).await?;
        Ok(Value::Text("OK".to_owned()))
    }

    /// `server-stream`
    pub(super) async fn stream(&mut self, commands: Vec<Vec<Value>>) -> Answer {
        let settings = self.settings.clone();
        let reloaded = aside(move || settings.stream(&commands, &is_there)).await??;
        self.obey_server(&reloaded.settings.server, &reloaded.changes).await?;
        self.note(reloaded.notes);
        self.settings = reloaded.settings;
        self.reconcile(reloaded.changes, &[]).await?;
        Ok(Value::None)
    }

    /// The configuration that the daemon was started with, again: SIGHUP, and `rban reload`. The log tells of an error as
    /// well.
    pub(super) async fn reread(&mut self) -> Result<(), Exception> {
        self.log.say(lines::reload_all());
        let taken = match self.read_again().await {
            Ok(reloaded) => self.take_over(reloaded, Bans::Stay).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &taken {
            self.log.say(Said::new("server", Level::Error, format!("reload: {error}")));
        }
        taken
    }

    async fn read_again(&self) -> Result<Reloaded, Exception> {
        let (reread, old) = (Arc::clone(&self.reload), self.settings.clone());
        let read = aside(move || read(&reread, &old)).await?;
        read.map_err(|Unusable { reasons }| {
            refused(format!("{}; the former configuration stays in force", reasons.join("; ")))
        })
    }

    async fn take_over(&mut self, reloaded: Reloaded, bans: Bans) -> Result<(), Exception> {
        let Reloaded { settings, changes, meant, notes } = reloaded;
        self.obey_server(&settings.server, &changes).await?;
        self.note(notes);
        if bans == Bans::End {
            for jail in &meant {
                self.ask(jail, ToJail::UnbanAll).await;
            }
        }
        let kept = self.announce(&meant, &settings, &changes);
        self.settings = settings;
        let reconciled = self.reconcile(changes, &meant).await;
        for jail in kept.iter().filter(|jail| self.runs(jail)) {
            self.log.say(lines::jail_reloaded(jail));
        }
        self.log.say(lines::reload_finished());
        reconciled
    }

    /// Tells the log of the jails that run and go on; returns those that do so without a stop.
    fn announce(
        &self,
        meant: &[JailName],
        settings: &Settings,
        changes: &[Change],
    ) -> Vec<JailName> {
        let mut kept = Vec::new();
        for jail in meant.iter().filter(|jail| self.runs(jail)) {
            let (Some(was), Some(is)) = (self.settings.spec(jail), settings.spec(jail)) else {
                continue;
            };
            let [was, is] = [was, is].map(|spec| in_words::backend(&spec.source.backend));
            if !changes.contains(&Change::Jail(jail.clone(), What::Restarted)) {
                self.log.say(lines::reload_jail(jail));
                kept.push(jail.clone());
            } else if was != is {
                self.log.say(lines::restart_jail(jail, &was, &is));
            }
        }
        kept
    }

    fn runs(&self, jail: &str) -> bool {
        self.jails.inbox(jail).is_some()
    }
}

/// What the files say now, and how that differs; log and database stay where they are. Where a jail that is set has
/// become unusable, everything is: it would end by mistake.
fn read(reread: &Reread, old: &Settings) -> Result<Reloaded, Unusable> {
    let config = reread()?;
    let services = fs::read(SERVICES).unwrap_or_default(); // without names there are the usual ones
    let (mut settings, wrong) = Settings::of_config(&config, &String::from_utf8_lossy(&services));
    let mut reasons: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let ending = config.failed.iter().filter(|jail| old.spec(&jail.name).is_some());
    reasons.extend(ending.flat_map(|jail| {
        jail.reasons.iter().map(|reason| format!("jail {}: {reason}", jail.name))
    }));
    reasons.extend(settings.jails().filter_map(|(name, entry)| {
        let before = old.spec(name).filter(|before| before.filter != entry.spec.filter);
        let wrong = before.and_then(|_| unusable(&entry.spec.filter))?;
        Some(format!("jail {name}: {wrong}"))
    }));
    if !reasons.is_empty() {
        return Err(Unusable { reasons });
    }
    settings.server.logtarget.clone_from(&old.server.logtarget);
    settings.server.dbfile.clone_from(&old.server.dbfile);
    let changes = diff(old, &settings);
    let meant = old.jails().map(|(name, _)| name.clone()).collect();
    let notes = notes(&config);
    Ok(Reloaded { settings, changes, meant, notes })
}

/// Why a filter cannot be compiled, if so.
fn unusable(filter: &detect::Spec) -> Option<String> {
    let year = Now::read().wall.year();
    let compiled = Detector::new(slice::from_ref(filter), &[], &TimeZone::system(), year);
    compiled.err().map(|(_, error)| chain(error))
}

fn notes(config: &Config) -> Vec<Note> {
    let warnings = config.warnings.iter().map(|warning| Note::Warning(warning.to_string()));
    let failed = config.failed.iter().flat_map(|jail| {
        jail.reasons.iter().map(|reason| Note::Error(format!("jail {}: {reason}", jail.name)))
    });
    warnings.chain(failed).collect()
}
