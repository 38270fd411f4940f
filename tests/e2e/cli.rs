//! The commands, without a daemon.

use std::process::Stdio;
use std::{fs, io::Write};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use rban_tests::daemon::Rban;
use rban_tests::net::IFACE;
use rban_tests::wait::wait_for;

use crate::{BANNED, INNOCENT, World};

fn attached() -> Result<World> {
    let world = World::new()?;
    world.rban.attach()?;
    Ok(world)
}

fn expires_in(rban: &Rban, offender: &str) -> Result<Option<f64>> {
    let ban = rban.ban_of(offender)?.with_context(|| format!("{offender} is not banned"))?;
    Ok(ban["expires_in"].as_f64())
}

#[test]
fn ban_and_unban_every_kind_of_offender() -> Result<()> {
    let world = attached()?;
    let rban = &world.rban;
    for offender in ["192.0.2.7", "2001:db8::7", "198.51.100.0/24", "2001:db8:1::/48"] {
        assert_eq!(rban.ban(offender, &[])?["banned"], json!([offender]));
        let ban = rban.ban_of(offender)?.context("listed")?;
        assert_eq!((&ban["ports"], &ban["dropped"]), (&"all".into(), &0.into()), "{ban}");
        for absent in ["jail", "expires_in", "until", "last_drop"] {
            assert!(ban[absent].is_null(), "{absent}: {ban}");
        }
    }
    let bans = &rban.status()?["bans"];
    assert_eq!(*bans, json!({ "v4": 1, "v6": 1, "nets_v4": 1, "nets_v6": 1 }));
    for offender in ["192.0.2.7", "2001:db8::7", "198.51.100.0/24", "2001:db8:1::/48"] {
        assert_eq!(rban.unban(offender)?, json!({ "unbanned": [offender], "absent": [] }));
        assert_eq!(rban.unban(offender)?, json!({ "unbanned": [], "absent": [offender] }));
    }
    assert_eq!(rban.bans()?.len(), 0);
    Ok(())
}

#[test]
fn an_offender_has_one_name_however_it_is_written() -> Result<()> {
    let world = attached()?;
    for (written, name) in [
        ("192.0.2.7/32", "192.0.2.7"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:0DB8:0::7", "2001:db8::7"),
        ("198.51.100.77/24", "198.51.100.0/24"),
        ("2001:db8:1::ffff/48", "2001:db8:1::/48"),
    ] {
        assert_eq!(world.rban.ban(written, &[])?["banned"], json!([name]));
        ensure!(world.rban.is_banned(name)?, "{name}");
        assert_eq!(world.rban.unban(written)?["unbanned"], json!([name]));
    }
    Ok(())
}

#[test]
fn a_ban_may_last_for_a_while() -> Result<()> {
    let world = attached()?;
    for (lasts, seconds) in [("90", 90.0), ("10m", 600.0), ("2h", 7200.0), ("1d", 86_400.0)] {
        world.rban.ban("192.0.2.7", &["--for", lasts])?;
        let left = expires_in(&world.rban, "192.0.2.7")?.context("an end")?;
        ensure!(left <= seconds && left > seconds - 5.0, "--for {lasts}: {left} left");
        let until = world.rban.ban_of("192.0.2.7")?.context("a ban")?["until"].clone();
        ensure!(until.as_str().is_some_and(|until| until.contains('T')), "{until}");
    }
    world.rban.ban("192.0.2.7", &[])?;
    ensure!(expires_in(&world.rban, "192.0.2.7")?.is_none(), "permanent without --for");
    Ok(())
}

#[test]
fn a_ban_that_ended_is_not_listed() -> Result<()> {
    let world = attached()?;
    for offender in ["192.0.2.7", "2001:db8::/64"] {
        world.rban.ban(offender, &["--for", "4s"])?;
    }
    ensure!(world.rban.bans()?.len() == 2);
    wait_for("the end of both", || Ok(world.rban.bans()?.is_empty()))?;
    let why = world.rban.why("192.0.2.7".parse()?)?;
    assert_eq!(why["dropped"], false, "{why}");
    Ok(())
}

#[test]
fn ports_are_shown_as_they_were_given() -> Result<()> {
    let world = attached()?;
    for ports in ["tcp/22", "tcp/22,80", "udp/53", "tcp/22,udp/53", "tcp/0,65535"] {
        world.rban.ban("192.0.2.7", &["--ports", ports])?;
        let ban = world.rban.ban_of("192.0.2.7")?.context("a ban")?;
        assert_eq!(ban["ports"], ports, "{ban}");
        world.rban.unban("192.0.2.7")?;
    }
    Ok(())
}

#[test]
fn many_at_once_from_arguments_a_file_and_stdin() -> Result<()> {
    let world = attached()?;
    let rban = &world.rban;
    let both = rban.json(&["ban", "192.0.2.7", "2001:db8::7"])?;
    assert_eq!(both["banned"], json!(BANNED));
    let file = rban.dir().join("list");
    fs::write(&file, "# a list\n\n198.51.100.1\n  198.51.100.2   # a comment\n2001:db8:2::/64\n")?;
    let path = file.to_str().context("text")?;
    let from_file = rban.json(&["ban", "--file", path])?;
    assert_eq!(from_file["banned"], json!(["198.51.100.1", "198.51.100.2", "2001:db8:2::/64"]));
    let mut stdin = rban.command(&["unban", "--file", "-", "--json"]);
    let mut child = stdin.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    child.stdin.take().context("a pipe")?.write_all(b"198.51.100.1\n198.51.100.9\n")?;
    let output = child.wait_with_output()?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(answer, json!({ "unbanned": ["198.51.100.1"], "absent": ["198.51.100.9"] }));
    assert_eq!(rban.bans()?.len(), 4);
    rban.json(&["unban", "--all"])?;
    assert_eq!(rban.bans()?.len(), 0);
    Ok(())
}

#[test]
fn status_counts_what_passes_and_what_is_dropped() -> Result<()> {
    let world = attached()?;
    let rban = &world.rban;
    rban.ban("192.0.2.7", &[])?;
    let (client, server) = (&world.net.client, world.net.server.v4());
    ensure!(client.ping(INNOCENT[0].parse()?, server, 3)?);
    ensure!(!client.ping(BANNED[0].parse()?, server, 3)?);
    let status = rban.status()?;
    assert_eq!(status["counters"]["drop"]["v4"]["packets"], 3, "{status}");
    // Three echo requests with 56 bytes of data: 98 bytes a frame.
    assert_eq!(status["counters"]["drop"]["v4"]["bytes"], 294, "{status}");
    ensure!(rban.packets("pass", "v4")? >= 3, "{status}");
    for verdict in
        ["drop", "pass", "monitored", "expired", "allowed", "out_of_scope", "unparsed", "panic"]
    {
        for family in ["other", "v4", "v6"] {
            rban.packets(verdict, family)?;
        }
    }
    assert_eq!((&status["abi"], &status["daemon"]), (&json!(1), &Value::Null), "{status}");
    assert_eq!(status["limits"], json!({ "v4": 1024, "v6": 1024 }), "{status}");
    Ok(())
}

#[test]
fn why_knows_exact_and_prefix_bans() -> Result<()> {
    let world = attached()?;
    let why = |addr: &str| world.rban.why(addr.parse()?);
    for (addr, net, free) in [
        ("192.0.2.7", "192.0.2.0/28", "198.51.100.1"),
        ("2001:db8::7", "2001:db8::/120", "2001:db8:9::1"),
    ] {
        let found = why(addr)?;
        assert_eq!((&found["address"], &found["dropped"]), (&addr.into(), &false.into()));
        world.rban.ban(net, &[])?;
        let found = why(addr)?;
        assert_eq!(found["dropped"], true, "{found}");
        assert_eq!(found["bans"][0]["offender"], net, "{found}");
        world.rban.ban(addr, &["--for", "1h"])?;
        let found = why(addr)?;
        assert_eq!(found["bans"].as_array().map(Vec::len), Some(2), "{found}");
        ensure!(found["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{found}");
        assert_eq!(why(free)?["dropped"], false);
    }
    Ok(())
}

#[test]
fn panic_stops_dropping_and_keeps_the_bans() -> Result<()> {
    let world = attached()?;
    let (client, server) = (&world.net.client, world.net.server.v4());
    let flows = || client.ping(client.v4(), server, 1);
    world.rban.ban("192.0.2.7", &[])?;
    ensure!(!flows()?);
    assert_eq!(world.rban.panic("on")?, json!({ "panic": true }));
    ensure!(flows()?);
    assert_eq!(world.rban.status()?["panic"], true);
    ensure!(world.rban.is_banned("192.0.2.7")?);
    ensure!(world.rban.why("192.0.2.7".parse()?)?["dropped"] == false);
    assert_eq!(world.rban.json(&["panic"])?, json!({ "panic": true }));
    assert_eq!(world.rban.panic("off")?, json!({ "panic": false }));
    ensure!(!flows()?);
    Ok(())
}

#[test]
fn monitor_drops_nothing_and_counts() -> Result<()> {
    let world = World::new()?;
    world.rban.json(&["attach", IFACE, "--max-bans-v4", "1024", "--monitor"])?;
    world.rban.ban("192.0.2.7", &[])?;
    ensure!(world.net.client.ping(BANNED[0].parse()?, world.net.server.v4(), 3)?);
    assert_eq!(world.rban.packets("monitored", "v4")?, 3);
    assert_eq!(world.rban.packets("drop", "v4")?, 0);
    assert_eq!(world.rban.status()?["monitor"], true);
    Ok(())
}

#[test]
fn what_people_read_names_what_matters() -> Result<()> {
    let world = attached()?;
    world.rban.ban("192.0.2.7", &["--for", "1h", "--ports", "tcp/22"])?;
    for (args, words) in [
        (&["bans"][..], &["192.0.2.7", "tcp/22"][..]),
        (&["status"], &["eth0", "native"]),
        (&["why", "192.0.2.7"], &["192.0.2.7", "tcp/22"]),
        (&["why", "192.0.2.1"], &["192.0.2.1", "allow"]),
    ] {
        let text = world.rban.run(args)?;
        for word in words {
            ensure!(text.contains(word), "rban {}: no {word} in:\n{text}", args.join(" "));
        }
    }
    Ok(())
}

#[test]
fn the_environment_may_name_pins_and_socket() -> Result<()> {
    let world = attached()?;
    world.rban.ban("192.0.2.7", &[])?;
    let mut command = world.net.server.command(world.rban.program());
    command.env("RBAN_BPFFS", world.rban.bpffs()).env("RBAN_SOCKET", world.rban.socket());
    let output = command.args(["bans", "--json"]).output()?;
    let bans: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(bans[0]["offender"], "192.0.2.7");
    Ok(())
}

#[test]
fn banning_again_keeps_the_count_of_drops() -> Result<()> {
    let world = attached()?;
    world.rban.ban("192.0.2.7", &["--for", "1h"])?;
    ensure!(!world.net.client.ping(BANNED[0].parse()?, world.net.server.v4(), 3)?);
    world.rban.ban("192.0.2.7", &["--for", "2h"])?;
    let ban = world.rban.ban_of("192.0.2.7")?.context("a ban")?;
    assert_eq!(ban["dropped"], 3, "{ban}");
    ensure!(ban["expires_in"].as_f64().is_some_and(|s| s > 7000.0), "{ban}");
    Ok(())
}

#[test]
fn attaching_twice_replaces_the_program_and_keeps_the_bans() -> Result<()> {
    let world = attached()?;
    world.rban.ban("192.0.2.7", &[])?;
    let before = world.rban.status()?["interfaces"][0]["link_id"].clone();
    let answer = world.rban.attach()?;
    assert_eq!(answer["replaced"], true, "{answer}");
    let status = world.rban.status()?;
    assert_eq!(status["interfaces"].as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(status["interfaces"][0]["link_id"], before, "the link is another one");
    ensure!(world.rban.is_banned("192.0.2.7")?);
    Ok(())
}
