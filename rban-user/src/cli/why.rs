//! `rban why`: all that is known of one address. Dropped packets are invisible to tcpdump, so somebody has to tell.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use serde::Serialize;

use super::bans::{Shown, owners, table};
use super::input::parse;
use super::{Common, Failure, render};
use crate::addr::Offender;
use crate::clock::Now;
use crate::control::{Command, Episode, Reply};
use crate::enforce::xdp::{self, Allow, Bans, Record};
use crate::scope::Scope;

const EXAMPLES: &str = "Examples:
  rban why 192.0.2.7";

/// Tell all that is known of one address: its bans, the lines that led there, drops, the allowlist
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Why {
    /// The address
    #[arg(value_name = "ADDR")]
    address: String,
}

#[derive(Serialize)]
struct Known {
    address: IpAddr,
    /// Whether any of its packets are dropped now.
    dropped: bool,
    reason: &'static str,
    bans: Vec<Shown>,
    allowed_by: Option<IpNet>,
    history: Vec<Episode>,
}

impl Why {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let address = parse(&self.address)?.as_addr().ok_or_else(|| {
            Failure::Usage(format!("{}: a prefix; name one address", self.address))
        })?;
        let pins = common.pins()?;
        let settings = xdp::read_settings(&pins)?;
        let found = Bans::open(&pins)?.covering(address)?;
        let allowed_by = Allow::open(&pins)?.covering(address)?;
        let now = Now::read();
        let live: Vec<Record> = found
            .iter()
            .filter(|record| record.until.is_none_or(|until| until > now.mono))
            .cloned()
            .collect();
        let (dropped, reason) = match live.as_slice() {
            [] if found.is_empty() => (false, "it is not banned"),
            [] => (false, "its ban has ended"),
            _ if settings.panic != 0 => (false, "it is banned, but panic is on"),
            _ if allowed_by.is_some() => (false, "it is banned, but allowed"),
            _ if settings.monitor != 0 => (false, "it is banned, but only monitored"),
            some if some.iter().any(|record| record.scope == Scope::All) => (true, "it is banned"),
            _ => (true, "it is banned from some ports"),
        };
        let offenders: Vec<Offender> = live.iter().map(|record| record.offender).collect();
        let owners = owners(common)?;
        let shown = |record: Record| {
            let jail = owners.get(&record.offender).cloned();
            Shown::new(record, jail, now)
        };
        let bans = live.into_iter().map(shown).collect();
        let history = history(common, offenders)?;
        let known = Known { address, dropped, reason, bans, allowed_by, history };
        render::print(common, &known, text)
    }
}

fn history(common: &Common, offenders: Vec<Offender>) -> Result<Vec<Episode>, Failure> {
    let Some(mut daemon) = common.daemon()? else { return Ok(Vec::new()) };
    match daemon.ask(&Command::History { offenders })? {
        Reply::History(history) => Ok(history),
        _ => Err(daemon.other_answer().into()),
    }
}

fn text(known: &Known) -> String {
    let verdict = if known.dropped { "dropped" } else { "passed" };
    let mut text = format!("{}: {verdict}, for {}\n", known.address, known.reason);
    if let Some(net) = known.allowed_by {
        text.push_str(&format!("allowed by {net}: this host, its gateways and resolvers\n"));
    }
    if !known.bans.is_empty() {
        text.push('\n');
        text.push_str(&table(&known.bans));
    }
    for episode in &known.history {
        let who = episode.jail.as_deref().unwrap_or("by hand, or an earlier run");
        let until = episode.until.as_deref().unwrap_or("for ever");
        text.push_str(&format!(
            "\n{who}: {} – {until}, {} failures\n",
            episode.since, episode.attempts
        ));
        for line in &episode.lines {
            text.push_str(&format!("  {}\n", line.escape_debug()));
        }
    }
    text
}
