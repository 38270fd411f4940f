//! What a packet deserves. Passes when in doubt.

use core::intrinsics::{AtomicOrdering, atomic_xadd};
use core::ptr;

use aya_ebpf::helpers::generated::{bpf_jiffies64, bpf_ktime_get_coarse_ns};
use aya_ebpf::programs::XdpContext;
use rban_common::ban::{BanEntry, SCOPE_ALL};
use rban_common::settings::Settings;
use rban_common::verdict::{Family, Verdict};

use crate::bans::scopes_of;
use crate::event;
use crate::link::{self, Payload};
use crate::net::{Packet, V4, V6};
use crate::packet::{Frames, UNTOLD};

/// What was decided about a frame, and all that is needed to count it.
pub(crate) struct Judgement {
    pub(crate) verdict: Verdict,
    pub(crate) family: Family,
    /// Where the frame ends, by its IP header.
    pub(crate) claimed_end: usize,
}

/// Decides about a frame.
#[inline(always)]
pub(crate) fn judge<F: Frames>(ctx: &XdpContext, settings: &Settings) -> Judgement {
    if settings.panic != 0 {
        return untold(Verdict::Panic, Family::Other);
    }
    match link::payload(ctx) {
        Some(Payload::V4(offset)) => {
            judge_packet::<F, _>(ctx, settings, V4::read(ctx, offset), Family::V4)
        }
        Some(Payload::V6(offset)) => {
            judge_packet::<F, _>(ctx, settings, V6::read(ctx, settings, offset), Family::V6)
        }
        Some(Payload::Other) => untold(Verdict::Pass, Family::Other),
        None => untold(Verdict::Unparsed, Family::Other),
    }
}

#[inline(always)]
fn untold(verdict: Verdict, family: Family) -> Judgement {
    Judgement { verdict, family, claimed_end: UNTOLD }
}

#[inline(always)]
fn judge_packet<F: Frames, P: Packet>(
    ctx: &XdpContext,
    settings: &Settings,
    packet: Option<P>,
    family: Family,
) -> Judgement {
    let Some(packet) = packet else { return untold(Verdict::Unparsed, family) };
    let verdict = judge_source::<F, _>(ctx, settings, &packet).unwrap_or(Verdict::Unparsed);
    Judgement { verdict, family, claimed_end: packet.claimed_end() }
}

/// The exact ban first, then the prefixes, longest first. A ban that spares the packet hides no wider one that does
/// not. `None` where the packet ends before telling.
#[inline(always)]
fn judge_source<F: Frames, P: Packet>(
    ctx: &XdpContext,
    settings: &Settings,
    packet: &P,
) -> Option<Verdict> {
    let exact = packet.exact_ban();
    let (lens, count) = P::net_lens(settings);
    if exact.is_none() && count == 0 {
        return Some(Verdict::Pass); // the fast path: one lookup
    }
    if !packet.is_whole(ctx) {
        return None;
    }
    // Once, ahead of all bans, though only those of some ports need it: the verifier follows the walk along IPv6
    // extensions again wherever it stands.
    let needs_no_port = count == 0 && exact.is_some_and(covers_all);
    let target = if needs_no_port { None } else { packet.destination(ctx) };
    let covering = target.as_ref().map_or(0, scopes_of) | SCOPE_ALL;

    let mut verdict = Verdict::Pass;
    if let Some(entry) = exact {
        verdict = weigh::<F, _>(ctx, settings, packet, Found::Exact(entry), covering);
    }
    for (i, len) in lens.iter().enumerate() {
        if i as u32 >= count || is_final(verdict) {
            break;
        }
        if let Some(entry) = packet.net_ban(*len) {
            verdict = weigh::<F, _>(ctx, settings, packet, Found::Net(entry, *len), covering);
        }
    }
    if verdict == Verdict::OutOfScope && target.is_none() {
        return None; // not spared by its port: it ended before the port
    }
    Some(verdict)
}

/// Whether no wider ban can change this verdict.
#[inline(always)]
fn is_final(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Drop | Verdict::Monitored | Verdict::Allowed)
}

/// A ban whose key matched the packet's source.
#[derive(Clone, Copy)]
enum Found {
    Exact(*mut BanEntry),
    Net(*mut BanEntry, u8),
}

/// Whether the ban is on all traffic.
#[inline(always)]
fn covers_all(entry: *mut BanEntry) -> bool {
    // SAFETY: as in `weigh`.
    unsafe { ptr::read_volatile(&raw const (*entry).scopes) & SCOPE_ALL != 0 }
}

/// What one ban means for a packet that `covering` scopes cover.
#[inline(always)]
fn weigh<F: Frames, P: Packet>(
    ctx: &XdpContext,
    settings: &Settings,
    packet: &P,
    found: Found,
    covering: u64,
) -> Verdict {
    let (Found::Exact(entry) | Found::Net(entry, _)) = found;
    // SAFETY: the lookup returned it, so it stays readable while the program runs. The slot may be reused meanwhile;
    // then this one packet is judged by that ban, which we accept. Hence volatile copies, here and below.
    let (expires_ns, scopes) = unsafe {
        (
            ptr::read_volatile(&raw const (*entry).expires_ns),
            ptr::read_volatile(&raw const (*entry).scopes),
        )
    };
    let now_ns = now_ns(settings);
    if expires_ns <= now_ns {
        return Verdict::Expired;
    }
    if is_allowed(settings, packet, found) {
        return Verdict::Allowed;
    }
    if scopes & covering == 0 {
        return Verdict::OutOfScope;
    }
    if settings.monitor != 0 {
        return Verdict::Monitored;
    }
    strike::<F, _>(ctx, settings, packet, found, now_ns);
    Verdict::Drop
}

/// Whether `allow_*` covers the source.
///
/// The tries cost more than all the rest, so what they said of an exact ban's source is remembered in the entry until
/// they change. The mark names the source as well: where the slot was reused for another address meanwhile, that
/// address does not inherit the answer.
#[inline(always)]
fn is_allowed<P: Packet>(settings: &Settings, packet: &P, found: Found) -> bool {
    // SAFETY: a plain field of a live map value. Volatile, so that it is read before the trie is, for user space
    // raises it after it changed the trie.
    let generation = unsafe { ptr::read_volatile(&raw const settings.allow_generation) };
    if generation == 0 {
        return false;
    }
    let Found::Exact(entry) = found else { return packet.is_allowed() };
    let Some(mark) = packet.allow_mark(settings, generation) else { return packet.is_allowed() };
    // SAFETY: as in `weigh`.
    if unsafe { ptr::read_volatile(&raw const (*entry).allow_seen) } == mark {
        return false;
    }
    let is_allowed = packet.is_allowed();
    if !is_allowed {
        // SAFETY: as in `weigh`; every CPU that writes here writes the same.
        unsafe { ptr::write_volatile(&raw mut (*entry).allow_seen, mark) };
    }
    is_allowed
}

/// Counts a drop in its ban, and tells user space of the first and now and then of another.
#[inline(always)]
fn strike<F: Frames, P: Packet>(
    ctx: &XdpContext,
    settings: &Settings,
    packet: &P,
    found: Found,
    now_ns: u64,
) {
    let (entry, prefix_len) = match found {
        Found::Exact(entry) => (entry, P::exact_len(settings)),
        Found::Net(entry, prefix_len) => (entry, prefix_len.into()),
    };
    // SAFETY: as in `weigh`. The add is atomic, for one source may arrive on many CPUs; its result is not asked for,
    // as that takes kernel 5.12. So two CPUs may both take theirs for the first drop, and user space keeps the earlier.
    let dropped_before = unsafe {
        let before = ptr::read_volatile(&raw const (*entry).dropped);
        atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(&raw mut (*entry).dropped, 1);
        ptr::write_volatile(&raw mut (*entry).last_drop_ns, now_ns);
        before
    };
    if dropped_before == 0 || event::is_sample_due(settings, now_ns) {
        event::send::<F, _>(ctx, packet, prefix_len, dropped_before.wrapping_add(1));
    }
}

/// `CLOCK_MONOTONIC`, true to a timer tick. Jiffies cost a load, the coarse clock a call and 14 ns.
#[inline(always)]
fn now_ns(settings: &Settings) -> u64 {
    if settings.tick_ns == 0 {
        // SAFETY: a helper without arguments that XDP programs may call since 5.11.
        return unsafe { bpf_ktime_get_coarse_ns() };
    }
    // SAFETY: a helper without arguments that XDP programs may call since 5.6.
    let jiffies = unsafe { bpf_jiffies64() };
    jiffies.wrapping_mul(settings.tick_ns).wrapping_add(settings.jiffies_epoch_ns)
}
