//! Only the first fragment of a packet has its ports.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::verdict::Verdict::{Drop, OutOfScope, Pass};
use rban_tests::packet::Packet;
use rban_tests::xdp::{entry, forever};

use crate::{BANNED, INNOCENT, Quiet, check};

/// Fragments of a packet to port 22: the first, two in the middle, the last.
fn fragments(source: &str) -> [Packet; 4] {
    let packet = Packet::from(source).tcp(22);
    let fragments = [(0, true), (1, true), (4096, true), (8191, false)];
    fragments.map(|(offset, more)| packet.clone().fragment(offset, more))
}

#[test]
fn a_ban_on_all_traffic_drops_every_fragment() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        for fragment in fragments(source) {
            check(&xdp, &fragment, Drop);
        }
    }
    for fragment in INNOCENT.into_iter().flat_map(fragments) {
        check(&xdp, &fragment, Pass);
    }
    Ok(())
}

#[test]
fn a_port_scope_drops_the_first_fragment_only() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        let [first, later @ ..] = fragments(source);
        check(&xdp, &first, Drop);
        for fragment in later {
            check(&xdp, &fragment, OutOfScope);
        }
    }
    Ok(())
}

#[test]
fn the_first_fragment_is_judged_by_its_port() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(23).fragment(0, true), OutOfScope);
        // Fragment number one of one, as translators between the families make them.
        check(&xdp, &Packet::from(source).tcp(22).fragment(0, false), Drop);
    }
    Ok(())
}

#[test]
fn dont_fragment_is_no_fragment() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.ban("192.0.2.7", entry(1, FOREVER_NS))?;
    let packet = Packet::from("192.0.2.7").tcp(22);
    for flags in [0x40, 0x80, 0xc0] {
        let mut frame = packet.bytes();
        frame[packet.ip_start() + 6] = flags;
        assert!(xdp.is_dropped(&frame)?, "flags {flags:02x}");
    }
    Ok(())
}
