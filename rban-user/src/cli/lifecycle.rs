//! `rban reload`, `stop`, `ping` and `version`: what fail2ban's client calls so.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use clap::Args;
use serde::Serialize;

use super::config::From;
use super::{Common, Failure, render};
use crate::control::client::Client;
use crate::control::value::Value;
use crate::control::{Command, Reply};

/// A daemon that stops may take so long.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const RELOAD: &str = "Examples:
  rban reload                     # everything, from the directory that the daemon was started with
  rban reload sshd                # one jail
  rban reload --restart sshd      # stop and start it; its bans come back";

/// Have the daemon read the configuration again; bans stay, and a broken one changes nothing
#[derive(Args, Debug)]
#[command(after_help = RELOAD)]
pub(super) struct Reload {
    /// Only this jail
    jail: Option<String>,
    #[command(flatten)]
    from: From,
    /// Stop and start the jails
    #[arg(long)]
    restart: bool,
    /// Lift their bans
    #[arg(long)]
    unban: bool,
    /// It is no error if there is no such jail
    #[arg(long)]
    if_exists: bool,
}

#[derive(Serialize)]
struct Reloaded {
    reloaded: bool,
}

impl Reload {
    /// Has the daemon read what it was started with.
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let mut daemon = common.running_daemon()?;
        match daemon.ask(&Command::Reload)? {
            Reply::Reloaded => {}
            _ => return Err(daemon.other_answer().into()),
        }
        render::print(common, &Reloaded { reloaded: true }, |_| "reloaded\n".to_owned())
    }

    /// As fail2ban's client takes it, where more is asked than that: the client then reads the configuration.
    pub(super) fn as_client(&self) -> Option<Vec<String>> {
        let is_plain = self.jail.is_none() && self.from.asked().is_none();
        if is_plain && !(self.restart || self.unban || self.if_exists) {
            return None;
        }
        let mut words = Vec::new();
        if let Some(config) = self.from.asked() {
            words.extend(["-c".to_owned(), config.display().to_string()]);
        }
        words.push("reload".to_owned());
        let flags =
            [(self.restart, "--restart"), (self.unban, "--unban"), (self.if_exists, "--if-exists")];
        words.extend(
            flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag.to_owned()),
        );
        words.extend(self.jail.clone());
        Some(words)
    }
}

/// Stop the daemon; bans stay in force until they end
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  rban stop")]
pub(super) struct Stop {}

#[derive(Serialize)]
struct Stopped {
    stopped: bool,
}

impl Stop {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let mut daemon = common.running_daemon()?;
        ask(&mut daemon, "stop")?;
        drop(daemon);
        let deadline = Instant::now() + STOP_PATIENCE;
        let socket = common.socket()?;
        while Client::connect(&socket)?.is_some() {
            if Instant::now() > deadline {
                return Err(anyhow!("the daemon has not stopped yet; its log says why").into());
            }
            thread::sleep(LOOK_EVERY);
        }
        render::print(common, &Stopped { stopped: true }, |_| "stopped\n".to_owned())
    }
}

/// Ask whether the daemon answers
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  rban ping && echo it runs\n  rban ping --json | jq .pid")]
pub(super) struct Ping {}

#[derive(Serialize)]
struct Pong {
    pid: u32,
}

impl Ping {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let pid = common.running_daemon()?.status()?.pid;
        render::print(common, &Pong { pid }, |pong| format!("pong, from process {}\n", pong.pid))
    }
}

/// Print the version of this program, and of the daemon if one answers
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  rban version\n  rban version --json | jq .daemon")]
pub(super) struct Version {}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    daemon: Option<String>,
}

impl Version {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let daemon = match common.daemon()? {
            Some(mut daemon) => match ask(&mut daemon, "version")? {
                Value::Text(version) => Some(version),
                _ => return Err(daemon.other_answer().into()),
            },
            None => None,
        };
        let versions = Versions { version: env!("CARGO_PKG_VERSION"), daemon };
        render::print(common, &versions, |it| match &it.daemon {
            Some(daemon) => format!("rban {}, daemon {daemon}\n", it.version),
            None => format!("rban {}, no daemon runs\n", it.version),
        })
    }
}

/// A command of one word.
fn ask(daemon: &mut Client, word: &str) -> Result<Value, Failure> {
    let answer = daemon.ask_words(&[Value::Text(word.to_owned())])?;
    answer.map_err(|refusal| Failure::Failed(anyhow!("{refusal}")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        reload: Reload,
    }

    #[test]
    fn a_reload_of_less_or_more_than_all_is_that_of_fail2bans_client() {
        let words = |args: &[&str]| {
            let args = ["reload"].iter().chain(args);
            Line::try_parse_from(args).unwrap().reload.as_client().map(|words| words.join(" "))
        };
        let check = |args, expected: &str| assert_eq!(words(args).as_deref(), Some(expected));
        assert_eq!(words(&[]), None);
        check(&["sshd"], "reload sshd");
        check(&["--unban", "--restart", "sshd"], "reload --restart --unban sshd");
        check(&["-c", "/etc/x", "--if-exists", "j"], "-c /etc/x reload --if-exists j");
    }
}
