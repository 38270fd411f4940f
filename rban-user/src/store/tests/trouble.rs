//! Files that are damaged, foreign, read-only or full: a warning, and protection goes on.

use std::fs;

use super::*;

fn one_ban() -> Write {
    Write::Ban(ban("sshd", "192.0.2.7", 0, None))
}

#[track_caller]
fn said(world: &World, part: &str) {
    let told = world.told();
    assert!(told.iter().any(|text| text.contains(part)), "{told:?} does not say {part:?}");
}

/// The files beside the database whose names go on with a date.
fn aside(path: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let is_aside = |name: &PathBuf| name.to_string_lossy().contains(".sqlite3.20");
    names.filter(is_aside).collect()
}

#[test]
fn a_file_that_is_no_database_is_moved_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    fs::write(&path, "no database, but several hundred bytes ".repeat(20)).unwrap();
    let world = World::at(&path);
    assert_eq!(world.store.as_ref().unwrap().began, Began::Replaced);
    said(&world, "damaged");
    world.write([one_ban()]);
    assert_eq!(world.flush(), Flushed::Committed);
    let [moved] = &aside(&path)[..] else { panic!("not one file aside") };
    assert!(fs::read_to_string(moved).unwrap().starts_with("no database"));
}

#[test]
fn what_can_be_read_of_a_damaged_database_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    let mut world = World::at(&path);
    let id = |n: u32| std::net::Ipv4Addr::from(0xc633_6400 + n).to_string();
    let bans =
        |jail: &str| (0..5_000).map(|n| Write::Ban(ban(jail, &id(n), 0, None))).collect::<Vec<_>>();
    world.write(bans("sshd"));
    world.write(bans("web"));
    world.stop();
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..half + 8 * 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let world = World::at(&path);
    let before = world.ids("sshd").len() + world.ids("web").len();
    // Whatever reading met, writing goes on, in the old file or a new one.
    world.write((0..5_000).map(|n| Write::Ban(ban("mail", &id(n), 0, None))).collect::<Vec<_>>());
    world.write(bans("web").into_iter().map(forgotten).collect::<Vec<_>>());
    world.flush();
    let after = world.ids("sshd").len();
    assert_eq!(world.ids("mail").len(), 5_000);
    said(&world, "damaged");
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

fn forgotten(write: Write) -> Write {
    match write {
        Write::Ban(ban) => Write::Forget { jail: ban.jail, id: ban.id },
        write => write,
    }
}

#[test]
fn another_programs_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fail2ban.sqlite3");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE fail2banDb (version INTEGER)").unwrap();
    drop(conn);
    let before = fs::read(&path).unwrap();
    assert!(is_fail2bans(&path));
    let world = World::at(&path);
    assert_eq!(world.store.as_ref().unwrap().began, Began::Nowhere);
    said(&world, "another program");
    world.write([one_ban()]);
    assert_eq!(world.flush(), Flushed::Waiting);
    assert_eq!(world.record("sshd", "192.0.2.7", Within::Jail).unwrap().count, 1);
    drop(world);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_later_versions_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    World::at(&path).stop();
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute("INSERT INTO migrations VALUES (99, 'then')", []).unwrap();
    drop(conn);
    let world = World::at(&path);
    said(&world, "version 99");
    assert!(aside(&path).is_empty());
    assert_eq!(world.store.as_ref().unwrap().began, Began::Nowhere);
}

#[test]
fn a_directory_that_cannot_be_made_is_a_warning_and_a_retry() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("lib");
    fs::write(&blocked, "a file").unwrap();
    let path = blocked.join("rban.sqlite3");
    let mut world = World::at(&path);
    said(&world, "cannot be made");
    world.write([one_ban()]);
    assert_eq!(world.flush(), Flushed::Waiting);
    fs::remove_file(&blocked).unwrap();
    world.stop();
    said(&world, "can be written again");
    assert_eq!(World::at(&path).ids("sshd"), ["192.0.2.7"]);
}

#[test]
fn what_never_could_be_written_is_owned_up_to() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lib"), "a file").unwrap();
    let mut world = World::at(&dir.path().join("lib/rban.sqlite3"));
    world.write([one_ban(), one_ban()]);
    world.stop();
    said(&world, "2 bans, unbans or positions are lost");
}

#[test]
fn a_full_disk_keeps_bans_in_memory_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    World::at(&path).stop();
    let mut keeper = quiet_keeper(&path);
    full(&mut keeper, 1);
    let writes: Vec<Write> = (0..2_000_u32)
        .map(|n| std::net::Ipv4Addr::from(0xc633_6400 + n).to_string())
        .map(|id| Write::Ban(ban("sshd", &id, 0, None)))
        .collect();
    keeper.write(writes);
    assert_eq!((keeper.waiting.len(), keeper.flush()), (2_000, Flushed::Waiting));
    full(&mut keeper, 1_000_000);
    keeper.retry();
    assert_eq!(keeper.flush(), Flushed::Committed);
    drop(keeper);
    assert_eq!(World::at(&path).ids("sshd").len(), 2_000);
}

fn quiet_keeper(path: &Path) -> Keeper {
    let spec = Spec { place: Place::File(path.to_owned()), ..Spec::default() };
    Keeper::open(spec, Box::new(|_| {}))
}

/// Lets the file grow to so many pages and no more: to SQLite, the disk is full then.
fn full(keeper: &mut Keeper, pages: u32) {
    let database = keeper.database.as_mut().unwrap();
    let limit = format!("PRAGMA max_page_count = {pages}");
    database.conn.query_row(&limit, [], |_| Ok(())).unwrap();
}

#[test]
fn too_much_that_waits_is_shed_from_the_oldest() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lib"), "a file").unwrap();
    let mut keeper = quiet_keeper(&dir.path().join("lib/rban.sqlite3"));
    keeper.write(vec![Write::ForgetAll]);
    keeper.write(vec![one_ban(); 100_000]);
    assert_eq!((keeper.waiting.len(), keeper.lost), (100_000, 1));
    assert_eq!(keeper.waiting[0], one_ban());
}
