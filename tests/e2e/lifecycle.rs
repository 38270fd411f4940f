//! How the daemon starts and stops, as systemd sees it.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use rban_tests::daemon::Daemon;
use rban_tests::doors::Doors;
use rban_tests::traffic::{By, Echo};
use rban_tests::wait::PATIENCE;

use crate::World;

/// A stop takes no longer.
const STOP_WITHIN: Duration = Duration::from_secs(1);

const DOOR: &str =
    "[door]\nenabled = true\nfilter = door\nmaxretry = 1\nlogpath = DIR/door.log\naction = xdp\n";

#[test]
fn systemd_is_told_once_all_is_ready() -> Result<()> {
    let world = World::new()?;
    let doors = Doors::new(&world.rban, DOOR)?;
    doors.write("door.log", "")?;
    let path = doors.path("notify");
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let daemon = Daemon::notifying(&world.rban, &doors.path(""), &path)?;
    let mut said = [0; 256];
    let len = socket.recv(&mut said).context("nothing was said on the socket")?;
    let said = String::from_utf8_lossy(&said[..len]).into_owned();
    ensure!(said.lines().any(|line| line == "READY=1"), "{said}");
    // Ready is who answers, and bans.
    doors.jail("door")?;
    doors.knock("door.log", "192.0.2.7")?;
    doors.wait_for_ban("192.0.2.7")?;
    let took = daemon.terminate()?;
    ensure!(took < STOP_WITHIN, "took {took:?} to stop");
    Ok(())
}

#[test]
fn a_stop_with_many_bans_is_quick_and_leaves_them() -> Result<()> {
    const BANS: u16 = 900;
    let world = World::new()?;
    let doors = Doors::new(&world.rban, DOOR)?;
    doors.write("door.log", "")?;
    let daemon = doors.start()?.quiet();
    let who = |n: u16| format!("198.51.{}.{}", 100 + n / 250, 1 + n % 250);
    for n in 0..BANS {
        doors.knock("door.log", &who(n))?;
    }
    doors.wait_for_failures("door", BANS.into())?;
    doors.wait_for_ban(&who(BANS - 1))?;
    let took = daemon.terminate()?;
    ensure!(took < STOP_WITHIN, "took {took:?} to stop");
    assert_eq!(world.rban.bans()?.len(), usize::from(BANS));
    // The next start puts them in force again, each once.
    let _daemon = doors.start()?.quiet();
    assert_eq!(doors.number("door", "currently_banned")?, u64::from(BANS));
    assert_eq!(world.rban.bans()?.len(), usize::from(BANS));
    Ok(())
}

#[test]
fn after_a_reboot_the_store_puts_bans_in_force_again() -> Result<()> {
    let world = World::new()?;
    let doors = Doors::new(&world.rban, DOOR)?;
    doors.write("door.log", "")?;
    let _echo = Echo::start(&world.net.server)?;
    let daemon = doors.start()?;
    doors.knock("door.log", "192.0.2.7")?;
    doors.wait_for_ban("192.0.2.7")?;
    daemon.terminate()?;
    // What a reboot leaves of the kernel's side.
    std::fs::remove_dir_all(world.rban.bpffs())?;
    let from = "192.0.2.7".parse()?;
    ensure!(world.answers(By::Tcp, from)?, "it should answer without its pins");
    let _daemon = doors.start()?;
    ensure!(world.rban.is_banned("192.0.2.7")?, "forgotten");
    ensure!(!world.answers(By::Tcp, from)?, "answers who is banned");
    Ok(())
}
