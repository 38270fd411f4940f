//! `rban client`, and the programs that rban is when called `fail2ban-client` or `fail2ban-server`.
//!
//! Words, output and exit codes are fail2ban's (spec, client): 0 or 255. Asks any server that speaks its protocol.

mod beautify;
mod configured;
mod interactive;
mod options;
mod pretty;
mod repr;
mod say;
mod session;
mod start;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::render;
use crate::config::{self, Directory, value};
use beautify::Lines;
use options::{Asked, Form, Ground, Options};
use say::Says;

/// Exit code of every failure.
const FAILED: u8 = 255;

/// The fail2ban that this stands in for.
const VERSION: &str = "Fail2Ban v1.1.2.dev1";
const VERSION_NUMBER: &str = "1.1.2.1";

/// Ask the daemon in the words of fail2ban's client; `rban client --help` lists them
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(super) struct Client {
    /// As fail2ban-client takes them
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<OsString>,
}

/// A command of fail2ban's client, by rban's own name; what goes wrong is told.
pub(super) fn obeyed(args: &[String], socket: Option<PathBuf>) -> ExitCode {
    match Program::Rban.carry_out(args, socket) {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::Failed => ExitCode::FAILURE,
    }
}

/// By which name it was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Rban,
    Client,
    Server,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Rban => "rban client",
            Self::Client => "fail2ban-client",
            Self::Server => "fail2ban-server",
        }
    }
}

/// How something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Done,
    /// What is wrong has been told.
    Failed,
}

/// What a command needs to know besides its words.
struct Setup {
    program: Program,
    /// The directory that was asked for.
    config: Option<PathBuf>,
    directory: Directory,
    socket: PathBuf,
    pidfile: Option<PathBuf>,
    /// Settings of the server in place of those of `fail2ban.conf`.
    settings: Vec<(&'static str, String)>,
    ground: Ground,
    timeout: Option<Duration>,
    says: Says,
    lines: Lines,
}

/// What it does where the process was started by the name of one of fail2ban's programs, or as `rban client`.
pub(super) fn by_name() -> Option<ExitCode> {
    let mut args = std::env::args_os();
    let called = PathBuf::from(args.next()?);
    let program = match called.file_name()?.to_str()? {
        "fail2ban-client" => Program::Client,
        "fail2ban-server" => Program::Server,
        // Else rban's own options, some of which have the same letters, would be looked for among these.
        _ if args.next()? == "client" => Program::Rban,
        _ => return None,
    };
    let socket = std::env::var_os("RBAN_SOCKET").map(PathBuf::from);
    Some(program.run(args.collect(), socket))
}

impl Client {
    /// Behind options of rban's own.
    pub(super) fn run(self, socket: Option<PathBuf>) -> ExitCode {
        Program::Rban.run(self.args, socket)
    }
}

impl Program {
    fn run(self, args: Vec<OsString>, socket: Option<PathBuf>) -> ExitCode {
        let text = |arg: &OsString| arg.to_string_lossy().into_owned();
        let args: Vec<String> = args.iter().map(text).collect();
        match self.carry_out(&args, socket) {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Failed => ExitCode::from(FAILED),
        }
    }

    fn carry_out(self, args: &[String], socket: Option<PathBuf>) -> Outcome {
        match options::parse(args) {
            Ok(Asked::Help) => print(usage::usage(self.name()).trim_end()),
            Ok(Asked::Version(Form::Number)) => print(VERSION_NUMBER),
            Ok(Asked::Version(Form::Sentence)) => print(VERSION),
            Ok(Asked::Seconds(time)) => seconds(&time),
            Ok(Asked::Run(options)) => self.run_with(*options, socket),
            Err(error) => {
                print(usage::usage(self.name()).trim_end());
                render::complain(&error.to_string());
                init_failed()
            }
        }
    }

    fn run_with(self, options: Options, socket: Option<PathBuf>) -> Outcome {
        let Options { dump, test, interactive, ref words, .. } = options;
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.is_empty() && self == Self::Server && dump.is_none() && !test && !interactive {
            words.push("start");
        }
        let setup = match self.setup(&options, socket) {
            Ok(setup) => setup,
            Err(outcome) => return outcome,
        };
        if (dump.is_some() || test) && examine(&setup, &options) == Outcome::Failed {
            return Outcome::Failed;
        }
        match (interactive, &words[..]) {
            _ if dump.is_some() && !test => Outcome::Done,
            (_, []) if test => print("OK: configuration test is successful"),
            (true, words) => {
                if !words.is_empty() {
                    obey(&setup, words);
                }
                interactive::run(&setup)
            }
            (false, []) => {
                print(usage::usage(self.name()).trim_end());
                Outcome::Failed
            }
            (false, words) => obey(&setup, words),
        }
    }

    fn setup(self, options: &Options, socket: Option<PathBuf>) -> Result<Setup, Outcome> {
        let says = Says::of_verbosity(options.verbosity);
        let config = options.config.clone();
        if let Some(missing) = config.as_deref().filter(|dir| !dir.is_dir()) {
            let missing = missing.display();
            print(&format!("ERROR: Base configuration directory {missing} does not exist "));
            says.error("Init of command line failed");
            return Err(Outcome::Failed);
        }
        let directory = Directory::choose(config.as_deref());
        let socket = match options.socket.clone().or(socket) {
            Some(socket) => socket,
            None => match config::settings(&directory) {
                Ok(settings) => settings.socket,
                Err(unusable) => {
                    says.error(&unusable.to_string());
                    return Err(Outcome::Failed);
                }
            },
        };
        says.info(&format!("Using socket file {}", socket.display()));
        Ok(Setup {
            program: self,
            directory,
            socket,
            config,
            pidfile: options.pidfile.clone(),
            settings: options.settings.clone(),
            ground: options.ground,
            timeout: options.timeout,
            says,
            lines: Lines::of_locale(&locale()),
        })
    }
}

/// `-d` and `-t`.
fn examine(setup: &Setup, options: &Options) -> Outcome {
    let commands =
        if options.test { configured::tested(setup) } else { configured::stream(setup, None) };
    match (commands, options.dump) {
        (Ok(commands), Some(how)) => print(&configured::dumped(&commands, how)),
        (Ok(_), None) => Outcome::Done,
        (Err(reason), _) => session::fail(setup, &reason),
    }
}

/// One command, carried out here or by the server.
fn obey(setup: &Setup, words: &[&str]) -> Outcome {
    match *words {
        ["start"] => start::start(setup),
        ["restart"] => start::restart(setup),
        ["restart", ref rest @ ..] => configured::reload(setup, &[&["--restart"], rest].concat()),
        ["reload", ref rest @ ..] => configured::reload(setup, rest),
        ["ping"] => session::ping(setup, None),
        ["ping", timeout] => session::ping(setup, Some(timeout)),
        _ => session::ask(setup, words),
    }
}

/// A time in seconds, as whole number where it is written so.
fn seconds(time: &str) -> Outcome {
    match value::seconds_of(time) {
        Ok(seconds) => {
            let has_fraction = time.contains(['.', '/']) || has_long_unit(time);
            let text = repr::float(seconds);
            let whole = text.strip_suffix(".0").filter(|_| !has_fraction);
            print(whole.unwrap_or(&text))
        }
        Err(error) => {
            print(&format!("ERROR: {error}"));
            init_failed()
        }
    }
}

/// Months and years have fractions of days.
fn has_long_unit(time: &str) -> bool {
    let time = time.to_ascii_lowercase();
    time.contains('y') && !time.contains("da") || time.contains("mo")
}

fn init_failed() -> Outcome {
    use std::io::Write;
    // Nobody is there to be told if this fails too.
    drop(std::io::stderr().write_all(b"Init of command line failed\n"));
    Outcome::Failed
}

/// What the terminal's texts are made of.
fn locale() -> String {
    let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(of).unwrap_or_default()
}

/// Prints a text and the end of its line.
fn print(text: &str) -> Outcome {
    match render::print_text(&format!("{text}\n")) {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Failed,
    }
}
