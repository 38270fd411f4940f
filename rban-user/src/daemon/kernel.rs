//! The kernel's side of the daemon: attached, guarded, and the enforcer at work.

use std::sync::Arc;

use anyhow::{Result, ensure};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tracing::info;

use super::wiring::{self, ToEnforcer};
use super::{Options, Own, clock, enforcer, guard};
use crate::clock::Now;
use crate::enforce::Enforcer;
use crate::enforce::xdp::{self, Changes, Events, Pins};

/// The dropper, attached, with all bans that it has.
pub(super) struct Kernel {
    pins: Pins,
    changes: Changes,
    enforcer: Enforcer,
    events: Events,
}

impl Kernel {
    /// Attaches to the interfaces, and has own addresses let off before anybody can be banned.
    pub(super) fn open(options: &Options, own: &Own) -> Result<Self> {
        let interfaces = interfaces(options)?;
        for attached in xdp::attach(&options.pins, &interfaces, options.mode, options.limits)? {
            info!("{attached}");
        }
        xdp::set_monitor(&options.pins, options.monitor)?;
        let changes = Changes::listen()?;
        own.send_replace(guard::guard(&options.pins)?);
        let enforcer = Enforcer::open(&options.pins, Now::read())?;
        let events = Events::open(&options.pins)?;
        Ok(Self { pins: options.pins.clone(), changes, enforcer, events })
    }
}

fn interfaces(options: &Options) -> Result<Vec<String>> {
    if !options.interfaces.is_empty() {
        return Ok(options.interfaces.clone());
    }
    let found = xdp::default_interfaces()?;
    ensure!(!found.is_empty(), "no default route leads anywhere; name an interface with --iface");
    Ok(found)
}

/// The enforcer's mailbox, its task, and tasks that help it until the end.
type Started = (mpsc::Sender<ToEnforcer>, JoinHandle<()>, Vec<JoinHandle<()>>);

/// Starts what keeps the kernel up to date; with `None`, what answers in its stead.
pub(super) fn start(kernel: Option<Kernel>, own: Own, look_anew: Arc<Notify>) -> Result<Started> {
    let (to_enforcer, inbox) = mpsc::channel(wiring::CHANGES);
    let Some(Kernel { pins, changes, enforcer, events }) = kernel else {
        return Ok((to_enforcer, tokio::spawn(enforcer::without_kernel(inbox)), Vec::new()));
    };
    let enforcing = tokio::spawn(enforcer::run(enforcer, events, inbox));
    let guarding = tokio::spawn(guard::run(pins, changes, look_anew, own));
    let weak = to_enforcer.downgrade();
    let watching = tokio::spawn(async move {
        if let Err(error) = clock::run(weak).await {
            tracing::warn!(%error, "jumps of the clock are not noticed");
        }
    });
    Ok((to_enforcer, enforcing, vec![guarding, watching]))
}
