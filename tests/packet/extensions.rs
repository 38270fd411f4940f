//! IPv6 extension headers stand between the address and the port.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::verdict::Verdict::{self, Drop, OutOfScope, Pass};
use rban_tests::packet::Extension::{
    self, Authentication, DestinationOptions, Fragment as FragmentHeader, HopByHop, Routing,
};
use rban_tests::packet::{Fragment, Packet, Transport as Carried};
use rban_tests::xdp::{entry, forever};

use crate::{Quiet, check};

const SOURCE: &str = "2001:db8::7";
/// How many the program follows, as ARCHITECTURE.md says.
const FOLLOWED: usize = 8;

/// A first fragment of several.
const FIRST: Extension = FragmentHeader(Fragment { offset: 0, more: true });
/// A later fragment.
const LATER: Extension = FragmentHeader(Fragment { offset: 1, more: true });

fn port_22_banned() -> Result<Quiet> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.cover(0, Transport::Udp, 53)?;
    xdp.ban(SOURCE, entry(1, FOREVER_NS))?;
    Ok(xdp)
}

/// Behind this chain, the port is found as it would be without: covered ones are dropped, others pass.
#[track_caller]
fn check_found(xdp: &Quiet, chain: &[Extension]) {
    let packet = Packet::from(SOURCE).extensions(chain);
    check(xdp, &packet.clone().tcp(22), Drop);
    check(xdp, &packet.clone().tcp(23), OutOfScope);
    check(xdp, &packet.clone().udp(53), Drop);
    check(xdp, &packet.clone().udp(22), OutOfScope);
    check(xdp, &packet.icmp(), OutOfScope);
}

#[test]
fn the_port_is_found_behind_each_header() -> Result<()> {
    let xdp = port_22_banned()?;
    for extension in [HopByHop(8), Routing(24), DestinationOptions(16), Authentication(24), FIRST] {
        check_found(&xdp, &[extension]);
    }
    Ok(())
}

#[test]
fn the_port_is_found_behind_headers_of_every_length() -> Result<()> {
    let xdp = port_22_banned()?;
    for bytes in [8, 16, 64, 256, 1024] {
        check_found(&xdp, &[HopByHop(bytes)]);
        check_found(&xdp, &[DestinationOptions(bytes)]);
    }
    // In words of four bytes, less two: unlike all others.
    for bytes in [12, 16, 20, 24, 44, 512] {
        check_found(&xdp, &[Authentication(bytes)]);
    }
    Ok(())
}

#[test]
fn the_port_is_found_behind_the_order_that_the_standard_recommends() -> Result<()> {
    let xdp = port_22_banned()?;
    let all = [
        HopByHop(8),
        DestinationOptions(8),
        Routing(24),
        FIRST,
        Authentication(24),
        DestinationOptions(16),
    ];
    check_found(&xdp, &all);
    check_found(&xdp, &all[..3]);
    check_found(&xdp, &all[3..]);
    Ok(())
}

#[test]
fn a_chain_is_followed_to_its_limit_and_passes_beyond() -> Result<()> {
    let xdp = port_22_banned()?;
    for n in 1..=FOLLOWED {
        check_found(&xdp, &vec![DestinationOptions(8); n]);
    }
    for n in [FOLLOWED + 1, FOLLOWED + 2, 40] {
        let packet = Packet::from(SOURCE).extensions(&vec![DestinationOptions(8); n]).tcp(22);
        check(&xdp, &packet, OutOfScope);
    }
    Ok(())
}

#[test]
fn a_later_fragment_has_no_port_wherever_its_header_stands() -> Result<()> {
    let xdp = port_22_banned()?;
    for chain in [&[LATER][..], &[HopByHop(8), LATER], &[LATER, DestinationOptions(8)]] {
        check(&xdp, &Packet::from(SOURCE).extensions(chain).tcp(22), OutOfScope);
    }
    Ok(())
}

#[test]
fn what_ends_a_chain_without_a_port_passes() -> Result<()> {
    let xdp = port_22_banned()?;
    // ESP hides what follows; 59 says that nothing does.
    for protocol in [50, 59, 132, 253] {
        let packet = Packet::from(SOURCE).extensions(&[HopByHop(8)]);
        check(&xdp, &packet.transport(Carried::Protocol(protocol)), OutOfScope);
    }
    Ok(())
}

#[test]
fn a_ban_on_all_traffic_asks_for_no_header() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban(SOURCE, forever())?;
    let chains: [&[Extension]; 5] = [
        &[HopByHop(8)],
        &[LATER],
        &[Routing(2048), Authentication(12)],
        &[DestinationOptions(8); 40],
        &[FIRST, FIRST, FIRST],
    ];
    for (source, expected) in [(SOURCE, Drop), ("2001:db8::8", Pass)] {
        for chain in chains {
            check(&xdp, &Packet::from(source).extensions(chain).tcp(22), expected);
        }
    }
    Ok(())
}

#[test]
fn a_chain_that_lies_about_its_length_is_never_followed_out_of_the_frame() -> Result<()> {
    let xdp = port_22_banned()?;
    let packet = Packet::from(SOURCE).extensions(&[HopByHop(8), DestinationOptions(8)]).tcp(22);
    for len in 2..=255 {
        let mut frame = packet.bytes();
        // The length of the first extension: it ends beyond the frame, or amid the payload.
        frame[packet.ip_end() + 1] = len;
        let (verdict, _) = xdp.judge(&frame)?;
        assert_ne!(verdict, Verdict::Drop, "length {len}");
    }
    Ok(())
}
