//! `rban ban`.

use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::input::Offenders;
use super::{Common, Failure, render};
use crate::addr::Offender;
use crate::clock::Now;
use crate::config::value;
use crate::control::{Command, Reply};
use crate::enforce::xdp::{Allow, Bans, Pins, Request, Standing};
use crate::scope::Scope;

const EXAMPLES: &str = "Examples:
  rban ban 192.0.2.7 --for 10m
  rban ban 2001:db8::/64 --ports tcp/22,80
  rban ban --file blocklist.txt";

/// How many bans without effect are named one by one.
const WARNINGS_MAX: usize = 5;

/// Ban addresses or prefixes by hand
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Ban {
    #[command(flatten)]
    offenders: Offenders,
    /// For so long: 600, 10m, 2h, 1d; without it, for ever
    #[arg(long = "for", value_name = "TIME")]
    span: Option<String>,
    /// Only these ports: tcp/22,80 or udp/53 or tcp/22,udp/6000-6010
    #[arg(long)]
    ports: Option<String>,
}

#[derive(Serialize)]
struct Banned {
    banned: Vec<Offender>,
    /// How long the writing of the maps took, without reading and parsing; absent where the daemon wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    map_write_ms: Option<f64>,
}

impl Ban {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        if self.offenders.are_absent() {
            return Err(Failure::Usage("whom? name an address, or a list with --file".to_owned()));
        }
        let span = self.span.as_deref().map(parse_span).transpose()?.flatten();
        let scope = self.ports.as_deref().map(str::parse).transpose();
        let scope =
            scope.map_err(|error| Failure::Usage(format!("{error}")))?.unwrap_or(Scope::All);
        let offenders = self.offenders.read()?;

        let pins = common.pins()?;
        let banned = match common.daemon()? {
            Some(mut daemon) => {
                let seconds = span.map(|span| span.as_secs());
                match daemon.ask(&Command::Ban { offenders, seconds, scope })? {
                    Reply::Banned(banned) => Banned { banned, map_write_ms: None },
                    _ => return Err(daemon.other_answer().into()),
                }
            }
            None => ban_in_maps(&pins, offenders, span, &scope)?,
        };
        warn_of_allowed(&pins, &banned.banned)?;
        render::print(common, &banned, text)
    }
}

/// A span of at least a second; `None` for one without end.
fn parse_span(text: &str) -> Result<Option<Duration>, Failure> {
    match value::bantime(text) {
        Ok(Some(span)) if span < Duration::from_secs(1) => Err(Failure::Usage(format!(
            "--for: {text}: over before it began; write 1 or more seconds"
        ))),
        Ok(span) => Ok(span),
        Err(error) => Err(Failure::Usage(format!("--for: {error}"))),
    }
}

fn ban_in_maps(
    pins: &Pins,
    offenders: Vec<Offender>,
    span: Option<Duration>,
    scope: &Scope,
) -> Result<Banned, Failure> {
    let mut bans = Bans::open(pins)?;
    let now = Now::read();
    let until = span.map(|span| now.to_mono(now.wall.saturating_add(span)));
    let requests: Vec<Request> = offenders
        .iter()
        .map(|offender| Request { offender: *offender, until, scope: scope.clone() })
        .collect();
    let begun = Instant::now();
    bans.ban(&requests, Standing::Widen, now.mono)?;
    let map_write_ms = Some(begun.elapsed().as_secs_f64() * 1e3);
    Ok(Banned { banned: offenders, map_write_ms })
}

/// A ban of someone who is never dropped has no effect; better said now than found out later.
fn warn_of_allowed(pins: &Pins, banned: &[Offender]) -> Result<(), Failure> {
    let allowed = Allow::open(pins)?.all()?;
    let covering = |offender: &Offender| {
        allowed.iter().find(|net| net.contains(&offender.as_net())).map(|net| (*offender, *net))
    };
    let mut without_effect = banned.iter().filter_map(covering);
    for (offender, net) in without_effect.by_ref().take(WARNINGS_MAX) {
        render::complain(&format!(
            "{offender}: allowed ({net}: this host, its gateways and resolvers), so the ban has no effect"
        ));
    }
    match without_effect.count() {
        0 => {}
        more => render::complain(&format!("{more} more bans have no effect")),
    }
    Ok(())
}

fn text(banned: &Banned) -> String {
    match banned.banned.as_slice() {
        [one] => format!("{one}: banned\n"),
        some => format!("{} banned\n", some.len()),
    }
}
