//! What the kernel tells user space as it drops.

/// A dropped packet: the first of its ban, or a sample.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropEvent {
    /// When, `CLOCK_MONOTONIC` nanoseconds (read exactly, not from jiffies).
    pub at_ns: u64,
    /// Packets dropped so far on account of the ban, this one included; 1 = the first.
    pub dropped: u64,
    /// Source as it stands in the packet; an IPv4 address takes the first four octets, the rest are zero.
    pub source: [u8; 16],
    /// Interface on which it came.
    pub ifindex: u32,
    /// Length of the frame in bytes.
    pub frame_bytes: u32,
    /// 4 or 6.
    pub family: u32,
    /// Length of the ban's prefix in bits: 32 for an exact IPv4 ban, the `v6_prefix` for an exact IPv6 ban.
    pub prefix_len: u32,
}
const _: () = assert!(size_of::<DropEvent>() == 48);

// SAFETY: repr(C), Copy, no padding (the size assertion), and every bit pattern is a value.
#[cfg(feature = "user")]
unsafe impl aya::Pod for DropEvent {}
