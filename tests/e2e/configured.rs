//! The daemon, and `rban config`, on directories of configuration.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use rban_tests::daemon::{Daemon, Rban};
use rban_tests::traffic::{By, Echo};
use rban_tests::wait::wait_for;

use crate::{BANNED, INNOCENT, World};

/// A directory with a filter, an action that is no firewall's, and these jails; `LOG` in them is the path of a log.
fn directory(rban: &Rban, jails: &str) -> Result<(PathBuf, PathBuf)> {
    let (dir, log) = (rban.dir().join("conf"), rban.dir().join("log"));
    fs::create_dir_all(dir.join("filter.d"))?;
    fs::create_dir_all(dir.join("action.d"))?;
    fs::write(&log, "")?;
    fs::write(dir.join("filter.d/door.conf"), "[Definition]\nfailregex = ^ knock from <ADDR>$\n")?;
    fs::write(dir.join("action.d/tell.conf"), "[Definition]\nactionban = echo <ip>\n")?;
    let jails = jails.replace("LOG", log.to_str().context("a path that is no text")?);
    fs::write(dir.join("jail.conf"), jails)?;
    Ok((dir, log))
}

/// A jail for the port of an echo service.
const DOOR: &str = "[door]\nenabled = true\nfilter = door\nlogpath = LOG\nmaxretry = 2\n\
                    banaction = nftables\naction = xdp[port=7, protocol=tcp]\n";

fn knock(log: &Path, from: &str, times: usize) -> Result<()> {
    let line = format!("{} knock from {from}\n", now()?);
    Ok(fs::write(log, fs::read_to_string(log)? + &line.repeat(times))?)
}

fn now() -> Result<String> {
    let date = std::process::Command::new("date").arg("+%FT%T%:z").output()?;
    Ok(String::from_utf8(date.stdout)?.trim().to_owned())
}

#[test]
fn a_ban_covers_the_ports_of_its_jail() -> Result<()> {
    let world = World::new()?;
    let (dir, log) = directory(&world.rban, DOOR)?;
    let _daemon = Daemon::configured(&world.rban, &dir)?;
    let _echo = Echo::start(&world.net.server)?;
    let from: IpAddr = BANNED[0].parse()?;
    ensure!(world.answers(By::Tcp, from)?, "it should answer before");
    knock(&log, BANNED[0], 2)?;
    wait_for("the ban", || world.rban.is_banned(from))?;
    ensure!(!world.answers(By::Tcp, from)? && world.answers(By::Udp, from)?);
    world.check_flows(INNOCENT[0])
}

#[test]
fn what_was_written_within_findtime_before_the_start_counts() -> Result<()> {
    let world = World::new()?;
    let (dir, log) = directory(&world.rban, DOOR)?;
    knock(&log, BANNED[0], 2)?;
    let old = "2025-01-01T00:00:00+00:00 knock from 192.0.2.99\n".repeat(3);
    fs::write(&log, old + &fs::read_to_string(&log)?)?;
    let _daemon = Daemon::configured(&world.rban, &dir)?;
    wait_for("the ban", || world.rban.is_banned(BANNED[0]))?;
    ensure!(!world.rban.is_banned("192.0.2.99")?, "what is older than findtime is forgotten");
    Ok(())
}

#[test]
fn a_wrong_jail_does_not_take_the_others_down() -> Result<()> {
    let world = World::new()?;
    let wrong = "[gate]\nenabled = true\nfilter = nowhere\n\
                 [hatch]\nenabled = true\nfilter = door\nlogpath = LOG\nfindtime = soon\nmaxretry = 0\n";
    let (dir, log) = directory(&world.rban, &format!("{DOOR}{wrong}"))?;
    let _daemon = Daemon::configured(&world.rban, &dir)?;
    knock(&log, BANNED[0], 2)?;
    wait_for("the ban", || world.rban.is_banned(BANNED[0]))?;
    let conf = dir.join("jail.conf").display().to_string();
    let failed = &world.rban.status()?["daemon"]["failed"];
    let gate = "filter = nowhere: there is no filter nowhere; \
                make filter.d/nowhere.conf, or name one that is there";
    let findtime = "findtime = soon: not a time; write seconds (600) or a unit (10m, 2h, 1d)";
    let maxretry = "maxretry = 0: not a number from 1 to 4294967295; write digits only";
    assert_eq!(
        failed,
        &json!([
            { "name": "gate", "reasons": [format!("{conf}:10: {gate}")] },
            { "name": "hatch", "reasons": [format!("{conf}:15: {findtime}"), format!("{conf}:16: {maxretry}")] },
        ])
    );
    let text = world.rban.run(&["status"])?;
    ensure!(text.contains("gate does not run:") && text.contains(gate), "{text}");
    Ok(())
}

#[test]
fn with_wrong_jails_only_it_does_not_start() -> Result<()> {
    let world = World::new()?;
    let (dir, _) = directory(&world.rban, "[gate]\nenabled = true\nfilter = nowhere\n")?;
    let dir = dir.to_str().context("text")?;
    let refused = world.rban.refused(&["run", "--iface", "eth0", "-c", dir])?;
    ensure!(refused.code == 1 && refused.message.contains("no filter nowhere"), "{refused:?}");
    Ok(())
}

#[track_caller]
fn tested(world: &World, jails: &str, code: i32, words: &[&str]) -> Result<()> {
    let (dir, _) = directory(&world.rban, jails)?;
    let output =
        world.rban.command(&["config", "test", "-c", dir.to_str().context("text")?]).output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said)?;
    assert_eq!(output.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    Ok(())
}

#[test]
fn a_test_tells_what_is_wrong_where_and_what_to_write() -> Result<()> {
    let world = World::new()?;
    tested(&world, DOOR, 0, &["1 jails can be started: door"])?;
    tested(
        &world,
        &format!("{DOOR}bantime = 10x\n"),
        1,
        &["jail.conf:8: bantime = 10x: not a time"],
    )?;
    tested(&world, "[DEFAULT\n", 2, &["jail.conf:1: [DEFAULT: "])?;
    tested(
        &world,
        &format!("{DOOR}max_retry = 2\n"),
        0,
        &["jail.conf:8: max_retry = 2: nothing reads this option; write maxretry"],
    )?;
    tested(
        &world,
        &format!("{DOOR}failregex = knock (a+)+ from <HOST>\n"),
        0,
        &["takes the address from there; begin with ^", "takes fail2ban forever"],
    )?;
    tested(
        &world,
        &format!("{DOOR}failregex = (knock from <HOST>\n"),
        1,
        &["is not closed; write )"],
    )?;
    tested(&world, &format!("{DOOR}ignoreip = 10.0.0.0/8 ten.*\n"), 0, &["ten.*"])?;
    tested(&world, &format!("{DOOR}         smtp.py\n"), 0, &["not run; write sendmail-whois"])
}

#[test]
fn a_dump_tells_who_carries_out_which_action() -> Result<()> {
    let world = World::new()?;
    let jails = format!("{DOOR}         tell\n         xdp-allports[name=all]\n");
    let (dir, log) = directory(&world.rban, &jails)?;
    let dump = world.rban.run(&["config", "dump", "-c", dir.to_str().context("text")?])?;
    let dump: Value = serde_json::from_str(&dump)?;
    let jail = &dump["jails"][0];
    assert_eq!(jail["reads"]["logs"], json!([{ "path": log, "from": "head" }]));
    assert_eq!(jail["matches"]["failregex"], json!(["^ knock from <ADDR>$"]));
    let does = jail["does"].as_array().context("a list")?.iter();
    let does: Vec<Value> =
        does.map(|it| json!([it["action"], it["by"], it["why"], it["scope"]])).collect();
    assert_eq!(
        does,
        [
            json!(["xdp", "kernel", "it is rban's own", "tcp/7"]),
            json!(["tell", "commands", "it is no firewall action", null]),
            json!(["xdp-allports", "kernel", "it is rban's own", "all"]),
        ]
    );
    Ok(())
}
