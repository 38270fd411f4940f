//! Which of an offender's packets are unwanted: all, or those to certain ports.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use rban_common::ban::Transport;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a ban covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Every packet, whatever it carries.
    All,
    /// TCP and UDP packets to these ports; never empty.
    Ports(Ports),
}

/// A set of TCP and UDP ports.
///
/// Kept as ranges: what many jails are given is all ports of TCP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ports {
    /// In order; none touches the next.
    ranges: Vec<(Transport, u16, u16)>,
}

impl Ports {
    /// Whether there is no port in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Every port in it.
    pub fn iter(&self) -> impl Iterator<Item = (Transport, u16)> {
        let ports = |(transport, first, last): &(Transport, u16, u16)| {
            let transport = *transport;
            (*first..=*last).map(move |port| (transport, port))
        };
        self.ranges.iter().flat_map(ports)
    }

    /// Adds a range.
    pub fn add(&mut self, transport: Transport, range: RangeInclusive<u16>) {
        self.extend([(transport, *range.start(), *range.end())]);
    }

    fn extend(&mut self, ranges: impl IntoIterator<Item = (Transport, u16, u16)>) {
        self.ranges.extend(ranges);
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, range| {
            let touches = next.0 == range.0 && next.1 <= range.2.saturating_add(1);
            if touches {
                range.2 = range.2.max(next.2);
            }
            touches
        });
    }
}

impl FromIterator<(Transport, u16)> for Ports {
    fn from_iter<T: IntoIterator<Item = (Transport, u16)>>(ports: T) -> Self {
        let mut all = Self::default();
        all.extend(ports.into_iter().map(|(transport, port)| (transport, port, port)));
        all
    }
}

/// The text names no ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?}: not a list of ports; write one like tcp/22,80 or tcp/22,udp/53 or udp/6000-6010"
)]
pub struct NotPorts {
    /// What stood there.
    pub found: String,
}

impl Scope {
    /// What both cover together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Ports(a), Self::Ports(b)) => {
                let mut both = a.clone();
                both.extend(b.ranges.iter().copied());
                Self::Ports(both)
            }
            _ => Self::All,
        }
    }
}

impl FromStr for Scope {
    type Err = NotPorts;

    /// `tcp/22,80,udp/53`: a protocol holds until the next is named; `6000-6010` is a range; `all` is all.
    fn from_str(text: &str) -> Result<Self, NotPorts> {
        let refused = || NotPorts { found: text.to_owned() };
        if text == "all" {
            return Ok(Self::All);
        }
        let mut transport = None;
        let mut ports = Ports::default();
        for item in text.split(',') {
            let range = match item.trim().split_once('/') {
                Some((name, range)) => {
                    transport = Some(parse_transport(name).ok_or_else(refused)?);
                    range
                }
                None => item.trim(),
            };
            let transport = transport.ok_or_else(refused)?;
            let (first, last) = range.split_once(['-', ':']).unwrap_or((range, range));
            let (first, last) = (parse_port(first), parse_port(last));
            let (first, last) = first.zip(last).filter(|(a, b)| a <= b).ok_or_else(refused)?;
            ports.add(transport, first..=last);
        }
        Ok(Self::Ports(ports))
    }
}

fn parse_transport(name: &str) -> Option<Transport> {
    match name {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        _ => None,
    }
}

/// A port number in plain digits: no sign, no blank.
fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ports(ports) = self else { return f.write_str("all") };
        let mut named = None;
        for (transport, first, last) in &ports.ranges {
            if named.is_some() {
                f.write_str(",")?;
            }
            if named != Some(transport) {
                f.write_str(match transport {
                    Transport::Tcp => "tcp/",
                    Transport::Udp => "udp/",
                })?;
                named = Some(transport);
            }
            if first == last { write!(f, "{first}")? } else { write!(f, "{first}-{last}")? }
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        let scope: Scope = text.parse().unwrap();
        assert_eq!(scope.to_string(), shown);
        assert_eq!(scope.to_string().parse(), Ok(scope), "{shown} means something else");
    }

    #[test]
    fn a_protocol_holds_until_the_next_is_named() {
        check("tcp/80,22", "tcp/22,80");
        check("udp/53,tcp/22,443", "tcp/22,443,udp/53");
    }

    #[test]
    fn neighbours_are_shown_as_a_range() {
        check("udp/6000-6003,6005", "udp/6000-6003,6005");
        check("tcp/1,2,3", "tcp/1-3");
        check("tcp/65534:65535", "tcp/65534-65535");
    }

    #[test]
    fn ranges_that_touch_are_one() {
        check("tcp/10-20,15-30,31,5", "tcp/5,10-31");
        check("tcp/0-65535,80", "tcp/0-65535");
        check("tcp/65535,udp/0", "tcp/65535,udp/0");
    }

    #[test]
    fn all_is_all() {
        check("all", "all");
    }

    #[test]
    fn what_names_no_ports_is_refused() {
        for text in
            ["", "22", "tcp/", "tcp/+22", "tcp/65536", "tcp/9-8", "icmp/1", "tcp/22,", "tcp/ssh"]
        {
            assert!(text.parse::<Scope>().is_err(), "{text} was taken for ports");
        }
    }

    #[test]
    fn all_swallows_ports() {
        let ssh: Scope = "tcp/22".parse().unwrap();
        let dns: Scope = "udp/53".parse().unwrap();
        assert_eq!(ssh.union(&dns).to_string(), "tcp/22,udp/53");
        assert_eq!(ssh.union(&Scope::All), Scope::All);
    }
}
