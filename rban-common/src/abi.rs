//! The names under which maps are pinned, their sizes, and the number that tells one layout from the next.

/// Layout of the maps and of everything in them. Raised with every change to this crate's types.
pub const ABI: u32 = 1;

/// Live exact bans of IPv4 sources: [`crate::ban::Addr4`] → [`crate::ban::BanEntry`].
pub const BANS_V4: &str = "bans_v4";
/// Live exact bans of IPv6 sources: [`crate::ban::Addr6`] → [`crate::ban::BanEntry`].
pub const BANS_V6: &str = "bans_v6";
/// Banned IPv4 prefixes: [`crate::ban::Net4`] → [`crate::ban::BanEntry`].
pub const NETS_V4: &str = "nets_v4";
/// Banned IPv6 prefixes: [`crate::ban::Net6`] → [`crate::ban::BanEntry`].
pub const NETS_V6: &str = "nets_v6";
/// IPv4 prefixes that are never dropped: [`crate::ban::Net4`] → `u8`.
pub const ALLOW_V4: &str = "allow_v4";
/// IPv6 prefixes that are never dropped: [`crate::ban::Net6`] → `u8`.
pub const ALLOW_V6: &str = "allow_v6";
/// Which scopes cover a port: [`crate::ban::port_index`] → bit set of scopes.
pub const PORT_SCOPES: &str = "port_scopes";
/// The one [`crate::settings::Settings`].
pub const SETTINGS: &str = "settings";
/// Packets and bytes, per CPU: [`crate::verdict::index`] → [`crate::verdict::Count`].
pub const COUNTERS: &str = "counters";
/// Ring of [`crate::event::DropEvent`].
pub const EVENTS: &str = "events";

/// Every pinned map.
pub const MAPS: [&str; 10] = [
    BANS_V4,
    BANS_V6,
    NETS_V4,
    NETS_V6,
    ALLOW_V4,
    ALLOW_V6,
    PORT_SCOPES,
    SETTINGS,
    COUNTERS,
    EVENTS,
];

/// Entries of `bans_v4` unless told otherwise: twice the default `max_bans_v4`, for an LRU map evicts before it is full.
pub const BANS_V4_ENTRIES: usize = 2 * 1_048_576;
/// Entries of `bans_v6` unless told otherwise: twice the default `max_bans_v6`.
pub const BANS_V6_ENTRIES: usize = 2 * 262_144;
/// Entries of each of `nets_v4` and `nets_v6`.
pub const NETS_ENTRIES: usize = 262_144;
/// Entries of each of `allow_v4` and `allow_v6`.
pub const ALLOW_ENTRIES: usize = 16_384;
/// Bytes of the event ring; a power of two and a multiple of the page size.
pub const EVENTS_BYTES: usize = 1 << 18;
