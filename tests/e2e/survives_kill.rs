//! The dropper outlives the daemon, and judges the ends of bans by itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use rban_tests::traffic::{Echo, Flood, Receiver};
use rban_tests::wait::wait_for;

use crate::{BANNED, Guarded, INNOCENT};

#[test]
fn a_killed_daemon_leaves_bans_that_end_on_time() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2", "--bantime", "6s"])?;
    for source in BANNED {
        let net = &server.world.net;
        let receiver = Receiver::start(&net.server)?;
        if server.daemon.is_none() {
            server.restart(&["--maxretry", "2", "--bantime", "6s"])?;
        }
        server.fail(source, 2)?;
        server.wait_for_ban(source)?;
        let ban = server.rban().ban_of(source)?.context("a ban")?;
        let ends = Instant::now() + Duration::from_secs_f64(expires_in(&ban)?);
        server.daemon().kill9()?;
        let addr = source.parse()?;
        let flood = Flood::start(&server.world.net.client, addr, server.world.server(addr))?;
        wait_for("the flood to be let through", || Ok(receiver.received(addr) > 0))?;
        let late = Instant::now().saturating_duration_since(ends);
        let early = ends.saturating_duration_since(Instant::now());
        ensure!(late.max(early) < Duration::from_millis(1500), "{late:?} late, {early:?} early");
        ensure!(flood.end() > 100, "hardly a flood");
        // Who is free again is not listed as banned, though the entry may still stand in the map.
        ensure!(!server.rban().is_banned(source)?, "listed as banned after the end");
    }
    Ok(())
}

fn expires_in(ban: &serde_json::Value) -> Result<f64> {
    ban["expires_in"].as_f64().with_context(|| format!("no end: {ban}"))
}

#[test]
fn a_killed_daemon_still_drops_and_still_lets_pass() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    for source in BANNED {
        server.fail(source, 2)?;
        server.wait_for_ban(source)?;
    }
    server.daemon().kill9()?;
    for (banned, innocent) in BANNED.into_iter().zip(INNOCENT) {
        server.world.check_vanishes(banned)?;
        server.world.check_flows(innocent)?;
        assert!(server.rban().is_banned(banned)?);
    }
    assert!(server.rban().status()?["daemon"].is_null());
    Ok(())
}

#[test]
fn bans_can_be_lifted_by_hand_after_a_kill() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    server.daemon().kill9()?;
    server.rban().unban("192.0.2.7")?;
    server.world.check_flows("192.0.2.7")
}

#[test]
fn sigterm_ends_the_daemon_at_once_and_leaves_bans() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    let took = server.daemon().terminate()?;
    assert!(took < Duration::from_secs(1), "took {took:?} to end");
    assert!(server.rban().is_banned("192.0.2.7")?);
    server.world.check_vanishes("192.0.2.7")?;
    server.world.check_flows("192.0.2.8")
}

#[test]
fn flush_on_exit_lifts_bans() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2", "--flush-on-exit"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    server.daemon().terminate()?;
    assert_eq!(server.rban().bans()?.len(), 0);
    server.world.check_flows("192.0.2.7")
}

#[test]
fn a_ban_of_the_daemon_ends_and_the_daemon_knows() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2", "--bantime", "2s"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    wait_for("the end of the ban", || Ok(!server.rban().is_banned("192.0.2.7")?))?;
    server.world.check_flows("192.0.2.7")?;
    wait_for("the daemon to count nobody as banned", || {
        Ok(server.rban().status()?["daemon"]["jails"][0]["currently_banned"] == 0)
    })?;
    let jail = &server.rban().status()?["daemon"]["jails"][0];
    assert_eq!(jail["total_banned"], 1, "{jail}");
    Ok(())
}
