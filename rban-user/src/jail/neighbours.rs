//! How many hosts of a prefix are banned, so that the prefix can be once they are many.
//!
//! Knows nothing of bans but whom they are of. Costs some thirty bytes for each prefix that has one.

use std::collections::HashMap;
use std::hash::Hash;

use ipnet::IpNet;

use super::policy::Neighbours;
use crate::addr::Offender;
use crate::event::Id;

/// How many distinct hosts are banned of each prefix.
#[derive(Debug)]
pub(super) struct Neighbourhood {
    policy: Neighbours,
    v4: HashMap<u32, u32>,
    /// By the first 64 bits; no prefix is longer.
    v6: HashMap<u64, u32>,
}

impl Neighbourhood {
    /// One where these are banned.
    pub(super) fn of<'a>(policy: Neighbours, banned: impl Iterator<Item = &'a Id>) -> Self {
        let mut neighbourhood = Self { policy, v4: HashMap::new(), v6: HashMap::new() };
        for id in banned {
            neighbourhood.entered(id);
        }
        neighbourhood
    }

    pub(super) fn policy(&self) -> Neighbours {
        self.policy
    }

    /// Somebody was banned; the prefix, if so many of its hosts now are.
    pub(super) fn entered(&mut self, id: &Id) -> Option<Offender> {
        let prefix = self.prefix(id)?;
        let hosts = match prefix.as_net() {
            IpNet::V4(net) => more(&mut self.v4, net.network().to_bits()),
            IpNet::V6(net) => more(&mut self.v6, first_half(net.network())),
        };
        (hosts >= self.policy.hosts.get()).then_some(prefix)
    }

    /// Somebody's ban ended.
    pub(super) fn left(&mut self, id: &Id) {
        match self.prefix(id).map(|prefix| prefix.as_net()) {
            Some(IpNet::V4(net)) => less(&mut self.v4, net.network().to_bits()),
            Some(IpNet::V6(net)) => less(&mut self.v6, first_half(net.network())),
            None => {}
        }
    }

    /// The prefix that somebody is a part of, and not all.
    fn prefix(&self, id: &Id) -> Option<Offender> {
        let net = id.net()?.as_net();
        let bits = match net {
            IpNet::V4(_) => self.policy.v4,
            IpNet::V6(_) => self.policy.v6.min(64),
        };
        let is_part = net.prefix_len() > bits;
        let prefix = IpNet::new(net.network(), bits).ok().filter(|_| is_part)?;
        Some(Offender::net(prefix))
    }
}

fn first_half(addr: std::net::Ipv6Addr) -> u64 {
    (addr.to_bits() >> 64) as u64
}

fn more<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K) -> u32 {
    let count = counts.entry(key).or_default();
    *count += 1;
    *count
}

fn less<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neighbourhood() -> Neighbourhood {
        let policy = Neighbours { hosts: 2.try_into().unwrap(), v4: 24, v6: 48 };
        Neighbourhood::of(policy, std::iter::empty())
    }

    #[test]
    fn a_prefix_is_told_once_enough_of_its_hosts_are_banned() {
        let mut of = neighbourhood();
        let mut enter = |text: &str| of.entered(&text.into()).map(|prefix| prefix.to_string());
        assert_eq!(enter("192.0.2.1"), None);
        assert_eq!(enter("192.0.3.1"), None, "that is another prefix");
        assert_eq!(enter("192.0.2.2").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(enter("2001:db8::1"), None);
        assert_eq!(enter("2001:db8:0:1::/64").as_deref(), Some("2001:db8::/48"));
        assert_eq!(enter("root"), None);
        assert_eq!(enter("198.51.100.0/24"), None, "it is no host of itself");
        assert_eq!(enter("198.51.100.0/23"), None);
        assert_eq!(enter("198.51.100.7"), None);
    }

    #[test]
    fn who_left_does_not_count() {
        let mut of = neighbourhood();
        of.entered(&"192.0.2.1".into());
        of.left(&"192.0.2.1".into());
        assert_eq!(of.entered(&"192.0.2.2".into()), None);
        of.left(&"192.0.2.2".into());
        assert!(of.v4.is_empty() && of.v6.is_empty());
    }
}
