//! Which files a jail reads: several, patterns, those yet to come, after logrotate, after a restart.

use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use rban_tests::doors::{Doors, knock};
use rban_tests::net::{path, said};
use rban_tests::wait::wait_for;

use crate::World;

/// Nobody here is ever banned, so that every line counts.
const COUNTING: &str =
    "[DEFAULT]\nenabled = true\nfilter = door\nmaxretry = 1000000\naction = xdp\n";

fn doors(world: &World, jails: &str) -> Result<Doors> {
    Doors::new(&world.rban, &format!("{COUNTING}{jails}"))
}

#[test]
fn several_jails_read_one_file() -> Result<()> {
    let world = World::new()?;
    let jails = "[one]\nlogpath = DIR/a.log\n\
                 [two]\nlogpath = DIR/a.log\n          DIR/b.log\n\
                 [three]\nlogpath = DIR/*.log\nfilter =\nfailregex = ^ knock from <ADDR>\n";
    let doors = doors(&world, jails)?;
    doors.write("a.log", "")?;
    doors.write("b.log", "")?;
    let _daemon = doors.start()?;
    for _ in 0..3 {
        doors.knock("a.log", "192.0.2.7")?;
    }
    doors.knock("b.log", "192.0.2.7")?;
    doors.wait_for_failures("three", 4)?;
    doors.wait_for_failures("two", 4)?;
    doors.wait_for_failures("one", 3)
}

#[test]
fn files_that_come_later_are_read_from_their_first_line() -> Result<()> {
    let world = World::new()?;
    let jails = "[site]\nlogpath = DIR/plain.log\n          DIR/site-*.log\n          DIR/sites/*/error.log tail\n";
    let doors = doors(&world, jails)?;
    doors.write("site-a.log", &knock("192.0.2.7"))?;
    doors.write("sites/a/error.log", &knock("192.0.2.7"))?;
    let _daemon = doors.start()?;
    // The one that was to be read from its end has nothing yet.
    doors.wait_for_failures("site", 1)?;
    doors.write("site-b.log", &knock("192.0.2.7"))?;
    doors.wait_for_failures("site", 2)?;
    doors.write("plain.log", &knock("192.0.2.7"))?;
    doors.wait_for_failures("site", 3)?;
    doors.write("sites/b/error.log", &knock("192.0.2.7"))?;
    doors.wait_for_failures("site", 4)?;
    for log in ["site-a.log", "site-b.log", "plain.log", "sites/a/error.log", "sites/b/error.log"] {
        doors.knock(log, "192.0.2.7")?;
    }
    doors.wait_for_failures("site", 9)?;
    let jail = doors.jail("site")?;
    let mut files: Vec<&str> =
        jail["files"].as_array().context("files")?.iter().filter_map(|it| it.as_str()).collect();
    files.sort_unstable();
    let wanted =
        ["plain.log", "site-a.log", "site-b.log", "sites/a/error.log", "sites/b/error.log"];
    let wanted = wanted.map(|name| doors.path(name).display().to_string());
    assert_eq!(files, wanted);
    Ok(())
}

#[test]
fn what_two_patterns_find_counts_once() -> Result<()> {
    let world = World::new()?;
    let doors =
        doors(&world, "[site]\nlogpath = DIR/a.log\n          DIR/*.log\n          DIR/a*\n")?;
    doors.write("a.log", &knock("192.0.2.7"))?;
    let _daemon = doors.start()?;
    doors.wait_for_failures("site", 1)?;
    doors.knock("a.log", "192.0.2.7")?;
    doors.write("ab.log", &knock("192.0.2.7"))?;
    doors.wait_for_failures("site", 3)?;
    doors.knock("ab.log", "192.0.2.7")?;
    doors.wait_for_failures("site", 4)
}

/// Which lines a log's writer has written, and whether it is to open it anew.
#[derive(Default)]
struct Writing {
    lines: AtomicU64,
    ends: AtomicBool,
}

/// Writes line after line, and opens the log anew when `reopen` appears, until told to end.
fn write_on(doors: &Doors, writing: &Writing) -> Result<()> {
    use std::io::Write;
    let open = || fs::OpenOptions::new().append(true).create(true).open(doors.path("door.log"));
    let mut log = open()?;
    while !writing.ends.load(Ordering::Relaxed) {
        if doors.path("reopen").exists() {
            fs::remove_file(doors.path("reopen"))?;
            log = open()?;
        }
        log.write_all(knock("192.0.2.7").as_bytes())?;
        writing.lines.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn logrotate(doors: &Doors) -> Result<()> {
    let mut command = Command::new("logrotate");
    command.env("PATH", path()).arg("--force").arg("--state").arg(doors.path("state"));
    let output = command.arg(doors.path("logrotate.conf")).output().context("logrotate")?;
    ensure!(output.status.success(), "logrotate: {}", said(&output));
    Ok(())
}

/// So often logrotate runs in a test.
const ROTATIONS: usize = 6;

/// logrotate itself takes logs away from under a writer that does not wait for it.
fn rotated(options: &str, backend: &str) -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, &format!("[door]\nlogpath = DIR/door.log\nbackend = {backend}\n"))?;
    doors.write("door.log", "")?;
    doors.write(
        "logrotate.conf",
        &format!("DIR/door.log {{\nrotate 3\nnodateext\n{options}\n}}\n"),
    )?;
    let _daemon = doors.start()?;
    let writing = Writing::default();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_on(&doors, &writing));
        let rotating = (0..ROTATIONS).try_for_each(|_| {
            std::thread::sleep(Duration::from_millis(300));
            logrotate(&doors)
        });
        std::thread::sleep(Duration::from_millis(300));
        writing.ends.store(true, Ordering::Relaxed);
        writer.join().expect("a writer that does not panic").and(rotating)
    })?;
    doors.wait_for_failures("door", writing.lines.load(Ordering::Relaxed))
}

const RENAME: &str = "create\npostrotate\ntouch DIR/reopen\nendscript";

#[test]
fn logrotate_renames_and_no_line_is_lost_or_counted_twice() -> Result<()> {
    rotated(RENAME, "auto")
}

#[test]
fn logrotate_renames_and_compresses_under_a_polled_log() -> Result<()> {
    rotated(&format!("compress\ndelaycompress\n{RENAME}"), "polling")
}

/// Of a log that is copied and emptied, what is written between the two is lost by logrotate itself; so nobody writes
/// meanwhile.
fn copied(backend: &str) -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, &format!("[door]\nlogpath = DIR/door*.log\nbackend = {backend}\n"))?;
    doors.write("door.log", "")?;
    let conf = "DIR/door.log {\nrotate 3\nnodateext\ncopytruncate\n}\n";
    doors.write("logrotate.conf", conf)?;
    let _daemon = doors.start()?;
    for round in 0..ROTATIONS as u64 {
        // More each time than the time before, or less: an emptied log may have grown beyond where we stood.
        for n in 0..[5, 2, 9][round as usize % 3] {
            doors.knock("door.log", &format!("192.0.2.7 by {round}.{n}"))?;
        }
        let total = (0..=round).map(|round| [5, 2, 9][round as usize % 3]).sum();
        doors.wait_for_failures("door", total)?;
        logrotate(&doors)?;
    }
    Ok(())
}

#[test]
fn logrotate_copies_and_truncates_and_no_line_is_lost_or_counted_twice() -> Result<()> {
    copied("auto")
}

#[test]
fn logrotate_copies_and_truncates_a_polled_log() -> Result<()> {
    copied("polling")
}

#[test]
fn a_polled_pattern_finds_files_that_come() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, "[site]\nlogpath = DIR/site-*.log\nbackend = polling\n")?;
    doors.write("site-a.log", &knock("192.0.2.7"))?;
    let _daemon = doors.start()?;
    doors.wait_for_failures("site", 1)?;
    doors.write("site-b.log", &knock("192.0.2.7"))?;
    doors.wait_for_failures("site", 2)?;
    doors.knock("site-a.log", "192.0.2.7")?;
    doors.knock("site-b.log", "192.0.2.7")?;
    doors.wait_for_failures("site", 4)
}

#[test]
fn a_restart_goes_on_where_the_run_before_ended() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, "[door]\nlogpath = DIR/door.log\n          DIR/site-*.log\n")?;
    doors.write("logrotate.conf", "DIR/door.log {\nrotate 3\nnodateext\ncreate\n}\n")?;
    doors.write("door.log", &knock("192.0.2.7").repeat(3))?;
    doors.write("site-a.log", &knock("192.0.2.7").repeat(3))?;
    let daemon = doors.start()?;
    doors.wait_for_failures("door", 6)?;
    daemon.terminate()?;
    // Unseen, and partly in a file that is moved away meanwhile.
    doors.knock("door.log", "192.0.2.7")?;
    logrotate(&doors)?;
    doors.knock("door.log", "192.0.2.7")?;
    doors.knock("site-a.log", "192.0.2.7")?;
    doors.write("site-b.log", &knock("192.0.2.7"))?;
    let daemon = doors.start()?;
    doors.wait_for_failures("door", 4)?;
    daemon.terminate()?;
    let _daemon = doors.start()?;
    doors.knock("door.log", "192.0.2.7")?;
    doors.wait_for_failures("door", 1)
}

#[test]
fn after_a_kill_no_line_is_lost_and_none_of_long_ago_counts_again() -> Result<()> {
    let world = World::new()?;
    let doors = doors(&world, "[door]\nlogpath = DIR/door.log\n")?;
    doors.write("door.log", &knock("192.0.2.7").repeat(7))?;
    let daemon = doors.start()?;
    doors.wait_for_failures("door", 7)?;
    let database = || fs::read(world.rban.dir().join("rban.sqlite3-wal")).unwrap_or_default();
    let before = database();
    // Positions are noted every few seconds.
    wait_for("the position to be noted", || Ok(database() != before))?;
    std::thread::sleep(Duration::from_millis(500));
    daemon.kill9()?;
    doors.knock("door.log", "192.0.2.7")?;
    let _daemon = doors.start()?;
    doors.wait_for_failures("door", 1)
}
