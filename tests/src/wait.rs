//! Waiting for facts, never for a time to pass.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// What has not happened by then will not: the machine may be slow, but not that slow.
pub const PATIENCE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until `fact` holds; returns how long that took.
///
/// # Errors
///
/// Where it does not come to hold within [`PATIENCE`], naming what was waited `for_what`; or as `fact` fails.
pub fn wait_for(for_what: &str, mut fact: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let start = Instant::now();
    wait_for_some(for_what, || Ok(fact()?.then_some(())))?;
    Ok(start.elapsed())
}

/// Waits until `find` finds something, and returns that.
///
/// # Errors
///
/// As [`wait_for`].
pub fn wait_for_some<T>(for_what: &str, mut find: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = find()? {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            bail!("waited {} s for {for_what}, in vain", PATIENCE.as_secs());
        }
        thread::sleep(POLL_INTERVAL);
    }
}
