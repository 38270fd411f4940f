//! Which actions are firewall actions, and which traffic they are to stop (design, section 3).
//!
//! Such an action need not run its commands: the kernel's dropper does what they would do.

use rban_common::ban::Transport;
use serde::Serialize;

use super::services::Services;
use crate::scope::{Ports, Scope};

/// Fail2ban's stock actions that block on this host; those ending in `*` stand for all that begin so.
const STOCK: [&str; 19] = [
    "apf",
    "bsd-ipfw",
    "csf",
    "firewallcmd*",
    "hostsdeny",
    "ipfilter",
    "ipfw",
    "ipset*",
    "iptables*",
    "nftables*",
    "npf",
    "osx-afctl",
    "osx-ipfw",
    "pf",
    "route",
    "shorewall*",
    "symbiosis-blacklist-allports",
    "ufw",
    "xdp-allports",
];

/// Stock blockers that know no ports: they stop all traffic.
const PORTLESS: [&str; 10] = [
    "apf",
    "csf",
    "hostsdeny",
    "ipfilter",
    "npf",
    "osx-afctl",
    "osx-ipfw",
    "route",
    "shorewall*",
    "ufw",
];

/// An action of a jail, as far as this question goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Its file, without `.conf`.
    pub(super) file: &'a str,
    /// The file that the jail's `banaction` names, and that of `banaction_allports`.
    pub(super) banaction: Option<&'a str>,
    pub(super) allports: Option<&'a str>,
    /// What the action's `port`, `protocol` and `type` (or `actiontype`) come to.
    pub(super) port: Option<&'a str>,
    pub(super) protocol: Option<&'a str>,
    pub(super) kind: Option<&'a str>,
}

/// Why an action is a firewall action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is rban's own: `xdp`, `xdp-allports`.
    Own,
    /// The jail's `banaction` names it.
    Banaction,
    /// The jail's `banaction_allports` names it.
    BanactionAllports,
    /// It is one of fail2ban's stock blockers.
    Stock,
}

/// A firewall action, as the kernel carries it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Takeover {
    /// Why it is one.
    pub why: Why,
    /// Which traffic it stops.
    pub scope: Scope,
}

/// What is wrong with `port` or `protocol`; all traffic is stopped then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error(
        "no such service or port; write numbers (22,80 or 6000:6010) or names from /etc/services"
    )]
    Port { found: String },
    #[error("the kernel tells tcp and udp apart only; write tcp, udp, or all")]
    Protocol { found: String },
}

impl Problem {
    /// The option, and its value.
    pub(super) fn option(&self) -> (&'static str, &str) {
        match self {
            Self::Port { found } => ("port", found),
            Self::Protocol { found } => ("protocol", found),
        }
    }
}

/// Whether the kernel takes this action over, and with which scope; a problem with its scope makes that *all*.
pub(super) fn takeover(
    asked: &Asked<'_>,
    services: &Services,
) -> Option<(Takeover, Option<Problem>)> {
    let why = why(asked)?;
    let all = why == Why::BanactionAllports
        || asked.file.ends_with("-allports")
        || asked.kind.is_some_and(|kind| kind.trim_matches(['<', '>']) == "allports")
        || named(asked.file, &PORTLESS);
    if all {
        return Some((Takeover { why, scope: Scope::All }, None));
    }
    let (scope, problem) = match scope(asked, services) {
        Ok(scope) => (scope, None),
        Err(problem) => (Scope::All, Some(problem)),
    };
    Some((Takeover { why, scope }, problem))
}

fn why(asked: &Asked<'_>) -> Option<Why> {
    let same = |name: Option<&str>| name == Some(asked.file);
    match asked.file {
        "xdp" | "xdp-allports" => Some(Why::Own),
        // Both may name one file, with options of their own: then `type` tells which it is.
        _ if same(asked.banaction) => Some(Why::Banaction),
        _ if same(asked.allports) => Some(Why::BanactionAllports),
        file if named(file, &STOCK) => Some(Why::Stock),
        _ => None,
    }
}

fn named(file: &str, list: &[&str]) -> bool {
    list.iter().any(|name| match name.strip_suffix('*') {
        Some(prefix) => file.starts_with(prefix),
        None => file == *name,
    })
}

fn scope(asked: &Asked<'_>, services: &Services) -> Result<Scope, Problem> {
    let Some(port) = asked.port.map(str::trim).filter(|port| !port.is_empty()) else {
        return Ok(Scope::All);
    };
    let protocol = asked.protocol.map_or("tcp", str::trim);
    let mut ports = Ports::default();
    for protocol in protocol.split([',', ' ']).map(str::trim).filter(|it| !it.is_empty()) {
        let transport = match protocol.to_ascii_lowercase().as_str() {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            "all" => return Ok(Scope::All),
            _ => return Err(Problem::Protocol { found: protocol.to_owned() }),
        };
        for item in port.split([',', ' ']).map(str::trim).filter(|it| !it.is_empty()) {
            let range = range(item, transport, services);
            let range = range.ok_or_else(|| Problem::Port { found: port.to_owned() })?;
            ports.add(transport, range);
        }
    }
    if ports.is_empty() {
        return Err(Problem::Port { found: port.to_owned() });
    }
    Ok(Scope::Ports(ports))
}

/// `22`, `ssh`, `6000:6010`, `6000-6010`, `:1023`, `1024:`.
fn range(
    item: &str,
    transport: Transport,
    services: &Services,
) -> Option<std::ops::RangeInclusive<u16>> {
    let one = |text: &str| text.parse().ok().or_else(|| services.port(transport, text));
    if let Some(port) = one(item) {
        return Some(port..=port);
    }
    let (first, last) = item.split_once(':').or_else(|| item.split_once('-'))?;
    let first = if first.is_empty() { 0 } else { one(first)? };
    let last = if last.is_empty() { u16::MAX } else { one(last)? };
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Asked<'_> = Asked {
        file: "",
        banaction: Some("nftables"),
        allports: Some("my-drop"),
        port: Some("ssh"),
        protocol: Some("tcp"),
        kind: None,
    };

    #[track_caller]
    fn check(asked: Asked<'_>, expected: Option<(Why, &str)>) {
        let found = takeover(&asked, &Services::default());
        assert!(found.as_ref().is_none_or(|(_, problem)| problem.is_none()), "{found:?}");
        let found = found.map(|(it, _)| (it.why, it.scope.to_string()));
        assert_eq!(found, expected.map(|(why, scope)| (why, scope.to_owned())));
    }

    #[test]
    fn what_banaction_names_is_a_firewall_action() {
        check(Asked { file: "nftables", ..NONE }, Some((Why::Banaction, "tcp/22")));
        check(Asked { file: "my-drop", ..NONE }, Some((Why::BanactionAllports, "all")));
        check(
            Asked { file: "mine", banaction: Some("mine"), ..NONE },
            Some((Why::Banaction, "tcp/22")),
        );
    }

    #[test]
    fn stock_blockers_are_and_others_are_not() {
        check(Asked { file: "iptables-multiport", ..NONE }, Some((Why::Stock, "tcp/22")));
        check(Asked { file: "hostsdeny", ..NONE }, Some((Why::Stock, "all")));
        check(Asked { file: "xdp", ..NONE }, Some((Why::Own, "tcp/22")));
        check(Asked { file: "xdp-allports", ..NONE }, Some((Why::Own, "all")));
        for file in ["sendmail-whois", "cloudflare", "nginx-block-map", "mine", "mikrotik"] {
            check(Asked { file, ..NONE }, None);
        }
    }

    #[test]
    fn a_kind_of_all_ports_is_all_traffic() {
        for kind in ["allports", "<allports>"] {
            check(
                Asked { file: "nftables", kind: Some(kind), ..NONE },
                Some((Why::Banaction, "all")),
            );
        }
    }

    #[track_caller]
    fn scoped(port: &str, protocol: &str, scope: &str) {
        let asked = Asked { file: "iptables", port: Some(port), protocol: Some(protocol), ..NONE };
        check(asked, Some((Why::Stock, scope)));
    }

    #[test]
    fn ports_are_numbers_names_and_ranges() {
        scoped("http,https", "tcp", "tcp/80,443");
        scoped("6000:6002, 53", "udp", "udp/53,6000-6002");
        scoped("0:65535", "tcp", "tcp/0-65535");
        scoped("ftp-data", "tcp,udp", "tcp/20,udp/20");
        scoped(":1", "TCP", "tcp/0-1");
        scoped("", "tcp", "all");
        scoped("22", "all", "all");
    }

    #[track_caller]
    fn odd(port: &str, protocol: &str, option: &str) {
        let asked = Asked { file: "iptables", port: Some(port), protocol: Some(protocol), ..NONE };
        let (taken, problem) = takeover(&asked, &Services::default()).unwrap();
        assert_eq!((taken.scope, problem.unwrap().option().0), (Scope::All, option));
    }

    #[test]
    fn where_the_ports_are_unknown_all_traffic_is_stopped() {
        odd("no-such", "tcp", "port");
        odd("9:1", "tcp", "port");
        odd("70000", "tcp", "port");
        odd(",", "tcp", "port");
        odd("22", "icmp", "protocol");
    }
}
