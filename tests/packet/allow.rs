//! `allow_*` beats every ban, from the moment it says so.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::verdict::Verdict::{Allowed, Drop, Expired, Pass};
use rban_tests::packet::Packet;
use rban_tests::xdp::{entry, forever};

use crate::{BANNED, INNOCENT, Quiet, check};

#[test]
fn an_allowed_source_is_never_dropped() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for (source, prefix) in [("192.0.2.7", "192.0.2.7/32"), ("2001:db8::7", "2001:db8::7/128")] {
        xdp.allow(prefix)?;
        xdp.ban(source, forever())?;
        check(&xdp, &Packet::from(source).tcp(22), Allowed);
        check(&xdp, &Packet::from(source).udp(53), Allowed);
        check(&xdp, &Packet::from(source).icmp(), Allowed);
        assert_eq!(xdp.entry(source)?.dropped, 0);
    }
    Ok(())
}

#[test]
fn a_prefix_allows_all_within_and_none_without() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.allow("192.0.2.0/29")?;
    xdp.allow("2001:db8::/125")?;
    for (inside, outside) in BANNED.into_iter().zip(INNOCENT) {
        xdp.ban(inside, forever())?;
        xdp.ban(outside, forever())?;
        check(&xdp, &Packet::from(inside), Allowed);
        check(&xdp, &Packet::from(outside), Drop);
    }
    Ok(())
}

#[test]
fn the_empty_prefix_allows_everybody() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for (source, prefix) in BANNED.into_iter().zip(["0.0.0.0/0", "::/0"]) {
        xdp.ban(source, forever())?;
        check(&xdp, &Packet::from(source), Drop);
        xdp.allow(prefix)?;
        check(&xdp, &Packet::from(source), Allowed);
    }
    Ok(())
}

#[test]
fn allowing_lifts_a_ban_that_dropped_already_and_taking_back_restores_it() -> Result<()> {
    let mut xdp = Quiet::new()?;
    // Something is in the tries from the start, so that the kernel looks at them at the first drop.
    xdp.allow("203.0.113.0/24")?;
    for (source, prefix) in [("192.0.2.7", "192.0.2.0/24"), ("2001:db8::7", "2001:db8::/64")] {
        xdp.ban(source, forever())?;
        for _ in 0..3 {
            check(&xdp, &Packet::from(source), Drop);
            xdp.allow(prefix)?;
            check(&xdp, &Packet::from(source), Allowed);
            xdp.disallow(prefix)?;
        }
        check(&xdp, &Packet::from(source), Drop);
    }
    Ok(())
}

#[test]
fn one_address_of_a_banned_prefix_may_be_allowed() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.allow("192.0.2.8/32")?;
    xdp.allow("2001:db8::8/128")?;
    xdp.ban("192.0.2.0/24", forever())?;
    xdp.ban("2001:db8::/64", forever())?;
    // In turn: what was found for the one must not be remembered for the other.
    for _ in 0..3 {
        for (banned, allowed) in BANNED.into_iter().zip(INNOCENT) {
            check(&xdp, &Packet::from(banned), Drop);
            check(&xdp, &Packet::from(allowed), Allowed);
        }
    }
    Ok(())
}

#[test]
fn one_address_of_an_ipv6_prefix_that_is_banned_as_one_may_be_allowed() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.v6_prefix = 64)?;
    xdp.allow("2001:db8::8/128")?;
    // The sum over its words is that of 2001:db8::7, should somebody remember no more than that.
    xdp.allow("2001:db8::7:0:0/128")?;
    xdp.ban("2001:db8::", forever())?;
    for _ in 0..3 {
        check(&xdp, &Packet::from("2001:db8::7"), Drop);
        check(&xdp, &Packet::from("2001:db8::8"), Allowed);
        check(&xdp, &Packet::from("2001:db8::7:0:0"), Allowed);
    }
    Ok(())
}

#[test]
fn allow_is_asked_only_of_the_banned() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for (source, prefix) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.allow(prefix)?;
        check(&xdp, &Packet::from(source), Pass);
        xdp.ban(source, entry(forever().scopes, 1))?;
        check(&xdp, &Packet::from(source), Expired);
    }
    Ok(())
}

#[test]
fn an_allowed_source_counts_so_whatever_the_ports() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(3, Transport::Tcp, 22)?;
    for (source, prefix) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.allow(prefix)?;
        xdp.ban(source, entry(1 << 3, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(22), Allowed);
        check(&xdp, &Packet::from(source).tcp(23), Allowed);
    }
    Ok(())
}
