//! What user space hears of drops.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, Transport};
use rban_common::event::DropEvent;
use rban_tests::packet::Packet;
use rban_tests::xdp::{Dropper, entry, forever};

use crate::verdicts::monotonic_ns;
use crate::{INNOCENT, Quiet};

/// Drops so many packets of one source, and returns what was heard of it.
fn heard(xdp: &mut Dropper, source: &str, packets: u32) -> Result<Vec<DropEvent>> {
    let frame = Packet::from(source).bytes();
    for _ in 0..packets {
        assert!(xdp.is_dropped(&frame)?);
    }
    xdp.events()
}

fn without_samples() -> Result<Quiet> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.sample_interval_ns = 0)?;
    xdp.events()?;
    Ok(xdp)
}

#[test]
fn the_first_drop_of_a_ban_is_reported_once() -> Result<()> {
    let mut xdp = without_samples()?;
    for (source, family, prefix_len) in [("192.0.2.7", 4, 32), ("2001:db8::7", 6, 128)] {
        xdp.ban(source, forever())?;
        let before_ns = monotonic_ns();
        let events = heard(&mut xdp, source, 100)?;
        let after_ns = monotonic_ns();
        assert_eq!(events.len(), 1, "{events:?}");
        let event = events[0];
        assert_eq!((event.family, event.prefix_len, event.dropped), (family, prefix_len, 1));
        assert_eq!(event.frame_bytes as usize, Packet::from(source).bytes().len());
        assert!((before_ns..=after_ns).contains(&event.at_ns), "{event:?}");
        assert_eq!(event.source, source_bytes(source));
        assert_ne!(event.ifindex, 0);
    }
    Ok(())
}

fn source_bytes(source: &str) -> [u8; 16] {
    match source.parse().expect("an address") {
        IpAddr::V6(addr) => addr.octets(),
        IpAddr::V4(addr) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&addr.octets());
            bytes
        }
    }
}

#[test]
fn the_first_drop_of_a_prefix_ban_names_the_source_and_the_prefix() -> Result<()> {
    let mut xdp = without_samples()?;
    for (net, sources, prefix_len) in [
        ("192.0.2.0/24", ["192.0.2.7", "192.0.2.8"], 24),
        ("2001:db8::/56", ["2001:db8::7", "2001:db8::8"], 56),
    ] {
        xdp.ban(net, forever())?;
        let [first, second] = sources;
        let events = heard(&mut xdp, first, 10)?;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((events[0].prefix_len, events[0].source), (prefix_len, source_bytes(first)));
        assert_eq!(heard(&mut xdp, second, 10)?, [], "the ban had its first drop");
    }
    Ok(())
}

#[test]
fn a_new_ban_has_a_first_drop_again() -> Result<()> {
    let mut xdp = without_samples()?;
    for _ in 0..3 {
        xdp.ban("192.0.2.7", forever())?;
        assert_eq!(heard(&mut xdp, "192.0.2.7", 5)?.len(), 1);
        xdp.unban("192.0.2.7")?;
    }
    Ok(())
}

#[test]
fn what_passes_is_not_reported() -> Result<()> {
    let mut xdp = without_samples()?;
    xdp.cover(0, Transport::Tcp, 22)?;
    xdp.ban("192.0.2.7", entry(1, FOREVER_NS))?;
    xdp.ban("192.0.2.9", entry(forever().scopes, 1))?;
    for frame in [
        Packet::from("192.0.2.7").tcp(23),
        Packet::from("192.0.2.9"),
        Packet::from(INNOCENT[0]),
        Packet::from(INNOCENT[1]),
    ] {
        assert!(!xdp.is_dropped(&frame.bytes())?);
    }
    assert_eq!(xdp.events()?, []);
    Ok(())
}

#[test]
fn samples_come_no_more_often_than_the_settings_allow() -> Result<()> {
    const INTERVAL: Duration = Duration::from_millis(50);
    let mut xdp = without_samples()?;
    xdp.ban("192.0.2.7", forever())?;
    assert_eq!(heard(&mut xdp, "192.0.2.7", 1)?.len(), 1);
    xdp.set(|settings| settings.sample_interval_ns = INTERVAL.as_nanos() as u64)?;
    let start = Instant::now();
    let mut events = Vec::new();
    while start.elapsed() < 10 * INTERVAL {
        events.extend(heard(&mut xdp, "192.0.2.7", 20)?);
    }
    // One CPU may come between the other's look and its note of it, hence twice as many.
    let intervals = start.elapsed().as_nanos() / INTERVAL.as_nanos() + 1;
    assert!(events.len() as u128 <= 2 * intervals, "{} in {intervals}", events.len());
    assert!(events.len() >= 4, "only {} in {intervals} intervals", events.len());
    assert!(events.windows(2).all(|pair| pair[0].dropped < pair[1].dropped), "{events:?}");
    Ok(())
}

#[test]
fn a_full_ring_stops_no_drop() -> Result<()> {
    let mut xdp = without_samples()?;
    xdp.set(|settings| settings.sample_interval_ns = 1)?;
    xdp.ban("192.0.2.7", forever())?;
    // A sample a tick at most would take minutes: lifting and banning anew makes each drop a first one.
    let frame = Packet::from("192.0.2.7").bytes();
    for _ in 0..10_000 {
        xdp.ban("192.0.2.7", forever())?;
        assert!(xdp.is_dropped(&frame)?);
    }
    let events = xdp.events()?;
    assert!(events.len() > 1000 && events.len() < 10_000, "{} events", events.len());
    assert_eq!(heard(&mut xdp, "192.0.2.7", 0)?, []);
    Ok(())
}
