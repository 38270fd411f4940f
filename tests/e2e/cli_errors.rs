//! What cannot be done is said in one clear line, and nothing is half-done.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rban_common::abi::NETS_ENTRIES;

use rban_tests::binary::object;
use rban_tests::daemon::{Daemon, Rban, refused};
use rban_tests::net::{BPFFS, IFACE, path, said, unique_bpffs_dir};

use crate::World;

fn attached() -> Result<World> {
    let world = World::new()?;
    world.rban.attach()?;
    Ok(world)
}

/// Refused, with each of these words in the message.
#[track_caller]
fn check(rban: &Rban, args: &[&str], words: &[&str]) {
    match rban.refused(args) {
        Ok(refused) => check_words(&refused.message, words),
        Err(error) => panic!("{error:#}"),
    }
}

#[track_caller]
fn check_words(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
}

#[test]
fn a_malformed_address_is_named_and_nothing_is_banned() -> Result<()> {
    let world = attached()?;
    for bad in
        ["192.0.2.256", "192.0.2", "192.0.2.1/33", "2001:db8::/129", "example.com", "1.2.3.4.5", ""]
    {
        check(&world.rban, &["ban", "198.51.100.1", bad], &[bad]);
        check(&world.rban, &["unban", bad], &[bad]);
        check(&world.rban, &["why", bad], &[bad]);
    }
    assert_eq!(world.rban.bans()?.len(), 0, "half-done");
    Ok(())
}

#[test]
fn a_malformed_line_of_a_file_is_named_by_its_number() -> Result<()> {
    let world = attached()?;
    let file = world.rban.dir().join("list");
    fs::write(&file, "198.51.100.1\n# comment\nnonsense\n")?;
    check(&world.rban, &["ban", "--file", file.to_str().context("text")?], &["nonsense", "3"]);
    assert_eq!(world.rban.bans()?.len(), 0, "half-done");
    check(&world.rban, &["ban", "--file", "/nonexistent"], &["/nonexistent"]);
    Ok(())
}

#[test]
fn malformed_options_are_refused() -> Result<()> {
    let world = attached()?;
    for options in [
        ["--for", "10x"],
        ["--for", "-5"],
        ["--for", ""],
        ["--ports", "22x"],
        ["--ports", "tcp/65536"],
        ["--ports", "icmp/1"],
        ["--ports", ""],
    ] {
        let refused = world.rban.refused(&[&["ban", "192.0.2.7"], &options[..]].concat())?;
        check_words(&refused.message, &[options[1]]);
    }
    let refused = world.rban.refused(&["attach", IFACE, "--mode", "offload"])?;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(world.rban.refused(&["ban"])?.code, 2, "nobody to ban is bad usage");
    assert_eq!(world.rban.refused(&["unbann"])?.code, 2);
    assert_eq!(world.rban.bans()?.len(), 0, "half-done");
    Ok(())
}

#[test]
fn an_interface_that_does_not_exist_is_named() -> Result<()> {
    let world = World::new()?;
    check(&world.rban, &["attach", "eth9"], &["eth9"]);
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    let log = world.rban.dir().join("log");
    fs::write(&log, "")?;
    check(
        &world.rban,
        &["run", "--iface", "eth9", "--log", log.to_str().context("text")?],
        &["eth9"],
    );
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    ensure!(!world.rban.socket().exists(), "half-done: the socket is left");
    world.rban.attach()?;
    check(&world.rban, &["detach", "eth9"], &["eth9"]);
    check(&world.rban, &["detach", "lo"], &["lo"]);
    Ok(())
}

#[test]
fn what_needs_an_attached_dropper_says_so() -> Result<()> {
    let world = World::new()?;
    for args in [
        &["ban", "192.0.2.7"][..],
        &["unban", "192.0.2.7"],
        &["bans"],
        &["panic", "on"],
        &["detach", IFACE],
    ] {
        check(&world.rban, args, &["attach"]);
    }
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    Ok(())
}

#[test]
fn who_is_not_root_is_told_so() -> Result<()> {
    let world = World::new()?;
    // A copy that everybody may run, wherever the build lies. Not made by this process: a child that another test forks
    // meanwhile would hold it open for writing, and then nobody can run it.
    let copy = world.rban.dir().join("rban");
    let copied = Command::new("cp").arg(world.rban.program()).arg(&copy).status()?;
    ensure!(copied.success(), "cp failed: {copied}");
    fs::set_permissions(world.rban.dir(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let as_nobody = |args: &[&str]| {
        let mut command = world.net.server.command("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&copy);
        command.args(args).arg("--bpffs").arg(world.rban.bpffs());
        command.arg("--socket").arg(world.rban.socket());
        refused(command)
    };
    check_words(&as_nobody(&["attach", IFACE])?.message, &["root"]);
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    world.rban.attach()?;
    for args in
        [&["ban", "192.0.2.7"][..], &["bans"], &["status"], &["panic", "on"], &["detach", IFACE]]
    {
        check_words(&as_nobody(args)?.message, &["root"]);
    }
    Ok(())
}

#[test]
fn a_directory_that_is_no_bpffs_is_named() -> Result<()> {
    let world = World::new()?;
    let dir = world.rban.dir().join("pins");
    let mut command = world.net.server.command(world.rban.program());
    command.args(["attach", IFACE, "--bpffs"]).arg(&dir);
    let refused = refused(command)?;
    assert_eq!(refused.code, 1, "{refused:?}");
    check_words(&refused.message, &[dir.to_str().context("text")?, "bpf"]);
    Ok(())
}

#[test]
fn without_bpffs_it_is_mounted_or_asked_for() -> Result<()> {
    // In a mount namespace of its own, where /sys/fs/bpf is an empty directory.
    let world = World::new()?;
    let mut command = world.net.server.command("unshare");
    let script = r#"umount /sys/fs/bpf && shift && exec "$0" "$@""#;
    let program = world.rban.program();
    command.args(["--mount", "--", "sh", "-ec", script]).arg(program).arg("--");
    command.args(["attach", IFACE, "--max-bans-v4", "1024"]);
    command.arg("--bpffs").arg(world.rban.bpffs());
    let output = command.output()?;
    if !output.status.success() {
        let message = String::from_utf8(output.stderr)?;
        assert_eq!(message.lines().count(), 1, "{message}");
        check_words(&message, &["rban: ", BPFFS, "mount"]);
    }
    Ok(())
}

#[test]
fn a_foreign_program_is_named_and_left_in_place() -> Result<()> {
    let world = World::new()?;
    let host = &world.net.server;
    let pins = Foreign::attach(&world)?;
    let id = pins.id()?;
    check(&world.rban, &["attach", IFACE], &[IFACE, &id.to_string()]);
    check(&world.rban, &["attach", IFACE, "--mode", "generic"], &[IFACE, &id.to_string()]);
    let log = world.rban.dir().join("log");
    fs::write(&log, "")?;
    let log = log.to_str().context("text")?;
    check(&world.rban, &["run", "--iface", IFACE, "--log", log], &[IFACE, &id.to_string()]);
    let shown = host.command("ip").args(["link", "show", "dev", IFACE]).output()?;
    let shown = String::from_utf8(shown.stdout)?;
    ensure!(shown.contains(&format!("prog/xdp id {id}")), "displaced: {shown}");
    ensure!(!world.rban.bpffs().exists(), "half-done: pins are left");
    Ok(())
}

/// Somebody else's XDP program on the server's interface; for want of another object, rban's own under another name.
struct Foreign {
    dir: std::path::PathBuf,
}

impl Foreign {
    fn attach(world: &World) -> Result<Self> {
        let foreign = Self { dir: unique_bpffs_dir() };
        fs::create_dir(&foreign.dir)?;
        let pin = foreign.dir.join("foreign");
        let mut load = Command::new("bpftool");
        load.env("PATH", path())
            .args(["prog", "load"])
            .arg(object()?)
            .arg(&pin)
            .args(["type", "xdp"]);
        let output = load.output().context("running bpftool (package bpftool)")?;
        ensure!(output.status.success(), "bpftool prog load: {}", said(&output));
        let mut attach = world.net.server.command("bpftool");
        attach.args(["net", "attach", "xdp", "pinned"]).arg(&pin).args(["dev", IFACE]);
        let output = attach.output()?;
        ensure!(output.status.success(), "bpftool net attach: {}", said(&output));
        Ok(foreign)
    }

    fn id(&self) -> Result<u64> {
        let mut show = Command::new("bpftool");
        show.env("PATH", path()).args(["-j", "prog", "show", "pinned"]);
        let output = show.arg(self.dir.join("foreign")).output()?;
        let program: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        program["id"].as_u64().context("an id")
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.dir));
    }
}

#[test]
fn more_prefixes_than_the_map_holds_are_refused_and_none_is_banned() -> Result<()> {
    let world = attached()?;
    let file = world.rban.dir().join("list");
    let prefix = |nth: u32| format!("{}/31\n", Ipv4Addr::from_bits(nth * 2 + (10 << 24)));
    let mut list: String = (0..=NETS_ENTRIES as u32).map(prefix).collect();
    list.push_str("198.51.100.1\n");
    fs::write(&file, list)?;
    let file = file.to_str().context("text")?;
    check(&world.rban, &["ban", "--file", file], &["IPv4 prefixes", &NETS_ENTRIES.to_string()]);
    assert_eq!(world.rban.bans()?.len(), 0, "half-done");
    Ok(())
}

#[test]
fn a_directory_with_a_dot_is_explained() -> Result<()> {
    let world = World::new()?;
    let mut command = world.net.server.command(world.rban.program());
    command.args(["attach", IFACE, "--bpffs", "/sys/fs/bpf/rban.test"]);
    check_words(&refused(command)?.message, &["/sys/fs/bpf/rban.test", "dots"]);
    Ok(())
}

#[test]
fn the_ban_over_the_limit_is_refused_and_the_others_stay() -> Result<()> {
    let world = World::new()?;
    world.rban.json(&["attach", IFACE, "--max-bans-v4", "4", "--max-bans-v6", "2"])?;
    let v4: Vec<_> = (1..=4).map(|i| format!("198.51.100.{i}")).collect();
    for addr in &v4 {
        world.rban.ban(addr, &[])?;
    }
    check(&world.rban, &["ban", "198.51.100.5"], &["4"]);
    for addr in &v4 {
        ensure!(world.rban.is_banned(addr)?, "{addr} was displaced");
    }
    ensure!(!world.rban.is_banned("198.51.100.5")?);
    // Another end for one that is there needs no room.
    world.rban.ban(&v4[0], &["--for", "1h"])?;
    world.rban.json(&["ban", "2001:db8::1:1", "2001:db8::1:2"])?;
    check(&world.rban, &["ban", "2001:db8::1:3"], &["2"]);
    world.rban.unban(&v4[1])?;
    world.rban.ban("198.51.100.5", &[])?;
    assert_eq!(world.rban.bans()?.len(), 6);
    Ok(())
}

#[test]
fn too_many_at_once_are_refused_as_a_whole() -> Result<()> {
    let world = World::new()?;
    world.rban.json(&["attach", IFACE, "--max-bans-v4", "4", "--max-bans-v6", "2"])?;
    let all: Vec<_> = (1..=5).map(|i| format!("198.51.100.{i}")).collect();
    let args: Vec<&str> = std::iter::once("ban").chain(all.iter().map(String::as_str)).collect();
    check(&world.rban, &args, &["4"]);
    assert_eq!(world.rban.bans()?.len(), 0, "half-done");
    Ok(())
}

#[test]
fn pins_of_another_layout_are_refused_and_left_alone() -> Result<()> {
    let world = attached()?;
    let mut xdp = rban_tests::xdp::Dropper::open(world.rban.bpffs())?;
    world.rban.ban("192.0.2.7", &[])?;
    xdp.set(|settings| settings.abi = 4711)?;
    check(&world.rban, &["ban", "192.0.2.9"], &["4711"]);
    check(&world.rban, &["bans"], &["4711"]);
    ensure!(xdp.entry("192.0.2.9").is_err(), "written all the same");
    ensure!(xdp.entry("192.0.2.7").is_ok());
    Ok(())
}

#[test]
fn a_missing_log_is_named_and_waited_for() -> Result<()> {
    let world = World::new()?;
    let log = world.rban.dir().join("auth.log");
    let daemon = Daemon::start(&world.rban, &log, &["--maxretry", "1"])?;
    let warning = format!("log is missing; waiting for it (path={})", log.display());
    check_words(&daemon.said()?, &["WARN", &warning]);
    fs::write(
        &log,
        "2026-11-21T10:00:00.000000+00:00 host sshd[1]: Server listening on :: port 22.\n",
    )?;
    Ok(())
}
