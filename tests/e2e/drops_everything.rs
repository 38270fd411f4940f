//! All traffic of a banned source stops; everybody else's flows.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use rban_tests::sshd::{Dates, Pam, Session, Sshd};
use rban_tests::traffic::By;
use rban_tests::wait::wait_for;

use crate::{BANNED, INNOCENT, World};

#[test]
fn tcp_udp_and_icmp_of_the_banned_vanish_and_nobody_elses() -> Result<()> {
    let (world, _echo) = World::attached()?;
    for source in BANNED.iter().chain(&INNOCENT) {
        world.check_flows(source)?;
    }
    for source in BANNED {
        world.rban.ban(source, &[])?;
        world.check_vanishes(source)?;
    }
    for source in INNOCENT {
        world.check_flows(source)?;
    }
    for source in BANNED {
        world.rban.unban(source)?;
        world.check_flows(source)?;
    }
    Ok(())
}

#[test]
fn drops_are_counted_by_family_and_by_ban() -> Result<()> {
    let (world, _echo) = World::attached()?;
    for (source, family) in BANNED.into_iter().zip(["v4", "v6"]) {
        world.rban.ban(source, &[])?;
        assert_eq!(world.rban.packets("drop", family)?, 0);
        assert!(!world.net.client.ping(source.parse()?, world.server(source.parse()?), 5)?);
        let dropped = world.rban.packets("drop", family)?;
        assert_eq!(dropped, 5, "{family}");
        let ban = world.rban.ban_of(source)?.expect("a ban");
        assert_eq!(ban["dropped"], 5, "{ban}");
        assert!(ban["last_drop"].is_string(), "{ban}");
    }
    Ok(())
}

#[test]
fn a_banned_prefix_takes_its_addresses_along() -> Result<()> {
    let (world, _echo) = World::attached()?;
    for (net, inside, outside) in [
        ("192.0.2.4/30", "192.0.2.7", "192.0.2.8"),
        ("2001:db8::4/126", "2001:db8::7", "2001:db8::8"),
    ] {
        world.rban.ban(net, &[])?;
        world.check_vanishes(inside)?;
        world.check_flows(outside)?;
        world.rban.unban(net)?;
        world.check_flows(inside)?;
    }
    Ok(())
}

#[test]
fn a_ban_on_ports_leaves_the_others_open() -> Result<()> {
    let (world, _echo) = World::attached()?;
    for source in BANNED {
        for (ports, closed) in [("tcp/7", By::Tcp), ("udp/7", By::Udp)] {
            world.rban.ban(source, &["--ports", ports])?;
            for by in By::ALL {
                let answered = world.answers(by, source.parse()?)?;
                ensure!(answered == (by != closed), "{source}, {ports}: {by:?} {answered}");
            }
            world.rban.unban(source)?;
            world.check_flows(source)?;
        }
    }
    Ok(())
}

#[test]
fn an_open_ssh_session_of_the_banned_stops_and_nobody_elses() -> Result<()> {
    let world = World::new()?;
    let sshd = Sshd::start(&world.net.server, Dates::Traditional, Pam::No)?;
    world.rban.attach()?;
    for (banned, innocent) in BANNED.into_iter().zip(INNOCENT) {
        let open = |from: &str| {
            let from = from.parse()?;
            Session::open(&world.net.client, &sshd, from, world.server(from))
        };
        let (stops, goes_on) = (open(banned)?, open(innocent)?);
        world.rban.ban(banned, &[])?;
        // What the kernel had already taken in still reaches the session.
        thread::sleep(Duration::from_millis(300));
        let (stopped_at, other_at) = (stops.ticks()?, goes_on.ticks()?);
        wait_for("the other session to print on", || Ok(goes_on.ticks()? >= other_at + 20))?;
        // Its acknowledgements vanish, so the server stops sending after a window at most; and its keys vanish.
        let dropped = world.rban.ban_of(banned)?.expect("a ban")["dropped"].as_u64();
        assert!(dropped.is_some_and(|n| n > 0), "no packet of the session was dropped");
        let ticks = stops.ticks()?;
        ensure!(
            ticks <= stopped_at + 40,
            "the session of {banned} prints on: {stopped_at}, {ticks}"
        );
        wait_for("the session of the banned to be silent", || {
            let before = stops.ticks()?;
            thread::sleep(Duration::from_millis(500));
            Ok(stops.ticks()? == before)
        })?;
        world.rban.unban(banned)?;
    }
    Ok(())
}
