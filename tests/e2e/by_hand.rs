//! What an admin asks of a daemon by hand, and what is left of it after a reboot.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use rban_tests::daemon::Daemon;

use crate::World;

/// A daemon that follows a log without lines.
fn started(world: &World) -> Result<Daemon> {
    let log = world.rban.dir().join("auth.log");
    fs::write(&log, "")?;
    Daemon::start(&world.rban, &log, &[])
}

#[test]
fn bans_by_hand_survive_a_reboot_and_lifted_ones_do_not() -> Result<()> {
    let world = World::new()?;
    let rban = &world.rban;
    let daemon = started(&world)?;
    rban.ban("192.0.2.7", &["--for", "1h", "--ports", "tcp/22,80"])?;
    rban.ban("2001:db8:1::/48", &[])?;
    rban.ban("192.0.2.9", &[])?;
    rban.unban("192.0.2.9")?;
    daemon.terminate()?;
    rban.detach()?; // as a reboot does, it takes all maps along
    let _daemon = started(&world)?;
    let ban = rban.ban_of("192.0.2.7")?.context("the first ban")?;
    assert_eq!(ban["ports"], json!("tcp/22,80"), "{ban}");
    ensure!(ban["expires_in"].as_f64().is_some_and(|left| left < 3_600.0), "{ban}");
    ensure!(rban.is_banned("2001:db8:1::/48")?, "the prefix");
    ensure!(!rban.is_banned("192.0.2.9")?, "who was unbanned");
    Ok(())
}

#[test]
fn a_daemon_is_asked_and_stopped_by_name() -> Result<()> {
    let world = World::new()?;
    let rban = &world.rban;
    ensure!(rban.refused(&["ping"])?.message.contains("no daemon answers"), "without a daemon");
    assert!(rban.json(&["version"])?["daemon"].is_null());
    let daemon = started(&world)?;
    assert_eq!(rban.json(&["ping"])?["pid"], json!(daemon.pid()));
    ensure!(rban.json(&["version"])?["daemon"].is_string());
    assert_eq!(rban.json(&["reload"])?, json!({ "reloaded": true }));
    let jails = &rban.status()?["daemon"]["jails"];
    ensure!(jails[0]["does"][0]["action"].is_string(), "what the jail does: {jails}");
    assert_eq!(rban.json(&["stop"])?, json!({ "stopped": true }));
    ensure!(rban.refused(&["stop"])?.message.contains("no daemon answers"), "after the end");
    Ok(())
}
