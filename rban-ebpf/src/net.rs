//! IPv4, IPv6 and its extension headers: who sent a packet, and to which port.

use core::mem::{offset_of, transmute};

use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::programs::XdpContext;
use network_types::ip::{IpProto, Ipv4Hdr, Ipv6Hdr};
use rban_common::ban::{Addr4, Addr6, BanEntry, Net4, Net6, Transport};
use rban_common::settings::{NET_LENS_MAX, Settings};

use crate::bans::{ALLOW_V4, ALLOW_V6, BANS_V4, BANS_V6, NETS_V4, NETS_V6};
use crate::packet::{Window, window};

/// How many IPv6 extension headers are followed to find a port. Real chains have one or two.
const EXTENSIONS_MAX: usize = 8;

/// Length of the shortest extension header, and of every fragment header.
const EXTENSION_MIN_LEN: usize = 8;

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
    /// Whether its IP header is well formed and there to the end. Asked after a hit only: a packet of nobody banned
    /// passes in any case.
    fn is_whole(&self, ctx: &XdpContext) -> bool;
    /// `None` where the packet ends before telling.
    fn destination(&self, ctx: &XdpContext) -> Option<Destination>;
    /// Where its frame ends, by its header.
    fn claimed_end(&self) -> usize;
    /// Its source as events tell it, in words: as sixteen bytes it would become a call of memset.
    fn source(&self) -> [u32; 4];
    /// 4 or 6.
    const VERSION: u32;
    /// Length of an exact ban's prefix.
    fn exact_len(settings: &Settings) -> u32;
}

/// An IPv4 packet of which at least the fixed header is there.
pub(crate) struct V4 {
    /// As it stands in the packet.
    source: u32,
    header: Window<{ Ipv4Hdr::LEN }>,
    offset: usize,
}

impl V4 {
    #[inline(always)]
    pub(crate) fn read(ctx: &XdpContext, offset: usize) -> Option<Self> {
        let header = window::<{ Ipv4Hdr::LEN }>(ctx, offset)?;
        let source = header.u32::<{ offset_of!(Ipv4Hdr, src_addr) }>();
        Some(Self { source, header, offset })
    }

    #[inline(always)]
    fn header_len(&self) -> usize {
        usize::from(self.header.u8::<{ offset_of!(Ipv4Hdr, vihl) }>() & 0x0f) * 4
    }

    #[inline(always)]
    fn net(&self, prefix_len: u8) -> Net4 {
        let host_bits = 32 - u32::from(prefix_len);
        let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
        let octets = (u32::from_be(self.source) & mask).to_be_bytes();
        Net4 { prefix_len: prefix_len.into(), octets }
    }
}

impl Packet for V4 {
    const VERSION: u32 = 4;

    #[inline(always)]
    fn exact_ban(&self) -> Option<*mut BanEntry> {
        BANS_V4.get_ptr_mut(Addr4 { octets: self.source.to_ne_bytes() })
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
        ALLOW_V4.get(&Key::new(32, self.source.to_ne_bytes())).is_some()
    }

    #[inline(always)]
    fn allow_mark(&self, _: &Settings, generation: u64) -> Option<u64> {
        Some(generation << 32 | u64::from(self.source))
    }

    #[inline(always)]
    fn is_whole(&self, ctx: &XdpContext) -> bool {
        let version = self.header.u8::<{ offset_of!(Ipv4Hdr, vihl) }>() >> 4;
        let header_len = self.header_len();
        version == 4
            && header_len >= Ipv4Hdr::LEN
            && window::<1>(ctx, self.offset + header_len - 1).is_some()
    }

    #[inline(always)]
    fn destination(&self, ctx: &XdpContext) -> Option<Destination> {
        let fragment_offset = u16::from_be(self.header.u16::<{ offset_of!(Ipv4Hdr, frags) }>());
        if fragment_offset & 0x1fff != 0 {
            return Some(Destination::Portless);
        }
        port(
            ctx,
            self.header.u8::<{ offset_of!(Ipv4Hdr, proto) }>(),
            self.offset + self.header_len(),
        )
    }

    #[inline(always)]
    fn claimed_end(&self) -> usize {
        self.offset
            + usize::from(u16::from_be(self.header.u16::<{ offset_of!(Ipv4Hdr, tot_len) }>()))
    }

    #[inline(always)]
    fn source(&self) -> [u32; 4] {
        [self.source, 0, 0, 0]
    }

    #[inline(always)]
    fn exact_len(_: &Settings) -> u32 {
        32
    }
}

/// An IPv6 packet of which at least the fixed header is there.
pub(crate) struct V6 {
    /// The two halves of the address, as they stand in the packet.
    source: [u64; 2],
    /// What `bans_v6` knows the source by.
    masked: [u64; 2],
    header: Window<{ Ipv6Hdr::LEN }>,
    payload: usize,
}

impl V6 {
    #[inline(always)]
    pub(crate) fn read(ctx: &XdpContext, settings: &Settings, offset: usize) -> Option<Self> {
        let header = window::<{ Ipv6Hdr::LEN }>(ctx, offset)?;
        let source = [
            header.u64::<{ offset_of!(Ipv6Hdr, src_addr) }>(),
            header.u64::<{ offset_of!(Ipv6Hdr, src_addr) + 8 }>(),
        ];
        let masked =
            if settings.v6_prefix < 128 { mask(source, settings.v6_prefix) } else { source };
        Some(Self { source, masked, header, payload: offset + Ipv6Hdr::LEN })
    }
}

/// The first `prefix_len` bits of an IPv6 address, 0 to 128. In halves, for BPF has no 128-bit shift.
#[inline(always)]
fn mask([high, low]: [u64; 2], prefix_len: u32) -> [u64; 2] {
    let high_mask = u64::MAX.checked_shl(64u32.saturating_sub(prefix_len)).unwrap_or(0);
    let low_mask = u64::MAX.checked_shl(128u32.saturating_sub(prefix_len)).unwrap_or(0);
    [high & high_mask.to_be(), low & low_mask.to_be()]
}

/// Two halves as the words of a map key.
#[inline(always)]
fn words([high, low]: [u64; 2]) -> [u32; 4] {
    // SAFETY: the same sixteen bytes.
    unsafe { transmute([high, low]) }
}

/// Two halves as the octets of a map key.
#[inline(always)]
fn octets(halves: [u64; 2]) -> [u8; 16] {
    // SAFETY: the same sixteen bytes.
    unsafe { transmute(halves) }
}

impl Packet for V6 {
    const VERSION: u32 = 6;

    #[inline(always)]
    fn exact_ban(&self) -> Option<*mut BanEntry> {
        BANS_V6.get_ptr_mut(Addr6 { octets: octets(self.masked) })
    }

    #[inline(always)]
    fn net_lens(settings: &Settings) -> (&[u8; NET_LENS_MAX], u32) {
        (&settings.nets_v6_lens, settings.nets_v6_count)
    }

    #[inline(always)]
    fn net_ban(&self, prefix_len: u8) -> Option<*mut BanEntry> {
        let prefix_len = u32::from(prefix_len);
        NETS_V6.get_ptr_mut(Net6 { prefix_len, octets: octets(mask(self.source, prefix_len)) })
    }

    #[inline(always)]
    fn is_allowed(&self) -> bool {
        ALLOW_V6.get(&Key::new(128, octets(self.source))).is_some()
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
        self.header.u8::<{ offset_of!(Ipv6Hdr, vcf) }>() >> 4 == 6
    }

    #[inline(always)]
    fn destination(&self, ctx: &XdpContext) -> Option<Destination> {
        let mut next = self.header.u8::<{ offset_of!(Ipv6Hdr, next_hdr) }>();
        let mut offset = self.payload;
        for _ in 0..EXTENSIONS_MAX {
            if !matches!(
                next,
                HOP_BY_HOP
                    | ROUTING
                    | FRAGMENT
                    | AUTHENTICATION
                    | DESTINATION_OPTIONS
                    | MOBILITY
                    | HIP
                    | SHIM6
            ) {
                break;
            }
            let extension = window::<EXTENSION_MIN_LEN>(ctx, offset)?;
            let len = usize::from(extension.u8::<1>());
            offset += match next {
                FRAGMENT if u16::from_be(extension.u16::<2>()) >> 3 != 0 => {
                    return Some(Destination::Portless);
                }
                FRAGMENT => EXTENSION_MIN_LEN,
                AUTHENTICATION => (len + 2) * 4,
                _ => (len + 1) * 8,
            };
            next = extension.u8::<0>();
        }
        port(ctx, next, offset)
    }

    #[inline(always)]
    fn claimed_end(&self) -> usize {
        let payload_len = self.header.u16::<{ offset_of!(Ipv6Hdr, payload_len) }>();
        self.payload + usize::from(u16::from_be(payload_len))
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

/// The destination port of a transport header: bytes 2 and 3 in TCP and UDP alike.
#[inline(always)]
fn port(ctx: &XdpContext, protocol: u8, offset: usize) -> Option<Destination> {
    let transport = match protocol {
        TCP => Transport::Tcp,
        UDP => Transport::Udp,
        _ => return Some(Destination::Portless),
    };
    Some(Destination::Port(transport, u16::from_be(window::<4>(ctx, offset)?.u16::<2>())))
}
