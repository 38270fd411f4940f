//! The XDP program: drops what user space banned, passes all else.
//!
//! Reads a frame's headers, looks its source up in the ban maps, and counts. It decides nothing that user space could:
//! who is banned, until when and for which ports stands in the maps.

#![no_std]
#![no_main]
#![feature(asm_experimental_arch, core_intrinsics)]
#![expect(
    internal_features,
    reason = "BPF has an atomic add, but rustc offers no AtomicU64 for it"
)]

mod bans;
mod event;
mod judge;
mod link;
mod net;
mod packet;

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_ns};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use rban_common::verdict::{Verdict, index};

use crate::judge::{Judgement, judge};
use crate::packet::{Frames, Linear, MultiBuffer};

/// The dropper, for kernels that can hand it multi-buffer frames (5.18).
#[xdp(frags)]
fn rban(ctx: XdpContext) -> u32 {
    act::<MultiBuffer>(&ctx)
}

/// The dropper, for older kernels.
#[xdp]
fn rban_linear(ctx: XdpContext) -> u32 {
    act::<Linear>(&ctx)
}

/// Not attached anywhere: writes jiffies and `CLOCK_MONOTONIC` nanoseconds, both u64, to the start of the packet, so
/// that user space can tell how the one follows from the other.
#[xdp]
fn rban_clock(ctx: XdpContext) -> u32 {
    let start = ctx.data();
    if start + 16 > ctx.data_end() {
        return xdp_action::XDP_ABORTED;
    }
    // SAFETY: helpers without arguments, and the check above put both words inside the packet.
    unsafe {
        (start as *mut u64).write_unaligned(bpf_jiffies64());
        ((start + 8) as *mut u64).write_unaligned(bpf_ktime_get_ns());
    }
    xdp_action::XDP_PASS
}

#[inline(always)]
fn act<F: Frames>(ctx: &XdpContext) -> u32 {
    let Some(settings) = bans::SETTINGS.get(0) else { return xdp_action::XDP_PASS };
    let judgement = judge::<F>(ctx, settings); // decide,
    count::<F>(ctx, &judgement); // count,
    #[cfg(feature = "log")]
    aya_log_ebpf::debug!(
        ctx,
        "verdict {} family {}",
        judgement.verdict as u32,
        judgement.family as u32
    );
    match judgement.verdict {
        // act: in one place each
        Verdict::Drop => xdp_action::XDP_DROP,
        _ => xdp_action::XDP_PASS,
    }
}

/// Each CPU has its own counters, so plain adds do.
#[inline(always)]
fn count<F: Frames>(ctx: &XdpContext, judgement: &Judgement) {
    let Judgement { verdict, family, claimed_end } = *judgement;
    if let Some(count) = bans::COUNTERS.get_ptr_mut(index(verdict, family)) {
        // SAFETY: this CPU's slot of a per-CPU array, which only this program writes.
        unsafe {
            (*count).packets += 1;
            (*count).bytes += F::bytes(ctx, claimed_end);
        }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
