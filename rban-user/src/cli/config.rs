//! `rban config`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, render};
use crate::config::{self, Disk};

const EXAMPLES: &str = "Examples:
  rban config dump                      # what /etc/fail2ban makes fail2ban do
  rban config dump -c ./fail2ban | jq -c 'select(.[0] == \"add\")'";

/// Print the configuration as it is understood
#[derive(Args, Debug)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dump(Dump),
}

/// Print what the configuration comes to, every include, default and variable resolved
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Dump {
    /// Directory of the configuration
    #[arg(short, long = "config", value_name = "DIR", default_value = "/etc/fail2ban")]
    config: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Fail2ban)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The commands that fail2ban's client sends its server, each a JSON array on a line
    Fail2ban,
}

impl Config {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            Command::Dump(dump) => dump.run(),
        }
    }
}

impl Dump {
    fn run(&self) -> Result<(), Failure> {
        match self.format {
            Format::Fail2ban => dump_for_fail2ban(&self.config),
        }
    }
}

/// Prints nothing but errors if there is one for which fail2ban would start nothing.
fn dump_for_fail2ban(dir: &Path) -> Result<(), Failure> {
    let read = config::read(dir, &Disk).map_err(|errors| {
        let (last, others) = errors.split_last().expect("a failure has errors");
        others.iter().for_each(|error| render::complain(&render::chain(error)));
        last.clone()
    })?;
    for finding in &read.findings {
        render::complain(&finding.to_string());
    }
    for jail in &read.jails {
        if let Err(error) = &jail.outcome {
            render::complain(&format!("{} (jail {})", render::chain(&error.error), jail.name));
        }
    }
    let nothing = "fail2ban would start nothing, for what is fatal to it is wrong";
    let stream = config::stream(&read).map_err(|error| anyhow!(error).context(nothing))?;
    let mut text = String::new();
    for command in &stream.commands {
        writeln!(text, "{command}").expect("writing to a String cannot fail");
    }
    render::print_text(&text)?;
    if !stream.starts {
        return Err(anyhow!("no jail is left to start").into());
    }
    Ok(())
}
