//! Who is banned: an address or a prefix, of either family; and the names of hosts.

mod name;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
pub use name::{HostName, NotAName};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An address or prefix whose packets are unwanted.
///
/// Always in normal form: host bits zero, an IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address,
/// for that is how its packets arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offender(IpNet);

/// The text is no address and no prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?}: not an address; write one like 192.0.2.7, 192.0.2.0/24, 2001:db8::7 or 2001:db8::/64"
)]
pub struct NotAnAddress {
    /// What stood there.
    pub found: String,
}

impl Offender {
    /// The offender that a whole prefix is; host bits are cut off.
    #[must_use]
    pub fn net(net: IpNet) -> Self {
        if let IpNet::V6(v6) = net
            && v6.prefix_len() >= 96
            && let Some(mapped) = v6.addr().to_ipv4_mapped()
            && let Ok(v4) = ipnet::Ipv4Net::new(mapped, v6.prefix_len() - 96)
        {
            return Self(IpNet::V4(v4.trunc()));
        }
        Self(net.trunc())
    }

    /// The prefix, of full length for a single address.
    #[must_use]
    pub fn as_net(&self) -> IpNet {
        self.0
    }

    /// The address, unless this is a whole prefix.
    #[must_use]
    pub fn as_addr(&self) -> Option<IpAddr> {
        (self.0.prefix_len() == self.0.max_prefix_len()).then(|| self.0.addr())
    }

    /// An IPv6 address widened to the prefix of this many bits by which IPv6 sources are counted and banned.
    /// Prefixes, and IPv4, stay as they are.
    #[must_use]
    pub fn widened(self, v6_prefix: u8) -> Self {
        match self.as_addr() {
            Some(IpAddr::V6(addr)) => Self(v6_net(addr, v6_prefix)),
            _ => self,
        }
    }
}

fn v6_net(addr: Ipv6Addr, prefix: u8) -> IpNet {
    IpNet::new(addr.into(), prefix.min(128)).expect("at most 128").trunc()
}

impl From<IpAddr> for Offender {
    fn from(addr: IpAddr) -> Self {
        Self(IpNet::from(addr.to_canonical()))
    }
}

impl FromStr for Offender {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self::net).map_err(|_| NotAnAddress { found: text.to_owned() })
    }
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_addr() {
            Some(addr) => addr.fmt(f),
            None => self.0.fmt(f),
        }
    }
}

impl Serialize for Offender {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Offender {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(text.parse::<Offender>().unwrap().to_string(), shown);
    }

    #[track_caller]
    fn refused(text: &str) {
        assert!(text.parse::<Offender>().is_err(), "{text} was taken for an address");
    }

    #[test]
    fn an_address_and_its_full_prefix_are_the_same() {
        check("192.0.2.7", "192.0.2.7");
        check("192.0.2.7/32", "192.0.2.7");
        check("2001:db8::7/128", "2001:db8::7");
    }

    #[test]
    fn host_bits_are_cut_off() {
        check("192.0.2.7/24", "192.0.2.0/24");
        check("2001:db8::7/64", "2001:db8::/64");
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        check("::ffff:192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.0/120", "192.0.2.0/24");
    }

    #[test]
    fn what_merely_looks_like_an_address_is_none() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.256",
            "192.030.0.6",
            "0x7f.1",
            "4242",
            "fe80::1%eth0",
            "192.0.2.7/33",
        ] {
            refused(text);
        }
    }

    #[test]
    fn only_single_ipv6_addresses_widen() {
        let widened = |text: &str| text.parse::<Offender>().unwrap().widened(64).to_string();
        assert_eq!(widened("2001:db8::7"), "2001:db8::/64");
        assert_eq!(widened("2001:db8::/120"), "2001:db8::/120");
        assert_eq!(widened("192.0.2.7"), "192.0.2.7");
    }
}
