//! `rban bans`, and the shape in which a ban is shown.

use std::collections::HashMap;

use clap::Args;
use serde::Serialize;

use super::{Common, Failure, render};
use crate::addr::Offender;
use crate::clock::{Now, WallTime};
use crate::control::{Command, Reply};
use crate::enforce::xdp::{Bans, Record};
use crate::scope::Scope;

const EXAMPLES: &str = "Examples:
  rban bans
  rban bans --json | jq -r '.[].offender'";

/// List the bans that are in force
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {}

/// A ban as the kernel has it, and whose it is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Shown {
    offender: Offender,
    /// The jail that made it; `None` = by hand, by an earlier run, or no daemon to ask.
    jail: Option<String>,
    ports: Scope,
    /// Seconds; `None` = never.
    expires_in: Option<f64>,
    until: Option<WallTime>,
    dropped: u64,
    last_drop: Option<WallTime>,
}

impl Shown {
    pub(super) fn new(record: Record, jail: Option<String>, now: Now) -> Self {
        let left = |until: crate::clock::MonoTime| {
            until.as_nanos().saturating_sub(now.mono.as_nanos()) as f64 / 1e9
        };
        Self {
            offender: record.offender,
            jail,
            ports: record.scope,
            expires_in: record.until.map(left),
            until: record.until.map(|until| now.to_wall(until)),
            dropped: record.dropped,
            last_drop: record.last_drop.map(|at| now.to_wall(at)),
        }
    }
}

impl List {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let bans = Bans::open(&common.pins()?)?;
        let owners = owners(common)?;
        let now = Now::read();
        let mut shown: Vec<Shown> = bans
            .all()?
            .into_iter()
            .filter(|record| record.until.is_none_or(|until| until > now.mono))
            .map(|record| {
                let jail = owners.get(&record.offender).cloned();
                Shown::new(record, jail, now)
            })
            .collect();
        shown.sort_by_key(|it| it.offender);
        render::print(common, &shown, |shown| table(shown))
    }
}

/// Which jail banned whom, as far as a daemon tells.
pub(super) fn owners(common: &Common) -> Result<HashMap<Offender, String>, Failure> {
    let Some(mut daemon) = common.daemon()? else { return Ok(HashMap::new()) };
    match daemon.ask(&Command::Owners)? {
        Reply::Owners(owners) => {
            Ok(owners.into_iter().filter_map(|it| Some((it.offender, it.jail?))).collect())
        }
        _ => Err(daemon.other_answer().into()),
    }
}

/// Bans as a table.
pub(super) fn table(shown: &[Shown]) -> String {
    if shown.is_empty() {
        return "nobody is banned\n".to_owned();
    }
    let heading = ["OFFENDER", "JAIL", "PORTS", "ENDS IN", "DROPPED", "LAST DROP"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(shown.iter().map(|it| {
        let ends_in = it.expires_in.map(|secs| std::time::Duration::from_secs_f64(secs.ceil()));
        [
            it.offender.to_string(),
            it.jail.clone().unwrap_or_else(|| "-".to_owned()),
            it.ports.to_string(),
            ends_in.map_or_else(|| "never".to_owned(), render::span),
            it.dropped.to_string(),
            it.last_drop.map_or_else(|| "-".to_owned(), |at| at.to_string()),
        ]
    }));
    render::table(&rows)
}
