//! Monitor and panic.

use anyhow::Result;

use rban_common::ban::{FOREVER_NS, SCOPE_ALL, Transport};
use rban_common::verdict::Family::Other;
use rban_common::verdict::Verdict::{
    Allowed, Drop, Expired, Monitored, OutOfScope, Panic, Pass, Unparsed,
};
use rban_tests::packet::{Packet, QINQ, VLAN, arp};
use rban_tests::xdp::{entry, forever};

use crate::{BANNED, INNOCENT, Quiet, check, check_frame};

#[test]
fn monitor_counts_what_it_would_drop_and_passes_it() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.monitor = 1)?;
    for (source, innocent) in BANNED.into_iter().zip(INNOCENT) {
        xdp.ban(source, forever())?;
        check(&xdp, &Packet::from(source), Monitored);
        check(&xdp, &Packet::from(source).icmp(), Monitored);
        check(&xdp, &Packet::from(innocent), Pass);
    }
    xdp.set(|settings| settings.monitor = 0)?;
    for source in BANNED {
        check(&xdp, &Packet::from(source), Drop);
    }
    Ok(())
}

#[test]
fn monitor_counts_only_what_it_would_drop() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.monitor = 1)?;
    xdp.cover(0, Transport::Tcp, 22)?;
    for (source, allowed) in BANNED.into_iter().zip(["192.0.2.7/32", "2001:db8::7/128"]) {
        xdp.ban(source, entry(1, FOREVER_NS))?;
        check(&xdp, &Packet::from(source).tcp(22), Monitored);
        check(&xdp, &Packet::from(source).tcp(23), OutOfScope);
        xdp.ban(source, entry(SCOPE_ALL, 1))?;
        check(&xdp, &Packet::from(source), Expired);
        xdp.ban(source, forever())?;
        xdp.allow(allowed)?;
        check(&xdp, &Packet::from(source), Allowed);
        let packet = Packet::from(source);
        let cut = &packet.bytes()[..packet.ip_end() - 1];
        check_frame(&xdp, cut, Unparsed, packet.family(), &packet);
    }
    Ok(())
}

#[test]
fn a_monitored_prefix_ban_passes_too() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| settings.monitor = 1)?;
    for (source, net) in BANNED.into_iter().zip(["192.0.2.0/24", "2001:db8::/64"]) {
        xdp.ban(net, forever())?;
        check(&xdp, &Packet::from(source), Monitored);
    }
    Ok(())
}

#[test]
fn panic_passes_everything_unseen_and_back() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        xdp.ban(source, forever())?;
    }
    xdp.set(|settings| settings.panic = 1)?;
    for source in BANNED.iter().chain(&INNOCENT) {
        for tags in [&[][..], &[VLAN], &[QINQ, VLAN]] {
            let packet = Packet::from(source).tags(tags);
            check_frame(&xdp, &packet.bytes(), Panic, Other, &packet);
            check_frame(&xdp, &packet.bytes()[..20], Panic, Other, &packet);
        }
    }
    check_frame(&xdp, &arp(), Panic, Other, &"ARP");
    xdp.set(|settings| settings.panic = 0)?;
    for source in BANNED {
        check(&xdp, &Packet::from(source), Drop);
    }
    Ok(())
}

#[test]
fn panic_beats_monitor() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.ban("192.0.2.7", forever())?;
    xdp.set(|settings| (settings.panic, settings.monitor) = (1, 1))?;
    check_frame(&xdp, &Packet::from("192.0.2.7").bytes(), Panic, Other, &"banned");
    Ok(())
}
