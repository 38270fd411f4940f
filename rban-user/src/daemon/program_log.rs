//! The XDP program's own log, in builds that have one.

use anyhow::{Context, Result};
use aya_log::EbpfLogger;
use tokio::io::unix::AsyncFd;

use crate::enforce::xdp::{self, Pins};

/// Copies what the program logs into ours, until the runtime ends.
pub(super) fn start(pins: &Pins) -> Result<()> {
    let place = xdp::places(pins)?.pop().context("the program is not attached anywhere")?;
    let logger = EbpfLogger::init_from_id(place.prog_id).context("reading the program's log")?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
    )]
    let mut logger = AsyncFd::new(logger).context("watching the program's log")?;
    tokio::spawn(async move {
        while let Ok(mut ready) = logger.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    });
    Ok(())
}
