//! What comes of a configuration, by either program.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use rban_tests::{binary, literal, stock};

/// What a program makes of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Nothing: one fault takes all down.
    Fatal,
    /// The commands for the server, and whether it is asked to start with them.
    Stream { commands: Vec<Value>, verdict: Verdict },
}

/// Whether there is anything left to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Started,
    /// No jail is left, each has a fault of its own.
    Refused,
}

/// What fail2ban says; with nothing of the machine in it but the configuration.
pub(crate) fn of_fail2ban(dir: &Path) -> Result<Outcome> {
    let (code, stdout, stderr) =
        run(Command::new(stock::client()?).arg("-c").arg(dir).arg("-d"), dir)?;
    let verdict = match code {
        0 => Verdict::Started,
        255 if stdout.is_empty() || stdout.starts_with("ERROR") => return Ok(Outcome::Fatal),
        255 => Verdict::Refused,
        code => bail!("fail2ban-client exits with {code}: {stderr}"),
    };
    let commands: Result<_> = stdout.lines().map(literal::parse).collect();
    Ok(Outcome::Stream {
        commands: commands.context("reading what fail2ban-client prints")?,
        verdict,
    })
}

/// What rban says of the same.
pub(crate) fn of_rban(dir: &Path) -> Result<Outcome> {
    let mut command = Command::new(binary::program()?);
    command.args(["config", "dump", "--format", "fail2ban", "-c"]).arg(dir);
    let (code, stdout, stderr) = run(&mut command, dir)?;
    let verdict = match code {
        0 => Verdict::Started,
        1 if stdout.is_empty() => {
            ensure!(!stderr.is_empty(), "rban fails without a word");
            return Ok(Outcome::Fatal);
        }
        1 => Verdict::Refused,
        code => bail!("rban exits with {code}: {stderr}"),
    };
    let commands: Result<Vec<Value>, _> = stdout.lines().map(serde_json::from_str).collect();
    Ok(Outcome::Stream { commands: commands.context("reading what rban prints")?, verdict })
}

fn run(command: &mut Command, dir: &Path) -> Result<(i32, String, String)> {
    let output = command
        .current_dir(dir)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().with_context(|| format!("{}: {stderr}", output.status))?;
    let stdout = String::from_utf8(output.stdout).context("it prints what is no UTF-8")?;
    Ok((code, stdout, stderr))
}

/// Where the two part, in words; none if they agree.
pub(crate) fn disagreement(expected: &Outcome, found: &Outcome) -> Option<String> {
    let (commands, verdict, by_rban, rbans) = match (expected, found) {
        _ if expected == found => return None,
        (
            Outcome::Stream { commands, verdict },
            Outcome::Stream { commands: by_rban, verdict: rbans },
        ) => (commands, verdict, by_rban, rbans),
        (Outcome::Fatal, _) => return Some("rban prints commands, though a fault is fatal".into()),
        (_, Outcome::Fatal) => {
            return Some("rban calls a fault fatal, though there is a stream".into());
        }
    };
    let line = |commands: &[Value], index: usize| {
        commands.get(index).map_or("nothing".into(), Value::to_string)
    };
    for index in 0..commands.len().max(by_rban.len()) {
        let (expected, found) = (line(commands, index), line(by_rban, index));
        if expected != found {
            return Some(parted(index + 1, &expected, &found));
        }
    }
    Some(format!("the same commands, but {verdict:?} was expected and {rbans:?} found"))
}

/// Quotes two lines from a little before where they part.
fn parted(number: usize, expected: &str, found: &str) -> String {
    const BEFORE: usize = 100;
    const LENGTH: usize = 400;
    let common = expected.chars().zip(found.chars()).take_while(|(one, other)| one == other);
    let from = common.count().saturating_sub(BEFORE);
    let quote = |line: &str| line.chars().skip(from).take(LENGTH).collect::<String>();
    let (expected, found) = (quote(expected), quote(found));
    format!("command {number}, from character {from}:\n  expected {expected}\n  found    {found}")
}
