//! rban's tasks: `cargo xtask --help` lists them.
//!
//! Each task has a file; [`setup`] comes first in all of them, so that none needs a machine prepared by hand.

mod apt;
mod bench;
mod build;
mod fuzz;
mod host;
mod process;
mod run;
mod setup;
mod test;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Build, run and test rban.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Provision what the eBPF build needs; every other task does so by itself
    Setup,
    /// Build the `rban` binary, its XDP program inside
    Build {
        /// Optimised, as it is shipped
        #[arg(long)]
        release: bool,
    },
    /// Run the daemon on this host, or a demonstration in namespaces of its own
    Run {
        /// Two namespaces, a real sshd, a password guesser: watch it being banned
        #[arg(long)]
        lab: bool,
        /// Passed on to `rban run` (or to the lab)
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Everything that must hold before a change lands
    Test,
    /// Check the rules of the house that no other tool knows
    Tidy,
    /// Look for input that breaks a parser
    Fuzz {
        /// The parser
        #[arg(value_enum)]
        target: fuzz::Target,
        /// How long to look
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u32,
    },
    /// Measure against the peers; writes target/bench.json
    Bench {
        /// Passed on to the bench
        #[arg(last = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            complain(&err);
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    match task {
        Task::Setup => setup::setup(),
        Task::Build { release: true } => build::release().map(drop),
        Task::Build { release: false } => build::dev().map(drop),
        Task::Run { lab: true, args } => run::lab(&args),
        Task::Run { lab: false, args } => run::host(&args),
        Task::Test => test::test(),
        Task::Tidy => tidy::tidy(),
        Task::Fuzz { target, seconds } => fuzz::fuzz(target, seconds),
        Task::Bench { args } => bench::bench(&args),
    }
}

/// One line on what a task does, or found.
#[expect(clippy::print_stdout, reason = "this is where the tasks speak")]
fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "this is where the tasks fail")]
fn complain(err: &anyhow::Error) {
    eprintln!("error: {err:#}");
}
