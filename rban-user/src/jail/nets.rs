//! A set of prefixes, asked once for each failure.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::addr::Offender;

/// Addresses and prefixes of both families.
#[derive(Clone, Debug, Default)]
pub(super) struct Nets {
    /// Disjoint, in order of their first address.
    nets: Vec<IpNet>,
}

impl Nets {
    pub(super) fn new(nets: impl IntoIterator<Item = IpNet>) -> Self {
        let normal: Vec<IpNet> = nets.into_iter().map(|net| Offender::net(net).as_net()).collect();
        let mut nets = IpNet::aggregate(&normal);
        nets.sort_unstable_by_key(IpNet::network);
        Self { nets }
    }

    /// Whether any of it is within this prefix, or the other way round.
    pub(super) fn touches(&self, prefix: IpNet) -> bool {
        let first = self.nets.partition_point(|net| net.network() < prefix.network());
        let within = self.nets.get(first).is_some_and(|net| prefix.contains(net));
        within || self.covers(&Offender::net(prefix))
    }

    /// Whether the offender is in it; a prefix is if its first address is (spec, filter 8.2).
    pub(super) fn covers(&self, offender: &Offender) -> bool {
        let first: IpAddr = offender.as_net().network();
        let after = self.nets.partition_point(|net| net.network() <= first);
        after.checked_sub(1).is_some_and(|index| self.nets[index].contains(&first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offender: &str, covered: bool) {
        let nets: Vec<IpNet> = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "10.1.2.3/24",
            "2001:db8::/32",
            "2001:db9::1/128",
            "::ffff:192.0.2.3/128",
        ]
        .iter()
        .map(|net| net.parse().unwrap())
        .collect();
        assert_eq!(Nets::new(nets).covers(&offender.parse().unwrap()), covered, "{offender}");
    }

    #[test]
    fn what_a_prefix_holds_is_covered() {
        for offender in ["10.255.1.1", "172.31.1.1", "2001:db8:1::1", "2001:db9::1", "192.0.2.3"] {
            check(offender, true);
        }
    }

    #[test]
    fn what_lies_beside_is_not() {
        for offender in ["172.32.1.1", "9.0.0.0/8", "192.0.2.4", "2001:db9::2", "11.0.0.0", "::1"] {
            check(offender, false);
        }
    }

    #[test]
    fn a_prefix_is_judged_by_its_first_address() {
        check("10.0.0.0/24", true);
        check("2001:db8:5::/64", true);
        check("8.0.0.0/6", false);
    }

    #[test]
    fn a_prefix_touches_what_it_holds_and_what_holds_it() {
        let nets = Nets::new(
            ["192.0.2.7/32", "10.0.0.0/8", "2001:db8:0:1::7/128"].map(|net| net.parse().unwrap()),
        );
        for prefix in
            ["192.0.2.0/24", "192.0.2.7/32", "10.1.0.0/16", "2001:db8:0:1::/64", "0.0.0.0/0"]
        {
            assert!(nets.touches(prefix.parse().unwrap()), "{prefix}");
        }
        for prefix in
            ["192.0.2.8/29", "192.0.3.0/24", "11.0.0.0/8", "2001:db8::/64", "2001:db9::/32"]
        {
            assert!(!nets.touches(prefix.parse().unwrap()), "{prefix}");
        }
    }

    #[test]
    fn an_empty_list_covers_nobody() {
        assert!(!Nets::new([]).covers(&"192.0.2.7".parse().unwrap()));
    }
}
