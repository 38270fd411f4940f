//! The daemon: every stage running, and the channels between them.
//!
//! One task reads all logs, threads find failures in their lines, a task for each jail decides, the enforcer's task alone
//! writes the ban maps; the store, the log and the actions are told and never waited for. Control enters at the jails
//! and the enforcer. Stopping ends the jails first; each stage then drains until its channel is closed.

mod actions;
mod clock;
mod control;
mod detector;
mod enforcer;
mod guard;
mod ignore;
mod jail;
mod jails;
mod kernel;
pub(crate) mod memory;
pub(crate) mod names;
#[cfg(feature = "log")]
mod program_log;
mod progress;
mod resolve;
mod scan;
mod told;
mod wiring;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::actions::{Families, OwnNames};
use crate::config::{self, Config, Enforce, log_target};
use crate::control::server::Server;
use crate::enforce::xdp::{Limits, Mode, Monitor, Pins};
use crate::log::{Log, LogLayer, lines};
use crate::said::Threshold;
use crate::settings::Settings;
use crate::source::Reader;
use control::{Control, Signal};
use ignore::World;
use jails::{Common, Jails};
use kernel::Kernel;
use names::Names;
use progress::Known;
use resolve::Resolver;
use scan::{Scans, Surroundings};
use wiring::{Stopping, ToEnforcer};

/// What the daemon is asked to do.
pub struct Options {
    /// Where the maps are pinned, or will be.
    pub pins: Pins,
    /// Where clients find the daemon.
    pub socket: PathBuf,
    /// The interfaces to attach to; none = those of the default routes.
    pub interfaces: Vec<String>,
    /// Where in the kernel.
    pub mode: Mode,
    /// How many bans at a time, where the maps are yet to be made.
    pub limits: Limits,
    /// Whether to drop, or only to count.
    pub monitor: Monitor,
    /// What becomes of the bans when the daemon is stopped.
    pub at_exit: AtExit,
    /// Where bans and positions are kept.
    pub dbfile: PathBuf,
    /// Where the log goes, in place of what the configuration says.
    pub logtarget: Option<String>,
    /// The jails.
    pub config: Config,
    /// Reads the configuration again.
    pub reread: Reread,
}

/// Reads the configuration again, on a thread of its own.
pub type Reread = Arc<dyn Fn() -> Result<Config, config::Unusable> + Send + Sync>;

/// What becomes of the bans when the daemon is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtExit {
    /// They stay in force until they end.
    Keep,
    /// They are lifted.
    Lift,
}

/// Where fail2ban's log goes where neither the command line nor a file says so.
const LOG: &str = "/var/log/rban.log";

/// Where services have their names and ports.
const SERVICES: &str = "/etc/services";

/// Runs until it is told to stop.
///
/// # Errors
/// Where it cannot start, with nothing half-done; or where a stage broke while running.
pub fn run(options: Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("starting the runtime")?;
    let outcome = runtime.block_on(serve(options));
    // A lookup that hangs keeps nobody from leaving.
    runtime.shutdown_background();
    outcome
}

/// Signals that the daemon obeys; listened to before anything else, so that none during the start is lost.
struct Signals {
    terminate: Stream,
    interrupt: Stream,
    hangup: Stream,
    user: Stream,
}

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind, name| signal(kind).with_context(|| format!("listening to {name}"));
        Ok(Self {
            terminate: listen(SignalKind::terminate(), "SIGTERM")?,
            interrupt: listen(SignalKind::interrupt(), "SIGINT")?,
            hangup: listen(SignalKind::hangup(), "SIGHUP")?,
            user: listen(SignalKind::user_defined1(), "SIGUSR1")?,
        })
    }

    /// Waits until it is time to leave; passes on the others.
    async fn end(&mut self, others: &mpsc::Sender<Signal>, look_anew: &Notify) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {
                    look_anew.notify_one();
                    let _ = others.send(Signal::Reread).await; // gone = we leave
                }
                _ = self.user.recv() => {
                    let _ = others.send(Signal::Flushlogs).await; // as above
                }
            }
        }
    }
}

async fn serve(options: Options) -> Result<()> {
    let began = Instant::now();
    let mut signals = Signals::listen()?;
    let server = Server::listen(&options.socket)?;
    let services = fs::read_to_string(SERVICES).unwrap_or_default();
    let (settings, unheeded) = Settings::of_config(&options.config, &services);
    let log = start_log(&options, &settings)?;
    lines::starting(env!("CARGO_PKG_VERSION")).into_iter().for_each(|said| log.say(said));
    log.say(lines::daemon_started());
    for warning in &options.config.warnings {
        warn!("{warning}");
    }
    for exception in unheeded {
        warn!(?exception, "fail2ban.conf: not obeyed");
    }
    let (own, own_inbox) = watch::channel(BTreeSet::new());
    let kernel = match options.config.settings.enforce {
        Enforce::Actions => None,
        Enforce::Xdp | Enforce::Both => Some(Kernel::open(&options, &own)?),
    };
    let look_anew = Arc::new(Notify::new());
    let (to_enforcer, enforcing, helpers) = kernel::start(kernel, own, look_anew.clone())?;
    let store = memory::open(&options, &settings, &log).await?;

    // Two, so that names which clients make up cannot hold up those of ignoreip.
    let names = || Names::of_system(names::Families::of_this_host());
    let mut reader = Reader::new();
    let mailbox = reader.mailbox();
    let (stop_reading, stopped) = watch::channel(());
    let reading = tokio::spawn(async move {
        let mut stopped = stopped;
        reader.report();
        reader.run(async move { drop(stopped.changed().await) }).await
    });
    let (progress, reports) = mpsc::channel(wiring::PROGRESS);
    let noting = tokio::spawn(progress::run(store.clone(), reports));
    let surroundings = Surroundings {
        reader: mailbox,
        resolver: Resolver::start(names()),
        progress,
        log: log.clone(),
    };
    let common = Common {
        enforce: options.config.settings.enforce,
        to_enforcer: to_enforcer.clone(),
        store: Some(store.clone()),
        log: log.clone(),
        ignore: World::new(names()),
        own: own_inbox,
        families: families(&settings.server.allowipv6),
        own_names: OwnNames::of_this_host().await,
    };
    let scans = Scans::new(surroundings, Known::of(&store).await);
    let mut jails = Jails::new(common, scans, options.config.failed.clone());
    let failed = jails.start_all(&settings).await;
    refuse_if_none_runs(&options.config, &jails, &failed)?;
    memory::restore_by_hand(&store, &to_enforcer).await;
    #[cfg(feature = "log")]
    program_log::start(&options.pins)?;

    let (requests, inbox) = mpsc::channel(wiring::REQUESTS);
    let serving = tokio::spawn(server.run(requests));
    let (signalled, signal_inbox) = mpsc::channel(1);
    let quit = Arc::new(Notify::new());
    let control = Control {
        settings,
        jails,
        to_enforcer: to_enforcer.clone(),
        store: Some(store.clone()),
        log: log.clone(),
        quit: quit.clone(),
        reload: options.reread,
        signals: signal_inbox,
    };
    let mut answering = tokio::spawn(control::run(inbox, control));
    info!(after = ?began.elapsed(), monitor = ?options.monitor, "ready");
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        warn!(%error, "systemd was not told that we are ready");
    }
    let mut control = tokio::select! {
        () = signals.end(&signalled, &look_anew) => {
            quit.notify_one();
            answering.await.context("control broke")?
        }
        ended = &mut answering => ended.context("control broke")?,
    };

    log.say(lines::shutdown());
    info!(
        "stopping; bans {}",
        match options.at_exit {
            AtExit::Keep => "stay in force until they end",
            AtExit::Lift => "are lifted",
        }
    );
    drop(stop_reading);
    drop(reading.await);
    log.say(lines::stopping_all_jails());
    control
        .jails
        .stop_all(match options.at_exit {
            AtExit::Keep => Stopping::Keep,
            AtExit::Lift => Stopping::Repeal,
        })
        .await;
    if options.at_exit == AtExit::Lift {
        to_enforcer.send(ToEnforcer::LiftAll(None)).await.context("lifting all bans")?;
    }
    drop(control);
    helpers.iter().for_each(JoinHandle::abort);
    for helper in helpers {
        drop(helper.await); // their channels to the enforcer close with them
    }
    drop(to_enforcer);
    drop(noting.await);
    drop(serving.await); // clients get their last answers
    enforcing.await.context("the enforcer broke")?;
    if store.flush().await.is_err() {
        error!("the store ended early; a restart will not know of the last bans");
    }
    log.say(lines::database_closed());
    log.say(lines::exiting());
    if let Err(error) = log.settle().await {
        bail!("{error}");
    }
    Ok(())
}

/// Which addresses there are, for actions that tell them apart; `auto` = as the host has them.
fn families(allowipv6: &str) -> Families {
    let has_v6 = match allowipv6 {
        "auto" => names::Families::of_this_host() == names::Families::Both,
        other => config::is_true(other),
    };
    if has_v6 { Families::Both } else { Families::V4Only }
}

/// Starts the log, which takes the program's own messages as well.
fn start_log(options: &Options, settings: &Settings) -> Result<Log> {
    let configured = options.config.settings.logtarget.clone();
    let of_fail2ban = options.config.server.setting("logtarget");
    let of_fail2ban = of_fail2ban.map(|_| settings.server.logtarget.clone());
    let target = options.logtarget.clone().or(configured).or(of_fail2ban);
    let target = target.unwrap_or_else(|| LOG.to_owned());
    let target = log_target(&target, &settings.server.syslogsocket)?;
    let threshold: Threshold = settings.server.loglevel.parse().context("loglevel")?;
    let log = Log::start(target, threshold, env!("CARGO_PKG_VERSION"))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("debug"));
    let registry = tracing_subscriber::registry().with(filter).with(LogLayer(log.clone()));
    registry.try_init().context("starting the log")?;
    Ok(log)
}

/// # Errors
/// Jails are enabled, and none of them runs.
fn refuse_if_none_runs(
    config: &Config,
    jails: &Jails,
    failed: &[(crate::event::JailName, String)],
) -> Result<()> {
    let mut reasons: Vec<String> = Vec::new();
    for jail in &config.failed {
        let each = jail.reasons.iter().map(|reason| format!("jail {}: {reason}", jail.name));
        reasons.extend(each);
    }
    reasons.extend(failed.iter().map(|(name, reason)| format!("jail {name}: {reason}")));
    if jails.inboxes().next().is_none() && !reasons.is_empty() {
        bail!("{}", reasons.join("; "));
    }
    for reason in reasons {
        error!("{reason}; the others run");
    }
    if jails.inboxes().next().is_none() {
        warn!("no jail is enabled in {}", config.directory.display());
    }
    Ok(())
}

/// Whom the kernel lets off.
type Own = watch::Sender<BTreeSet<IpNet>>;
