//! Long frames, and what is counted of them.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::verdict::Verdict::{Drop, OutOfScope, Pass};
use rban_common::verdict::{Family, Verdict, index};
use rban_tests::packet::Packet;
use rban_tests::xdp::{entry, forever};

use crate::{BANNED, INNOCENT, Quiet, check};

/// From one page to as much as the kernel takes; what is over a page arrives in several buffers.
const PAYLOADS: [usize; 6] = [3000, 3500, 4096, 9000, 20_000, 60_000];

#[test]
fn a_frame_in_many_buffers_is_judged_and_counted_whole() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
    }
    for bytes in PAYLOADS {
        for (banned, innocent) in BANNED.into_iter().zip(INNOCENT) {
            check(&xdp, &Packet::from(banned).payload(bytes), Drop);
            check(&xdp, &Packet::from(innocent).payload(bytes), Pass);
        }
    }
    Ok(())
}

#[test]
fn ports_are_found_in_the_first_buffer_of_many() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.cover(0, Transport::Udp, 53)?;
    for source in BANNED {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        for bytes in PAYLOADS {
            check(&xdp, &Packet::from(source).udp(53).payload(bytes), Drop);
            check(&xdp, &Packet::from(source).udp(54).payload(bytes), OutOfScope);
        }
    }
    Ok(())
}

#[test]
fn bytes_are_those_of_the_frames() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.7", forever())?;
    let before = xdp.counters()?;
    let mut bytes = 0;
    for payload in 0..200 {
        let frame = Packet::from("192.0.2.7").udp(53).payload(payload).bytes();
        bytes += frame.len() as u64;
        assert!(xdp.is_dropped(&frame)?);
    }
    let i = index(Verdict::Drop, Family::V4) as usize;
    let after = xdp.counters()?;
    assert_eq!(after[i].packets - before[i].packets, 200);
    assert_eq!(after[i].bytes - before[i].bytes, bytes);
    Ok(())
}
