//! Waiting for facts, never for a time to pass; and never for ever.

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

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

/// Runs a command to its end, and no longer than [`PATIENCE`].
///
/// # Errors
///
/// Where it cannot be started, or does not end; then it is killed.
pub fn output(mut command: Command) -> Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let stdout = child.stdout.take().map(|pipe| thread::spawn(|| read(pipe)));
    let stderr = child.stderr.take().map(|pipe| thread::spawn(|| read(pipe)));
    let ended = wait_for_some("the command to end", || Ok(child.try_wait()?));
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let join = |thread: Option<thread::JoinHandle<Vec<u8>>>| {
        thread.and_then(|thread| thread.join().ok()).unwrap_or_default()
    };
    let (stdout, stderr) = (join(stdout), join(stderr));
    let said = String::from_utf8_lossy(&stderr);
    let status = ended.with_context(|| format!("{command:?} said {said:?}"))?;
    Ok(Output { status, stdout, stderr })
}

fn read(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What came before an error is all that can be told.
    drop(pipe.read_to_end(&mut bytes));
    bytes
}
