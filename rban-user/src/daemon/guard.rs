//! Who must never be banned on this host, kept up to date: its own addresses, gateways and resolvers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tracing::{info, warn};

use super::wiring::chain;
use crate::enforce::xdp::{Allow, Changes, Pins, XdpError};

/// An interface that comes up changes several addresses and routes at once; one look is enough for all of them.
const SETTLING: Duration = Duration::from_millis(20);

/// Has the kernel and the jails let them off; tells who they are.
pub(super) fn guard(pins: &Pins) -> Result<BTreeSet<IpNet>, XdpError> {
    Allow::open(pins)?.guard(pins)
}

/// Follows changes of addresses and routes, and looks anew when asked to as well, until the runtime ends.
pub(super) async fn run(
    pins: Pins,
    changes: Changes,
    asked: Arc<Notify>,
    own: watch::Sender<BTreeSet<IpNet>>,
) {
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
    )]
    let changes = match AsyncFd::with_interest(changes, Interest::READABLE) {
        Ok(changes) => changes,
        Err(error) => {
            warn!(%error, "changes of this host's addresses are not followed");
            return;
        }
    };
    loop {
        match guard(&pins) {
            Ok(nets) if nets == *own.borrow() => {}
            Ok(nets) => {
                info!(count = nets.len(), "own addresses, gateways and resolvers are let off");
                own.send_replace(nets);
            }
            Err(error) => {
                warn!(error = chain(error), "own addresses stay as they were read before");
            }
        }
        tokio::select! {
            () = asked.notified() => {}
            ready = changes.readable() => {
                sleep(SETTLING).await;
                changes.get_ref().drain();
                if let Ok(mut ready) = ready {
                    ready.clear_ready();
                }
            }
        }
    }
}
