//! From a password guess to a ban.

use anyhow::Result;

use rban_tests::sshd::{Dates, Guess, Pam, Session, guess_password};
use rban_tests::traffic::Flood;
use rban_tests::wait::wait_for_some;

use crate::{Guarded, INNOCENT, World};

/// Banned after the fifth guess and not before; nobody else notices.
fn check(dates: Dates, pam: Pam, guesser: &str, innocent: &str) -> Result<()> {
    let server = World::new()?.guarded(dates, pam, &[])?;
    server.fail(guesser, 4)?;
    server.wait_for_failures(4)?;
    assert!(!server.rban().is_banned(guesser)?, "banned after four");
    server.fail(guesser, 1)?;
    server.wait_for_ban(guesser)?;
    assert_eq!(server.guess(guesser, "root")?, Guess::Unanswered);
    assert_eq!(server.guess(innocent, "root")?, Guess::Denied);
    assert!(!server.rban().is_banned(innocent)?);
    Ok(())
}

#[test]
fn the_fifth_guess_bans_with_traditional_dates() -> Result<()> {
    check(Dates::Traditional, Pam::No, "192.0.2.7", "192.0.2.8")
}

#[test]
fn the_fifth_guess_bans_with_iso_dates() -> Result<()> {
    check(Dates::Iso, Pam::No, "192.0.2.7", "192.0.2.8")
}

#[test]
fn the_fifth_guess_bans_over_ipv6() -> Result<()> {
    check(Dates::Traditional, Pam::No, "2001:db8::7", "2001:db8::8")
}

#[test]
fn the_fifth_guess_bans_over_ipv6_with_iso_dates() -> Result<()> {
    check(Dates::Iso, Pam::No, "2001:db8::7", "2001:db8::8")
}

#[test]
fn pam_tells_of_a_guess_twice_and_it_counts_once() -> Result<()> {
    check(Dates::Traditional, Pam::Yes, "192.0.2.7", "192.0.2.8")
}

#[test]
fn maxretry_says_which_guess_bans() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(1)?;
    assert!(!server.rban().is_banned("192.0.2.7")?);
    server.fail("192.0.2.7", 1)?;
    server.wait_for_ban("192.0.2.7")
}

#[test]
fn guesses_for_users_that_do_not_exist_ban_too() -> Result<()> {
    let server = Guarded::new(&[])?;
    for user in ["admin", "oracle", "test from 198.51.100.1", "postgres"] {
        server.guess("192.0.2.7", user)?;
    }
    server.guess("192.0.2.7", "ubuntu")?;
    server.wait_for_ban("192.0.2.7")?;
    assert_eq!(server.rban().bans()?.len(), 1, "a user name is no address: 198.51.100.1");
    Ok(())
}

#[test]
fn each_guesser_has_a_count_of_his_own() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "3"])?;
    for (v4, v6) in [("192.0.2.7", "2001:db8::7"), ("192.0.2.8", "2001:db8::8")] {
        server.fail(v4, 2)?;
        server.fail(v6, 2)?;
    }
    server.wait_for_failures(8)?;
    assert_eq!(server.rban().bans()?.len(), 0);
    server.fail("2001:db8::7", 1)?;
    server.wait_for_ban("2001:db8::7")?;
    assert_eq!(server.rban().bans()?.len(), 1);
    Ok(())
}

#[test]
fn guesses_beyond_findtime_are_forgotten() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2", "--findtime", "2s"])?;
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(1)?;
    std::thread::sleep(std::time::Duration::from_secs(5));
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(2)?;
    assert!(!server.rban().is_banned("192.0.2.7")?);
    Ok(())
}

#[test]
fn who_logs_in_with_a_key_fails_nothing() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    let net = &server.world.net;
    for _ in 0..3 {
        drop(Session::open(&net.client, &server.sshd, net.client.v4(), net.server.v4())?);
    }
    server.fail(INNOCENT[0], 1)?;
    server.wait_for_failures(1)
}

#[test]
fn what_stood_in_the_log_before_bans_nobody() -> Result<()> {
    let mut server = Guarded::new(&["--maxretry", "2"])?;
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(1)?;
    server.daemon().terminate()?;
    // Unseen: rban follows the log from where it ends at start.
    server.fail("192.0.2.7", 1)?;
    let refusals = || Ok((server.sshd.refusals()? == 2).then_some(()));
    wait_for_some("the refusal in the log", refusals)?;
    server.restart(&["--maxretry", "2"])?;
    server.fail("192.0.2.8", 1)?;
    server.wait_for_failures(1)?;
    assert_eq!(server.rban().bans()?.len(), 0);
    Ok(())
}

#[test]
fn the_server_itself_is_never_banned() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    let host = &server.world.net.server;
    for addr in [host.v4(), host.v6(), "127.0.0.1".parse()?, "::1".parse()?] {
        for _ in 0..3 {
            assert_eq!(guess_password(host, addr, addr, "root")?, Guess::Denied);
        }
    }
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")?;
    assert_eq!(server.rban().bans()?.len(), 1, "{:?}", server.rban().bans()?);
    Ok(())
}

#[test]
fn why_tells_the_whole_story() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "3"])?;
    let net = &server.world.net;
    server.fail("192.0.2.7", 2)?;
    server.fail("192.0.2.7", 1)?;
    server.wait_for_ban("192.0.2.7")?;
    let flood = Flood::start(&net.client, net.client.v4(), net.server.v4())?;
    let story = wait_for_some("the first drop in the history", || {
        let why = server.rban().why(net.client.v4())?;
        Ok(why["history"][0]["first_drop_ns"].is_u64().then_some(why))
    })?;
    assert!(flood.end() > 0);
    assert_eq!(story["address"], "192.0.2.7", "{story}");
    assert_eq!(story["dropped"], true, "{story}");
    assert_eq!(story["bans"][0]["jail"], "sshd", "{story}");
    assert_eq!(story["bans"][0]["ports"], "all", "{story}");
    let history = &story["history"][0];
    assert_eq!((&history["jail"], &history["attempts"]), (&"sshd".into(), &3.into()), "{story}");
    let lines = history["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 3, "{story}");
    for line in lines {
        let line = line.as_str().expect("text");
        assert!(line.contains("Failed password for root from 192.0.2.7"), "{line}");
    }
    let [enforced_ns, first_drop_ns] =
        ["enforced_ns", "first_drop_ns"].map(|name| history[name].as_u64().expect("a time"));
    // sshd's own farewell may already be answered by packets that are dropped, but none before the map write began.
    assert!(first_drop_ns + 100_000_000 > enforced_ns, "{story}");
    let expires_in = story["bans"][0]["expires_in"].as_f64().expect("an end");
    assert!((580.0..=600.0).contains(&expires_in), "{story}");
    Ok(())
}
