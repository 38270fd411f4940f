//! `rban regex`, which is also `fail2ban-regex` where it is called so (spec, client 8; design, section 5).
//!
//! Exit 0: something matched. 1: nothing did; as fail2ban-regex that is 0 too. 255: it could not be tried.

mod asked;
mod failure;
mod format;
mod hosts;
mod json;
mod log;
mod moment;
mod printer;
pub(super) mod python;
mod summary;
mod template;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory, Parser, ValueEnum};
use jiff::tz::TimeZone;

use self::asked::Asked;
use self::format::Format;
use self::log::{Lines, Log};
use self::moment::moment;
use self::printer::{Printed, Printer};
use self::summary::{Shown, Summary, Telling};
use super::{Failure, render};
use crate::clock::{Now, WallTime};
use crate::detect::{Detector, How, Reading, Style, UseDns};

/// The exit code of what could not be tried.
const NOT_TRIED: u8 = 255;

/// So much is printed at once.
const OUT_BYTES: usize = 64 * 1024;

const EXAMPLES: &str = "Examples:
  rban regex /var/log/auth.log sshd                     # the jail's filter, whether or not it is enabled
  rban regex /var/log/auth.log 'sshd.conf[mode=aggressive]' -v
  rban regex 'Nov 21 05:00:00 srv app: denied 192.0.2.7' 'app: denied <ADDR>$'
  rban regex access.log ./my-filter.conf -o '<ip> <F-USER>: <msg>'
  rban regex old.log sshd --now 2025-01-31T12:00:00Z -o json | jq -r .ip
  journalctl -o short-iso -u ssh | rban regex - sshd

Exit status: 0 something matched, 1 nothing did, 255 it could not be tried.";

/// Try a filter, or a pattern, on a log
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, infer_long_args = true)]
pub(super) struct Regex {
    /// A file, - for standard input, or a line as it would stand in a log
    #[arg(value_name = "LOG")]
    log: OsString,
    /// A jail (sshd), a filter (sshd.conf, filter.d/sshd) or the path of one, perhaps with options
    /// (sshd[mode=aggressive]); else a failregex
    #[arg(value_name = "FILTER|FAILREGEX")]
    regex: String,
    /// An ignoreregex in place of the filter's
    #[arg(value_name = "IGNOREREGEX")]
    ignoreregex: Option<String>,
    /// Directory of the configuration; without it /etc/rban, else /etc/fail2ban, else what is built in
    #[arg(short, long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// How dates are written, in place of the filter's datepattern
    #[arg(short, long, value_name = "PATTERN", allow_hyphen_values = true)]
    datepattern: Option<String>,
    /// Zone of dates that name none: UTC+0200, CET
    #[arg(long, alias = "TZ", value_name = "ZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// How the log's bytes make text
    #[arg(short, long, value_name = "ENCODING")]
    encoding: Option<String>,
    /// Report host names as they are
    #[arg(short, long)]
    raw: bool,
    /// What to make of host names [default: the filter's usedns, else warn]
    #[arg(long, value_name = "MODE", value_enum, ignore_case = true)]
    usedns: Option<Dns>,
    /// Look at so many lines together; also print at most so many of each kind
    #[arg(short = 'L', long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    maxlines: Option<u16>,
    /// Accepted; of use only for a journal, which is not read
    #[arg(short = 'm', long, value_name = "MATCH")]
    journalmatch: Option<String>,
    /// Accepted; what there is to say is said
    #[arg(short, long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Print all patterns, each one's failures, and all date templates
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// The same, as a number
    #[arg(long, value_name = "LEVEL")]
    verbosity: Option<u8>,
    /// Print what date templates are made of
    #[arg(long, alias = "VD")]
    verbose_date: bool,
    /// Accepted; rban leads to no other site
    #[arg(short = 'D', long)]
    debuggex: bool,
    /// Stop at the first failregex that matches
    #[arg(long)]
    no_check_all: bool,
    /// Print failures only: id, ip, msg, row, json, the name of a capture, or a text with <tags>
    #[arg(short, long, value_name = "FORMAT", allow_hyphen_values = true)]
    out: Option<String>,
    /// With --out: print the other lines
    #[arg(short, long)]
    invert: bool,
    /// Current time: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = moment, allow_hyphen_values = true)]
    now: Option<WallTime>,
    /// Print no missed lines
    #[arg(long, conflicts_with = "print_all_missed")]
    print_no_missed: bool,
    /// Print no ignored lines
    #[arg(long, conflicts_with = "print_all_ignored")]
    print_no_ignored: bool,
    /// Print all matched lines
    #[arg(long)]
    print_all_matched: bool,
    /// Print all missed lines, however many
    #[arg(long)]
    print_all_missed: bool,
    /// Print all ignored lines, however many
    #[arg(long)]
    print_all_ignored: bool,
    /// Accepted
    #[arg(short = 't', long)]
    log_traceback: bool,
    /// Accepted
    #[arg(long)]
    full_traceback: bool,
}

/// `usedns`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Dns {
    Yes,
    Warn,
    No,
    Raw,
}

impl From<Dns> for UseDns {
    fn from(dns: Dns) -> Self {
        match dns {
            Dns::Yes => Self::Yes,
            Dns::Warn => Self::Warn,
            Dns::No => Self::No,
            Dns::Raw => Self::Raw,
        }
    }
}

/// Tell which jails, filters and patterns match what
#[derive(Debug, Parser)]
#[command(name = NAME, version = "1.1.2.dev1", max_term_width = 100)]
struct AsFail2ban {
    #[command(flatten)]
    regex: Regex,
}

/// The name by which this command is called in fail2ban.
const NAME: &str = "fail2ban-regex";

/// The version of fail2ban whose tool this is, for programs.
const VERSION: &str = "1.1.2.1";

/// Whether anything matched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Matched {
    Something,
    Nothing,
}

/// What it does where the process was started by the name of fail2ban's tool.
pub(super) fn as_fail2ban() -> Option<ExitCode> {
    let called = std::env::args_os().next()?;
    if PathBuf::from(called).file_name()? != NAME {
        return None;
    }
    if std::env::args_os().nth(1)? == "-V" {
        return Some(match render::print_text(&format!("{VERSION}\n")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => complain(failure),
        });
    }
    Some(match AsFail2ban::try_parse() {
        Ok(AsFail2ban { regex }) => match regex.try_out(AsJson::No) {
            Ok(Matched::Something | Matched::Nothing) => ExitCode::SUCCESS,
            Err(failure) => complain(failure),
        },
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            // If nobody reads it, nobody misses it.
            drop(render::print_text(&AsFail2ban::command().render_help().to_string()));
            drop(writeln!(io::stderr(), "\nERROR: provide both <LOG> and <REGEX>."));
            ExitCode::from(NOT_TRIED)
        }
        Err(error) => misunderstood(&error),
    })
}

/// Tells of a command line that is not understood; or of what it asks for, such as help.
pub(super) fn misunderstood(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { ExitCode::from(NOT_TRIED) } else { ExitCode::SUCCESS }
}

fn complain(failure: Failure) -> ExitCode {
    match failure {
        Failure::Usage(message) => render::complain(&message),
        Failure::Failed(error) => render::complain(&format!("{error:#}")),
    }
    ExitCode::from(NOT_TRIED)
}

/// Whether `--json` was given, which means `--out json`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AsJson {
    Yes,
    No,
}

impl Regex {
    pub(super) fn run(&self, common: &super::Common) -> ExitCode {
        match self.try_out(if common.json { AsJson::Yes } else { AsJson::No }) {
            Ok(Matched::Something) => ExitCode::SUCCESS,
            Ok(Matched::Nothing) => ExitCode::FAILURE,
            Err(failure) => complain(failure),
        }
    }

    fn try_out(&self, json: AsJson) -> Result<Matched, Failure> {
        let log = Log::of(&self.log)?;
        let asked = Asked::of(self)?;
        let zone = TimeZone::system();
        let year = Now::read().wall.year();
        let detector = Detector::new(std::slice::from_ref(&asked.filter), &[vec![0]], &zone, year)
            .map_err(|(_, error)| asked.explained(error))?;
        let lines = Lines::new(log.open()?, asked.encoding);
        match self.out.as_deref().or((json == AsJson::Yes).then_some("json")) {
            Some(format) => self.print(&asked, format, detector, lines),
            None => self.summarize(&asked, &log, detector.looking_at_every_line(), lines, zone),
        }
    }

    /// Prints failures and nothing else.
    fn print(
        &self,
        asked: &Asked,
        format: &str,
        mut detector: Detector,
        mut lines: Lines,
    ) -> Result<Matched, Failure> {
        let printed = if self.invert { Printed::Others } else { Printed::Failures };
        if printed == Printed::Others {
            detector = detector.looking_at_every_line();
        }
        let out = BufWriter::with_capacity(OUT_BYTES, io::stdout().lock());
        let mut printer = Printer::new(out, Format::parse(format, asked.patterns()), printed);
        while let Some(chunk) = self.next_chunk(&mut lines)? {
            let how = self.how(Style::First);
            printer.chunk(&chunk);
            for part in lines.parts(&chunk) {
                printer.part(&part);
                detector.lines(0, &chunk.slice(part), how, &mut printer);
            }
            // Whoever writes the log may be waiting for what is found.
            if let Err(error) = printer.flush() {
                render::unless_gone(error)?;
                break;
            }
        }
        Ok(if printer.matched { Matched::Something } else { Matched::Nothing })
    }

    /// Prints a report.
    fn summarize(
        &self,
        asked: &Asked,
        log: &Log,
        mut detector: Detector,
        mut lines: Lines,
        zone: TimeZone,
    ) -> Result<Matched, Failure> {
        render::print_text(&asked.heading(self, log, &detector))?;
        let style = if self.no_check_all { Style::FirstAndWaiting } else { Style::Every };
        let now = self.how(style).now;
        let mut summary = Summary::new(self.telling(), &asked.filter.patterns, zone, now);
        let begun = Instant::now();
        while let Some(chunk) = self.next_chunk(&mut lines)? {
            for part in lines.parts(&chunk) {
                detector.lines(0, &chunk.slice(part), self.how(style), &mut summary);
            }
        }
        let prefregex = detector.prefregex(0);
        let text = summary.text(detector.date_templates(0), prefregex, begun.elapsed());
        render::print_text(&text)?;
        Ok(if summary.has_matches() { Matched::Something } else { Matched::Nothing })
    }

    fn next_chunk(&self, lines: &mut Lines) -> anyhow::Result<Option<bytes::Bytes>> {
        lines.next_chunk().with_context(|| format!("{}: reading failed", self.log.display()))
    }

    fn how(&self, style: Style) -> How {
        let now = self.now.unwrap_or_else(|| Now::read().wall);
        How { now, reading: Reading::Unchecked, style }
    }

    fn is_verbose(&self) -> bool {
        self.verbosity.unwrap_or(self.verbose) > 0
    }

    fn telling(&self) -> Telling {
        const LINES_MAX: u64 = 20;
        let shown = |none: bool, all: bool| match (none, all) {
            (true, _) => Shown::None,
            (_, true) => Shown::All,
            _ => Shown::IfFew,
        };
        Telling {
            verbose: self.is_verbose(),
            dates: self.verbose_date,
            matched: if self.print_all_matched { Shown::All } else { Shown::None },
            missed: shown(self.print_no_missed, self.print_all_missed),
            ignored: shown(self.print_no_ignored, self.print_all_ignored),
            lines_max: self.maxlines.map_or(LINES_MAX, u64::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        regex: Regex,
    }

    fn parse(args: &[&str]) -> Result<Regex, clap::Error> {
        Only::try_parse_from([&["regex"], args].concat()).map(|it| it.regex)
    }

    #[test]
    fn options_are_fail2bans() {
        let all = "a b c -c d -d %Y --TZ UTC -e latin1 -r --usedns No -L 5 -m x=y -l debug -vv --VD -D \
                   --no-check-all -o row -i --print-no-missed --print-all-ignored --print-all-matched -t";
        let parsed = parse(&all.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!((parsed.verbose, parsed.maxlines), (2, Some(5)));
        assert!(parse(&["a", "b", "--print-no-missed", "--print-all-missed"]).is_err());
        assert!(parse(&["a", "b", "--datep", "%Y", "--print-all-m"]).is_err());
        assert!(parse(&["a", "b", "--datep", "%Y", "--print-all-ma"]).is_ok());
        assert!(parse(&["a"]).is_err() && parse(&["a", "b", "c", "d"]).is_err());
    }
}
