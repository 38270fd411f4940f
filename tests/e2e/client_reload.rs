//! Reading the configuration again, starting and stopping: what stays, what changes, what is refused.

use std::fs;

use anyhow::{Context, Result, ensure};
use rban_tests::wait::wait_for;
use rustix::process::{Pid, Signal, kill_process};

use crate::client_world::{JAILS, NAMES, Servers};

/// All that a client can be told of the jails.
const ALL: [&str; 16] = [
    "status",
    "status door",
    "status gate",
    "status hatch",
    "get door banip --with-time",
    "get gate banip --with-time",
    "get door maxretry",
    "get gate maxretry",
    "get gate bantime",
    "get gate ignoreip",
    "get gate failregex",
    "get gate logpath",
    "get hatch logpath",
    "get door actions",
    "get gate action tell actionban",
    "get loglevel",
];

/// With two banned by `door`, and one who failed once there and twice at `gate`.
fn with_bans() -> Result<Servers> {
    let servers = Servers::start(JAILS)?;
    servers.write("door.log", &["knock from 192.0.2.50"; 3], "door", 3)?;
    servers.write("door.log", &["knock from 192.0.2.52"], "door", 4)?;
    servers.write("gate.log", &["root refused at 192.0.2.52"; 2], "gate", 2)?;
    servers.wait_for("status door", "Currently banned:\t1\n")?;
    servers.compare(&["set door banip 2001:db8::50", "status door", "status gate"], &[])?;
    Ok(servers)
}

fn configure(servers: &Servers, jails: &str) -> Result<()> {
    (0..NAMES.len()).try_for_each(|at| servers.configure(at, jails))
}

#[test]
fn a_reload_changes_what_changed_and_keeps_the_rest() -> Result<()> {
    let servers = with_bans()?;
    servers.compare(&["reload"], &[])?;
    servers.compare(&ALL, &[])?;
    let changed = JAILS
        .replace("maxretry = 5", "maxretry = 4\nbantime = 1200")
        .replace("203.0.113.9 ", "")
        .replace("          LOGS/gate2.log\n", "")
        .replace("mode=wide", "mode=narrow")
        .replace("enabled = false\n", "enabled = true\n");
    configure(&servers, &changed)?;
    servers.compare(&["reload"], &[])?;
    servers.compare(&ALL, &[])?;
    // Lines are read once, and failures from before still count.
    servers.write("gate.log", &["root refused at 192.0.2.52"; 2], "gate", 4)?;
    servers.wait_for("status gate", "Currently banned:\t1\n")?;
    servers.write("door.log", &["knock from 192.0.2.52"; 2], "door", 6)?;
    servers.wait_for("status door", "Banned IP list:\t192.0.2.50 2001:db8::50 192.0.2.52\n")?;
    servers.compare(&["get gate banip --with-time", "banned"], &[])?;
    configure(&servers, JAILS)?;
    servers.compare(&["reload"], &[])?;
    servers.compare(&["status", "get gate banned", "get gate logpath"], &[])
}

#[test]
fn a_reload_of_one_jail_leaves_the_others() -> Result<()> {
    let servers = with_bans()?;
    let changed = JAILS
        .replace("maxretry = 3", "maxretry = 7")
        .replace("enabled = false\n", "enabled = true\n");
    configure(&servers, &changed)?;
    servers.compare(
        &[
            "reload nowhere",
            "reload --if-exists nowhere",
            "reload door gate",
            "reload --nonsense",
            "reload door",
            "get door maxretry",
            "status door",
            "status hatch",
            "reload hatch",
            "status",
            "reload --unban door",
            "status door",
            "get door banned",
            "set door banip 192.0.2.60",
            "reload --restart --unban door",
            "get door banned",
            "restart nowhere",
            "restart --if-exists nowhere",
        ],
        &[],
    )?;
    servers.compare(&["set door banip 192.0.2.60", "set gate banip 192.0.2.61"], &[])?;
    for restart in
        ["restart door", "reload --restart gate", "reload --restart --all", "restart --unban gate"]
    {
        servers.compare(&[restart], &[])?;
        servers.wait_for("get door banned", "['192.0.2.60']")?;
        let of_gate = if restart.contains("unban") { "[]" } else { "['192.0.2.61']" };
        servers.wait_for("get gate banned", of_gate)?;
    }
    servers.compare(&["reload --unban --all", "get door banned", "get gate banned", "status"], &[])
}

#[test]
fn a_broken_configuration_is_refused_while_the_old_one_runs_on() -> Result<()> {
    let servers = with_bans()?;
    let broken = [
        JAILS.replace("maxretry = 5", "maxretry = 5\nfailregex = ^ (refused at <HOST>$"),
        JAILS.replace("maxretry = 5", "maxretry = 6\nfindtime = soon"),
        JAILS.replace("gate[mode=wide]", "nowhere"),
        JAILS.replace("[gate]", "[gate"),
    ];
    for jails in broken {
        configure(&servers, &jails)?;
        for at in [1, 2] {
            for words in ["reload", "reload gate", "reload --restart --all"] {
                let said = servers.ask_one(at, words)?;
                ensure!(said.code == Some(255), "{} {words}: {said:?}\n{jails}", NAMES[at]);
            }
            let status = servers.ask_one(at, "status")?.stdout;
            ensure!(status.contains("door, gate"), "{status}");
            let maxretry = servers.ask_one(at, "get gate maxretry")?.stdout;
            ensure!(maxretry == "5\n", "{maxretry}");
        }
        for at in [1, 2] {
            let before = refusals(&servers, at)?;
            hang_up(servers.daemons[at - 1].pid())?;
            wait_for("the refusal of a broken configuration", || {
                Ok(refusals(&servers, at)? > before)
            })?;
        }
    }
    servers.append("door.log", &["knock from 192.0.2.52"; 2])?;
    [1, 2].into_iter().try_for_each(|at| {
        servers.wait_for_one(at, "status door", "Total failed:\t6\n")?;
        servers.wait_for_one(at, "status door", "Currently banned:\t3\n")
    })
}

#[test]
fn sighup_is_a_reload() -> Result<()> {
    let servers = with_bans()?;
    let changed = JAILS
        .replace("maxretry = 5", "maxretry = 4")
        .replace("enabled = false\n", "enabled = true\n");
    configure(&servers, &changed)?;
    servers.daemons.iter().try_for_each(|daemon| hang_up(daemon.pid()))?;
    for at in [1, 2] {
        servers.wait_for_one(at, "get gate maxretry", "4\n")?;
        servers.wait_for_one(at, "status", "door, gate, hatch\n")?;
    }
    servers.compare(&["reload"], &[])?;
    servers.compare(&ALL, &[])?;
    servers.write("gate.log", &["root refused at 192.0.2.52"; 2], "gate", 4)?;
    servers.wait_for("get gate banned", "['192.0.2.52']")
}

#[test]
fn the_end_of_a_server() -> Result<()> {
    let mut servers = with_bans()?;
    servers.compare(&["start", "stop"], &[])?;
    wait_for("all to be gone", || {
        let sockets = [1, 2].map(|at| servers.rbans[at - 1].socket());
        Ok(!sockets.iter().any(|socket| socket.exists())
            && !servers.directory(0).join("sock").exists())
    })?;
    let asked = ["ping", "status", "stop", "reload", "get door banned", "restart door"];
    servers.compare(&asked, &[])?;
    servers.daemons.clear();
    servers.fail2ban = None;
    servers.start_again()?;
    servers.wait_for("get door banned", "'192.0.2.50'")?;
    servers.compare(&["ping", "status", "get door banned"], &[])?;
    for daemon in std::mem::take(&mut servers.daemons) {
        daemon.kill9()?;
    }
    servers.fail2ban.take().context("it runs")?.kill9()?;
    ensure!(servers.rbans[0].socket().exists(), "nobody removes it after kill -9");
    servers.compare(&asked, &[])?;
    servers.start_again()?;
    servers.wait_for("get door banned", "'192.0.2.50'")?;
    servers.compare(&["ping", "status"], &[])?;
    let log = fs::read_to_string(servers.directory(1).join("fail2ban.log")).unwrap_or_default();
    ensure!(!log.contains("ERROR"), "{log}");
    Ok(())
}

fn refusals(servers: &Servers, at: usize) -> Result<usize> {
    Ok(servers.our_log(at)?.matches("the former configuration stays").count())
}

fn hang_up(pid: u32) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("a process id")?;
    Ok(kill_process(pid, Signal::HUP)?)
}
