//! Keys and values of the ban maps.

/// Until when an offender is dropped, and what that did so far.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanEntry {
    /// End of the ban in `CLOCK_MONOTONIC` nanoseconds; [`FOREVER_NS`] never ends.
    pub expires_ns: u64,
    /// One bit per port scope, [`SCOPE_ALL`] for all traffic; never zero.
    pub scopes: u64,
    /// Packets dropped on account of this ban; added to atomically, for one source may arrive on many CPUs.
    pub dropped: u64,
    /// When the last of them came, `CLOCK_MONOTONIC` nanoseconds, true to a timer tick; 0 = none came.
    pub last_drop_ns: u64,
    /// The [`allow_generation`](crate::settings::Settings::allow_generation) in which the kernel found this address
    /// absent from `allow_*`; 0 = not looked up yet. Saves the trie lookup for all but the first packet of a ban.
    /// User space always writes 0.
    pub allow_seen: u64,
}
const _: () = assert!(size_of::<BanEntry>() == 40);

/// The `expires_ns` of a permanent ban.
pub const FOREVER_NS: u64 = u64::MAX;

/// The scope bit that covers all traffic, with ports or without.
pub const SCOPE_ALL: u64 = 1 << 63;

/// How many distinct sets of ports can be in use at a time: bits 0 to 62.
pub const PORT_SCOPES_MAX: u32 = 63;

/// Number of entries in `port_scopes`: every TCP port, then every UDP port.
pub const PORT_SCOPES_ENTRIES: usize = 2 * 65_536;

/// An IPv4 source address as it stands in the packet. Aligned, so that BPF writes it in one instruction.
#[repr(C, align(4))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Addr4 {
    /// The four octets, in network order.
    pub octets: [u8; 4],
}
const _: () = assert!(size_of::<Addr4>() == 4);

/// An IPv6 source address as it stands in the packet, masked to the `v6_prefix` of the settings. Aligned as [`Addr4`].
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Addr6 {
    /// The sixteen octets, in network order.
    pub octets: [u8; 16],
}
const _: () = assert!(size_of::<Addr6>() == 16);

/// An IPv4 prefix; also the key of the `allow_v4` trie.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net4 {
    /// Length of the prefix, 0 to 32 bits.
    pub prefix_len: u32,
    /// The address, its host bits zero.
    pub octets: [u8; 4],
}
const _: () = assert!(size_of::<Net4>() == 8);

/// An IPv6 prefix; also the key of the `allow_v6` trie.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net6 {
    /// Length of the prefix, 0 to 128 bits.
    pub prefix_len: u32,
    /// The address, its host bits zero.
    pub octets: [u8; 16],
}
const _: () = assert!(size_of::<Net6>() == 20);

/// A transport protocol that has ports and can be in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP, the first half of `port_scopes`.
    Tcp,
    /// UDP, the second half.
    Udp,
}

/// Where in `port_scopes` the scopes of a port stand.
#[inline(always)]
#[must_use]
pub const fn port_index(transport: Transport, port: u16) -> u32 {
    match transport {
        Transport::Tcp => port as u32,
        Transport::Udp => 65_536 + port as u32,
    }
}

#[cfg(feature = "user")]
mod pod {
    use super::{Addr4, Addr6, BanEntry, Net4, Net6};

    // SAFETY: repr(C), Copy, no padding (the size assertions), and every bit pattern is a value.
    unsafe impl aya::Pod for BanEntry {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Addr4 {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Addr6 {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Net4 {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Net6 {}
}
