//! `kill -9` while writing: what was acknowledged is there.

#![expect(clippy::print_stdout, reason = "the child tells its parent so")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

/// Names the database that [`child_that_writes_until_it_is_killed`] shall write.
const CHILD_PATH: &str = "RBAN_STORE_TEST_PATH";
const ROUNDS: u64 = 10;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    for round in 0..ROUNDS {
        let acknowledged = acknowledged_until_killed(&path, Duration::from_millis(20 + 17 * round));
        let mut world = World::at(&path);
        assert_ne!(world.store.as_ref().unwrap().began, Began::Replaced);
        let ids = world.ids("sshd");
        for n in 0..acknowledged {
            let id = format!("key-{n:09}");
            assert!(
                ids.binary_search(&id).is_ok(),
                "round {round}: {id} of {acknowledged} is lost"
            );
        }
        world.write([Write::ForgetAll]);
        world.stop();
    }
}

/// Runs the child on the path for a while and kills it; says how many of its bans it called committed.
fn acknowledged_until_killed(path: &Path, after: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "child_that_writes_until_it_is_killed"])
        .env(CHILD_PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged = |line: String| line.rsplit_once("committed ")?.1.parse::<u64>().ok();
    let mut newest = lines.find_map(&mut acknowledged).expect("the child commits something");
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    // A last line may be cut off: it does not count unless its end is there.
    for line in lines.filter(|line| line.ends_with('.')) {
        newest = acknowledged(line.trim_end_matches('.').to_owned()).unwrap_or(newest);
    }
    newest
}

#[test]
#[ignore = "run by what_was_acknowledged_survives_a_kill"]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_PATH) else { return };
    let world = World::at(Path::new(&path));
    println!("committed 0");
    let mut written = 0_u64;
    loop {
        let ids = (written..written + 7).map(|n| format!("key-{n:09}"));
        world.write(ids.map(|id| Write::Ban(ban("sshd", &id, 0, None))).collect::<Vec<_>>());
        written += 7;
        assert_eq!(world.flush(), Flushed::Committed);
        println!("committed {written}.");
    }
}
