//! What survives a restart: the store opened, fail2ban's memory taken over once, bans by hand put in force again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use compact_str::ToCompactString;
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::Options;
use super::jail::stored;
use super::wiring::{ToEnforcer, chain};
use crate::addr::Offender;
use crate::clock::Now;
use crate::config::Config;
use crate::control::Imported;
use crate::enforce::Claim;
use crate::event::{Ban, Id, Origin};
use crate::log::{Log, lines};
use crate::scope::Scope;
use crate::settings::{Server, Settings};
use crate::store::{
    self, Bantime, Began, Detail, Flushed, ImportError, Limits, Place, StoredBan, Write,
};

/// Old entries are looked for so often, as in fail2ban.
const PURGED_EVERY: Duration = Duration::from_secs(3_600);

/// The capture under which the ports of a ban by hand are kept.
const PORTS: &str = "ports";

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
    if store.began == Began::New {
        log.say(lines::new_database(store::VERSION));
    }
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

/// Takes over what fail2ban knows, and tells of it.
async fn import(store: &store::Handle, path: PathBuf, settings: &Settings) {
    let shown = path.display().to_string();
    match take_over(store, path, settings).await {
        Ok(imported) => info!(
            bans = imported.bans,
            live = imported.live,
            positions = imported.positions,
            skipped = imported.skipped,
            "took over what fail2ban knew ({shown})"
        ),
        Err(error) => warn!(error = chain(error), "nothing was taken over of {shown}"),
    }
}

/// Takes over what fail2ban's database at `path` knows and ours does not; `None` = the one that is configured.
pub(super) async fn import_on_demand(
    store: &store::Handle,
    path: Option<PathBuf>,
    settings: &Settings,
) -> Result<Imported> {
    let path = match path {
        Some(path) => path,
        None => of_fail2ban(&settings.server)
            .context("fail2ban left no database where fail2ban.conf says; name its file")?,
    };
    take_over(store, path, settings).await
}

async fn take_over(store: &store::Handle, path: PathBuf, settings: &Settings) -> Result<Imported> {
    let bantimes: BTreeMap<_, Bantime> =
        settings.jails().map(|(name, entry)| (name.clone(), entry.spec.policy.bantime)).collect();
    let imported: Result<store::Imported, ImportError> =
        store.import(path.clone(), bantimes, Now::read().wall).await?;
    let store::Imported { bans, live, positions, skipped, cut_short } = imported?;
    let cut_short = cut_short.map(|error| error.to_string());
    Ok(Imported { file: path, bans, live, positions, skipped, cut_short })
}

/// Has a store of its own, opened where the daemon's would be, take over what fail2ban knows; while no daemon runs.
///
/// # Errors
/// Nothing was taken over.
pub(crate) fn import_without_daemon(
    dbfile: PathBuf,
    path: Option<PathBuf>,
    config: &Config,
    notify: impl FnMut(store::Notice) + Send + 'static,
) -> Result<Imported> {
    let (settings, _) = Settings::of_config(config, "");
    let spec = store::Spec {
        place: Place::File(dbfile),
        matches_max: settings.server.dbmaxmatches,
        limits: limits(&settings.server),
    };
    let store = store::spawn(spec, notify)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let imported = import_on_demand(&store.handle, path, &settings).await?;
        match store.handle.flush().await? {
            Flushed::Committed => Ok(imported),
            Flushed::Waiting => Err(anyhow!("rban's own database cannot be written")),
        }
    })
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

/// What makes a ban by hand survive a reboot.
pub(super) fn by_hand(claim: &Claim) -> Write {
    let ban = Ban::by_hand(None, claim.offender.into(), claim.since, claim.until);
    let mut stored = stored(&ban);
    if claim.scope != Scope::All {
        let ports = serde_json::to_string(&claim.scope).expect("ports are numbers");
        stored.captures.push((PORTS.into(), ports));
    }
    Write::Ban(stored)
}

/// What makes a ban by hand be forgotten.
pub(super) fn not_by_hand(offender: &Offender) -> Write {
    Write::Forget { jail: None, id: offender.to_compact_string() }
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
