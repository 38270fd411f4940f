//! The command line: words in, one exit code out.
//!
//! Exit 0: done. 1: refused or failed. 2: not understood. Everything but `run` works on the pinned maps, and goes by the
//! daemon where one answers, which knows who wants whom banned.

mod attach;
mod ban;
mod bans;
mod client;
mod completions;
mod config;
mod import;
mod input;
mod lifecycle;
mod man;
mod panic;
mod regex;
mod render;
mod run;
mod status;
mod unban;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Parser, Subcommand};

use crate::config::{Directory, Settings};
use crate::control::client::Client;
use crate::enforce::xdp::{DEFAULT_DIR, Pins, XdpError};

/// fail2ban's job, done in the kernel: drop the packets of those who guess passwords.
#[derive(Debug, Parser)]
#[command(name = "rban", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Directory of the pinned maps
    #[arg(long, global = true, value_name = "DIR", env = "RBAN_BPFFS", default_value = DEFAULT_DIR)]
    bpffs: PathBuf,
    /// Socket of the daemon; without it the one that rban.conf names
    #[arg(short, long, global = true, value_name = "FILE", env = "RBAN_SOCKET")]
    socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Attach(attach::Attach),
    Detach(attach::Detach),
    Ban(ban::Ban),
    Unban(unban::Unban),
    Bans(bans::List),
    Status(status::Status),
    Import(import::Import),
    Reload(lifecycle::Reload),
    Stop(lifecycle::Stop),
    Ping(lifecycle::Ping),
    Version(lifecycle::Version),
    Why(why::Why),
    Panic(panic::Panic),
    Config(config::Config),
    Regex(Box<regex::Regex>),
    Client(client::Client),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Why a command did not do what it should.
#[derive(Debug)]
enum Failure {
    /// The command line, or a file it names, says something that cannot be.
    Usage(String),
    /// It was refused, or failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = regex::as_fail2ban() {
        return code;
    }
    if let Some(code) = client::by_name() {
        return code;
    }
    let Cli { common, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if asks_for("regex") => return regex::misunderstood(&error),
        Err(error) => error.exit(),
    };
    let result = match command {
        Command::Run(run) => run.run(&common),
        Command::Attach(attach) => attach.run(&common),
        Command::Detach(detach) => detach.run(&common),
        Command::Ban(ban) => ban.run(&common),
        Command::Unban(unban) => unban.run(&common),
        Command::Bans(list) => list.run(&common),
        Command::Status(status) => status.run(&common),
        Command::Import(import) => import.run(&common),
        Command::Reload(reload) => match reload.as_client() {
            Some(words) => return client::obeyed(&words, common.socket),
            None => reload.run(&common),
        },
        Command::Stop(stop) => stop.run(&common),
        Command::Ping(ping) => ping.run(&common),
        Command::Version(version) => version.run(&common),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
        Command::Why(why) => why.run(&common),
        Command::Panic(panic) => panic.run(&common),
        Command::Config(config) => config.run(&common),
        Command::Regex(regex) => return regex.run(&common),
        Command::Client(client) => return client.run(common.socket),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            render::complain(&message);
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            render::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether this is the command that was meant, even if the rest of the line is not understood.
fn asks_for(command: &str) -> bool {
    let mut words = std::env::args_os().skip(1);
    words.find(|word| !word.as_encoded_bytes().starts_with(b"-")).is_some_and(|it| it == command)
}

impl Common {
    fn pins(&self) -> Result<Pins, XdpError> {
        Pins::at(&self.bpffs)
    }

    /// The daemon, if one answers.
    fn daemon(&self) -> Result<Option<Client>, Failure> {
        Ok(Client::connect(&self.socket()?)?)
    }

    /// The daemon, where nothing can be done without one.
    fn running_daemon(&self) -> Result<Client, Failure> {
        let socket = self.socket()?;
        Client::connect(&socket)?.ok_or_else(|| {
            let socket = socket.display();
            let text =
                "no daemon answers; start it with `rban run`, or name its socket with --socket";
            Failure::Failed(anyhow!("{socket}: {text}"))
        })
    }

    fn socket(&self) -> Result<PathBuf, Failure> {
        match &self.socket {
            Some(socket) => Ok(socket.clone()),
            None => Ok(self.settings()?.socket),
        }
    }

    /// What `rban.conf` says.
    fn settings(&self) -> Result<Settings, Failure> {
        crate::config::settings(&Directory::choose(None)).map_err(config::unusable)
    }
}
