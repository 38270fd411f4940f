//! One command: run when it is its turn, and told of as fail2ban does (spec, jail 12).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::World;
use crate::actions::UTILS;
use crate::actions::fill::Script;
use crate::actions::plan::Outcome;
use crate::said::{Level, Quoted, Said};
use crate::shell;

/// So many lines of what a command prints are shown.
const LINES_MAX: usize = 100;

/// Runs a command when it is its turn, and tells how it went.
pub(super) async fn execute(
    script: &Script,
    time: Duration,
    turns: &Semaphore,
    world: &impl World,
) -> Outcome {
    let turn = turns.acquire().await;
    let ended = shell::run(&script.text, &script.values, time).await;
    drop(turn);
    let mut hasher = DefaultHasher::new();
    script.text.hash(&mut hasher);
    let id = format!("{:012x}", hasher.finish() >> 16);
    let error = |text: String| world.say(Said::new(UTILS, Level::Error, format!("{id} -- {text}")));
    let ended = match ended {
        Ok(ended) if ended.status.success() => {
            let text = format!("{id} -- returned successfully 0");
            world.say(Said::new(UTILS, Level::Debug, text));
            return Outcome::Done;
        }
        Ok(ended) => ended,
        Err(failure) => {
            error(format!("exec: {}", script.shown()));
            error(match failure {
                shell::Error::TimedOut(_) => {
                    format!("timed out after {} seconds.", time.as_secs_f64())
                }
                other => format!("{other}: {:?}", std::error::Error::source(&other)),
            });
            return Outcome::Failed;
        }
    };
    error(format!("exec: {}", script.shown()));
    for (name, output) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
        output.lines().take(LINES_MAX).for_each(|line| error(format!("{name}: {}", Quoted(line))));
    }
    error(reason(ended.status));
    if ended.status.code() == Some(127) {
        let text = "HINT on 127: \"Command not found\". Make sure that all the programs in the command are installed";
        world.say(Said::new(UTILS, Level::Info, format!("{text}: {}", script.shown())));
    }
    Outcome::Failed
}

/// A shell tells a signal by a code of its own: 128 and the signal's number.
fn reason(status: ExitStatus) -> String {
    let code = status.code().unwrap_or_else(|| -status.signal().unwrap_or_default());
    let signal = match code {
        ..0 => -code,
        129.. => code - 128,
        _ => return format!("returned {code}"),
    };
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        6 => "SIGABRT",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("killed with signal {signal} (return code: {code})"),
    };
    format!("killed with {name} (return code: {code})")
}
