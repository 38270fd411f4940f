//! Bounds-checked reads.

use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::programs::XdpContext;

/// No header starts further into a packet than this, which keeps offsets provable to the verifier: Ethernet, two tags,
/// the longest IP header and every IPv6 extension that is followed fit many times.
const OFFSET_MAX: usize = 0x3fff;

/// The `T` that starts `offset` bytes into the packet; `None` where the packet ends first.
///
/// In a multi-buffer frame the packet ends here where its first buffer does, which holds all headers in practice.
#[inline(always)]
pub(crate) fn read<T: Copy>(ctx: &XdpContext, offset: usize) -> Option<T> {
    if offset > OFFSET_MAX {
        return None;
    }
    let start = ctx.data() + offset;
    if start + size_of::<T>() > ctx.data_end() {
        return None;
    }
    // SAFETY: the check above put all of `T` inside the packet; headers are not aligned there.
    Some(unsafe { (start as *const T).read_unaligned() })
}

/// How the length of a frame is told.
pub(crate) trait FrameLen {
    /// Length of the whole frame, Ethernet header included.
    fn bytes(ctx: &XdpContext) -> u64;
}

/// A frame that may lie in many buffers.
pub(crate) struct Frame;

impl FrameLen for Frame {
    #[inline(always)]
    fn bytes(ctx: &XdpContext) -> u64 {
        // SAFETY: a helper that takes the program's own context.
        unsafe { bpf_xdp_get_buff_len(ctx.ctx) }
    }
}

/// A frame that lies in one buffer.
pub(crate) struct Linear;

impl FrameLen for Linear {
    #[inline(always)]
    fn bytes(ctx: &XdpContext) -> u64 {
        (ctx.data_end() - ctx.data()) as u64
    }
}
