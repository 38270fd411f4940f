//! A ban may cover all traffic, or sets of ports.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, PORT_SCOPES_MAX, SCOPE_ALL, Transport};
use rban_common::verdict::Verdict::{Drop, OutOfScope};
use rban_tests::packet::{Packet, Transport as Carried};
use rban_tests::xdp::entry;

use crate::{BANNED, Quiet, check};

#[test]
fn a_covered_port_is_dropped_and_no_other() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.cover(0, Transport::Tcp, 80)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(22), Drop);
        check(&xdp, &Packet::from(source).tcp(80), Drop);
        for port in [0, 21, 23, 22 << 8, 79, 65_535] {
            check(&xdp, &Packet::from(source).tcp(port), OutOfScope);
        }
        // Five ways of tagging, two ports.
        assert_eq!(xdp.entry(source)?.dropped, 10);
    }
    Ok(())
}

#[test]
fn tcp_and_udp_ports_are_different_ports() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 53)?;
    xdp.cover(1, Transport::Udp, 53)?;
    for source in BANNED {
        for (scopes, tcp, udp) in [(1, Drop, OutOfScope), (2, OutOfScope, Drop), (3, Drop, Drop)] {
            xdp.ban(source, entry(scopes, FOREVER_NS))?;
            check(&xdp, &Packet::from(source).tcp(53), tcp);
            check(&xdp, &Packet::from(source).udp(53), udp);
        }
    }
    Ok(())
}

#[test]
fn the_first_and_the_last_port_have_entries_too() -> Result<()> {
    let mut xdp = Quiet::new()?;
    let edges = [(0, Transport::Tcp, 0), (1, Transport::Tcp, u16::MAX)];
    let udp = [(2, Transport::Udp, 0), (3, Transport::Udp, u16::MAX)];
    for (scope, transport, port) in edges.into_iter().chain(udp) {
        xdp.cover(scope, transport, port)?;
    }
    for source in BANNED {
        let packets = [
            Packet::from(source).tcp(0),
            Packet::from(source).tcp(u16::MAX),
            Packet::from(source).udp(0),
            Packet::from(source).udp(u16::MAX),
        ];
        for scope in 0..4 {
            xdp.ban(source, entry(1 << scope, FOREVER_NS))?;
            for (i, packet) in packets.iter().enumerate() {
                check(&xdp, packet, if i == scope { Drop } else { OutOfScope });
            }
        }
    }
    Ok(())
}

#[test]
fn every_scope_is_a_bit_of_its_own() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for scope in 0..PORT_SCOPES_MAX {
        xdp.cover(scope, Transport::Tcp, 1000 + scope as u16)?;
    }
    for source in BANNED {
        for scope in [0, 1, 31, 32, 61, 62] {
            xdp.ban(source, entry(1 << scope, FOREVER_NS))?;
            for other in [0, 1, 31, 32, 61, 62] {
                let expected = if other == scope { Drop } else { OutOfScope };
                check(&xdp, &Packet::from(source).tcp(1000 + other), expected);
            }
        }
    }
    Ok(())
}

#[test]
fn a_port_may_be_in_many_scopes_and_a_ban_have_many() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(4, Transport::Tcp, 443)?;
    xdp.cover(9, Transport::Tcp, 443)?;
    xdp.cover(9, Transport::Udp, 443)?;
    for source in BANNED {
        for scopes in [1 << 4, 1 << 9, 1 << 4 | 1 << 9, 1 << 9 | 1 << 17] {
            xdp.ban(source, entry(scopes, FOREVER_NS))?;
            check(&xdp, &Packet::from(source).tcp(443), Drop);
        }
        xdp.ban(source, entry(1 << 17, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(443), OutOfScope);
    }
    Ok(())
}

#[test]
fn the_scope_of_all_traffic_needs_no_port() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, entry(SCOPE_ALL | 1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(4711), Drop);
        check(&xdp, &Packet::from(source).icmp(), Drop);
    }
    Ok(())
}

#[test]
fn what_has_no_ports_passes_under_a_port_scope() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.cover(0, Transport::Udp, 22)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).icmp(), OutOfScope);
        // GRE, ESP, SCTP, UDP-Lite, no next header: no ports that a scope could mean.
        for protocol in [47, 50, 132, 136, 59, 255] {
            let packet = Packet::from(source).transport(Carried::Protocol(protocol));
            check(&xdp, &packet, OutOfScope);
        }
    }
    Ok(())
}

#[test]
fn ipv4_options_move_the_port() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.ban("192.0.2.7", entry(1, FOREVER_NS))?;
    for words in 0..=10 {
        check(&xdp, &Packet::from("192.0.2.7").option_words(words).tcp(22), Drop);
        check(&xdp, &Packet::from("192.0.2.7").option_words(words).tcp(23), OutOfScope);
    }
    Ok(())
}
