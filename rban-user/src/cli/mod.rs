//! The command line: words in, one exit code out.
//!
//! Exit 0: done. 1: refused or failed. 2: not understood. Everything but `run` works on the pinned maps, and goes by the
//! daemon where one answers, which knows who wants whom banned.

mod attach;
mod ban;
mod bans;
mod config;
mod input;
mod panic;
mod render;
mod run;
mod status;
mod unban;
mod why;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::control::DEFAULT_SOCKET;
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
    /// Socket of the daemon
    #[arg(short, long, global = true, value_name = "FILE", env = "RBAN_SOCKET", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
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
    Why(why::Why),
    Panic(panic::Panic),
    Config(config::Config),
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
    let Cli { common, command } = Cli::parse();
    let result = match command {
        Command::Run(run) => run.run(&common),
        Command::Attach(attach) => attach.run(&common),
        Command::Detach(detach) => detach.run(&common),
        Command::Ban(ban) => ban.run(&common),
        Command::Unban(unban) => unban.run(&common),
        Command::Bans(list) => list.run(&common),
        Command::Status(status) => status.run(&common),
        Command::Why(why) => why.run(&common),
        Command::Panic(panic) => panic.run(&common),
        Command::Config(config) => config.run(),
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

impl Common {
    fn pins(&self) -> Result<Pins, XdpError> {
        Pins::at(&self.bpffs)
    }

    /// The daemon, if one answers.
    fn daemon(&self) -> Result<Option<Client>, Failure> {
        Ok(Client::connect(&self.socket)?)
    }
}
