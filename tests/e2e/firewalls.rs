//! `enforce = actions`: the stock firewall actions themselves, with the real iptables, ipset and nft.

use std::net::IpAddr;

use anyhow::{Result, ensure};

use rban_tests::doors::Doors;
use rban_tests::traffic::{By, Echo};
use rban_tests::wait::wait_for;

use crate::{BANNED, INNOCENT, World};

fn doors(world: &World, enforce: &str, action: &str) -> Result<Doors> {
    let jail = format!(
        "[door]\nenabled = true\nfilter = door\nlogpath = DIR/door.log\nmaxretry = 2\n\
         action = {action}[name=door, port=\"7,22\", protocol=tcp]\n"
    );
    let doors = Doors::new(&world.rban, &jail)?;
    doors.write("rban.conf", &format!("[Definition]\nenforce = {enforce}\n"))?;
    doors.write("door.log", "")?;
    Ok(doors)
}

/// What the host's firewall holds of ours.
fn rules(world: &World) -> Result<String> {
    let mut all = String::new();
    for command in ["iptables-save", "ip6tables-save", "ipset list", "nft list ruleset"] {
        let mut words = command.split(' ');
        let mut command = world.net.server.command(words.next().unwrap_or_default());
        let output = command.args(words).output()?;
        all += &String::from_utf8_lossy(&output.stdout);
    }
    Ok(all)
}

/// Bans both families by this action, lifts one by hand, and stops.
fn check(enforce: &str, action: &str) -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, enforce, action)?;
    let _echo = Echo::start(&world.net.server)?;
    let daemon = doors.start()?;
    for from in BANNED {
        ensure!(world.answers(By::Tcp, from.parse()?)?, "{from} should be answered before");
        doors.knock("door.log", from)?;
        doors.knock("door.log", from)?;
        let addr: IpAddr = from.parse()?;
        wait_for(&format!("{action} to stop {from}"), || Ok(!world.answers(By::Tcp, addr)?))?;
        ensure!(rules(&world)?.contains(from), "no rule names {from}");
    }
    // Of a ban of two ports, nothing else is stopped.
    ensure!(world.answers(By::Udp, BANNED[0].parse()?)?, "other protocols are stopped");
    INNOCENT.iter().try_for_each(|from| world.check_flows(from))?;
    world.rban.unban(BANNED[0])?;
    wait_for("the rule to go", || Ok(!rules(&world)?.contains(BANNED[0])))?;
    wait_for("the unbanned to be answered", || world.answers(By::Tcp, BANNED[0].parse()?))?;
    ensure!(!world.answers(By::Tcp, BANNED[1].parse()?)?, "the other ban went as well");
    daemon.terminate()?;
    let left = rules(&world)?;
    ensure!(!left.contains("f2b") && !left.contains(BANNED[1]), "left behind: {left}");
    Ok(())
}

#[test]
fn iptables_multiport() -> Result<()> {
    check("actions", "iptables-multiport")
}

#[test]
fn iptables_ipset() -> Result<()> {
    check("actions", "iptables-ipset-proto6")
}

#[test]
fn nftables_multiport() -> Result<()> {
    check("actions", "nftables-multiport")
}

#[test]
fn the_kernel_and_the_commands_both() -> Result<()> {
    check("both", "iptables-multiport")
}

#[test]
fn a_rule_that_somebody_took_away_is_made_again() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, "actions", "iptables-multiport")?;
    let _echo = Echo::start(&world.net.server)?;
    let _daemon = doors.start()?;
    let ban = |from: &str| -> Result<()> {
        doors.knock("door.log", from)?;
        doors.knock("door.log", from)?;
        let addr: IpAddr = from.parse()?;
        wait_for(&format!("{from} to be stopped"), || Ok(!world.answers(By::Tcp, addr)?))?;
        Ok(())
    };
    ban("192.0.2.7")?;
    for args in [["-F", "INPUT"], ["-F", "f2b-door"], ["-X", "f2b-door"]] {
        let status = world.net.server.command("iptables").arg("-w").args(args).status()?;
        ensure!(status.success(), "iptables {args:?}: {status}");
    }
    ensure!(world.answers(By::Tcp, "192.0.2.7".parse()?)?, "the rules were not taken away");
    ban("192.0.2.8")
}
