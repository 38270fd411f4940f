//! How long a million bans take. Run by hand, optimized:
//! `cargo test --release -p rban-user --lib store::tests::bulk -- --ignored --nocapture`.

#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

use std::time::Instant;

use super::*;

const BANS: u32 = 1_000_000;
/// How many writes come in one batch.
const BATCH: usize = 1_000;

fn id(n: u32) -> String {
    // Spread over the addresses, as attackers are.
    std::net::Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).to_string()
}

#[test]
#[ignore = "measures; takes a while"]
fn a_million_bans_are_written_read_and_purged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    let world = World::at(&path);
    let ids: Vec<u32> = (0..BANS).collect();
    let begun = Instant::now();
    for batch in ids.chunks(BATCH) {
        let writes = batch.iter().map(|n| Write::Ban(ban("sshd", &id(*n), -100, Some(600))));
        world.ask(async |handle| handle.write_all(writes.collect()).await);
    }
    assert_eq!(world.flush(), Flushed::Committed);
    println!("written: {:?}, {} bytes", begun.elapsed(), path.metadata().unwrap().len());
    let begun = Instant::now();
    let world = world.restarted(&path);
    println!("restarted: {:?}", begun.elapsed());
    let begun = Instant::now();
    let read = world.ask(async |handle| {
        let mut pages = handle.live(Some("sshd".into()), Detail::Bare, NOW).await?;
        let mut read = 0;
        while let Some(page) = pages.recv().await {
            read += page.len();
        }
        Ok(read)
    });
    println!("read: {read} in {:?}", begun.elapsed());
    let known: Vec<CompactString> = ids[..BATCH].iter().map(|n| id(*n).into()).collect();
    let begun = Instant::now();
    let jail = Some(JailName::from("sshd"));
    world.ask(async |handle| handle.records(jail, known, Within::Jail).await);
    println!("records: {BATCH} in {:?}", begun.elapsed());
    let begun = Instant::now();
    let later = NOW.saturating_add(std::time::Duration::from_secs(30 * 86_400));
    world.ask(async |handle| handle.purge(later).await);
    let jails = async |handle: Handle| handle.jails().await;
    while !world.ask(jails).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    println!("purged: {:?}", begun.elapsed());
}
