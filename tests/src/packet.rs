//! Frames, built byte by byte: plain ones, and what hardly any stack would send.
//!
//! Checksums stay zero: whoever judges a packet by its source does not look at them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rban_common::verdict::Family;

/// EtherType of an 802.1Q tag.
pub const VLAN: u16 = 0x8100;
/// EtherType of an 802.1ad tag.
pub const QINQ: u16 = 0x88a8;
/// Length of an Ethernet header.
pub const ETHERNET_BYTES: usize = 14;

const TAG_BYTES: usize = 4;
const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 7];

/// An IP packet in an Ethernet frame, from any source to the server.
#[derive(Clone, Debug)]
pub struct Packet {
    source: IpAddr,
    tags: Vec<u16>,
    option_words: u8,
    extensions: Vec<Extension>,
    fragment: Option<Fragment>,
    transport: Transport,
    payload_bytes: usize,
}

/// What follows the IP headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP to this port.
    Tcp(u16),
    /// UDP to this port.
    Udp(u16),
    /// An echo request, of the family's own ICMP.
    Icmp,
    /// Any other protocol number.
    Protocol(u8),
}

/// An IPv6 extension header; the number is its length in bytes where that may vary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extension {
    /// Hop-by-hop options; a multiple of 8.
    HopByHop(usize),
    /// Routing; a multiple of 8.
    Routing(usize),
    /// Destination options; a multiple of 8.
    DestinationOptions(usize),
    /// Authentication; a multiple of 4, at least 12.
    Authentication(usize),
    /// Fragment: 8 bytes.
    Fragment(Fragment),
}

/// Which part of a packet this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// In units of 8 bytes; 0 is the first fragment, the one with the ports.
    pub offset: u16,
    /// More follow.
    pub more: bool,
}

impl Packet {
    /// A TCP segment to port 22 from this source, untagged, with 20 bytes of payload.
    #[must_use]
    pub fn from_addr(source: IpAddr) -> Self {
        Self {
            source,
            tags: Vec::new(),
            option_words: 0,
            extensions: Vec::new(),
            fragment: None,
            transport: Transport::Tcp(22),
            payload_bytes: 20,
        }
    }

    /// As [`from_addr`](Self::from_addr).
    ///
    /// # Panics
    ///
    /// Where `source` is no address.
    #[must_use]
    #[track_caller]
    pub fn from(source: &str) -> Self {
        Self::from_addr(source.parse().expect("an address"))
    }

    /// With these tags, outermost first.
    #[must_use]
    pub fn tags(mut self, tags: &[u16]) -> Self {
        tags.clone_into(&mut self.tags);
        self
    }

    /// With so many words of IPv4 options, at most 10.
    #[must_use]
    pub fn option_words(mut self, words: u8) -> Self {
        self.option_words = words;
        self
    }

    /// With these IPv6 extension headers, in this order.
    #[must_use]
    pub fn extensions(mut self, extensions: &[Extension]) -> Self {
        extensions.clone_into(&mut self.extensions);
        self
    }

    /// As a fragment: in the IPv4 header, or by a fragment header after the other extensions.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.fragment = Some(Fragment { offset, more });
        self
    }

    /// As TCP to this port.
    #[must_use]
    pub fn tcp(self, port: u16) -> Self {
        self.transport(Transport::Tcp(port))
    }

    /// As UDP to this port.
    #[must_use]
    pub fn udp(self, port: u16) -> Self {
        self.transport(Transport::Udp(port))
    }

    /// As an echo request.
    #[must_use]
    pub fn icmp(self) -> Self {
        self.transport(Transport::Icmp)
    }

    /// As any transport.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// With so much payload after the transport header.
    #[must_use]
    pub fn payload(mut self, bytes: usize) -> Self {
        self.payload_bytes = bytes;
        self
    }

    /// The family of its source.
    #[must_use]
    pub fn family(&self) -> Family {
        if self.source.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Where the IP header starts.
    #[must_use]
    pub fn ip_start(&self) -> usize {
        ETHERNET_BYTES + self.tags.len() * TAG_BYTES
    }

    /// Where the IP header ends, its IPv4 options included and IPv6 extensions not.
    #[must_use]
    pub fn ip_end(&self) -> usize {
        let header = match self.source {
            IpAddr::V4(_) => 20 + usize::from(self.option_words) * 4,
            IpAddr::V6(_) => 40,
        };
        self.ip_start() + header
    }

    /// Where the transport header starts.
    #[must_use]
    pub fn transport_start(&self) -> usize {
        self.ip_end() + self.all_extensions().iter().map(Extension::bytes).sum::<usize>()
    }

    /// Where the destination port ends.
    #[must_use]
    pub fn port_end(&self) -> usize {
        self.transport_start() + 4
    }

    /// The frame.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let rest = self.after_ip();
        let mut frame = MACS.to_vec();
        for (i, tag) in self.tags.iter().enumerate() {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 100 + i as u8]);
        }
        match self.source {
            IpAddr::V4(source) => self.push_v4(&mut frame, source, rest.len()),
            IpAddr::V6(source) => self.push_v6(&mut frame, source, rest.len()),
        }
        frame.extend(rest);
        frame
    }

    fn push_v4(&self, frame: &mut Vec<u8>, source: Ipv4Addr, rest_bytes: usize) {
        let header_bytes = 20 + u16::from(self.option_words) * 4;
        let total = header_bytes.saturating_add(u16::try_from(rest_bytes).unwrap_or(u16::MAX));
        let fragment = self.fragment.map_or(0, |f| u16::from(f.more) << 13 | (f.offset & 0x1fff));
        frame.extend([0x08, 0x00, 0x45 + self.option_words, 0]);
        frame.extend(total.to_be_bytes());
        frame.extend([0x12, 0x34]);
        frame.extend(fragment.to_be_bytes());
        frame.extend([64, self.protocol(), 0, 0]);
        frame.extend(source.octets());
        frame.extend([192, 0, 2, 1]);
        // Options of no effect.
        frame.extend(std::iter::repeat_n(1, usize::from(self.option_words) * 4));
    }

    fn push_v6(&self, frame: &mut Vec<u8>, source: Ipv6Addr, rest_bytes: usize) {
        let next = self.all_extensions().first().map_or(self.protocol(), Extension::number);
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend(u16::try_from(rest_bytes).unwrap_or(0).to_be_bytes());
        frame.extend([next, 64]);
        frame.extend(source.octets());
        frame.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets());
    }

    /// Extensions, transport header, payload.
    fn after_ip(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let extensions = self.all_extensions();
        for (i, extension) in extensions.iter().enumerate() {
            let next = extensions.get(i + 1).map_or(self.protocol(), Extension::number);
            bytes.extend(extension.header(next));
        }
        match self.transport {
            Transport::Tcp(port) => {
                bytes.extend(40_000u16.to_be_bytes());
                bytes.extend(port.to_be_bytes());
                bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
            }
            Transport::Udp(port) => {
                let len = u16::try_from(8 + self.payload_bytes).unwrap_or(0);
                bytes.extend(40_000u16.to_be_bytes());
                bytes.extend(port.to_be_bytes());
                bytes.extend(len.to_be_bytes());
                bytes.extend([0, 0]);
            }
            // The bytes where a port would stand are those of port 22, which nobody may take for one.
            Transport::Icmp | Transport::Protocol(_) => {
                bytes.extend([if self.source.is_ipv4() { 8 } else { 128 }, 0, 0, 22, 0, 1, 0, 1]);
            }
        }
        bytes.extend(std::iter::repeat_n(0xab, self.payload_bytes));
        bytes
    }

    fn all_extensions(&self) -> Vec<Extension> {
        if self.source.is_ipv4() {
            return Vec::new();
        }
        let last = self.fragment.map(Extension::Fragment);
        self.extensions.iter().copied().chain(last).collect()
    }

    fn protocol(&self) -> u8 {
        match self.transport {
            Transport::Tcp(_) => 6,
            Transport::Udp(_) => 17,
            Transport::Icmp if self.source.is_ipv4() => 1,
            Transport::Icmp => 58,
            Transport::Protocol(number) => number,
        }
    }
}

impl Extension {
    fn number(&self) -> u8 {
        match self {
            Self::HopByHop(_) => 0,
            Self::Routing(_) => 43,
            Self::Fragment(_) => 44,
            Self::Authentication(_) => 51,
            Self::DestinationOptions(_) => 60,
        }
    }

    fn bytes(&self) -> usize {
        match *self {
            Self::HopByHop(bytes) | Self::Routing(bytes) => bytes,
            Self::DestinationOptions(bytes) | Self::Authentication(bytes) => bytes,
            Self::Fragment(_) => 8,
        }
    }

    fn header(&self, next: u8) -> Vec<u8> {
        let len = match *self {
            Self::Authentication(bytes) => bytes / 4 - 2,
            Self::Fragment(_) => 0,
            _ => self.bytes() / 8 - 1,
        };
        let mut header = vec![next, u8::try_from(len).expect("an extension of at most 2 kB")];
        if let Self::Fragment(fragment) = self {
            header.extend((fragment.offset << 3 | u16::from(fragment.more)).to_be_bytes());
        }
        header.resize(self.bytes(), 0);
        header
    }
}

/// An ARP request from the client: a frame that is not IP.
#[must_use]
pub fn arp() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 7, 0x08, 0x06]);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 7, 192, 0, 2, 7]);
    frame.extend([0, 0, 0, 0, 0, 0, 192, 0, 2, 1]);
    frame.resize(60, 0);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packet: &Packet, ip_start: usize, ip_end: usize, port_end: usize, total: usize) {
        let found = [packet.ip_start(), packet.ip_end(), packet.port_end(), packet.bytes().len()];
        assert_eq!(found, [ip_start, ip_end, port_end, total]);
    }

    #[test]
    fn the_offsets_are_those_of_the_bytes() {
        check(&Packet::from("192.0.2.7").tcp(22).payload(0), 14, 34, 38, 54);
        check(&Packet::from("192.0.2.7").udp(53).payload(2), 14, 34, 38, 44);
        check(&Packet::from("192.0.2.7").tags(&[QINQ, VLAN]).option_words(2), 22, 50, 54, 90);
        check(&Packet::from("2001:db8::7").tcp(22).payload(0), 14, 54, 58, 74);
        let chain = [Extension::HopByHop(8), Extension::Authentication(24)];
        check(&Packet::from("2001:db8::7").extensions(&chain).payload(0), 14, 54, 90, 106);
        check(&Packet::from("2001:db8::7").fragment(0, true).payload(0), 14, 54, 66, 82);
    }

    #[test]
    fn headers_name_what_follows_them() {
        let chain = [Extension::HopByHop(8), Extension::DestinationOptions(16)];
        let frame = Packet::from("2001:db8::7").extensions(&chain).udp(53).bytes();
        assert_eq!([frame[20], frame[54], frame[62], frame[63]], [0, 60, 17, 1]);
    }
}
