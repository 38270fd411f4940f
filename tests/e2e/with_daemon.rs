//! The commands while a daemon runs, which then owns the bans.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use rban_tests::sshd::Guess;
use rban_tests::traffic::Echo;
use rban_tests::wait::wait_for;

use crate::{BANNED, Guarded};

#[test]
fn bans_by_hand_are_kept_beside_the_jails() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    let rban = server.rban();
    for offender in ["192.0.2.7", "2001:db8::7", "198.51.100.0/24", "2001:db8:1::/48"] {
        assert_eq!(rban.ban(offender, &["--for", "1h"])?["banned"], json!([offender]));
        let ban = rban.ban_of(offender)?.context("listed")?;
        ensure!(ban["jail"].is_null(), "{ban}");
    }
    server.fail("192.0.2.8", 2)?;
    server.wait_for_ban("192.0.2.8")?;
    let status = rban.status()?;
    assert_eq!(status["bans"], json!({ "v4": 2, "v6": 1, "nets_v4": 1, "nets_v6": 1 }));
    for offender in ["192.0.2.7", "2001:db8::7", "198.51.100.0/24", "2001:db8:1::/48"] {
        assert_eq!(rban.unban(offender)?["unbanned"], json!([offender]));
        assert_eq!(rban.unban(offender)?["absent"], json!([offender]));
    }
    ensure!(rban.is_banned("192.0.2.8")?);
    Ok(())
}

#[test]
fn a_ban_of_a_jail_can_be_lifted_and_earned_again() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    for _ in 0..2 {
        server.fail("192.0.2.7", 2)?;
        server.wait_for_ban("192.0.2.7")?;
        assert_eq!(server.guess("192.0.2.7", "root")?, Guess::Unanswered);
        assert_eq!(server.rban().unban("192.0.2.7")?["unbanned"], json!(["192.0.2.7"]));
        ensure!(!server.rban().is_banned("192.0.2.7")?);
    }
    let jail = &server.rban().status()?["daemon"]["jails"][0];
    assert_eq!(
        (&jail["currently_banned"], &jail["total_banned"]),
        (&json!(0), &json!(2)),
        "{jail}"
    );
    // One failure after the ban was lifted is the first again.
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(5)?;
    ensure!(!server.rban().is_banned("192.0.2.7")?);
    Ok(())
}

#[test]
fn a_banned_prefix_is_lifted_alone_and_any_other_with_all_within() -> Result<()> {
    let server = Guarded::new(&[])?;
    let rban = server.rban();
    for offender in ["198.51.100.0/24", "198.51.100.0/28", "198.51.100.1"] {
        rban.ban(offender, &[])?;
    }
    assert_eq!(rban.unban("198.51.100.0/24")?["unbanned"], json!(["198.51.100.0/24"]));
    ensure!(rban.is_banned("198.51.100.0/28")? && rban.is_banned("198.51.100.1")?);
    let lifted = rban.unban("198.51.100.0/24")?["unbanned"].clone();
    assert_eq!(lifted.as_array().context("a list")?.len(), 2, "{lifted}");
    assert_eq!(rban.bans()?.len(), 0);
    Ok(())
}

#[test]
fn the_parts_of_a_prefix_end_with_it_and_take_nobody_along() -> Result<()> {
    let server = Guarded::new(&[])?;
    let rban = server.rban();
    for len in [8, 10, 12, 14, 16, 18, 20, 22] {
        rban.ban(format!("10.0.0.0/{len}"), &[])?;
    }
    // The ninth length stands in the kernel as two parts of the next longer.
    rban.ban("198.18.0.0/16", &[])?;
    rban.ban("198.18.0.1", &[])?;
    rban.ban("198.18.0.0/15", &["--for", "2s"])?;
    ensure!(rban.is_banned("198.19.0.0/16")?, "not in parts: {:?}", rban.bans()?);
    wait_for("the parts to end", || Ok(!rban.is_banned("198.19.0.0/16")?))?;
    ensure!(rban.is_banned("198.18.0.1")?, "taken along: {:?}", rban.bans()?);
    ensure!(rban.is_banned("198.18.0.0/16")?, "taken along: {:?}", rban.bans()?);
    Ok(())
}

#[test]
fn unban_all_lifts_what_jails_and_hands_banned() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    server.rban().ban("2001:db8::/64", &[])?;
    server.rban().json(&["unban", "--all"])?;
    assert_eq!(server.rban().bans()?.len(), 0);
    for source in BANNED {
        server.world.check_flows(source)?;
    }
    Ok(())
}

#[test]
fn status_tells_of_the_daemon_and_its_jail() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "3"])?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_failures(2)?;
    let status = server.rban().status()?;
    let pid = server.daemon.as_ref().context("a daemon")?.pid();
    assert_eq!(status["daemon"]["pid"], pid, "{status}");
    let jail = &status["daemon"]["jails"][0];
    assert_eq!((&jail["name"], &jail["currently_failed"]), (&json!("sshd"), &json!(1)), "{jail}");
    assert_eq!(jail["files"], json!([server.sshd.log()]), "{jail}");
    assert_eq!(jail["currently_banned"], 0, "{jail}");
    server.fail("192.0.2.7", 1)?;
    server.wait_for_ban("192.0.2.7")?;
    let jail = &server.rban().status()?["daemon"]["jails"][0];
    assert_eq!(
        (&jail["currently_banned"], &jail["total_failed"]),
        (&json!(1), &json!(3)),
        "{jail}"
    );
    Ok(())
}

#[test]
fn panic_outlives_the_daemon() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    let _echo = Echo::start(&server.world.net.server)?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    server.rban().panic("on")?;
    server.world.check_flows("192.0.2.7")?;
    server.daemon().kill9()?;
    server.restart(&["--maxretry", "2"])?;
    assert_eq!(server.rban().status()?["panic"], true, "the restart ended the panic");
    server.world.check_flows("192.0.2.7")?;
    server.rban().panic("off")?;
    server.world.check_vanishes("192.0.2.7")
}

#[test]
fn the_daemon_monitors_when_told() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2", "--monitor"])?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    assert_eq!(server.guess("192.0.2.7", "root")?, Guess::Denied, "monitor mode drops");
    ensure!(server.rban().packets("monitored", "v4")? > 0);
    assert_eq!(server.rban().packets("drop", "v4")?, 0);
    Ok(())
}

#[test]
fn ten_thousand_bans_from_a_file() -> Result<()> {
    let server = Guarded::new(&["--max-bans-v4", "20000"])?;
    let rban = server.rban();
    let list = rban.dir().join("list");
    let addrs: Vec<_> = (0..10_000).map(|i| format!("10.7.{}.{}", i / 256, i % 256)).collect();
    fs::write(&list, addrs.join("\n"))?;
    let list = list.to_str().context("text")?;
    rban.json(&["ban", "--file", list, "--for", "1h"])?;
    assert_eq!(rban.status()?["bans"]["v4"], 10_000);
    assert_eq!(rban.bans()?.len(), 10_000);
    rban.json(&["unban", "--file", list])?;
    assert_eq!(rban.status()?["bans"]["v4"], 0);
    Ok(())
}

#[test]
fn a_limit_that_is_reached_stops_no_daemon() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "1", "--max-bans-v4", "1"])?;
    server.fail("192.0.2.8", 1)?;
    server.wait_for_ban("192.0.2.8")?;
    let refused = server.rban().refused(&["ban", "198.51.100.1"])?;
    ensure!(refused.message.contains('1'), "{refused:?}");
    server.guess("192.0.2.7", "root")?;
    server.wait_for_failures(2)?;
    // Another family has room, and the daemon is well.
    server.fail("2001:db8::7", 1)?;
    server.wait_for_ban("2001:db8::7")
}

#[test]
fn an_address_that_the_server_gets_later_is_allowed_too() -> Result<()> {
    let server = Guarded::new(&[])?;
    for later in ["192.0.2.55", "2001:db8::55"] {
        let later = later.parse()?;
        server.world.net.server.add_addr(later)?;
        wait_for(&format!("{later} to be allowed"), || {
            Ok(server.rban().why(later)?["allowed_by"].is_string())
        })?;
    }
    Ok(())
}
