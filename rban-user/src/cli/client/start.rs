//! Starting and stopping the daemon, which is this very program.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::options::Ground;
use super::repr;
use super::{Outcome, Setup, print, session};
use crate::config::{self, Overrides};
use crate::control::client::Client;
use crate::control::value::Value;

/// How long a daemon may take to start, or to stop.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often it is looked whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `start`.
pub(super) fn start(setup: &Setup) -> Outcome {
    if session::answers(setup).is_ok() {
        return session::fail(setup, "Server already running");
    }
    // Other than fail2ban, a jail that is wrong does not keep the others from running; `greet` tells of it.
    if let Err(unusable) = config::load(&setup.directory, &Overrides::default()) {
        return session::fail(setup, &format!("Failed during configuration: {unusable}"));
    }
    match setup.ground {
        Ground::Foreground => become_daemon(setup),
        Ground::Background => match spawn(setup) {
            Ok(child) => greet(setup, child),
            Err(error) => session::fail(setup, &format!("Could not start server: {error}")),
        },
    }
}

/// `restart`.
pub(super) fn restart(setup: &Setup) -> Outcome {
    session::ask(setup, &["stop"]);
    let deadline = Instant::now() + setup.timeout.unwrap_or(TIMEOUT);
    while !matches!(Client::connect(&setup.socket), Ok(None)) {
        if Instant::now() > deadline {
            return session::fail(setup, "Could not stop server");
        }
        thread::sleep(LOOK_EVERY);
    }
    start(setup)
}

/// In place of this process: only an error returns.
fn become_daemon(setup: &Setup) -> Outcome {
    let error = match daemon(setup) {
        Ok(mut daemon) => daemon.exec(),
        Err(error) => error,
    };
    session::fail(setup, &format!("Could not start server: {error}"))
}

fn spawn(setup: &Setup) -> io::Result<Child> {
    let mut daemon = daemon(setup)?;
    daemon.arg("--detach");
    daemon.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// `rban run` with what was given here.
fn daemon(setup: &Setup) -> io::Result<Command> {
    let mut daemon = Command::new(std::env::current_exe()?);
    // By another name it would take itself for the client.
    daemon.arg0("rban").arg("--socket").arg(&setup.socket).arg("run");
    if let Some(config) = &setup.config {
        daemon.arg("--config").arg(config);
    }
    if let Some(pidfile) = &setup.pidfile {
        daemon.arg("--pidfile").arg(pidfile);
    }
    Ok(daemon)
}

/// Waits until it answers, has it take the settings of the command line, and tells which jails do not run.
fn greet(setup: &Setup, mut child: Child) -> Outcome {
    let deadline = Instant::now() + setup.timeout.unwrap_or(TIMEOUT);
    while session::answers(setup).is_err() {
        let ended = child.try_wait().ok().flatten();
        if ended.is_some() || Instant::now() > deadline {
            let text = "Could not start server; run it in the foreground (-f) to see why";
            return session::fail(setup, text);
        }
        thread::sleep(LOOK_EVERY);
    }
    let settings = settle(setup);
    let jails = all_run(setup);
    match (print("Server ready"), settings, jails) {
        (Outcome::Done, Outcome::Done, Outcome::Done) => Outcome::Done,
        _ => Outcome::Failed,
    }
}

fn settle(setup: &Setup) -> Outcome {
    let text = |text: &str| Value::Text(text.to_owned());
    let mut outcome = Outcome::Done;
    for (name, value) in &setup.settings {
        let words = [text("set"), text(name), text(value)];
        match session::send(setup, &words, TIMEOUT) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                outcome = session::fail(setup, &format!("NOK: {}", repr::args(&error)));
            }
            Err(unreached) => outcome = session::fail(setup, &unreached.advice),
        }
    }
    outcome
}

fn all_run(setup: &Setup) -> Outcome {
    let status = Client::open(&setup.socket).ok().and_then(|mut client| client.status().ok());
    let failed = status.map(|status| status.failed).unwrap_or_default();
    for jail in &failed {
        setup.says.error(&format!(
            "NOK: jail {} does not run: {}",
            jail.name,
            jail.reasons.join("; ")
        ));
    }
    if failed.is_empty() { Outcome::Done } else { Outcome::Failed }
}
