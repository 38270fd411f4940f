//! Bounds-checked reads.

use core::arch::asm;

use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::programs::XdpContext;

/// No header starts further into a packet than this, which keeps offsets provable to the verifier: Ethernet, two tags,
/// the longest IP header and every IPv6 extension that is followed fit many times.
const OFFSET_MAX: usize = 0x3fff;

/// `LEN` bytes of the packet that are known to be there.
#[derive(Clone, Copy)]
pub(crate) struct Window<const LEN: usize> {
    start: usize,
}

/// The `LEN` bytes that start `offset` bytes into the packet; `None` where the packet ends first.
///
/// In a multi-buffer frame the packet ends here where its first buffer does, which holds all headers in practice.
#[inline(always)]
pub(crate) fn window<const LEN: usize>(ctx: &XdpContext, offset: usize) -> Option<Window<LEN>> {
    if offset > OFFSET_MAX {
        return None;
    }
    let start = ctx.data() + offset;
    if start + LEN > ctx.data_end() {
        return None;
    }
    Some(Window { start })
}

/// Reads an integer as it stands in the packet, in one instruction. Headers are not aligned there, which the machine
/// does not mind but a typed read must: the compiler would put `read_unaligned` together from single bytes, 10 ns for
/// an IPv6 address.
macro_rules! reader {
    ($name:ident, $int:ty, $instruction:literal) => {
        #[inline(always)]
        pub(crate) fn $name<const AT: usize>(self) -> $int {
            const { assert!(AT + size_of::<$int>() <= LEN) };
            let value: u64;
            // SAFETY: `window` made sure of LEN bytes from `start`, the assertion that these are among them. Not
            // `pure`, so that it is not moved ahead of that check.
            unsafe {
                asm!(
                    $instruction,
                    value = lateout(reg) value,
                    start = in(reg) self.start,
                    at = const AT,
                    options(readonly, nostack, preserves_flags),
                );
            }
            value as $int
        }
    };
}

impl<const LEN: usize> Window<LEN> {
    reader!(u8, u8, "{value} = *(u8 *)({start} + {at})");
    reader!(u16, u16, "{value} = *(u16 *)({start} + {at})");
    reader!(u32, u32, "{value} = *(u32 *)({start} + {at})");
    reader!(u64, u64, "{value} = *(u64 *)({start} + {at})");
}

/// Which frames the program is handed.
pub(crate) trait Frames {
    /// Length of the whole frame, Ethernet header included. `claimed` is where the frame ends if its IP header is to
    /// be believed.
    fn bytes(ctx: &XdpContext, claimed: usize) -> u64;
}

/// Frames that may lie in many buffers.
pub(crate) struct MultiBuffer;

impl Frames for MultiBuffer {
    /// The helper costs 6 ns, a quarter of a miss; only a frame that claims to go on behind its first buffer is worth
    /// that. So padding behind an IP packet that ends in the first buffer is not counted.
    #[inline(always)]
    fn bytes(ctx: &XdpContext, claimed: usize) -> u64 {
        let first_buffer = ctx.data_end() - ctx.data();
        if claimed <= first_buffer {
            return first_buffer as u64;
        }
        // SAFETY: a helper that takes the program's own context.
        unsafe { bpf_xdp_get_buff_len(ctx.ctx) }
    }
}

/// Frames that lie in one buffer.
pub(crate) struct Linear;

impl Frames for Linear {
    #[inline(always)]
    fn bytes(ctx: &XdpContext, _: usize) -> u64 {
        (ctx.data_end() - ctx.data()) as u64
    }
}

/// The `claimed` length of a frame whose headers do not tell.
pub(crate) const UNTOLD: usize = usize::MAX;
