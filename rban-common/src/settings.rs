//! What user space tells the kernel about how to judge.

/// How many prefix lengths a family may have in use: each costs a lookup for every packet that no exact ban covers.
pub const NET_LENS_MAX: usize = 8;

/// The one entry of the `settings` map.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// [`crate::abi::ABI`] of whoever made the maps.
    pub abi: u32,
    /// 1 = count what would be dropped, and pass it.
    pub monitor: u32,
    /// 1 = pass everything at once.
    pub panic: u32,
    /// To how many bits IPv6 sources are masked before `bans_v6` is asked, 1 to 128.
    pub v6_prefix: u32,
    /// How many of `nets_v4_lens` are in use.
    pub nets_v4_count: u32,
    /// How many of `nets_v6_lens` are in use.
    pub nets_v6_count: u32,
    /// The IPv4 prefix lengths in use, longest first.
    pub nets_v4_lens: [u8; NET_LENS_MAX],
    /// The IPv6 prefix lengths in use, longest first.
    pub nets_v6_lens: [u8; NET_LENS_MAX],
    /// Raised whenever `allow_*` changes, after the change. 0 = both tries are empty and never asked.
    pub allow_generation: u64,
    /// Nanoseconds per jiffy; 0 = not calibrated, then the kernel's coarse clock is read instead.
    pub tick_ns: u64,
    /// `CLOCK_MONOTONIC` of jiffy 0, wrapping: now = jiffies × `tick_ns` + `jiffies_epoch_ns`.
    pub jiffies_epoch_ns: u64,
    /// At least so long between two sampled drops, nanoseconds; 0 = no samples.
    pub sample_interval_ns: u64,
    /// How many exact IPv4 bans user space allows itself; the map is at least twice that. Unread by the kernel.
    pub max_bans_v4: u32,
    /// The same of IPv6.
    pub max_bans_v6: u32,
}
const _: () = assert!(size_of::<Settings>() == 80);

// SAFETY: repr(C), Copy, no padding (the size assertion), and every bit pattern is a value.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Settings {}
