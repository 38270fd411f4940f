//! Whether a frame must be dropped, told from the design alone: slowly, in plain code, with nothing shared with the
//! program but the meaning of the maps.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rban_common::ban::{BanEntry, SCOPE_ALL, Transport};

/// All that the maps hold.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) bans: Vec<(Prefix, BanEntry)>,
    pub(crate) allowed: Vec<Prefix>,
    /// Scope number, transport, port.
    pub(crate) covered: Vec<(u32, Transport, u16)>,
    pub(crate) now_ns: u64,
}

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix(pub(crate) IpAddr, pub(crate) u32);

/// An IP packet as far as the frame goes.
struct Parsed {
    source: IpAddr,
    /// The IP header is there to its end.
    is_whole: bool,
    /// Where it goes, if that is in the frame and means a port.
    port: Option<(Transport, u16)>,
}

impl World {
    /// Whether the program must drop this frame; otherwise it must pass it.
    pub(crate) fn must_drop(&self, frame: &[u8]) -> bool {
        let Some(packet) = parse(frame) else { return false };
        if !packet.is_whole || self.allowed.iter().any(|prefix| prefix.contains(packet.source)) {
            return false;
        }
        self.bans.iter().any(|(prefix, ban)| {
            prefix.contains(packet.source)
                && self.now_ns < ban.expires_ns
                && (ban.scopes & SCOPE_ALL != 0 || self.covers(ban.scopes, packet.port))
        })
    }

    fn covers(&self, scopes: u64, port: Option<(Transport, u16)>) -> bool {
        let mut covered = self.covered.iter();
        covered.any(|&(scope, t, p)| scopes & 1 << scope != 0 && port == Some((t, p)))
    }
}

impl Prefix {
    fn contains(self, addr: IpAddr) -> bool {
        let Self(net, len) = self;
        match (net, addr) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= len,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= len,
            _ => false,
        }
    }
}

/// `None` for what is not IP, or ends before its source is known, or contradicts itself.
fn parse(frame: &[u8]) -> Option<Parsed> {
    let mut at = 12;
    let mut ether_type = be16(frame, at)?;
    for _ in 0..2 {
        if ether_type == 0x8100 || ether_type == 0x88a8 {
            at += 4;
            ether_type = be16(frame, at)?;
        }
    }
    let ip = frame.get(at + 2..)?;
    match ether_type {
        0x0800 => parse_v4(ip),
        0x86dd => parse_v6(ip),
        _ => None,
    }
}

fn parse_v4(ip: &[u8]) -> Option<Parsed> {
    let fixed: [u8; 20] = ip.get(..20)?.try_into().ok()?;
    let header_bytes = usize::from(fixed[0] % 16) * 4;
    if fixed[0] / 16 != 4 || header_bytes < 20 {
        return None;
    }
    let source = IpAddr::V4(Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]));
    let fragment_offset = be16(&fixed, 6)? % 8192;
    let rest = ip.get(header_bytes..);
    let port = match rest {
        Some(rest) if fragment_offset == 0 => port(fixed[9], rest),
        _ => None,
    };
    Some(Parsed { source, is_whole: rest.is_some(), port })
}

fn parse_v6(ip: &[u8]) -> Option<Parsed> {
    let fixed = ip.get(..40)?;
    if fixed[0] / 16 != 6 {
        return None;
    }
    let source: [u8; 16] = fixed[8..24].try_into().ok()?;
    let port = port_behind_extensions(fixed[6], &ip[40..]);
    Some(Parsed { source: IpAddr::V6(Ipv6Addr::from(source)), is_whole: true, port })
}

fn port_behind_extensions(mut next: u8, mut rest: &[u8]) -> Option<(Transport, u16)> {
    for _ in 0..8 {
        let bytes = match next {
            // Hop-by-hop, routing, destination options, mobility, host identity, shim6.
            0 | 43 | 60 | 135 | 139 | 140 => (usize::from(*rest.get(1)?) + 1) * 8,
            44 => {
                if be16(rest, 2)? / 8 != 0 {
                    return None;
                }
                8
            }
            51 => (usize::from(*rest.get(1)?) + 2) * 4,
            _ => break,
        };
        next = *rest.first()?;
        rest = rest.get(bytes..)?;
    }
    port(next, rest)
}

fn port(protocol: u8, transport: &[u8]) -> Option<(Transport, u16)> {
    let port = be16(transport, 2)?;
    match protocol {
        6 => Some((Transport::Tcp, port)),
        17 => Some((Transport::Udp, port)),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
