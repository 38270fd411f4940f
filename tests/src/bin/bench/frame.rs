//! The two frames that every measure sends: UDP to port 22, 60 and 80 bytes, no UDP checksum.
//!
//! UDP without a checksum is what the peers have least work with: nothing to verify, nothing to merge. The IPv4 header
//! has its checksum, which they do verify.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use rban_tests::insn::Spread;
use rban_tests::packet::Packet;

const ETHERNET_BYTES: usize = 14;
/// The header, which has no options.
const IPV4: Range<usize> = ETHERNET_BYTES..ETHERNET_BYTES + 20;
pub(crate) const IPV4_SOURCE: usize = ETHERNET_BYTES + 12;
const IPV4_CHECKSUM: usize = ETHERNET_BYTES + 10;
pub(crate) const IPV6_SOURCE: usize = ETHERNET_BYTES + 8;
/// The last four octets.
const IPV6_SOURCE_END: usize = ETHERNET_BYTES + 20;
/// The shortest that Ethernet does not pad.
const PAYLOAD_BYTES: usize = 18;

/// From this address to the server of [`rban_tests::net::Net`].
pub(crate) fn udp4(source: Ipv4Addr) -> Vec<u8> {
    let mut frame = udp(source.into());
    let checksum = !sum(&frame[IPV4]);
    frame[IPV4_CHECKSUM..IPV4_CHECKSUM + 2].copy_from_slice(&checksum.to_ne_bytes());
    frame
}

/// From this address to the server.
pub(crate) fn udp6(source: Ipv6Addr) -> Vec<u8> {
    udp(source.into())
}

/// Many sources for a frame that [`udp4`] made.
pub(crate) fn spread4(frame: &[u8], first: Ipv4Addr, count: u32) -> Spread {
    let mut header = frame[IPV4].to_vec();
    header[10..16].fill(0); // checksum and source
    Spread {
        offset: IPV4_SOURCE as i16,
        first: first.to_bits(),
        count,
        checksum: Some((IPV4_CHECKSUM as i16, sum(&header))),
    }
}

/// Many sources for a frame that [`udp6`] made; the first twelve octets stay.
pub(crate) fn spread6(first: Ipv6Addr, count: u32) -> Spread {
    let [.., a, b, c, d] = first.octets();
    let first = u32::from_be_bytes([a, b, c, d]);
    Spread { offset: IPV6_SOURCE_END as i16, first, count, checksum: None }
}

fn udp(source: IpAddr) -> Vec<u8> {
    Packet::from_addr(source).udp(22).payload(PAYLOAD_BYTES).bytes()
}

/// Ones' complement sum, in the byte order of memory, in which it comes out right too.
fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_ne_bytes([pair[0], pair[1]])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
