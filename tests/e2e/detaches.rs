//! Detaching restores all traffic and leaves nothing behind.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use rban_tests::net::{BPFFS, Host, IFACE};
use rban_tests::wait::wait_for;

use crate::{BANNED, Guarded, World};

/// The XDP program on an interface, as the kernel tells it.
fn xdp_program(host: &Host, iface: &str) -> Result<Value> {
    let output = host.command("ip").args(["-j", "-d", "link", "show", "dev", iface]).output()?;
    let links: Value = serde_json::from_slice(&output.stdout).context("ip -j link show")?;
    Ok(links[0]["xdp"].clone())
}

#[test]
fn detaching_restores_traffic_and_leaves_no_pin() -> Result<()> {
    let (world, _echo) = World::attached()?;
    ensure!(!xdp_program(&world.net.server, IFACE)?.is_null(), "not attached");
    for source in BANNED {
        world.rban.ban(source, &[])?;
        world.check_vanishes(source)?;
    }
    let answer = world.rban.detach()?;
    assert_eq!(answer, serde_json::json!({ "interface": IFACE, "detached": true }));
    for source in BANNED {
        world.check_flows(source)?;
    }
    ensure!(xdp_program(&world.net.server, IFACE)?.is_null(), "still attached");
    ensure!(!world.rban.bpffs().exists(), "pins are left in {}", world.rban.bpffs().display());
    Ok(())
}

#[test]
fn nobody_is_banned_after_detaching_and_attaching() -> Result<()> {
    let (world, _echo) = World::attached()?;
    world.rban.ban("192.0.2.7", &[])?;
    world.rban.detach()?;
    let answer = world.rban.attach()?;
    assert_eq!(answer["replaced"], false, "{answer}");
    assert_eq!(world.rban.bans()?.len(), 0);
    world.check_flows("192.0.2.7")
}

#[test]
fn the_pins_stay_until_the_last_interface_is_detached() -> Result<()> {
    let (world, _echo) = World::attached()?;
    let server = &world.net.server;
    server.ip("link add eth1 type veth peer name eth2")?;
    server.ip("link set eth1 up")?;
    let answer = world.rban.json(&["attach", "eth1"])?;
    assert_eq!((&answer["interface"], &answer["replaced"]), (&"eth1".into(), &false.into()));
    world.rban.ban("192.0.2.7", &[])?;
    let status = world.rban.status()?;
    assert_eq!(status["interfaces"].as_array().map(Vec::len), Some(2), "{status}");
    world.rban.json(&["detach", "eth1"])?;
    ensure!(xdp_program(server, "eth1")?.is_null(), "eth1 is still attached");
    ensure!(!xdp_program(server, IFACE)?.is_null(), "{IFACE} was detached too");
    world.check_vanishes("192.0.2.7")?;
    world.rban.detach()?;
    ensure!(!world.rban.bpffs().exists(), "pins are left");
    world.check_flows("192.0.2.7")
}

#[test]
fn an_interface_that_vanished_leaves_no_trouble() -> Result<()> {
    let (world, _echo) = World::attached()?;
    let server = &world.net.server;
    server.ip("link add eth1 type veth peer name eth2")?;
    world.rban.json(&["attach", "eth1"])?;
    server.ip("link del eth1")?;
    let status = world.rban.status()?;
    let interfaces = status["interfaces"].as_array().context("interfaces")?;
    let living = |i: &&Value| i["name"] == IFACE;
    ensure!(interfaces.iter().filter(living).count() == 1, "{status}");
    world.rban.detach()?;
    ensure!(!world.rban.bpffs().exists(), "the pin of the vanished interface keeps the rest");
    Ok(())
}

#[test]
fn the_daemon_guards_several_interfaces() -> Result<()> {
    let world = World::new()?;
    world.net.server.ip("link add eth1 type veth peer name eth2")?;
    let server = world.guarded(
        rban_tests::sshd::Dates::Iso,
        rban_tests::sshd::Pam::No,
        &["--iface", "eth1"],
    )?;
    let host = &server.world.net.server;
    for iface in [IFACE, "eth1"] {
        ensure!(!xdp_program(host, iface)?.is_null(), "{iface} is not attached");
    }
    Ok(())
}

#[test]
fn rban_detach_after_the_daemon_has_ended_cleans_up() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    server.daemon().terminate()?;
    ensure!(server.rban().bpffs().exists(), "the dropper did not outlive the daemon");
    server.rban().detach()?;
    ensure!(!server.rban().bpffs().exists(), "pins are left");
    ensure!(!server.rban().socket().exists(), "the socket is left");
    server.fail("192.0.2.7", 1)
}

#[test]
fn a_link_that_someone_unpinned_detaches() -> Result<()> {
    // Not by rban's hand, but how the harness cleans up after tests that failed.
    let world = World::new()?;
    world.rban.attach()?;
    ensure!(world.rban.bpffs().starts_with(BPFFS));
    fs::remove_dir_all(world.rban.bpffs())?;
    wait_for("the kernel to detach", || Ok(xdp_program(&world.net.server, IFACE)?.is_null()))?;
    Ok(())
}
