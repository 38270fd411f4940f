//! `rban status`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Common, Failure, render};
use crate::control;
use crate::enforce::xdp::{self, Bans, Place, Sizes, stats};

const EXAMPLES: &str = "Examples:
  rban status
  rban status --json | jq .counters.drop";

/// Show where the dropper is, what it counted, and how the jails are
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Status {}

#[derive(Serialize)]
struct Shown {
    abi: u32,
    pins: PathBuf,
    interfaces: Vec<Place>,
    monitor: bool,
    panic: bool,
    bans: Sizes,
    limits: Limits,
    counters: stats::Counters,
    daemon: Option<control::Status>,
}

#[derive(Serialize)]
struct Limits {
    v4: u32,
    v6: u32,
}

impl Status {
    pub(super) fn run(&self, common: &Common) -> Result<(), Failure> {
        let pins = common.pins()?;
        let settings = xdp::read_settings(&pins)?;
        let shown = Shown {
            abi: settings.abi,
            interfaces: xdp::places(&pins)?,
            monitor: settings.monitor != 0,
            panic: settings.panic != 0,
            bans: Bans::open(&pins)?.sizes()?,
            limits: Limits { v4: settings.max_bans_v4, v6: settings.max_bans_v6 },
            counters: stats::read(&pins)?,
            daemon: common.daemon()?.map(|mut daemon| daemon.status()).transpose()?,
            pins: pins.dir().to_owned(),
        };
        render::print(common, &shown, text)
    }
}

fn text(shown: &Shown) -> String {
    let mut text = String::new();
    let places: Vec<String> =
        shown.interfaces.iter().map(|place| format!("{} ({})", place.name, place.mode)).collect();
    let places = if places.is_empty() { "no interface".to_owned() } else { places.join(", ") };
    let state = match (shown.panic, shown.monitor) {
        (true, _) => ", PANIC: nothing is dropped",
        (false, true) => ", monitor mode: nothing is dropped",
        (false, false) => "",
    };
    text.push_str(&format!("dropper  {places}{state}\n"));
    let Sizes { v4, v6, nets_v4, nets_v6 } = shown.bans;
    let Limits { v4: max_v4, v6: max_v6 } = shown.limits;
    text.push_str(&format!(
        "bans     {v4} of at most {max_v4} IPv4, {v6} of at most {max_v6} IPv6, {} prefixes\n",
        nets_v4 + nets_v6
    ));
    match &shown.daemon {
        None => text.push_str("daemon   does not run; bans in force end on time without it\n\n"),
        Some(daemon) => text.push_str(&format!("daemon   pid {}\n\n", daemon.pid)),
    }
    text.push_str(&counters(&shown.counters));
    if let Some(daemon) = &shown.daemon {
        text.push('\n');
        text.push_str(&jails(&daemon.jails));
        for jail in &daemon.failed {
            text.push_str(&format!("\n{} does not run:\n", jail.name));
            jail.reasons.iter().for_each(|reason| text.push_str(&format!("  {reason}\n")));
        }
    }
    text
}

fn counters(counters: &stats::Counters) -> String {
    let heading = ["VERDICT", "IPv4 PACKETS", "BYTES", "IPv6 PACKETS", "BYTES", "OTHER"];
    let mut rows = vec![heading.map(str::to_owned)];
    for (verdict, families) in counters {
        let of = |family: &str| families.get(family).copied().unwrap_or_default();
        let (v4, v6, other) = (of("v4"), of("v6"), of("other"));
        if v4.packets + v6.packets + other.packets > 0 {
            let numbers = [v4.packets, v4.bytes, v6.packets, v6.bytes, other.packets];
            let [a, b, c, d, e] = numbers.map(|number| number.to_string());
            rows.push([verdict.replace('_', " "), a, b, c, d, e]);
        }
    }
    render::table(&rows)
}

/// `nftables[kernel:tcp/22]`, `sendmail[commands]`.
fn deed(deed: &control::Deed) -> String {
    let kernel = deed.scope.as_ref().map(|scope| format!("kernel:{scope}"));
    let commands = deed.runs.then(|| "commands".to_owned());
    let by: Vec<String> = kernel.into_iter().chain(commands).collect();
    format!("{}[{}]", deed.action, by.join("+"))
}

fn jails(jails: &[control::JailStatus]) -> String {
    let heading = ["JAIL", "FAILED", "TOTAL", "BANNED", "TOTAL", "DOES", "LOGS"];
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(jails.iter().map(|jail| {
        let files: Vec<String> = jail.files.iter().map(|it| it.display().to_string()).collect();
        [
            jail.name.clone(),
            jail.currently_failed.to_string(),
            jail.total_failed.to_string(),
            jail.currently_banned.to_string(),
            jail.total_banned.to_string(),
            jail.does.iter().map(deed).collect::<Vec<_>>().join(" "),
            files.join(" "),
        ]
    }));
    render::table(&rows)
}
