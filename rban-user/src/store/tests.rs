//! The store as its users see it: through a handle, on a real file.

mod bulk;
mod killed;
mod trouble;

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::*;
use crate::event::Line;

/// A moment well after 1970.
pub(super) const NOW: WallTime = WallTime::from_secs(2_000_000_000);

/// A ban for so many seconds, since so many before or after [`NOW`].
pub(super) fn ban(jail: &str, id: &str, since: i64, seconds: Option<i64>) -> StoredBan {
    let since = 2_000_000_000 + since;
    StoredBan {
        jail: (!jail.is_empty()).then(|| Arc::from(jail)),
        id: id.into(),
        ip: None,
        since: WallTime::from_secs(since),
        until: seconds.map(|seconds| WallTime::from_secs(since + seconds)),
        bancount: 1,
        failures: 3,
        matches: Vec::new(),
        captures: Vec::new(),
    }
}

/// A store under test, and what it told the admin.
pub(super) struct World {
    pub(super) store: Option<Store>,
    pub(super) told: Arc<Mutex<Vec<String>>>,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub(super) fn at(path: &Path) -> Self {
        Self::with(Spec { place: Place::File(path.to_owned()), ..Spec::default() })
    }

    pub(super) fn with(spec: Spec) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&told);
        let notify = move |notice: Notice| ear.lock().unwrap().push(notice.to_string());
        let store = spawn(spec, notify).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { store: Some(store), told, runtime }
    }

    pub(super) fn handle(&self) -> Handle {
        self.store.as_ref().unwrap().handle.clone()
    }

    pub(super) fn write(&self, writes: impl Into<Vec<Write>>) {
        self.handle().write(writes.into()).unwrap();
    }

    pub(super) fn ask<T>(&self, answer: impl AsyncFnOnce(Handle) -> Result<T, Ended>) -> T {
        self.runtime.block_on(answer(self.handle())).unwrap()
    }

    pub(super) fn flush(&self) -> Flushed {
        self.ask(async |handle| handle.flush().await)
    }

    pub(super) fn live(&self, jail: &str, detail: Detail) -> Vec<StoredBan> {
        let jail = (!jail.is_empty()).then(|| JailName::from(jail));
        self.ask(async |handle| {
            let mut pages = handle.live(jail, detail, NOW).await?;
            let mut bans = Vec::new();
            while let Some(page) = pages.recv().await {
                bans.extend(page);
            }
            Ok(bans)
        })
    }

    pub(super) fn ids(&self, jail: &str) -> Vec<String> {
        self.live(jail, Detail::Bare).into_iter().map(|ban| ban.id.into()).collect()
    }

    pub(super) fn record(&self, jail: &str, id: &str, within: Within) -> Option<Record> {
        let jail = Some(JailName::from(jail));
        self.ask(async |handle| handle.records(jail, vec![id.into()], within).await)[0]
    }

    pub(super) fn merged(&self, jail: &str, id: &str, within: Within) -> (Vec<String>, u64) {
        let jail = Some(JailName::from(jail));
        let merged = self.ask(async |handle| handle.merged(jail, id.into(), within).await);
        let text = |line: &Line| String::from_utf8(line.to_vec()).unwrap();
        (merged.matches.iter().map(text).collect(), merged.failures)
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Stops the store and starts another on the same file.
    pub(super) fn restarted(mut self, path: &Path) -> Self {
        self.stop();
        Self::at(path)
    }

    pub(super) fn stop(&mut self) {
        let Store { handle, thread, .. } = self.store.take().unwrap();
        drop(handle);
        thread.join().unwrap();
    }
}

#[test]
fn bans_survive_a_restart_with_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/below/rban.sqlite3");
    let world = World::at(&path);
    let full = StoredBan {
        ip: Some("192.0.2.1".parse().unwrap()),
        matches: ["one", "two"].map(Line::from).into(),
        captures: vec![(Arc::from("user"), "root".to_owned())],
        ..ban("sshd", "key:SHA256", -5, Some(600))
    };
    let forever = ban("sshd", "2001:db8::7", -9, None);
    let by_hand = ban("", "192.0.2.9", -1, Some(60));
    world.write([&full, &forever, &by_hand].map(|ban| Write::Ban(ban.clone())));
    let world = world.restarted(&path);
    assert_eq!(world.store.as_ref().unwrap().began, Began::Existing);
    assert_eq!(world.live("sshd", Detail::Full), [forever.clone(), full.clone()]);
    let bare = StoredBan { matches: vec![], captures: vec![], ..full };
    assert_eq!(world.live("sshd", Detail::Bare), [forever, bare]);
    assert_eq!(world.live("", Detail::Full), [by_hand]);
    let jails = world.ask(async |handle| handle.jails().await);
    assert_eq!(jails, [None, Some(Arc::from("sshd"))]);
}

#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lib/rban.sqlite3");
    let world = World::at(&path);
    world.write([Write::Ban(ban("sshd", "192.0.2.7", 0, None))]);
    world.flush();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&dir.path().join("lib/rban.sqlite3-wal")), 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _world = world.restarted(&path);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_ban_that_ended_is_not_live_but_known() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    world.write([Write::Ban(ban("sshd", "192.0.2.7", -600, Some(600)))]);
    assert_eq!(world.ids("sshd"), [""; 0]);
    let record = world.record("sshd", "192.0.2.7", Within::Jail).unwrap();
    let bantime = Some(std::time::Duration::from_secs(600));
    let since = WallTime::from_secs(2_000_000_000 - 600);
    assert_eq!(record, Record { count: 1, since, bantime });
    assert_eq!(world.record("web", "192.0.2.7", Within::Jail), None);
}

#[test]
fn over_all_jails_counts_add_up_and_the_latest_time_counts() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    let second = StoredBan { bancount: 2, ..ban("sshd", "192.0.2.7", -10, None) };
    let third = StoredBan { bancount: 3, ..ban("web", "192.0.2.7", -20, Some(5)) };
    world.write([Write::Ban(second), Write::Ban(third)]);
    let record = world.record("mail", "192.0.2.7", Within::AllJails).unwrap();
    assert_eq!((record.count, record.bantime), (5, None));
    assert_eq!(record.since, WallTime::from_secs(2_000_000_000 - 10));
    assert_eq!(world.record("mail", "192.0.2.8", Within::AllJails), None);
}

#[test]
fn a_prolonged_ban_is_still_one_ban() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    world.write([Write::Ban(ban("sshd", "192.0.2.7", -600, Some(600)))]);
    let longer = StoredBan { bancount: 2, ..ban("sshd", "192.0.2.7", -600, Some(1200)) };
    world.write([Write::Prolong(longer.clone())]);
    assert_eq!(world.live("sshd", Detail::Bare), [longer]);
    assert_eq!(world.merged("sshd", "192.0.2.7", Within::Jail).1, 3);
}

#[test]
fn a_prolonged_ban_that_is_unknown_is_written() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    world.write([Write::Prolong(ban("sshd", "192.0.2.7", 0, None))]);
    assert_eq!(world.ids("sshd"), ["192.0.2.7"]);
}

#[test]
fn an_unban_forgets_the_jails_bans_of_that_id_only() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    let ids =
        [("sshd", "192.0.2.7"), ("sshd", "192.0.2.8"), ("web", "192.0.2.7"), ("", "192.0.2.7")];
    world.write(ids.map(|(jail, id)| Write::Ban(ban(jail, id, 0, None))));
    world.write([Write::Forget { jail: Some(Arc::from("sshd")), id: "192.0.2.7".into() }]);
    assert_eq!(world.ids("sshd"), ["192.0.2.8"]);
    assert_eq!(world.record("sshd", "192.0.2.7", Within::Jail), None);
    assert_eq!(world.merged("sshd", "192.0.2.7", Within::Jail), (vec![], 0));
    world.write([Write::ForgetJail(None)]);
    assert_eq!(world.ids(""), [""; 0]);
    assert_eq!(world.ids("web"), ["192.0.2.7"]);
    world.write([Write::ForgetAll]);
    assert_eq!(world.ask(async |handle| handle.jails().await), []);
}

#[test]
fn an_unban_forgets_earlier_bans_too() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    let bans = [-30, -20, -10].map(|since| Write::Ban(ban("sshd", "192.0.2.7", since, None)));
    world.write(bans.clone());
    assert_eq!(world.merged("sshd", "192.0.2.7", Within::Jail).1, 9);
    world.write([Write::Forget { jail: Some(Arc::from("sshd")), id: "192.0.2.7".into() }]);
    world.write(bans[..1].to_vec());
    assert_eq!(world.merged("sshd", "192.0.2.7", Within::Jail).1, 3);
}

#[test]
fn the_lines_of_all_bans_are_merged_up_to_the_limit() {
    let world = World::with(Spec { place: Place::Memory, matches_max: 3, ..Spec::default() });
    let with = |jail, since, lines: &[&'static str]| {
        let matches = lines.iter().map(|line| Line::from(*line)).collect();
        Write::Ban(StoredBan { matches, ..ban(jail, "192.0.2.7", since, Some(1)) })
    };
    world.write([
        with("sshd", 2, &["c", "d"]),
        with("sshd", 1, &["a", "b"]),
        with("web", 3, &["e"]),
    ]);
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(world.merged("sshd", "192.0.2.7", Within::Jail), (text(&["b", "c", "d"]), 6));
    assert_eq!(world.merged("web", "192.0.2.7", Within::AllJails), (text(&["c", "d", "e"]), 9));
    world.ask(async |handle| handle.limit(0, Limits::default()).await);
    assert_eq!(world.merged("web", "192.0.2.7", Within::AllJails), (vec![], 9));
}

#[test]
fn many_live_bans_come_in_pages_and_in_order() {
    let world = World::with(Spec { place: Place::Memory, ..Spec::default() });
    let id = |n: u32| std::net::Ipv4Addr::from(0xc000_0200 + n).to_string();
    world.write((0..20_000).map(|n| Write::Ban(ban("sshd", &id(n), 0, None))).collect::<Vec<_>>());
    let mut expected: Vec<String> = (0..20_000).map(id).collect();
    expected.sort();
    assert_eq!(world.ids("sshd"), expected);
}

#[test]
fn positions_and_cursors_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sqlite3");
    let world = World::at(&path);
    let position = |jail: &str, offset| StoredPosition {
        jail: Arc::from(jail),
        path: PathBuf::from("/var/log/auth.log"),
        file: Some((u64::MAX, 7)),
        offset,
        first_line_sha1: Some([9; 20]),
    };
    let cursor = StoredCursor {
        jail: Arc::from("sshd"),
        journal: "system".to_owned(),
        cursor: Some("s=1;i=2".to_owned()),
        time: NOW,
    };
    world.write([5, 9].map(|offset| Write::Position(position("sshd", offset))));
    world.write([Write::Position(position("web", 1)), Write::Cursor(cursor.clone())]);
    let world = world.restarted(&path);
    let positions = world.ask(async |handle| handle.positions().await);
    assert_eq!(positions, [position("sshd", 9), position("web", 1)]);
    assert_eq!(world.ask(async |handle| handle.cursors().await), [cursor]);
}
