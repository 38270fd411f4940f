//! What user space hears of drops.

use core::ptr;

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use aya_ebpf::programs::XdpContext;
use rban_common::event::DropEvent;
use rban_common::settings::Settings;

use crate::bans::EVENTS;
use crate::net::Packet;
use crate::packet::Frames;

/// When the last sample was sent, on whichever CPU.
static mut LAST_SAMPLE_NS: u64 = 0;

/// Whether the time for another sample has come. Two CPUs may both think so: a sample too many does no harm.
#[inline(always)]
pub(crate) fn is_sample_due(settings: &Settings, now_ns: u64) -> bool {
    let interval_ns = settings.sample_interval_ns;
    // SAFETY: an aligned u64 that every CPU reads and writes whole.
    let last_ns = unsafe { ptr::read_volatile(&raw const LAST_SAMPLE_NS) };
    if interval_ns == 0 || now_ns.wrapping_sub(last_ns) < interval_ns {
        return false;
    }
    // SAFETY: as above.
    unsafe { ptr::write_volatile(&raw mut LAST_SAMPLE_NS, now_ns) };
    true
}

/// Tells user space of a drop; where the ring is full it is not told, and nothing else suffers.
#[inline(always)]
pub(crate) fn send<F: Frames, P: Packet>(
    ctx: &XdpContext,
    packet: &P,
    prefix_len: u32,
    dropped: u64,
) {
    let Some(mut slot) = EVENTS.reserve_untyped::<DropEvent>(0) else { return };
    slot.write(DropEvent {
        // SAFETY: a helper without arguments.
        at_ns: unsafe { bpf_ktime_get_ns() },
        dropped,
        // SAFETY: the same sixteen bytes.
        source: unsafe { core::mem::transmute::<[u32; 4], [u8; 16]>(packet.source()) },
        ifindex: ctx.ingress_ifindex() as u32,
        frame_bytes: F::bytes(ctx, packet.claimed_end()) as u32,
        family: P::VERSION,
        prefix_len,
    });
    slot.submit(0);
}
