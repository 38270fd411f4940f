//! The plain cases: banned or not, IP or not.

use std::net::IpAddr;
use std::thread;

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};

use rban_common::verdict::Family::Other;
use rban_common::verdict::Verdict::{Drop, Pass};
use rban_tests::packet::{Packet, QINQ, Transport, VLAN, arp};
use rban_tests::xdp::{Dropper, forever};

use crate::{BANNED, INNOCENT, Quiet, check, check_frame};

const TRANSPORTS: [Transport; 5] = [
    Transport::Tcp(22),
    Transport::Udp(53),
    Transport::Icmp,
    Transport::Protocol(47),
    Transport::Protocol(255),
];

#[test]
fn nobody_banned_everybody_passes() -> Result<()> {
    let xdp = Quiet::new()?;
    for source in BANNED.iter().chain(&INNOCENT) {
        for transport in TRANSPORTS {
            check(&xdp, &Packet::from(source).transport(transport), Pass);
        }
    }
    Ok(())
}

#[test]
fn all_traffic_of_the_banned_is_dropped_and_of_nobody_else() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
    }
    for transport in TRANSPORTS {
        for source in BANNED {
            check(&xdp, &Packet::from(source).transport(transport), Drop);
        }
        for source in INNOCENT {
            check(&xdp, &Packet::from(source).transport(transport), Pass);
        }
    }
    Ok(())
}

#[test]
fn one_bit_makes_another_address() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        let bits = if source.contains('.') { 32 } else { 128 };
        for bit in 0..bits {
            check(&xdp, &Packet::from_addr(flip(source.parse()?, bit)), Pass);
        }
        check(&xdp, &Packet::from(source), Drop);
    }
    Ok(())
}

fn flip(addr: IpAddr, bit: u32) -> IpAddr {
    match addr {
        IpAddr::V4(addr) => IpAddr::V4((addr.to_bits() ^ 1 << bit).into()),
        IpAddr::V6(addr) => IpAddr::V6((addr.to_bits() ^ 1 << bit).into()),
    }
}

#[test]
fn a_lifted_ban_lets_pass() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        check(&xdp, &Packet::from(source), Drop);
        xdp.unban(source)?;
        check(&xdp, &Packet::from(source), Pass);
    }
    Ok(())
}

#[test]
fn only_the_source_counts() -> Result<()> {
    let mut xdp = Quiet::new()?;
    // The destination of all packets here.
    xdp.ban("192.0.2.1", forever())?;
    xdp.ban("2001:db8::1", forever())?;
    for source in BANNED {
        check(&xdp, &Packet::from(source), Pass);
    }
    Ok(())
}

#[test]
fn an_ipv4_ban_is_none_of_the_mapped_address() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.7", forever())?;
    check(&xdp, &Packet::from("::ffff:192.0.2.7"), Pass);
    check(&xdp, &Packet::from("::192.0.2.7"), Pass);
    check(&xdp, &Packet::from("c000:207::"), Pass);
    Ok(())
}

#[test]
fn what_is_not_ip_passes() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.7", forever())?;
    check_frame(&xdp, &arp(), Pass, Other, &"ARP");
    // 802.3 lengths, LLDP, MPLS, PPPoE, MACsec, and none.
    for ether_type in [0u16, 46, 0x05dc, 0x88cc, 0x8847, 0x8864, 0x88e5, 0x9100, 0xffff] {
        let mut frame = Packet::from("192.0.2.7").bytes();
        frame[12..14].copy_from_slice(&ether_type.to_be_bytes());
        check_frame(&xdp, &frame, Pass, Other, &ether_type);
        frame.truncate(14);
        check_frame(&xdp, &frame, Pass, Other, &ether_type);
    }
    Ok(())
}

#[test]
fn a_third_tag_is_not_looked_through() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        for tags in [[QINQ, QINQ, VLAN], [VLAN, VLAN, VLAN]] {
            let packet = Packet::from(source).tags(&tags);
            check_frame(&xdp, &packet.bytes(), Pass, Other, &packet);
        }
    }
    Ok(())
}

#[test]
fn a_ban_counts_its_drops_and_remembers_the_last() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
        assert_eq!(xdp.entry(source)?, forever());
        let before_ns = monotonic_ns();
        for _ in 0..3 {
            assert!(xdp.is_dropped(&Packet::from(source).bytes())?);
        }
        let after_ns = monotonic_ns();
        let entry = xdp.entry(source)?;
        assert_eq!(entry.dropped, 3);
        // True to a timer tick, which is 10 ms where the kernel ticks slowest.
        let range_ns = before_ns - 20_000_000..=after_ns + 20_000_000;
        assert!(
            range_ns.contains(&entry.last_drop_ns),
            "{} not in {range_ns:?}",
            entry.last_drop_ns
        );
        assert_eq!((entry.expires_ns, entry.scopes), (forever().expires_ns, forever().scopes));
    }
    Ok(())
}

#[test]
fn no_drop_is_lost_when_one_source_arrives_on_many_cpus() -> Result<()> {
    const DROPS: u64 = 50_000;
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.7", forever())?;
    let dir = xdp.rban.bpffs().to_owned();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let dir = dir.clone();
            thread::spawn(move || -> Result<()> {
                let xdp = Dropper::open(&dir)?;
                let frame = Packet::from("192.0.2.7").bytes();
                (0..DROPS).try_for_each(|_| xdp.is_dropped(&frame).map(|dropped| assert!(dropped)))
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic")?;
    }
    assert_eq!(xdp.entry("192.0.2.7")?.dropped, 4 * DROPS);
    Ok(())
}

pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).expect("after boot") * 1_000_000_000
        + u64::try_from(now.tv_nsec).expect("a fraction")
}
