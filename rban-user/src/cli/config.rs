//! `rban config`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{Common, Failure, render};
use crate::config::{self, Directory, FailedJail, Overrides};

const DUMP_EXAMPLES: &str = "Examples:
  rban config dump                      # what each jail reads, matches and does, and who carries it out
  rban config dump --format fail2ban    # the commands that `fail2ban-client -d` prints
  rban config dump -c ./fail2ban | jq '.jails[].does[] | {action, by, why}'";

const TEST_EXAMPLES: &str = "Examples:
  rban config test
  rban config test -c ./fail2ban && rban reload

Exit status: 0 all enabled jails can be started, 1 some cannot, 2 nothing of it can be used.";

/// Check or print the configuration
#[derive(Args, Debug)]
pub(super) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dump(Dump),
    Test(Test),
}

/// Print what the configuration comes to, every include, default and variable resolved
#[derive(Args, Debug)]
#[command(after_help = DUMP_EXAMPLES)]
struct Dump {
    #[command(flatten)]
    from: From,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

/// Check the configuration, and warn of what fail2ban never tells
#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
struct Test {
    #[command(flatten)]
    from: From,
}

/// Which configuration; also for `run`.
#[derive(Args, Debug)]
pub(super) struct From {
    /// Directory of the configuration; without it /etc/rban, else /etc/fail2ban, else what is built in
    #[arg(short, long, value_name = "DIR")]
    config: Option<PathBuf>,
}

impl From {
    /// The directory that was asked for.
    pub(super) fn asked(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    pub(super) fn directory(&self) -> Directory {
        Directory::choose(self.config.as_deref())
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// rban's own view
    Json,
    /// The commands that fail2ban's client sends its server, each a JSON array on a line
    Fail2ban,
}

impl Config {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        match &self.command {
            Command::Dump(dump) => dump.run(),
            Command::Test(test) => test.run(common),
        }
    }
}

impl Dump {
    fn run(&self) -> Result<(), Failure> {
        let directory = self.from.directory();
        match self.format {
            Format::Json => {
                let config = config::load(&directory, &Overrides::default()).map_err(unusable)?;
                let text = serde_json::to_string_pretty(&config::view(&config))?;
                render::print_text(&(text + "\n"))
            }
            Format::Fail2ban => dump_for_fail2ban(&directory),
        }
    }
}

/// Each reason on a line of its own.
pub(super) fn unusable(error: config::Unusable) -> Failure {
    let (last, others) = error.reasons.split_last().expect("something is wrong with it");
    others.iter().for_each(|reason| render::complain(reason));
    Failure::Usage(last.clone())
}

/// Prints nothing but errors if there is one for which fail2ban would start nothing.
fn dump_for_fail2ban(directory: &Directory) -> Result<(), Failure> {
    let read = config::read(directory).map_err(|errors| {
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

/// What `rban config test --json` prints.
#[derive(Serialize)]
struct Tested {
    directory: PathBuf,
    jails: Vec<String>,
    failed: Vec<FailedJail>,
    warnings: Vec<String>,
}

impl Test {
    fn run(&self, common: &Common) -> Result<(), Failure> {
        let config = config::examine(&self.from.directory()).map_err(unusable)?;
        let tested = Tested {
            directory: config.directory,
            jails: config.jails.iter().map(|jail| jail.name.to_string()).collect(),
            failed: config.failed,
            warnings: config.warnings.iter().map(ToString::to_string).collect(),
        };
        render::print(common, &tested, text)?;
        match tested.failed.len() {
            0 => Ok(()),
            count => Err(anyhow!("{count} of the enabled jails cannot be started").into()),
        }
    }
}

fn text(tested: &Tested) -> String {
    let mut text = String::new();
    let mut line =
        |severity: &str, message: &str| text.push_str(&format!("{severity}: {message}\n"));
    for jail in &tested.failed {
        jail.reasons
            .iter()
            .for_each(|reason| line("error", &format!("{reason} (jail {})", jail.name)));
    }
    tested.warnings.iter().for_each(|warning| line("warning", warning));
    let (jails, directory) = (&tested.jails, tested.directory.display());
    let named = if jails.is_empty() { String::new() } else { format!(": {}", jails.join(", ")) };
    text.push_str(&format!("{directory}: {} jails can be started{named}\n", jails.len()));
    text
}
