//! rban's own view of a configuration, for `rban config dump --format json`: what each jail reads, matches and does.

use serde_json::{Value as Json, json};

use super::rban_conf::{Enforce, Settings};
use super::spec::{ActionSpec, JailSpec};
use super::takeover::{Takeover, Why};
use super::{Config, FailedJail};
use crate::detect::{self, UseDns};
use crate::enforce::xdp::{Mode, Monitor};
use crate::jail::{self, Increment, Neighbours};
use crate::source::{self, Begin, Log};

/// The whole configuration as JSON.
#[must_use]
pub fn view(config: &Config) -> Json {
    json!({
        "directory": config.directory,
        "settings": settings(&config.settings),
        "jails": config.jails.iter().map(|it| jail(it, config.settings.enforce)).collect::<Vec<_>>(),
        "failed": config.failed.iter().map(failed).collect::<Vec<_>>(),
        "warnings": config.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn settings(settings: &Settings) -> Json {
    let interfaces = &settings.interfaces;
    let mode = match settings.mode {
        Mode::Auto => "auto",
        Mode::Native => "native",
        Mode::Generic => "generic",
    };
    json!({
        "enforce": settings.enforce,
        "socket": settings.socket,
        "dbfile": settings.dbfile,
        "logtarget": settings.logtarget,
        "xdp": {
            "interfaces": if interfaces.is_empty() { json!("auto") } else { json!(interfaces) },
            "mode": mode,
            "monitor": settings.monitor == Monitor::On,
            "max_bans_v4": settings.limits.max_bans_v4,
            "max_bans_v6": settings.limits.max_bans_v6,
            "ipv6_prefix": settings.ipv6_prefix,
        },
    })
}

fn failed(jail: &FailedJail) -> Json {
    json!({ "name": jail.name, "reasons": jail.reasons })
}

fn jail(jail: &JailSpec, enforce: Enforce) -> Json {
    json!({
        "name": &*jail.name,
        "reads": reads(&jail.source),
        "matches": matches(&jail.filter),
        "bans": bans(&jail.policy),
        "does": jail.actions.iter().map(|it| action(it, enforce)).collect::<Vec<_>>(),
    })
}

fn reads(source: &source::Spec) -> Json {
    let log = |log: &Log| {
        let from = match log.begin {
            Begin::Start => "head",
            Begin::End => "tail",
        };
        json!({ "path": log.path, "from": from })
    };
    json!({
        "backend": source.backend.to_string(),
        "logs": source.logs.iter().map(log).collect::<Vec<_>>(),
        "journalmatch": source.journalmatch,
        "encoding": source.encoding.to_string(),
    })
}

fn matches(filter: &detect::Spec) -> Json {
    let usedns = match filter.patterns.usedns {
        UseDns::Yes => "yes",
        UseDns::Warn => "warn",
        UseDns::No => "no",
        UseDns::Raw => "raw",
    };
    json!({
        "prefregex": filter.patterns.prefregex,
        "failregex": filter.patterns.failregex,
        "ignoreregex": filter.patterns.ignoreregex,
        "maxlines": filter.patterns.maxlines,
        "datepattern": filter.datepattern,
        "logtimezone": filter.logtimezone,
        "usedns": usedns,
    })
}

fn bans(policy: &jail::Spec) -> Json {
    json!({
        "maxretry": policy.maxretry,
        "findtime_secs": policy.findtime.as_secs_f64(),
        "bantime_secs": policy.bantime.map(|it| it.as_secs_f64()),
        "maxmatches": policy.maxmatches,
        "increment": policy.increment.as_ref().map(increment),
        "ipv6_prefix": policy.ipv6_prefix,
        "neighbours": policy.neighbours.as_ref().map(neighbours),
        "ignoreself": policy.ignore.ignoreself,
        "ignoreip": policy.ignore.ignoreip.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "ignorecommand": policy.ignore.ignorecommand.is_some(),
        "ignorecache": policy.ignore.ignorecache.is_some(),
    })
}

fn neighbours(neighbours: &Neighbours) -> Json {
    json!({ "hosts": neighbours.hosts, "v4": neighbours.v4, "v6": neighbours.v6 })
}

fn increment(increment: &Increment) -> Json {
    json!({
        "factor": increment.factor,
        "formula": increment.formula.as_ref().map(ToString::to_string),
        "multipliers": increment.multipliers,
        "maxtime_secs": increment.maxtime.map(|it| it.as_secs_f64()),
        "rndtime_secs": increment.rndtime.map(|it| it.as_secs_f64()),
        "overalljails": increment.overalljails,
    })
}

/// An action, who carries it out, and why.
fn action(action: &ActionSpec, enforce: Enforce) -> Json {
    let (by, why) = match (&action.takeover, enforce) {
        (None, _) => ("commands", "it is no firewall action".to_owned()),
        (Some(_), Enforce::Actions) => ("commands", "enforce = actions".to_owned()),
        (Some(takeover), Enforce::Xdp) => ("kernel", reason(takeover)),
        (Some(takeover), Enforce::Both) => {
            ("kernel and commands", format!("enforce = both, and {}", reason(takeover)))
        }
    };
    json!({
        "action": action.file,
        "name": action.name,
        "by": by,
        "why": why,
        "scope": action.takeover.as_ref().map(|it| it.scope.to_string()),
        "commands": pairs(&action.commands),
        "properties": pairs(&action.properties),
    })
}

fn reason(takeover: &Takeover) -> String {
    match takeover.why {
        Why::Own => "it is rban's own",
        Why::Banaction => "banaction names it",
        Why::BanactionAllports => "banaction_allports names it",
        Why::Stock => "it is one of fail2ban's firewall actions",
    }
    .to_owned()
}

fn pairs(pairs: &[(String, String)]) -> Json {
    pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}
