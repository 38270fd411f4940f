//! The options of fail2ban's programs, as `getopt` reads them: they stand before the command, and long ones may be
//! abbreviated (spec, client 1).

use std::path::PathBuf;
use std::time::Duration;

use crate::config::value::{self, NotATime};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// How it is used.
    Help,
    /// The version, for a program or for people.
    Version(Form),
    /// A time in seconds.
    Seconds(String),
    /// To do something.
    Run(Box<Options>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Number,
    Sentence,
}

/// How the stream of commands is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dump {
    Plain,
    Pretty,
}

/// Where a server runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ground {
    #[default]
    Background,
    Foreground,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Options {
    pub(super) config: Option<PathBuf>,
    pub(super) socket: Option<PathBuf>,
    pub(super) pidfile: Option<PathBuf>,
    /// Settings of the server in place of those of `fail2ban.conf`, by their names there.
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) dump: Option<Dump>,
    pub(super) test: bool,
    pub(super) interactive: bool,
    /// Above zero: more is said; below: less.
    pub(super) verbosity: i32,
    pub(super) ground: Ground,
    /// How long the server may take to start.
    pub(super) timeout: Option<Duration>,
    pub(super) words: Vec<String>,
}

/// A command line that is not understood.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum NotUnderstood {
    #[error("{0}: no such option; see --help")]
    Unknown(String),
    #[error("{0}: may mean several options; write more of it")]
    Ambiguous(String),
    #[error("{0}: needs a value; write it behind the option")]
    NeedsValue(String),
    #[error("{0}: takes no value; leave it out")]
    TakesNone(String),
    #[error("--timeout: {0}")]
    Time(#[from] NotATime),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
}

const SHORT: &str = "hc:s:p:xfbdtviqV";

const LONG: [(&str, Takes); 15] = [
    ("conf", Takes::Value),
    ("socket", Takes::Value),
    ("pidfile", Takes::Value),
    ("pname", Takes::Value),
    ("loglevel", Takes::Value),
    ("logtarget", Takes::Value),
    ("syslogsocket", Takes::Value),
    ("test", Takes::Nothing),
    ("async", Takes::Nothing),
    ("timeout", Takes::Value),
    ("str2sec", Takes::Value),
    ("help", Takes::Nothing),
    ("version", Takes::Nothing),
    ("dp", Takes::Nothing),
    ("dump-pretty", Takes::Nothing),
];

/// Reads it.
pub(super) fn parse(args: &[String]) -> Result<Asked, NotUnderstood> {
    let mut options = Options::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.clone().next() {
        if !arg.starts_with('-') || arg == "-" {
            break;
        }
        rest.next();
        if arg == "--" {
            break;
        }
        let given = match arg.strip_prefix("--") {
            Some(long) => vec![self::long(long, &mut rest)?],
            None => short(&arg[1..], &mut rest)?,
        };
        for (name, value) in given {
            if let Some(asked) = options.take(&name, value)? {
                return Ok(asked);
            }
        }
    }
    options.words = rest.cloned().collect();
    Ok(Asked::Run(Box::new(options)))
}

/// An option by its name, and its value.
type Given = (String, String);

fn long<'a>(
    text: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Given, NotUnderstood> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let shown = || format!("--{name}");
    let mut fitting = LONG.iter().filter(|(long, _)| long.starts_with(name) && !name.is_empty());
    let exact = LONG.iter().find(|(long, _)| *long == name && !name.is_empty());
    let (name, takes) = match (exact, fitting.next(), fitting.next()) {
        (Some(it), ..) | (None, Some(it), None) => *it,
        (None, None, _) => return Err(NotUnderstood::Unknown(shown())),
        (None, Some(_), Some(_)) => return Err(NotUnderstood::Ambiguous(shown())),
    };
    let value = match (takes, value) {
        (Takes::Nothing, None) => String::new(),
        (Takes::Nothing, Some(_)) => return Err(NotUnderstood::TakesNone(shown())),
        (Takes::Value, Some(value)) => value,
        (Takes::Value, None) => {
            rest.next().cloned().ok_or_else(|| NotUnderstood::NeedsValue(shown()))?
        }
    };
    Ok((name.to_owned(), value))
}

fn short<'a>(
    cluster: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<Vec<Given>, NotUnderstood> {
    let mut given = Vec::new();
    let mut letters = cluster.chars();
    while let Some(letter) = letters.next() {
        let shown = || format!("-{letter}");
        let at = SHORT.find(letter).filter(|_| letter != ':');
        let at = at.ok_or_else(|| NotUnderstood::Unknown(shown()))?;
        if !SHORT[at + 1..].starts_with(':') {
            given.push((letter.to_string(), String::new()));
            continue;
        }
        let value = match letters.as_str() {
            "" => rest.next().cloned().ok_or_else(|| NotUnderstood::NeedsValue(shown()))?,
            value => value.to_owned(),
        };
        given.push((letter.to_string(), value));
        break;
    }
    Ok(given)
}

impl Options {
    /// Takes one option; `Some` if it asks for something else altogether.
    fn take(&mut self, name: &str, value: String) -> Result<Option<Asked>, NotUnderstood> {
        match name {
            "c" | "conf" => self.config = Some(value.into()),
            "s" | "socket" => self.socket = Some(value.into()),
            "p" | "pidfile" => self.pidfile = Some(value.into()),
            "loglevel" => self.settings.push(("loglevel", value)),
            "logtarget" => self.settings.push(("logtarget", value)),
            "syslogsocket" => self.settings.push(("syslogsocket", value)),
            "d" => self.dump = self.dump.or(Some(Dump::Plain)),
            "dp" | "dump-pretty" => self.dump = Some(Dump::Pretty),
            "t" | "test" => self.test = true,
            "i" => self.interactive = true,
            "v" => self.verbosity += 1,
            "q" => self.verbosity -= 1,
            "f" => self.ground = Ground::Foreground,
            "b" => self.ground = Ground::Background,
            "timeout" => self.timeout = Some(value::span(&value)?),
            "str2sec" => return Ok(Some(Asked::Seconds(value))),
            "h" | "help" => return Ok(Some(Asked::Help)),
            "V" => return Ok(Some(Asked::Version(Form::Number))),
            "version" => return Ok(Some(Asked::Version(Form::Sentence))),
            // A stale socket is replaced without force, a server always reads its configuration, and the process has
            // the name of the program.
            "x" | "async" | "pname" => {}
            other => unreachable!("{other} is none of the options that were looked up"),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Asked, NotUnderstood> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args)
    }

    #[track_caller]
    fn options(line: &str) -> Options {
        match parsed(line) {
            Ok(Asked::Run(options)) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_stand_before_the_command() {
        let found = options("-c /etc/x -s/run/s -xf --pidfile=p --logt STDERR set j1 -v -- x");
        assert_eq!(found.config, Some("/etc/x".into()));
        assert_eq!(found.socket, Some("/run/s".into()));
        assert_eq!(found.pidfile, Some("p".into()));
        assert_eq!(found.ground, Ground::Foreground);
        assert_eq!(found.settings, [("logtarget", "STDERR".to_owned())]);
        assert_eq!(found.verbosity, 0);
        assert_eq!(found.words, ["set", "j1", "-v", "--", "x"]);
        assert_eq!(options("-vvq -- -x").words, ["-x"]);
    }

    #[test]
    fn what_asks_for_something_else_wins() {
        assert_eq!(parsed("-V"), Ok(Asked::Version(Form::Number)));
        assert_eq!(parsed("--vers ping"), Ok(Asked::Version(Form::Sentence)));
        assert_eq!(parsed("--str2 1h"), Ok(Asked::Seconds("1h".to_owned())));
        assert_eq!(parsed("-dh"), Ok(Asked::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let unknown = |text: &str| Err(NotUnderstood::Unknown(text.to_owned()));
        assert_eq!(parsed("--nope"), unknown("--nope"));
        assert_eq!(parsed("--= x"), unknown("--"));
        assert_eq!(parsed("-:"), unknown("-:"));
        assert_eq!(parsed("-z"), unknown("-z"));
        assert_eq!(parsed("--lo INFO"), Err(NotUnderstood::Ambiguous("--lo".to_owned())));
        assert_eq!(parsed("--test=3"), Err(NotUnderstood::TakesNone("--test".to_owned())));
        assert_eq!(parsed("-s"), Err(NotUnderstood::NeedsValue("-s".to_owned())));
        assert_eq!(parsed("--conf"), Err(NotUnderstood::NeedsValue("--conf".to_owned())));
        assert!(matches!(parsed("--timeout soon"), Err(NotUnderstood::Time(_))));
    }
}
