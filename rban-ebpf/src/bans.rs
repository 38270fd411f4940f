//! The maps and their lookups.

use aya_ebpf::btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::macros::btf_map;
use rban_common::abi::{
    ALLOW_ENTRIES, BANS_V4_ENTRIES, BANS_V6_ENTRIES, EVENTS_BYTES, NETS_ENTRIES,
};
use rban_common::ban::{Addr4, Addr6, BanEntry, Net4, Net6, PORT_SCOPES_ENTRIES, port_index};
use rban_common::settings::Settings;
use rban_common::verdict::{COUNTERS_ENTRIES, Count};

use crate::net::Destination;

#[btf_map(name = "bans_v4")]
pub(crate) static BANS_V4: LruHashMap<Addr4, BanEntry, BANS_V4_ENTRIES> = LruHashMap::new();
#[btf_map(name = "bans_v6")]
pub(crate) static BANS_V6: LruHashMap<Addr6, BanEntry, BANS_V6_ENTRIES> = LruHashMap::new();
#[btf_map(name = "nets_v4")]
pub(crate) static NETS_V4: HashMap<Net4, BanEntry, NETS_ENTRIES, NO_PREALLOC> = HashMap::new();
#[btf_map(name = "nets_v6")]
pub(crate) static NETS_V6: HashMap<Net6, BanEntry, NETS_ENTRIES, NO_PREALLOC> = HashMap::new();
#[btf_map(name = "allow_v4")]
pub(crate) static ALLOW_V4: LpmTrie<[u8; 4], u8, ALLOW_ENTRIES> = LpmTrie::new();
#[btf_map(name = "allow_v6")]
pub(crate) static ALLOW_V6: LpmTrie<[u8; 16], u8, ALLOW_ENTRIES> = LpmTrie::new();
#[btf_map(name = "port_scopes")]
static PORT_SCOPES: Array<u64, PORT_SCOPES_ENTRIES> = Array::new();
#[btf_map(name = "settings")]
pub(crate) static SETTINGS: Array<Settings, 1> = Array::new();
#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuArray<Count, COUNTERS_ENTRIES> = PerCpuArray::new();
/// Of `DropEvent`s. Its type stays out of the definition: libbpf refuses a ring whose values have a size.
#[btf_map(name = "events")]
pub(crate) static EVENTS: RingBuf<[u8; 0], EVENTS_BYTES> = RingBuf::new();

/// Prefix bans are few as a rule; a quarter million empty slots would cost 30 MB.
const NO_PREALLOC: usize = aya_ebpf::bindings::BPF_F_NO_PREALLOC as usize;

/// The port scopes that cover a destination, one bit each.
#[inline(always)]
pub(crate) fn scopes_of(destination: &Destination) -> u64 {
    match destination {
        Destination::Port(transport, port) => {
            PORT_SCOPES.get(port_index(*transport, *port)).map_or(0, |scopes| *scopes)
        }
        Destination::Portless => 0,
    }
}
