//! A second daemon takes over from one that was killed, and not a packet of the banned slips through.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use rban_tests::traffic::{Flood, Receiver};
use rban_tests::wait::wait_for;

use crate::{BANNED, Guarded, INNOCENT, World};

/// Floods from the banned and the innocent of both families while `meanwhile` happens.
fn check(world: &World, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
    let receiver = Receiver::start(&world.net.server)?;
    let mut floods = Vec::new();
    for source in BANNED.iter().chain(&INNOCENT) {
        let from = source.parse()?;
        floods.push(Flood::start(&world.net.client, from, world.server(from))?);
    }
    let all_flow = |more: u64| {
        let counts = INNOCENT.map(|source| receiver.received(source.parse().expect("an address")));
        wait_for("the innocent's packets", || {
            let now = INNOCENT.map(|s| receiver.received(s.parse().expect("an address")));
            Ok(now[0] >= counts[0] + more && now[1] >= counts[1] + more)
        })
    };
    all_flow(200)?;
    meanwhile()?;
    all_flow(200)?;
    let sent: u64 = floods.into_iter().map(Flood::end).sum();
    for source in BANNED {
        let slipped = receiver.received(source.parse()?);
        ensure!(slipped == 0, "{slipped} packets of {source} slipped through, of {sent} sent");
    }
    Ok(())
}

/// A server whose daemon has banned both guessers.
fn with_bans() -> Result<Guarded> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    for source in BANNED {
        server.fail(source, 2)?;
        server.wait_for_ban(source)?;
    }
    Ok(server)
}

#[test]
fn nothing_slips_through_when_a_killed_daemon_is_replaced() -> Result<()> {
    let mut server = with_bans()?;
    let daemon = server.daemon();
    let (rban, log) = (server.world.rban.clone(), server.sshd.log());
    check(&server.world, || {
        daemon.kill9()?;
        for _ in 0..3 {
            rban_tests::daemon::Daemon::start(&rban, &log, &["--maxretry", "2"])?.kill9()?;
        }
        rban_tests::daemon::Daemon::start(&rban, &log, &[])?.terminate()?;
        Ok(())
    })
}

#[test]
fn nothing_slips_through_when_attached_again_by_hand() -> Result<()> {
    let (world, _echo) = World::attached()?;
    for source in BANNED {
        world.rban.ban(source, &[])?;
    }
    check(&world, || {
        for _ in 0..5 {
            let answer = world.rban.attach()?;
            ensure!(answer["replaced"] == true, "{answer}");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    })
}

#[test]
fn the_second_daemon_adopts_what_it_finds() -> Result<()> {
    let mut server = with_bans()?;
    let before = server.rban().ban_of("192.0.2.7")?.expect("a ban");
    server.daemon().kill9()?;
    server.restart(&["--maxretry", "2"])?;
    for source in BANNED {
        ensure!(server.rban().is_banned(source)?, "{source} was forgotten");
    }
    let after = server.rban().ban_of("192.0.2.7")?.expect("a ban");
    let ends = |ban: &serde_json::Value| ban["expires_in"].as_f64().unwrap_or_default();
    ensure!(ends(&after) <= ends(&before), "extended: {before} {after}");
    ensure!(ends(&after) > ends(&before) - 20.0, "cut short: {before} {after}");
    server.rban().unban("192.0.2.7")?;
    ensure!(!server.rban().is_banned("192.0.2.7")?);
    // And it goes on banning.
    server.fail("192.0.2.8", 2)?;
    server.wait_for_ban("192.0.2.8")
}

#[test]
fn a_ban_by_hand_before_the_daemon_survives_its_start() -> Result<()> {
    let (world, _echo) = World::attached()?;
    world.rban.ban("192.0.2.7", &[])?;
    world.rban.ban("2001:db8::/126", &["--for", "1h"])?;
    world.rban.ban("192.0.2.8", &["--ports", "tcp/7"])?;
    let server = world.guarded(rban_tests::sshd::Dates::Iso, rban_tests::sshd::Pam::No, &[])?;
    let of = |offender| Ok::<_, anyhow::Error>(server.rban().ban_of(offender)?.expect("a ban"));
    ensure!(of("192.0.2.7")?["expires_in"].is_null(), "a permanent ban became a short one");
    ensure!(of("2001:db8::/126")?["expires_in"].as_f64().is_some_and(|s| s > 3500.0));
    ensure!(of("192.0.2.8")?["ports"] == "tcp/7", "{}", of("192.0.2.8")?);
    server.world.check_vanishes("192.0.2.7")?;
    ensure!(!server.world.answers(rban_tests::traffic::By::Tcp, "192.0.2.8".parse()?)?);
    ensure!(server.world.answers(rban_tests::traffic::By::Udp, "192.0.2.8".parse()?)?);
    Ok(())
}

#[test]
fn a_second_daemon_beside_a_living_one_is_refused() -> Result<()> {
    let server = Guarded::new(&[])?;
    let pid = server.daemon.as_ref().expect("a daemon").pid();
    let log = server.sshd.log();
    let refused =
        server.rban().refused(&["run", "--iface", "eth0", "--log", log.to_str().expect("text")])?;
    assert_eq!(refused.code, 1, "{refused:?}");
    let says = format!("rban: already running (pid {pid}");
    assert!(refused.message.starts_with(&says), "{refused:?}");
    assert_eq!(server.rban().status()?["daemon"]["pid"], pid, "the first one suffered");
    Ok(())
}
