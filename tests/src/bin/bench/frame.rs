//! The two frames that every measure sends: UDP to port 22, 60 and 80 bytes, no UDP checksum.
//!
//! UDP without a checksum is what the peers have least work with: nothing to verify, nothing to merge. The IPv4 header
//! has its checksum, which they do verify.

use std::net::{Ipv4Addr, Ipv6Addr};

use rban_tests::insn::Spread;

const ETHERNET_BYTES: usize = 14;
const IPV4_SOURCE: usize = ETHERNET_BYTES + 12;
const IPV4_CHECKSUM: usize = ETHERNET_BYTES + 10;
const IPV6_SOURCE: usize = ETHERNET_BYTES + 8;
const PAYLOAD_BYTES: u8 = 18;
const UDP_BYTES: u8 = 8 + PAYLOAD_BYTES;
const UDP: u8 = 17;
const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

/// From this address to the server of [`rban_tests::net::Net`].
pub(crate) fn udp4(source: Ipv4Addr) -> Vec<u8> {
    let mut ip = vec![0x45, 0, 0, 20 + UDP_BYTES, 0, 0, 0x40, 0, 64, UDP, 0, 0];
    ip.extend(source.octets());
    ip.extend([192, 0, 2, 1]);
    let checksum = !sum(&ip);
    ip[10..12].copy_from_slice(&checksum.to_ne_bytes());
    frame([0x08, 0x00], &ip)
}

/// From this address to the server.
pub(crate) fn udp6(source: Ipv6Addr) -> Vec<u8> {
    let mut ip = vec![0x60, 0, 0, 0, 0, UDP_BYTES, UDP, 64];
    ip.extend(source.octets());
    ip.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets());
    frame([0x86, 0xdd], &ip)
}

/// Many sources for a frame that [`udp4`] made.
pub(crate) fn spread4(frame: &[u8], first: Ipv4Addr, count: u32) -> Spread {
    let mut header = frame[ETHERNET_BYTES..ETHERNET_BYTES + 20].to_vec();
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
    Spread { offset: IPV6_SOURCE as i16 + 12, first, count, checksum: None }
}

fn frame(ethertype: [u8; 2], ip: &[u8]) -> Vec<u8> {
    let mut frame = [SERVER_MAC, CLIENT_MAC].concat();
    frame.extend(ethertype);
    frame.extend(ip);
    frame.extend([0xd4, 0x31, 0, 22, 0, UDP_BYTES, 0, 0]); // from port 54321 to 22
    frame.extend([0; PAYLOAD_BYTES as usize]);
    frame
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
