//! Nobody locks himself out: own addresses and gateways are allowed before the first ban.

use anyhow::{Context, Result, ensure};

use rban_tests::daemon::Daemon;
use rban_tests::traffic::Echo;

use crate::World;

const GATEWAYS: [&str; 2] = ["192.0.2.254", "2001:db8::fe"];

/// A server with gateways, whose addresses the client has, so that their packets can be told apart.
fn routed() -> Result<(World, Echo)> {
    let world = World::new()?;
    for gateway in GATEWAYS {
        world.net.client.add_addr(gateway.parse()?)?;
        world.net.server.ip(&format!("route add default via {gateway}"))?;
    }
    let echo = Echo::start(&world.net.server)?;
    Ok((world, echo))
}

/// Whatever is banned, these keep their traffic; and `rban why` says for what reason.
fn check_allowed(world: &World) -> Result<()> {
    for gateway in GATEWAYS {
        // Refusing is as good as banning without effect.
        drop(world.rban.ban(gateway, &[]));
        world.check_flows(gateway)?;
        let why = world.rban.why(gateway.parse()?)?;
        ensure!(why["dropped"] == false, "{why}");
        ensure!(why["allowed_by"].is_string(), "{why}");
    }
    for net in ["192.0.2.0/24", "2001:db8::/64"] {
        world.rban.ban(net, &[])?;
    }
    for gateway in GATEWAYS {
        world.check_flows(gateway)?;
    }
    for source in ["192.0.2.7", "2001:db8::7"] {
        world.check_vanishes(source)?;
    }
    Ok(())
}

#[test]
fn gateways_are_allowed_once_attached() -> Result<()> {
    let (world, _echo) = routed()?;
    world.rban.attach()?;
    check_allowed(&world)
}

#[test]
fn gateways_are_allowed_by_the_daemon() -> Result<()> {
    let (world, _echo) = routed()?;
    let log = world.rban.dir().join("empty.log");
    std::fs::write(&log, "")?;
    let _daemon = Daemon::start(&world.rban, &log, &[])?;
    check_allowed(&world)
}

#[test]
fn own_addresses_and_loopback_are_allowed() -> Result<()> {
    let (world, _echo) = routed()?;
    world.rban.attach()?;
    let server = &world.net.server;
    for own in [server.v4(), server.v6(), "127.0.0.1".parse()?, "::1".parse()?] {
        drop(world.rban.ban(own, &[]));
        let why = world.rban.why(own)?;
        ensure!(why["dropped"] == false, "{why}");
        why["allowed_by"].as_str().with_context(|| format!("not allowed: {why}"))?;
    }
    Ok(())
}

#[test]
fn a_packet_that_claims_an_own_address_is_not_dropped() -> Result<()> {
    let (world, _echo) = routed()?;
    world.rban.attach()?;
    drop(world.rban.ban(world.net.server.v4(), &[]));
    drop(world.rban.ban("0.0.0.0/0", &[]));
    let xdp = rban_tests::xdp::Dropper::open(world.rban.bpffs())?;
    for own in ["192.0.2.1", "127.0.0.1", "127.1.2.3"] {
        ensure!(!xdp.is_dropped(&rban_tests::packet::Packet::from(own).bytes())?, "{own}");
    }
    ensure!(xdp.is_dropped(&rban_tests::packet::Packet::from("198.51.100.1").bytes())?);
    Ok(())
}
