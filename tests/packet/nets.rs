//! Prefix bans: one lookup for each length in use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, SCOPE_ALL, Transport};
use rban_common::verdict::Verdict::{Drop, Expired, OutOfScope, Pass};
use rban_tests::packet::Packet;
use rban_tests::xdp::{entry, forever};

use crate::{BANNED, Quiet, check};

#[test]
fn a_prefix_covers_its_first_and_last_address_and_no_neighbour() -> Result<()> {
    let cases = [
        ("10.0.0.0/8", ["10.0.0.0", "10.255.255.255"], ["9.255.255.255", "11.0.0.0"]),
        ("172.16.0.0/12", ["172.16.0.0", "172.31.255.255"], ["172.15.255.255", "172.32.0.0"]),
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.1.255", "192.0.3.0"]),
        ("192.0.2.4/31", ["192.0.2.4", "192.0.2.5"], ["192.0.2.3", "192.0.2.6"]),
        ("192.0.2.7/32", ["192.0.2.7", "192.0.2.7"], ["192.0.2.6", "192.0.2.8"]),
        ("128.0.0.0/1", ["128.0.0.0", "255.255.255.255"], ["127.255.255.255", "0.0.0.0"]),
        ("2001::/16", ["2001::", "2001:ffff:ffff::ffff"], ["2000:ffff::", "2002::"]),
        ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::ffff"], ["2001:db7:ffff::", "2001:db9::"]),
        ("2001:db8::/63", ["2001:db8::", "2001:db8:0:1::ffff"], ["2001:db7::", "2001:db8:0:2::"]),
        ("2001:db8::/64", ["2001:db8::", "2001:db8::ffff:0:0:1"], ["2001:db7::", "2001:db8:0:1::"]),
        (
            "2001:db8::/65",
            ["2001:db8::", "2001:db8::7fff:0:0:1"],
            ["2001:db8::8000:0:0:0", "2001:db7::"],
        ),
        ("2001:db8::6/127", ["2001:db8::6", "2001:db8::7"], ["2001:db8::5", "2001:db8::8"]),
        ("2001:db8::7/128", ["2001:db8::7", "2001:db8::7"], ["2001:db8::6", "2001:db8::8"]),
    ];
    let mut xdp = Quiet::new()?;
    for (prefix, inside, outside) in cases {
        // Each case has a length of its own, so that forgetting the lengths forgets the case before.
        xdp.set(|settings| (settings.nets_v4_count, settings.nets_v6_count) = (0, 0))?;
        xdp.ban(prefix, forever())?;
        for source in inside {
            check(&xdp, &Packet::from(source), Drop);
        }
        for source in outside {
            check(&xdp, &Packet::from(source), Pass);
        }
    }
    Ok(())
}

#[test]
fn the_prefix_of_length_zero_is_everybody() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("0.0.0.0/0", forever())?;
    check(&xdp, &Packet::from("192.0.2.7"), Drop);
    check(&xdp, &Packet::from("2001:db8::7"), Pass);
    xdp.ban("::/0", forever())?;
    check(&xdp, &Packet::from("2001:db8::7"), Drop);
    Ok(())
}

#[test]
fn every_length_can_be_in_use() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for len in 8..=32u32 {
        xdp.set(|settings| settings.nets_v4_count = 0)?;
        let inside = u32::from_be_bytes([203, 0, 113, 85]);
        let mask = u32::MAX << (32 - len);
        let first = Ipv4Addr::from(inside & mask);
        xdp.ban(&format!("{first}/{len}"), forever())?;
        check(&xdp, &Packet::from_addr(IpAddr::V4(inside.into())), Drop);
        let outside = inside ^ 1 << (32 - len);
        check(&xdp, &Packet::from_addr(IpAddr::V4(outside.into())), Pass);
    }
    for len in 16..=128u32 {
        xdp.set(|settings| settings.nets_v6_count = 0)?;
        let inside = "2001:db8:5555:aaaa:5555:aaaa:5555:aaaa".parse::<Ipv6Addr>()?;
        let inside = inside.to_bits();
        let mask = u128::MAX << (128 - len);
        let first = Ipv6Addr::from(inside & mask);
        xdp.ban(&format!("{first}/{len}"), forever())?;
        check(&xdp, &Packet::from_addr(IpAddr::V6(inside.into())), Drop);
        let outside = inside ^ 1 << (128 - len);
        check(&xdp, &Packet::from_addr(IpAddr::V6(outside.into())), Pass);
    }
    Ok(())
}

#[test]
fn eight_lengths_at_once() -> Result<()> {
    let mut xdp = Quiet::new()?;
    let v4: [(u32, [u8; 4]); 8] = [
        (8, [8, 0, 0, 0]),
        (12, [172, 16, 0, 0]),
        (16, [16, 1, 0, 0]),
        (20, [20, 1, 16, 0]),
        (22, [22, 1, 4, 0]),
        (24, [24, 1, 1, 0]),
        (28, [28, 1, 1, 16]),
        (32, [32, 1, 1, 1]),
    ];
    for (len, addr) in v4 {
        xdp.ban(&format!("{}/{len}", Ipv4Addr::from(addr)), forever())?;
        xdp.ban(&format!("2001:{:x}::/{}", 0x1000 + len, len + 32), forever())?;
    }
    for (len, addr) in v4 {
        check(&xdp, &Packet::from_addr(IpAddr::from(addr)), Drop);
        check(&xdp, &Packet::from(&format!("2001:{:x}::", 0x1000 + len)), Drop);
    }
    check(&xdp, &Packet::from("192.0.2.7"), Pass);
    check(&xdp, &Packet::from("2001:db8::7"), Pass);
    Ok(())
}

#[test]
fn only_lengths_in_use_are_looked_up() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.0/24", forever())?;
    xdp.ban("2001:db8::/64", forever())?;
    xdp.set(|settings| (settings.nets_v4_count, settings.nets_v6_count) = (0, 0))?;
    for source in BANNED {
        check(&xdp, &Packet::from(source), Pass);
    }
    Ok(())
}

#[test]
fn an_expired_exact_ban_hides_no_live_prefix_ban() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for (source, net) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.ban(source, entry(SCOPE_ALL, 1))?;
        check(&xdp, &Packet::from(source), Expired);
        xdp.ban(net, forever())?;
        check(&xdp, &Packet::from(source), Drop);
        assert_eq!(xdp.entry(source)?.dropped, 0);
        assert_eq!(xdp.entry(net)?.dropped, 5);
    }
    Ok(())
}

#[test]
fn an_expired_ban_on_all_traffic_hides_no_wider_ban_on_ports() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for (source, net) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.ban(source, entry(SCOPE_ALL, 1))?;
        xdp.ban(net, entry(1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(22), Drop);
        check(&xdp, &Packet::from(source).tcp(23), OutOfScope);
        check(&xdp, &Packet::from(source).icmp(), OutOfScope);
    }
    Ok(())
}

#[test]
fn an_exact_ban_on_ports_hides_no_wider_ban() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.cover(1, Transport::Tcp, 80)?;
    for (source, net) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        xdp.ban(net, entry(2, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(22), Drop);
        check(&xdp, &Packet::from(source).tcp(80), Drop);
        check(&xdp, &Packet::from(source).tcp(443), OutOfScope);
    }
    Ok(())
}

#[test]
fn a_port_that_is_cut_off_hides_no_wider_ban_on_all_traffic() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for (source, net) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        xdp.ban(net, forever())?;
        let packet = Packet::from(source).tcp(23);
        let frame = &packet.bytes()[..packet.ip_end()];
        assert!(
            xdp.is_dropped(frame)?,
            "{net} bans all traffic; which port it was does not matter"
        );
    }
    Ok(())
}

#[test]
fn a_longer_prefix_that_ended_hides_no_shorter_one() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for (source, [long, middle, short]) in [
        ("192.0.2.7", ["192.0.2.0/28", "192.0.2.0/24", "192.0.0.0/16"]),
        ("2001:db8::7", ["2001:db8::/80", "2001:db8::/64", "2001:db8::/32"]),
    ] {
        xdp.ban(long, entry(SCOPE_ALL, 1))?;
        xdp.ban(middle, entry(1, FOREVER_NS))?;
        xdp.ban(short, forever())?;
        check(&xdp, &Packet::from(source).tcp(22), Drop);
        check(&xdp, &Packet::from(source).tcp(23), Drop);
        let dropped = [long, middle, short].map(|net| xdp.entry(net).map(|e| e.dropped).ok());
        assert_eq!(dropped, [Some(0), Some(5), Some(5)]);
    }
    Ok(())
}

#[test]
fn an_ipv6_prefix_may_stand_for_its_addresses() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.v6_prefix = 64)?;
    xdp.ban("2001:db8::", forever())?;
    for source in ["2001:db8::", "2001:db8::7", "2001:db8::ffff:ffff:ffff:ffff"] {
        check(&xdp, &Packet::from(source), Drop);
    }
    for source in ["2001:db8:0:1::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"] {
        check(&xdp, &Packet::from(source), Pass);
    }
    for (v6_prefix, key, inside, outside) in [
        (48, "2001:db8:1::", "2001:db8:1:ffff::1", "2001:db8:2::1"),
        (56, "2001:db8:2:100::", "2001:db8:2:1ff::1", "2001:db8:2:200::1"),
        (96, "2001:db8:3::", "2001:db8:3::ffff:ffff", "2001:db8:3::1:0:0"),
        (127, "2001:db8:4::6", "2001:db8:4::7", "2001:db8:4::8"),
        (1, "8000::", "ffff::1", "7fff::1"),
    ] {
        xdp.set(|settings| settings.v6_prefix = v6_prefix)?;
        xdp.ban(key, forever())?;
        check(&xdp, &Packet::from(inside), Drop);
        check(&xdp, &Packet::from(outside), Pass);
    }
    Ok(())
}
