//! Runs a command in a shell, within a time and with so much of its output (spec, jail 12).

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// So much of what it prints is kept, for the log; the rest is read and dropped.
const OUTPUT_MAX_BYTES: usize = 4_096;

/// Between asking it to end and ending it.
const TERMINATE_PATIENCE: Duration = Duration::from_millis(200);

/// Its children may hold its output open longer than it lives; they are not waited for.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(100);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that did not come to its own end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("/bin/sh cannot be run; see that it is there, and how many processes may be")]
    Spawn(#[source] io::Error),
    #[error("timed out after {} seconds; have it answer sooner", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("what became of it is not known")]
    Wait(#[source] io::Error),
}

impl Ended {
    /// Its exit code, or how it was ended instead.
    pub(crate) fn reason(&self) -> String {
        match (self.status.code(), self.status.signal()) {
            (Some(127), _) => "returned 127, which is to say: command not found".to_owned(),
            (Some(code), _) => format!("returned {code}"),
            (None, signal) => format!("killed with signal {}", signal.unwrap_or_default()),
        }
    }
}

/// Runs a command to its end. Whoever stops waiting for it ends it, and all that it started.
pub(crate) async fn run(script: &str, values: &[Vec<u8>], limit: Duration) -> Result<Ended, Error> {
    let values = values.iter().map(|value| OsString::from_vec(value.clone()));
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(script)
        .args(values)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(Error::Spawn)?;
    let group = Group::of(&child);
    let stdout = Output::of(child.stdout.take());
    let stderr = Output::of(child.stderr.take());
    match timeout(limit, child.wait()).await {
        Ok(status) => {
            group.spare();
            let status = status.map_err(Error::Wait)?;
            Ok(Ended { status, stdout: stdout.text().await, stderr: stderr.text().await })
        }
        Err(_) => {
            group.signal(Signal::TERM);
            drop(timeout(TERMINATE_PATIENCE, child.wait()).await);
            // The shell may be gone; its children, which have its group, need not be.
            group.signal(Signal::KILL);
            drop(child.wait().await);
            group.spare();
            Err(Error::TimedOut(limit))
        }
    }
}

/// A command and all that it started; killed with this.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // Fails where nobody is left, and that is what is wanted.
            kill_process_group(group, signal).ok();
        }
    }

    /// It came to its end: what it left behind may stay.
    fn spare(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// What a command prints, from its beginning on. Read to its end, lest the command wait for a reader.
struct Output {
    kept: Arc<Mutex<Vec<u8>>>,
    reading: JoinHandle<()>,
}

impl Output {
    fn of(output: Option<impl AsyncRead + Unpin + Send + 'static>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let shared = kept.clone();
        let reading = tokio::spawn(async move {
            let Some(mut output) = output else { return };
            let mut buffer = [0; OUTPUT_MAX_BYTES];
            while let Ok(len @ 1..) = output.read(&mut buffer).await {
                let mut kept = shared.lock().expect("nobody panics with it");
                let room = OUTPUT_MAX_BYTES - kept.len();
                kept.extend_from_slice(&buffer[..len.min(room)]);
            }
        });
        Self { kept, reading }
    }

    /// What came until it ended, or a moment after the command did.
    async fn text(mut self) -> String {
        drop(timeout(OUTPUT_PATIENCE, &mut self.reading).await);
        let kept = self.kept.lock().expect("nobody panics with it");
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A test that waits longer has failed.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[track_caller]
    fn check(ended: &Ended, reason: &str, stdout: &str) {
        assert_eq!((ended.reason().as_str(), ended.stdout.as_str()), (reason, stdout));
    }

    #[tokio::test]
    async fn it_tells_how_it_ended_and_what_it_printed() {
        let run = async |script| run(script, &[], PATIENCE).await.unwrap();
        check(&run("echo a; echo b >&2; exit 3").await, "returned 3", "a\n");
        check(&run("kill -9 $$").await, "killed with signal 9", "");
        check(
            &run("no-such-command-anywhere").await,
            "returned 127, which is to say: command not found",
            "",
        );
    }

    #[tokio::test]
    async fn values_are_arguments() {
        let values = vec![b"$(id)".to_vec(), b"\xff".to_vec()];
        let script = "printf %s \"$0\"; [ \"$1\" = \"$(printf '\\377')\" ]";
        check(&run(script, &values, PATIENCE).await.unwrap(), "returned 0", "$(id)");
    }

    #[tokio::test]
    async fn more_output_than_is_kept_keeps_nobody_waiting() {
        let ended = run("yes | head -c 1000000", &[], PATIENCE).await.unwrap();
        assert_eq!((ended.status.code(), ended.stdout.len()), (Some(0), OUTPUT_MAX_BYTES));
    }

    #[tokio::test]
    async fn a_child_that_lives_on_is_not_waited_for() {
        let began = Instant::now();
        let ended = run("sleep 30 & echo $!", &[], PATIENCE).await.unwrap();
        assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
        let child = Pid::from_raw(ended.stdout.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(child, Signal::KILL).expect("it lives on");
    }

    #[tokio::test]
    async fn whoever_takes_too_long_is_ended_with_all_its_children() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("pid");
        let script =
            format!("trap '' TERM; sleep 60 & echo $! > {}; wait; sleep 60", file.display());
        let error = run(&script, &[], Duration::from_millis(300)).await.unwrap_err();
        assert_eq!(error.to_string(), "timed out after 0.3 seconds; have it answer sooner");
        let child = std::fs::read_to_string(file).unwrap();
        let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while is_alive(child) {
            assert!(Instant::now() < deadline, "its child lives");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A zombie, whom nobody has buried yet, is not.
    fn is_alive(process: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
    }
}
