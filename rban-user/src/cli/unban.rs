//! `rban unban`.

use std::collections::HashSet;

use clap::Args;
use serde::Serialize;

use super::input::Offenders;
use super::{Common, Failure, render};
use crate::addr::Offender;
use crate::control::{Command, Reply};
use crate::enforce::xdp::Bans;

const EXAMPLES: &str = "Examples:
  rban unban 192.0.2.7
  rban unban 192.0.2.0/24      # and every ban within it, if it is not banned itself
  rban unban --all";

/// Lift bans, whoever made them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Unban {
    #[command(flatten)]
    offenders: Offenders,
    /// Lift every ban
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Unbanned {
    unbanned: Vec<Offender>,
    absent: Vec<Offender>,
}

impl Unban {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        if self.offenders.are_absent() != self.all {
            return Err(Failure::Usage(
                "whom? name addresses, or a list with --file, or --all".to_owned(),
            ));
        }
        let offenders = self.offenders.read()?;
        let pins = common.pins()?;
        let unbanned = match common.daemon()? {
            Some(mut daemon) => {
                let command = if self.all {
                    Command::UnbanAll
                } else {
                    Command::Unban { offenders: offenders.clone() }
                };
                match daemon.ask(&command)? {
                    Reply::Unbanned(unbanned) => unbanned,
                    _ => return Err(daemon.other_answer().into()),
                }
            }
            None if self.all => Bans::open(&pins)?.clear()?,
            None => Bans::open(&pins)?.unban(&offenders)?,
        };
        let absent = absent(&offenders, &unbanned);
        render::print(common, &Unbanned { unbanned, absent }, text)
    }
}

/// Those of whom nothing was lifted, nor anything within them.
fn absent(asked: &[Offender], unbanned: &[Offender]) -> Vec<Offender> {
    let lifted: HashSet<&Offender> = unbanned.iter().collect();
    let is_there = |asked: &Offender| {
        let covers = |it: &Offender| asked.as_net().contains(&it.as_net());
        lifted.contains(asked) || asked.as_addr().is_none() && unbanned.iter().any(covers)
    };
    asked.iter().filter(|asked| !is_there(asked)).copied().collect()
}

fn text(result: &Unbanned) -> String {
    let mut text = match result.unbanned.as_slice() {
        [] => String::new(),
        [one] => format!("{one}: unbanned\n"),
        some => format!("{} unbanned\n", some.len()),
    };
    for absent in &result.absent {
        text.push_str(&format!("{absent}: was not banned\n"));
    }
    if text.is_empty() { "nobody was banned\n".to_owned() } else { text }
}
