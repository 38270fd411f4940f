//! What survives a restart: the store opened, fail2ban's memory taken over once, bans by hand put in force again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::Options;
use super::wiring::{ToEnforcer, chain};
use crate::clock::Now;
use crate::enforce::Claim;
use crate::event::{Ban, Id, Origin};
use crate::log::{Log, lines};
use crate::scope::Scope;
use crate::settings::{Server, Settings};
use crate::store::{self, Bantime, Began, Detail, Limits, Place, StoredBan};

/// Old entries are looked for so often, as in fail2ban.
const PURGED_EVERY: Duration = Duration::from_secs(3_600);

/// The capture under which the ports of a ban by hand are kept.
pub(super) const PORTS: &str = "ports";

/// Opens the store. An empty one takes over what fail2ban's database knows.
pub(super) async fn open(
    options: &Options,
    settings: &Settings,
    log: &Log,
) -> Result<store::Handle> {
    let spec = store::Spec {
        place: Place::File(options.dbfile.clone()),
        matches_max: settings.server.dbmaxmatches,
        limits: limits(&settings.server),
    };
    let notify = |notice: store::Notice| match notice.is_warning() {
        true => warn!("{notice}"),
        false => info!("{notice}"),
    };
    let store = store::spawn(spec, notify).context("starting the store")?;
    log.say(lines::connected_to_database(&options.dbfile));
    if store.began == Began::New
        && let Some(theirs) = of_fail2ban(&settings.server)
    {
        import(&store.handle, theirs, settings).await;
    }
    let handle = store.handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(PURGED_EVERY).await;
            if handle.purge(Now::read().wall).await.is_err() {
                return;
            }
        }
    });
    Ok(store.handle)
}

/// How much is kept.
pub(super) fn limits(server: &Server) -> Limits {
    Limits { purge_age: server.dbpurgeage, ..Limits::default() }
}

fn of_fail2ban(server: &Server) -> Option<PathBuf> {
    let path = PathBuf::from(server.dbfile.as_ref()?);
    (path != Path::new(":memory:") && path.exists()).then_some(path)
}

async fn import(store: &store::Handle, path: PathBuf, settings: &Settings) {
    let bantimes: BTreeMap<_, Bantime> =
        settings.jails().map(|(name, entry)| (name.clone(), entry.spec.policy.bantime)).collect();
    let shown = path.display().to_string();
    match store.import(path, bantimes, Now::read().wall).await {
        Ok(Ok(imported)) => info!(
            bans = imported.bans,
            live = imported.live,
            positions = imported.positions,
            skipped = imported.skipped,
            "took over what fail2ban knew ({shown})"
        ),
        Ok(Err(error)) => warn!(error = chain(error), "nothing was taken over of {shown}"),
        Err(error) => warn!(%error, "nothing was taken over of {shown}"),
    }
}

/// Puts the bans in force again that were made by hand, for no jail.
pub(super) async fn restore_by_hand(store: &store::Handle, to_enforcer: &mpsc::Sender<ToEnforcer>) {
    let now = Now::read().wall;
    let Ok(mut pages) = store.live(None, Detail::Full, now).await else { return };
    let mut claims = Vec::new();
    while let Some(page) = pages.recv().await {
        claims.extend(page.iter().filter_map(claim));
    }
    if claims.is_empty() {
        return;
    }
    let (reply, answer) = oneshot::channel();
    if to_enforcer.send(ToEnforcer::Claim(claims, reply)).await.is_ok()
        && let Ok(Err(error)) = answer.await
    {
        warn!(error, "bans by hand are not in force again");
    }
}

fn claim(stored: &StoredBan) -> Option<Claim> {
    let ports = stored.captures.iter().find(|(name, _)| **name == *PORTS);
    let scope = match ports {
        Some((_, ports)) => serde_json::from_str(ports).ok()?,
        None => Scope::All,
    };
    let ban = Ban::by_hand(None, Id::from(stored.id.as_str()), stored.since, stored.until);
    Claim::new(&Ban { origin: Origin::Restored, ..ban }, scope)
}
