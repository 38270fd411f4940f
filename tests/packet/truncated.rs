//! A frame that ends before its verdict is clear passes.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::verdict::Family::Other;
use rban_common::verdict::Verdict::{self, Drop, OutOfScope, Pass, Unparsed};
use rban_tests::packet::Extension::{Authentication, DestinationOptions, HopByHop};
use rban_tests::packet::{ETHERNET_BYTES, Packet, QINQ, VLAN};
use rban_tests::xdp::{Dropper, entry, forever};

use crate::{BANNED, INNOCENT, Quiet, check_frame};

/// Cuts the frame at every byte, bare and tagged: not parsed while shorter than `needed`, then this verdict.
#[track_caller]
fn check(xdp: &Dropper, packet: &Packet, needed: impl Fn(&Packet) -> usize, then: Verdict) {
    for tags in [&[][..], &[VLAN], &[QINQ, VLAN]] {
        let packet = packet.clone().tags(tags);
        let frame = packet.bytes();
        for len in ETHERNET_BYTES..=frame.len() {
            let verdict = if len < needed(&packet) { Unparsed } else { then };
            let family = if len < packet.ip_start() { Other } else { packet.family() };
            check_frame(xdp, &frame[..len], verdict, family, &packet);
        }
    }
}

#[test]
fn a_ban_on_all_traffic_needs_the_ip_header() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        let packet = Packet::from(source);
        check(&xdp, &packet, Packet::ip_end, Drop);
        check(&xdp, &packet.clone().udp(53), Packet::ip_end, Drop);
        check(&xdp, &packet.clone().icmp(), Packet::ip_end, Drop);
        check(&xdp, &packet.clone().fragment(5, true), Packet::ip_end, Drop);
        check(&xdp, &packet.clone().extensions(&[HopByHop(16)]), Packet::ip_end, Drop);
    }
    for words in [1, 10] {
        let packet = Packet::from("192.0.2.7").option_words(words);
        check(&xdp, &packet, Packet::ip_end, Drop);
    }
    Ok(())
}

#[test]
fn an_innocent_source_needs_its_address() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
    }
    for source in INNOCENT {
        check(&xdp, &Packet::from(source), Packet::ip_end, Pass);
        check(&xdp, &Packet::from(source).udp(53), Packet::ip_end, Pass);
        check(&xdp, &Packet::from(source).extensions(&[HopByHop(16)]), Packet::ip_end, Pass);
    }
    Ok(())
}

#[test]
fn a_port_scope_needs_the_port() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.cover(0, Transport::Udp, 53)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        let packet = Packet::from(source);
        check(&xdp, &packet.clone().tcp(22), Packet::port_end, Drop);
        check(&xdp, &packet.clone().udp(53), Packet::port_end, Drop);
        check(&xdp, &packet.clone().tcp(80), Packet::port_end, OutOfScope);
        check(&xdp, &packet.clone().tcp(22).fragment(0, true), Packet::port_end, Drop);
        check(&xdp, &packet.clone().tcp(22).option_words(10), Packet::port_end, Drop);
        let chain = [HopByHop(8), Authentication(24), DestinationOptions(16)];
        check(&xdp, &packet.extensions(&chain).udp(53), Packet::port_end, Drop);
    }
    Ok(())
}

#[test]
fn a_port_scope_needs_no_port_of_what_has_none() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        // A later fragment says so in the IPv4 header, or in the IPv6 fragment header.
        let later = Packet::from(source).tcp(22).fragment(7, true);
        check(&xdp, &later, Packet::transport_start, OutOfScope);
        check(&xdp, &Packet::from(source).icmp(), Packet::ip_end, OutOfScope);
    }
    Ok(())
}

#[test]
fn a_header_that_contradicts_itself_passes() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        let packet = Packet::from(source);
        let family = packet.family();
        let version_and_length = packet.bytes()[packet.ip_start()];
        // Another version than the EtherType's; and IPv4 headers shorter than the shortest.
        let own_version = version_and_length >> 4;
        let versions = (0..16).filter(|version| *version != own_version).map(|v| v << 4 | 5);
        let lengths = (0..5).map(|words| 0x40 | words).filter(|_| own_version == 4);
        for first_byte in versions.chain(lengths) {
            let mut frame = packet.bytes();
            frame[packet.ip_start()] = first_byte;
            check_frame(&xdp, &frame, Unparsed, family, &first_byte);
        }
    }
    Ok(())
}
