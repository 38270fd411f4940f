//! A log that is rotated under the daemon loses no line, and none counts twice.

use std::fs::{self, File, OpenOptions};

use anyhow::{Result, ensure};

use rban_tests::sshd::{Dates, Pam};
use rban_tests::wait::wait_for;

use crate::{Guarded, World};

/// How logrotate gets the old lines away.
#[derive(Clone, Copy)]
enum Rotate {
    Rename,
    CopyTruncate,
}

fn rotate(server: &Guarded, how: Rotate, n: usize) -> Result<()> {
    let log = server.sshd.log();
    let old = log.with_extension(format!("log.{n}"));
    match how {
        Rotate::Rename => {
            fs::rename(&log, old)?;
            server.sshd.reopen_log()
        }
        Rotate::CopyTruncate => {
            fs::copy(&log, old)?;
            Ok(OpenOptions::new().write(true).open(&log)?.set_len(0)?)
        }
    }
}

/// One guess, then a rotation, then the next: every guess is counted once, and the last one bans.
fn check(how: &[Rotate]) -> Result<()> {
    let retries = (how.len() + 1).to_string();
    let server = World::new()?.guarded(Dates::Iso, Pam::No, &["--maxretry", &retries])?;
    let mut refusals = 0;
    for (n, how) in how.iter().enumerate() {
        server.fail("192.0.2.7", 1)?;
        refusals += 1;
        wait_for("the refusal in the log", || Ok(server.sshd.refusals()? == 1))?;
        // At once: what the daemon has not read yet must not be lost.
        if matches!(how, Rotate::CopyTruncate) {
            // Only this way may lose what was not read, as everywhere.
            server.wait_for_failures(refusals)?;
        }
        rotate(&server, *how, n)?;
    }
    server.wait_for_failures(refusals)?;
    ensure!(!server.rban().is_banned("192.0.2.7")?, "a line counted twice");
    server.fail("192.0.2.7", 1)?;
    server.wait_for_ban("192.0.2.7")?;
    ensure!(server.failures()? == refusals + 1);
    Ok(())
}

#[test]
fn rotation_by_rename() -> Result<()> {
    check(&[Rotate::Rename, Rotate::Rename, Rotate::Rename])
}

#[test]
fn rotation_by_copytruncate() -> Result<()> {
    check(&[Rotate::CopyTruncate, Rotate::CopyTruncate, Rotate::CopyTruncate])
}

#[test]
fn rotation_by_turns() -> Result<()> {
    check(&[Rotate::Rename, Rotate::CopyTruncate, Rotate::Rename, Rotate::CopyTruncate])
}

#[test]
fn lines_written_to_the_old_file_after_the_rename_count() -> Result<()> {
    use std::io::Write;
    let server = Guarded::new(&["--maxretry", "3"])?;
    server.fail("192.0.2.7", 1)?;
    server.wait_for_failures(1)?;
    let log = server.sshd.log();
    let line = server.sshd.lines()?;
    let line = line.lines().rfind(|line| line.contains("Failed password")).expect("a line");
    let mut old = OpenOptions::new().append(true).open(&log)?;
    fs::rename(&log, log.with_extension("log.1"))?;
    // The old writer has not noticed yet, and the new file is there already.
    File::create(&log)?;
    writeln!(old, "{}", line.replace("192.0.2.7", "192.0.2.99"))?;
    server.wait_for_failures(2)
}

#[test]
fn a_log_that_vanishes_and_comes_back_is_followed_on() -> Result<()> {
    let server = Guarded::new(&["--maxretry", "2"])?;
    fs::remove_file(server.sshd.log())?;
    server.sshd.reopen_log()?;
    server.fail("192.0.2.7", 2)?;
    server.wait_for_ban("192.0.2.7")
}
