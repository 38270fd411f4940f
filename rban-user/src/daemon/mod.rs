//! The daemon: every stage running, and the channels between them.
//!
//! Source tasks send lines to a thread per jail that matches them; it sends failures to its jail's task; jails send
//! changes to the enforcer's task, which alone writes the ban maps. Control enters at the jails and the enforcer.
//! Stopping closes the sources: each stage then drains until its channel is closed.

mod clock;
mod control;
mod detector;
mod enforcer;
mod guard;
mod ignore;
mod jail;
pub(crate) mod names;
#[cfg(feature = "log")]
mod program_log;
mod resolve;
mod wiring;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::clock::Now;
use crate::config::{Config, Enforce, FailedJail, JailSpec};
use crate::control::server::Server;
use crate::detect::{Detector, UseDns};
use crate::enforce::Enforcer;
use crate::enforce::xdp::{self, Changes, Events, Limits, Mode, Monitor, Pins};
use crate::event::JailName;
use crate::jail::Jail;
use crate::scope::Scope;
use crate::source::{Backend, Batch, Feed, FeedId, Reader};
use detector::ByName;
use ignore::{Screen, World};
use names::{Families, Names};
use resolve::{Resolver, Telling};
use wiring::{JailHandle, ToEnforcer, chain};

/// What the daemon is asked to do.
#[derive(Clone, Debug)]
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
    /// The jails.
    pub config: Config,
}

/// What becomes of the bans when the daemon is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtExit {
    /// They stay in force until they end.
    Keep,
    /// They are lifted.
    Lift,
}

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

async fn serve(options: Options) -> Result<()> {
    // Made before anything else, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate()).context("listening to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening to SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("listening to SIGHUP")?;

    let server = Server::listen(&options.socket)?;
    let settings = &options.config.settings;
    ensure!(settings.enforce == Enforce::Xdp, "only enforce = xdp is carried out yet; write that");
    let (jails, failed) = open_jails(&options.config)?;
    let scopes = jails.iter().filter_map(|jail| Some((jail.spec.name.clone(), scope(jail)?)));
    let scopes: HashMap<JailName, Scope> = scopes.collect();
    let interfaces = interfaces(&options)?;
    for attached in xdp::attach(&options.pins, &interfaces, options.mode, options.limits)? {
        info!("{attached}");
    }
    xdp::set_monitor(&options.pins, options.monitor)?;
    let changes = Changes::listen()?;
    let never = guard::guard(&options.pins)?;
    let enforcer = Enforcer::open(&options.pins, Now::read())?;
    let events = Events::open(&options.pins)?;

    let (stop, stopped) = watch::channel(false);
    let (to_enforcer, enforcer_inbox) = mpsc::channel(wiring::CHANGES);
    let mut upstream = JoinSet::new();
    let mut handles = Vec::new();
    // Two, so that names which clients make up cannot hold up those of ignoreip.
    let names = || Names::of_system(Families::of_this_host());
    let (world, resolver) = (World::new(names()), Resolver::start(names()));
    for jail in jails {
        let screen = Screen::new(jail.spec.name.clone(), world.clone());
        handles.push(start_jail(
            jail,
            screen,
            &resolver,
            &never,
            &to_enforcer,
            &stopped,
            &mut upstream,
        )?);
    }
    drop(resolver); // it ends with the last detector
    let enforcing = tokio::spawn(enforcer::run(enforcer, scopes, events, enforcer_inbox));
    #[cfg(feature = "log")]
    program_log::start(&options.pins)?;
    let look_anew = Arc::new(Notify::new());
    let inboxes = handles.iter().map(|jail| jail.inbox.clone()).collect();
    let guarding = guard::run(options.pins.clone(), changes, look_anew.clone(), inboxes);
    let guarding = tokio::spawn(guarding);
    let watching = tokio::spawn(clock::run(to_enforcer.downgrade()));
    let (requests, inbox) = mpsc::channel(wiring::REQUESTS);
    let serving = tokio::spawn(server.run(requests));
    let answering = tokio::spawn(control::run(inbox, handles, failed, to_enforcer.clone()));

    info!(interfaces = interfaces.join(","), monitor = ?options.monitor, "ready");
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        warn!(%error, "systemd was not told that we are ready");
    }
    let outcome = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            _ = hangup.recv() => look_anew.notify_one(),
            Some(ended) = upstream.join_next() => break ended.context("a stage broke")?,
        }
    };

    info!(
        "stopping; bans {}",
        match options.at_exit {
            AtExit::Keep => "stay in force until they end",
            AtExit::Lift => "are lifted",
        }
    );
    drop(stop);
    while let Some(ended) = upstream.join_next().await {
        ended.context("a stage broke")??;
    }
    guarding.abort();
    watching.abort();
    answering.abort();
    if options.at_exit == AtExit::Lift {
        to_enforcer.send(ToEnforcer::LiftAll(None)).await.context("lifting all bans")?;
    }
    drop(to_enforcer);
    drop(answering.await); // its channel to the enforcer closes with it
    drop(serving.await); // clients get their last answers
    enforcing.await.context("the enforcer broke")?;
    outcome
}

fn interfaces(options: &Options) -> Result<Vec<String>> {
    if !options.interfaces.is_empty() {
        return Ok(options.interfaces.clone());
    }
    let found = xdp::default_interfaces()?;
    ensure!(!found.is_empty(), "no default route leads anywhere; name an interface with --iface");
    Ok(found)
}

/// A jail with its source open and its filter compiled, ready to run.
struct OpenJail {
    spec: JailSpec,
    reader: Reader,
    lines: mpsc::Receiver<Batch>,
    detector: Detector,
}

/// The jails that can run, and why the others cannot.
///
/// # Errors
/// None of those that are enabled can run.
fn open_jails(config: &Config) -> Result<(Vec<OpenJail>, Vec<FailedJail>)> {
    for warning in &config.warnings {
        warn!("{warning}");
    }
    let (mut jails, mut failed) = (Vec::new(), config.failed.clone());
    for spec in &config.jails {
        match OpenJail::new(spec) {
            Ok(jail) => jails.push(jail),
            Err(error) => {
                failed
                    .push(FailedJail { name: spec.name.to_string(), reasons: vec![chain(error)] });
            }
        }
    }
    let reasons = failed
        .iter()
        .flat_map(|jail| jail.reasons.iter().map(|reason| format!("jail {}: {reason}", jail.name)));
    let reasons: Vec<String> = reasons.collect();
    if jails.is_empty() && !failed.is_empty() {
        bail!("{}", reasons.join("; "));
    }
    for reason in reasons {
        error!("{reason}; the others run");
    }
    if jails.is_empty() {
        warn!("no jail is enabled in {}", config.directory.display());
    }
    Ok((jails, failed))
}

impl OpenJail {
    fn new(spec: &JailSpec) -> Result<Self> {
        if let Backend::Systemd(_) = spec.source.backend {
            bail!("the journal is not read yet; write backend = auto, and a logpath");
        }
        let (to, lines) = mpsc::channel(wiring::LINE_BATCHES);
        let mut reader = Reader::new();
        for (id, log) in (0..).map(FeedId).zip(&spec.source.logs) {
            reader.add(Feed {
                id,
                path: log.path.clone(),
                begin: log.begin,
                encoding: spec.source.encoding,
                backend: spec.source.backend.clone(),
                positions: HashMap::new(),
                to: to.clone(),
            })?;
        }
        let filters = std::slice::from_ref(&spec.filter);
        let (zone, year) = (TimeZone::system(), Now::read().wall.year());
        let detector =
            Detector::new(filters, &[vec![0]], &zone, year).map_err(|(_, error)| error)?;
        if spec.policy.increment.is_some() {
            warn!(jail = %spec.name, "bantime.increment is not carried out yet; bans do not grow");
        }
        let commands = spec.actions.iter().filter(|action| action.takeover.is_none());
        let commands: Vec<&str> = commands.map(|action| action.name.as_str()).collect();
        if !commands.is_empty() {
            warn!(jail = %spec.name, actions = commands.join(", "), "these are not run yet");
        }
        Ok(Self { spec: spec.clone(), reader, lines, detector })
    }
}

/// What a jail's bans cover, of all its firewall actions together; `None` = it has none, and bans nobody.
fn scope(jail: &OpenJail) -> Option<Scope> {
    let taken = jail.spec.actions.iter().filter_map(|action| action.takeover.as_ref());
    let scope = taken.map(|takeover| takeover.scope.clone()).reduce(|a, b| a.union(&b));
    if scope.is_none() {
        warn!(jail = %jail.spec.name, "has no firewall action, so its bans stop nothing");
    }
    scope
}

/// Starts a jail's stages.
fn start_jail(
    jail: OpenJail,
    screen: Screen,
    resolver: &Resolver,
    never: &BTreeSet<IpNet>,
    to_enforcer: &mpsc::Sender<ToEnforcer>,
    stopped: &watch::Receiver<bool>,
    upstream: &mut JoinSet<Result<()>>,
) -> Result<JailHandle> {
    let OpenJail { spec, mut reader, lines, detector } = jail;
    let (failures, failures_inbox) = mpsc::channel(wiring::FAILURE_BATCHES);
    let (inbox, jail_inbox) = mpsc::channel(wiring::JAIL_MESSAGES);
    let handle = JailHandle {
        files: reader.report().into_iter().map(|seen| seen.path.to_path_buf()).collect(),
        inbox,
    };
    let mut stopped = stopped.clone();
    upstream.spawn(async move {
        let stop = async move { drop(stopped.changed().await) };
        reader.run(stop).await;
        Ok(())
    });
    let telling = match spec.filter.patterns.usedns {
        UseDns::Warn => Telling::Warns,
        UseDns::Yes | UseDns::No | UseDns::Raw => Telling::Silent,
    };
    let names = ByName { resolver: resolver.clone(), telling };
    let name = spec.name.clone();
    thread::Builder::new()
        .name(format!("detect-{name}"))
        .spawn(move || detector::run(&name, detector, &names, lines, &failures))
        .context("starting a thread")?;
    let mut jail = Jail::new(spec.policy);
    jail.let_off(never.iter().copied());
    upstream.spawn(jail::run(jail, screen, failures_inbox, jail_inbox, to_enforcer.clone()));
    Ok(handle)
}
