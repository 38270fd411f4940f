//! Native where the driver can, generic where it cannot, and never a secret which.

use anyhow::{Context, Result, ensure};

use rban_tests::net::IFACE;
use rban_tests::traffic::Echo;

use crate::{BANNED, INNOCENT, World};

/// An interface that is up and whose driver knows no XDP.
const NO_XDP: &str = "br0";

fn with_bridge() -> Result<World> {
    let world = World::new()?;
    world.net.server.ip(&format!("link add {NO_XDP} type bridge"))?;
    world.net.server.ip(&format!("link set {NO_XDP} up"))?;
    Ok(world)
}

#[test]
fn auto_is_native_where_the_driver_can() -> Result<()> {
    let world = World::new()?;
    let answer = world.rban.attach()?;
    assert_eq!((&answer["interface"], &answer["mode"]), (&IFACE.into(), &"native".into()));
    assert!(answer["ifindex"].as_u64().is_some_and(|i| i > 0), "{answer}");
    let status = world.rban.status()?;
    let interface = &status["interfaces"][0];
    assert_eq!(interface["name"], IFACE, "{status}");
    assert_eq!(interface["mode"], "native", "{status}");
    for id in ["prog_id", "link_id", "ifindex"] {
        assert!(interface[id].as_u64().is_some_and(|id| id > 0), "{id}: {status}");
    }
    assert!(interface["frags"].is_boolean(), "{status}");
    Ok(())
}

#[test]
fn generic_drops_as_well() -> Result<()> {
    let world = World::new()?;
    let answer =
        world.rban.json(&["attach", IFACE, "--mode", "generic", "--max-bans-v4", "1024"])?;
    assert_eq!(answer["mode"], "generic");
    let _echo = Echo::start(&world.net.server)?;
    for (banned, innocent) in BANNED.into_iter().zip(INNOCENT) {
        world.rban.ban(banned, &[])?;
        world.check_vanishes(banned)?;
        world.check_flows(innocent)?;
    }
    Ok(())
}

#[test]
fn native_where_the_driver_cannot_is_refused() -> Result<()> {
    let world = with_bridge()?;
    let refused = world.rban.refused(&["attach", NO_XDP, "--mode", "native"])?;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.message.contains(NO_XDP), "{refused:?}");
    assert!(refused.message.contains("generic"), "what to do instead: {refused:?}");
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    Ok(())
}

#[test]
fn auto_falls_back_to_generic_and_says_so() -> Result<()> {
    let world = with_bridge()?;
    let output = world.rban.command(&["attach", NO_XDP, "--max-bans-v4", "1024"]).output()?;
    ensure!(output.status.success(), "{output:?}");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).context("text")?;
    assert!(said.contains("generic") && said.contains("native"), "not said aloud: {said:?}");
    assert_eq!(world.rban.status()?["interfaces"][0]["mode"], "generic");
    Ok(())
}
