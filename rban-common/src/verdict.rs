//! What becomes of a packet, and where that is counted.

/// What the program decides about a packet. The discriminants are indices into `counters`: append, never reorder.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody banned: passed.
    Pass = 0,
    /// Banned: dropped.
    Drop = 1,
    /// Banned, and passed because of monitor mode.
    Monitored = 2,
    /// The ban has ended: passed.
    Expired = 3,
    /// Banned, but in `allow_*`: passed.
    Allowed = 4,
    /// Banned, but for other ports than this packet's: passed.
    OutOfScope = 5,
    /// Too short or malformed for what its judgement needs: passed.
    Unparsed = 6,
    /// Passed unseen, for panic is on.
    Panic = 7,
}

impl Verdict {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Drop,
        Self::Monitored,
        Self::Expired,
        Self::Allowed,
        Self::OutOfScope,
        Self::Unparsed,
        Self::Panic,
    ];
}

/// Which kind of packet was judged. Discriminants are part of the index into `counters`.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Neither IPv4 nor IPv6 (ARP, LLDP …), too short to tell, or not looked at (panic).
    Other = 0,
    /// IPv4.
    V4 = 1,
    /// IPv6.
    V6 = 2,
}

impl Family {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 3] = [Self::Other, Self::V4, Self::V6];
}

/// Number of entries in `counters`.
pub const COUNTERS_ENTRIES: usize = Verdict::ALL.len() * Family::ALL.len();

/// Where in `counters` packets of this family and verdict are counted.
#[inline(always)]
#[must_use]
pub const fn index(verdict: Verdict, family: Family) -> u32 {
    verdict as u32 * Family::ALL.len() as u32 + family as u32
}

/// One counter of one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes of their frames, Ethernet header included.
    pub bytes: u64,
}
const _: () = assert!(size_of::<Count>() == 16);

// SAFETY: repr(C), Copy, no padding (the size assertion), and every bit pattern is a value.
#[cfg(feature = "user")]
unsafe impl aya::Pod for Count {}
