//! IPv4, IPv6 and its extension headers: who sent a packet, and to which port.

use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::programs::XdpContext;
use network_types::ip::{IpProto, Ipv4Hdr, Ipv6Hdr};
use rban_common::ban::{Addr4, Addr6, BanEntry, Net4, Net6, Transport};
use rban_common::settings::{NET_LENS_MAX, Settings};

use crate::bans::{ALLOW_V4, ALLOW_V6, BANS_V4, BANS_V6, NETS_V4, NETS_V6};
use crate::packet::read;

/// How many IPv6 extension headers are followed to find a port. Real chains have one or two.
const EXTENSIONS_MAX: usize = 8;

const TCP: u8 = IpProto::Tcp as u8;
const UDP: u8 = IpProto::Udp as u8;
const HOP_BY_HOP: u8 = IpProto::HopOpt as u8;
const ROUTING: u8 = IpProto::Ipv6Route as u8;
const FRAGMENT: u8 = IpProto::Ipv6Frag as u8;
const AUTHENTICATION: u8 = IpProto::Ah as u8;
const DESTINATION_OPTIONS: u8 = IpProto::Ipv6Opts as u8;
const MOBILITY: u8 = IpProto::MobilityHeader as u8;
const HIP: u8 = IpProto::Hip as u8;
const SHIM6: u8 = IpProto::Shim6 as u8;

/// Where a packet is bound, as far as port scopes care.
pub(crate) enum Destination {
    Port(Transport, u16),
    /// A later fragment, another protocol, or extensions without end: only a ban on all traffic covers it.
    Portless,
}

/// An IP packet, as one family's maps and headers present it.
pub(crate) trait Packet: Sized {
    /// Its ban, should its very source be banned.
    fn exact_ban(&self) -> Option<*mut BanEntry>;
    /// The prefix lengths that are banned in this family, and how many there are.
    fn net_lens(settings: &Settings) -> (&[u8; NET_LENS_MAX], u32);
    /// The ban of the prefix of this length around its source.
    fn net_ban(&self, prefix_len: u8) -> Option<*mut BanEntry>;
    /// Whether its source is in `allow_*`.
    fn is_allowed(&self) -> bool;
    /// What marks an exact ban whose source `allow_*` was found not to cover in this generation; `None` where such a
    /// ban covers many sources, of which the tries may know some.
    fn allow_mark(&self, settings: &Settings, generation: u64) -> Option<u64>;
    /// Whether its IP header is there to the end.
    fn is_whole(&self, ctx: &XdpContext) -> bool;
    /// `None` where the packet ends before telling.
    fn destination(&self, ctx: &XdpContext) -> Option<Destination>;
    /// Its source as events tell it, in words: as sixteen bytes it would become a call of memset.
    fn source(&self) -> [u32; 4];
    /// 4 or 6.
    const VERSION: u32;
    /// Length of an exact ban's prefix.
    fn exact_len(settings: &Settings) -> u32;
}

/// An IPv4 packet of which at least the fixed header is there.
pub(crate) struct V4 {
    source: [u8; 4],
    protocol: u8,
    is_later_fragment: bool,
    payload: usize,
}

impl V4 {
    #[inline(always)]
    pub(crate) fn read(ctx: &XdpContext, offset: usize) -> Option<Self> {
        let header = read::<Ipv4Hdr>(ctx, offset)?;
        let header_len = usize::from(header.vihl & 0x0f) * 4;
        if header.vihl >> 4 != 4 || header_len < Ipv4Hdr::LEN {
            return None;
        }
        Some(Self {
            source: header.src_addr,
            protocol: header.proto,
            is_later_fragment: u16::from_be_bytes(header.frags) & 0x1fff != 0,
            payload: offset + header_len,
        })
    }

    #[inline(always)]
    fn net(&self, prefix_len: u8) -> Net4 {
        let host_bits = 32 - u32::from(prefix_len);
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        let octets = (u32::from_be_bytes(self.source) & mask).to_be_bytes();
        Net4 { prefix_len: prefix_len.into(), octets }
    }
}

impl Packet for V4 {
    const VERSION: u32 = 4;

    #[inline(always)]
    fn exact_ban(&self) -> Option<*mut BanEntry> {
        BANS_V4.get_ptr_mut(Addr4 { octets: self.source })
    }

    #[inline(always)]
    fn net_lens(settings: &Settings) -> (&[u8; NET_LENS_MAX], u32) {
        (&settings.nets_v4_lens, settings.nets_v4_count)
    }

    #[inline(always)]
    fn net_ban(&self, prefix_len: u8) -> Option<*mut BanEntry> {
        NETS_V4.get_ptr_mut(self.net(prefix_len.min(32)))
    }

    #[inline(always)]
    fn is_allowed(&self) -> bool {
        ALLOW_V4.get(&Key::new(32, Addr4 { octets: self.source })).is_some()
    }

    #[inline(always)]
    fn allow_mark(&self, _: &Settings, generation: u64) -> Option<u64> {
        Some(generation << 32 | u64::from(u32::from_ne_bytes(self.source)))
    }

    #[inline(always)]
    fn is_whole(&self, ctx: &XdpContext) -> bool {
        read::<u8>(ctx, self.payload - 1).is_some()
    }

    #[inline(always)]
    fn destination(&self, ctx: &XdpContext) -> Option<Destination> {
        if self.is_later_fragment {
            return Some(Destination::Portless);
        }
        port(ctx, self.protocol, self.payload)
    }

    #[inline(always)]
    fn source(&self) -> [u32; 4] {
        [u32::from_ne_bytes(self.source), 0, 0, 0]
    }

    #[inline(always)]
    fn exact_len(_: &Settings) -> u32 {
        32
    }
}

/// An IPv6 packet of which at least the fixed header is there.
pub(crate) struct V6 {
    source: [u8; 16],
    /// What `bans_v6` knows the source by.
    masked: [u8; 16],
    next_header: u8,
    payload: usize,
}

impl V6 {
    #[inline(always)]
    pub(crate) fn read(ctx: &XdpContext, settings: &Settings, offset: usize) -> Option<Self> {
        let header = read::<Ipv6Hdr>(ctx, offset)?;
        if header.vcf[0] >> 4 != 6 {
            return None;
        }
        let source = header.src_addr;
        let masked =
            if settings.v6_prefix < 128 { mask(source, settings.v6_prefix) } else { source };
        Some(Self { source, masked, next_header: header.next_hdr, payload: offset + Ipv6Hdr::LEN })
    }
}

/// The first `prefix_len` bits of an IPv6 address. Two halves, for BPF has no 128-bit shift.
#[inline(always)]
fn mask(octets: [u8; 16], prefix_len: u32) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
    let high = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let low = u64::from_be_bytes([i, j, k, l, m, n, o, p]);
    let high_mask = u64::MAX.checked_shl(64u32.saturating_sub(prefix_len)).unwrap_or(0);
    let low_mask = u64::MAX.checked_shl(128u32.saturating_sub(prefix_len)).unwrap_or(0);
    let [a, b, c, d, e, f, g, h] = (high & high_mask).to_be_bytes();
    let [i, j, k, l, m, n, o, p] = (low & low_mask).to_be_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

impl Packet for V6 {
    const VERSION: u32 = 6;

    #[inline(always)]
    fn exact_ban(&self) -> Option<*mut BanEntry> {
        BANS_V6.get_ptr_mut(Addr6 { octets: self.masked })
    }

    #[inline(always)]
    fn net_lens(settings: &Settings) -> (&[u8; NET_LENS_MAX], u32) {
        (&settings.nets_v6_lens, settings.nets_v6_count)
    }

    #[inline(always)]
    fn net_ban(&self, prefix_len: u8) -> Option<*mut BanEntry> {
        let prefix_len = u32::from(prefix_len);
        NETS_V6.get_ptr_mut(Net6 { prefix_len, octets: mask(self.source, prefix_len) })
    }

    #[inline(always)]
    fn is_allowed(&self) -> bool {
        ALLOW_V6.get(&Key::new(128, Addr6 { octets: self.source })).is_some()
    }

    #[inline(always)]
    fn allow_mark(&self, settings: &Settings, generation: u64) -> Option<u64> {
        if settings.v6_prefix < 128 {
            return None;
        }
        let [a, b, c, d] = words(self.source);
        let folded = a ^ b ^ c ^ d;
        Some(generation << 32 | u64::from(folded))
    }

    #[inline(always)]
    fn is_whole(&self, _: &XdpContext) -> bool {
        true // all of the fixed header was read
    }

    #[inline(always)]
    fn destination(&self, ctx: &XdpContext) -> Option<Destination> {
        let mut next = self.next_header;
        let mut offset = self.payload;
        for _ in 0..EXTENSIONS_MAX {
            let [following, len] = match next {
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HIP | SHIM6 | FRAGMENT
                | AUTHENTICATION => read::<[u8; 2]>(ctx, offset)?,
                _ => return port(ctx, next, offset),
            };
            offset += match next {
                FRAGMENT => {
                    let [_, _, high, low, ..] = read::<[u8; 8]>(ctx, offset)?;
                    if u16::from_be_bytes([high, low]) >> 3 != 0 {
                        return Some(Destination::Portless);
                    }
                    8
                }
                AUTHENTICATION => (usize::from(len) + 2) * 4,
                _ => (usize::from(len) + 1) * 8,
            };
            next = following;
        }
        port(ctx, next, offset)
    }

    #[inline(always)]
    fn source(&self) -> [u32; 4] {
        words(self.source)
    }

    #[inline(always)]
    fn exact_len(settings: &Settings) -> u32 {
        settings.v6_prefix
    }
}

/// The same sixteen bytes as four words.
#[inline(always)]
fn words(octets: [u8; 16]) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]].map(u32::from_ne_bytes)
}

/// The destination port of a transport header: bytes 2 and 3 in TCP and UDP alike.
#[inline(always)]
fn port(ctx: &XdpContext, protocol: u8, offset: usize) -> Option<Destination> {
    let transport = match protocol {
        TCP => Transport::Tcp,
        UDP => Transport::Udp,
        _ => return Some(Destination::Portless),
    };
    Some(Destination::Port(transport, u16::from_be_bytes(read(ctx, offset + 2)?)))
}
