//! A million frames, valid, mutated and random: those of the banned are dropped, and no other one is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use anyhow::{Result, ensure};

use rban_common::ban::{BanEntry, FOREVER_NS, SCOPE_ALL, Transport};
use rban_common::verdict::{Family, Verdict, index};
use rban_tests::packet::{
    ETHERNET_BYTES, Extension, Fragment, Packet, QINQ, Transport as Carried, VLAN,
};
use rban_tests::random::Random;
use rban_tests::xdp::{Dropper, entry};

use crate::Quiet;
use crate::oracle::{Prefix, World};

const FRAMES: u32 = 1_000_000;
/// Counters are compared after so many.
const BATCH: u32 = 10_000;
const YEAR_NS: u64 = 365 * 86_400 * 1_000_000_000;

#[test]
fn a_million_frames_are_dropped_if_banned_and_only_then() -> Result<()> {
    let mut xdp = Quiet::new()?;
    check(&mut xdp, FRAMES)
}

/// Judges so many frames, each of them beside the oracle.
pub(crate) fn check(xdp: &mut Dropper, frames: u32) -> Result<()> {
    let world = world();
    fill(xdp, &world)?;
    let sources = sources(&world);
    let mut random = Random::new(0x2545_f491_4f6c_dd1d);
    let start = Instant::now();
    let mut all_dropped = 0;
    for batch in 0..frames / BATCH {
        let before = drops(xdp)?;
        let mut dropped = 0;
        for _ in 0..BATCH {
            let frame = frame(&mut random, &sources);
            let must_drop = world.must_drop(&frame);
            let is_dropped = xdp.is_dropped(&frame)?;
            ensure!(
                is_dropped == must_drop,
                "dropped: {is_dropped}, must: {must_drop}: {frame:02x?}"
            );
            dropped += u64::from(is_dropped);
        }
        let counted = drops(xdp)? - before;
        ensure!(counted == dropped, "batch {batch}: {counted} drops counted, {dropped} seen");
        all_dropped += dropped;
    }
    // Frames that all pass, or all drop, would prove nothing.
    let share = all_dropped as f64 / f64::from(frames);
    ensure!((0.15..0.8).contains(&share), "{share} of all frames were dropped");
    ensure!(start.elapsed().as_secs() < 120, "took {:?}", start.elapsed());
    Ok(())
}

/// Bans of all kinds, both families, every scope and end; some of them allowed.
fn world() -> World {
    let v4 = |a, b, c, d| IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    let mut world = World { now_ns: YEAR_NS, ..World::default() };
    world.covered.push((0, Transport::Tcp, 22));
    world.covered.push((0, Transport::Tcp, 80));
    world.covered.push((7, Transport::Udp, 53));
    world.covered.push((62, Transport::Tcp, 22));
    world.covered.push((62, Transport::Udp, 123));
    let kinds: [BanEntry; 8] = [
        entry(SCOPE_ALL, FOREVER_NS),
        entry(SCOPE_ALL, 2 * YEAR_NS),
        entry(SCOPE_ALL, YEAR_NS / 2),
        entry(1, FOREVER_NS),
        entry(1 << 7, FOREVER_NS),
        entry(1 | 1 << 62, 2 * YEAR_NS),
        entry(1 << 62, YEAR_NS / 2),
        entry(SCOPE_ALL | 1 << 7, FOREVER_NS),
    ];
    for (i, kind) in (0u8..).zip(kinds.into_iter().cycle()).take(64) {
        world.bans.push((Prefix(v4(192, 0, 2, i), 32), kind));
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, i.into());
        world.bans.push((Prefix(v6.into(), 128), kind));
    }
    // Eight lengths a family. Those around the exact bans are on ports, or have ended, so that they hide none.
    let lens_v4 = [8, 12, 16, 20, 22, 24, 27, 31];
    let lens_v6 = [16, 32, 44, 48, 56, 64, 96, 127];
    for ((len_v4, len_v6), kind) in lens_v4.into_iter().zip(lens_v6).zip(kinds) {
        let around = if kind.scopes & SCOPE_ALL != 0 { entry(kind.scopes, 1) } else { kind };
        for (first, kind) in [(0xc000_0200u32, around), (0x0a0b_0c0d, kind), (0xcb00_7155, kind)] {
            let first = Ipv4Addr::from(first & u32::MAX << (32 - len_v4));
            world.bans.push((Prefix(first.into(), len_v4), kind));
        }
        let v6 = 0xfd12_3456_789a_bcde_0011_2233_4455_6677;
        for (first, kind) in [(0x2001_0db8u128 << 96, around), (v6, kind)] {
            let first = Ipv6Addr::from(first & u128::MAX << (128 - len_v6));
            world.bans.push((Prefix(first.into(), len_v6), kind));
        }
    }
    world.allowed.push(Prefix(v4(192, 0, 2, 16), 29));
    world.allowed.push(Prefix(v4(10, 11, 12, 13), 32));
    world.allowed.push(Prefix(IpAddr::V6(Ipv6Addr::from(0x2001_0db8u128 << 96 | 32)), 123));
    world
}

/// Writes the world into the maps, and stops the clock at its time.
fn fill(xdp: &mut Dropper, world: &World) -> Result<()> {
    for (Prefix(addr, len), ban) in &world.bans {
        let is_exact = *len == if addr.is_ipv4() { 32 } else { 128 };
        let offender = if is_exact { addr.to_string() } else { format!("{addr}/{len}") };
        xdp.ban(&offender, *ban)?;
    }
    for Prefix(addr, len) in &world.allowed {
        xdp.allow(&format!("{addr}/{len}"))?;
    }
    for &(scope, transport, port) in &world.covered {
        xdp.cover(scope, transport, port)?;
    }
    // A nanosecond a jiffy: still enough beside bans that last years.
    xdp.set(|settings| (settings.tick_ns, settings.jiffies_epoch_ns) = (1, world.now_ns))
}

/// Sources in and around everything that is banned.
fn sources(world: &World) -> Vec<IpAddr> {
    let mut sources: Vec<IpAddr> = Vec::new();
    for (Prefix(addr, len), _) in &world.bans {
        sources.push(*addr);
        for beside in [1u32, 5, 1 << 9, 1 << 17] {
            sources.push(match addr {
                IpAddr::V4(a) => Ipv4Addr::from(a.to_bits() ^ beside).into(),
                IpAddr::V6(a) => {
                    Ipv6Addr::from(a.to_bits() ^ u128::from(beside) << (128 - len).min(90)).into()
                }
            });
        }
    }
    sources
}

/// A third valid, half mutated, the rest noise.
fn frame(random: &mut Random, sources: &[IpAddr]) -> Vec<u8> {
    match random.below(12) {
        0..4 => valid(random, sources),
        4..10 => mutated(random, sources),
        _ => noise(random),
    }
}

fn valid(random: &mut Random, sources: &[IpAddr]) -> Vec<u8> {
    const TAGS: [&[u16]; 6] =
        [&[], &[], &[VLAN], &[QINQ, VLAN], &[VLAN, VLAN], &[QINQ, QINQ, VLAN]];
    let ports = [22, 53, 80, 123, 443, 0];
    let mut packet = Packet::from_addr(random.of(sources))
        .tags(random.of(&TAGS))
        .payload(random.below(64))
        .transport(match random.below(8) {
            0..4 => Carried::Tcp(random.of(&ports)),
            4..6 => Carried::Udp(random.of(&ports)),
            6 => Carried::Icmp,
            _ => Carried::Protocol(random.next_u64() as u8),
        });
    if random.one_in(4) {
        packet = packet.option_words(random.below(11) as u8).extensions(&chain(random));
    }
    if random.one_in(8) {
        packet = packet.fragment(random.below(3) as u16, random.one_in(2));
    }
    packet.bytes()
}

fn chain(random: &mut Random) -> Vec<Extension> {
    let n = if random.one_in(8) { 12 } else { 4 };
    (0..random.below(n))
        .map(|_| match random.below(5) {
            0 => Extension::HopByHop(8 + 8 * random.below(4)),
            1 => Extension::Routing(8 + 8 * random.below(4)),
            2 => Extension::DestinationOptions(8 + 8 * random.below(4)),
            3 => Extension::Authentication(12 + 4 * random.below(4)),
            _ => Extension::Fragment(Fragment { offset: random.below(2) as u16, more: true }),
        })
        .collect()
}

/// A valid frame, bent in one to three places, mostly in its headers.
fn mutated(random: &mut Random, sources: &[IpAddr]) -> Vec<u8> {
    let mut frame = valid(random, sources);
    for _ in 0..=random.below(3) {
        let headers = frame.len().min(80);
        // Behind the MAC addresses, where nothing is decided.
        let at = 12 + random.below(headers - 12);
        match random.below(7) {
            0 => frame[at] ^= 1 << random.below(8),
            1 => frame[at] = random.next_u64() as u8,
            2 => frame[at] = random.of(&[0, 1, 6, 8, 17, 43, 44, 51, 60, 0x45, 0x60, 0x81, 0xff]),
            3 => frame.truncate(ETHERNET_BYTES + random.below(frame.len() - ETHERNET_BYTES + 1)),
            4 => frame.insert(at, random.next_u64() as u8),
            5 if frame.len() > 20 => drop(frame.remove(at)),
            _ => {
                // Another tag.
                let tag = random.of(&[VLAN, QINQ]).to_be_bytes();
                frame.splice(12..12, [tag[0], tag[1], 0, random.next_u64() as u8]);
            }
        }
        if frame.len() < 20 {
            break;
        }
    }
    frame
}

/// Random bytes, half of them under an EtherType that means something.
fn noise(random: &mut Random) -> Vec<u8> {
    let mut frame: Vec<u8> =
        (0..ETHERNET_BYTES + random.below(100)).map(|_| random.next_u64() as u8).collect();
    if random.one_in(2) {
        let known: [u16; 4] = [0x0800, 0x86dd, VLAN, QINQ];
        frame[12..14].copy_from_slice(&random.of(&known).to_be_bytes());
    }
    frame
}

/// Drops of both families.
fn drops(xdp: &Dropper) -> Result<u64> {
    let counters = xdp.counters()?;
    let of = |family| counters[index(Verdict::Drop, family) as usize].packets;
    Ok(of(Family::V4) + of(Family::V6))
}
