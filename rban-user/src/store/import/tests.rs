//! Databases that the packaged fail2ban-server wrote, and ones of older and odder kinds made by hand.

use std::fs;
use std::process::{Child, Command};
use std::time::Instant;

use super::*;
use crate::store::bans::Page;
use crate::store::schema;
use crate::store::tests::NOW;
use crate::store::{Detail, Within};

const MINUTES_10: Bantime = Some(Duration::from_secs(600));

/// What the database knows of a jail after it took over the file.
struct Taken {
    imported: Imported,
    database: Database,
}

impl Taken {
    fn live(&mut self, jail: &str) -> Vec<StoredBan> {
        let jail = JailName::from(jail);
        let page = Page {
            jail: Some(&jail),
            detail: Detail::Full,
            after: None,
            now: NOW,
            rows_max: 1_000,
        };
        self.database.live(&page).unwrap()
    }
}

fn take(path: &Path, now: WallTime) -> Result<Taken, ImportError> {
    let mut database = schema::open_in_memory().unwrap();
    let bantimes = [("sshd".into(), MINUTES_10), ("ever".into(), None)].into();
    let before = fs::read(path).unwrap();
    let imported = import(&mut database, path, &bantimes, 10, now);
    assert_eq!(fs::read(path).unwrap(), before, "the original was touched");
    imported.map(|imported| Taken { imported, database })
}

/// A database made by SQL; the tables as the specification has them, or older.
fn made(dir: &Path, sql: &str) -> PathBuf {
    let path = dir.join("fail2ban.sqlite3");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    path
}

const LOGS: &str =
    "CREATE TABLE logs (jail TEXT, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER);";

fn version(number: u32) -> String {
    format!(
        "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES ({number});{LOGS}"
    )
}

const BIPS: &str =
    "CREATE TABLE bips (ip TEXT, jail TEXT, timeofban, bantime, bancount, data JSON);";

#[test]
fn live_and_ended_bans_come_with_counts_and_lines() {
    let dir = tempfile::tempdir().unwrap();
    let sql = version(4)
        + BIPS
        + r#"INSERT INTO bips VALUES
        ('192.0.2.7', 'sshd', 1999999900, 600, 2, '{"matches": ["one"], "failures": 5, "user": "root"}'),
        ('2001:DB8::7', 'sshd', 1999999900, -1, 1, NULL),
        ('192.0.2.8', 'sshd', 1999990000, 600.5, 7, '{}'),
        ('key', 'ever', 1999999900, -2, 1, '{"ip4": "192.0.2.9", "failures": 1}'),
        ('192.0.2.5', 'sshd', 1999999900, -2, 1, '{}'),
        ('192.0.2.5', 'gone', 1999999900, -2, 1, '{}');"#;
    let mut taken = take(&made(dir.path(), &sql), NOW).unwrap();
    assert_eq!((taken.imported.bans, taken.imported.live), (6, 4));
    let live = taken.live("sshd");
    let seen: Vec<_> = live.iter().map(|ban| (ban.id.as_str(), ban.bantime())).collect();
    assert_eq!(seen, [("192.0.2.5", MINUTES_10), ("192.0.2.7", MINUTES_10), ("2001:db8::7", None)]);
    assert_eq!((live[1].bancount, live[1].failures), (2, 5));
    assert_eq!(live[1].matches, ["one"]);
    assert_eq!(live[1].captures, [(Arc::from("user"), "root".to_owned())]);
    let [ever] = &taken.live("ever")[..] else { panic!("not one ban") };
    assert_eq!((ever.until, ever.ip), (None, Some("192.0.2.9".parse().unwrap())));
    let jail = JailName::from("sshd");
    let known = taken.database.record(Some(&jail), "192.0.2.8", Within::Jail).unwrap().unwrap();
    assert_eq!((known.count, known.bantime), (7, Some(Duration::from_millis(600_500))));
}

#[test]
fn older_databases_are_read_by_their_history() {
    let old = "CREATE TABLE bans (jail TEXT, ip TEXT, timeofban INTEGER, data JSON);
        INSERT INTO bans VALUES ('sshd', '192.0.2.7', 1999999000, '{}'),
            ('sshd', '192.0.2.7', 1999999900, '{\"matches\": [\"new\"]}');";
    let three = "CREATE TABLE bans (jail TEXT, ip TEXT, timeofban INTEGER, bantime INTEGER, bancount INTEGER, data JSON);
        INSERT INTO bans VALUES ('sshd', '192.0.2.7', 1999999900, 600, 1, '{\"matches\": [\"new\"]}'),
            ('sshd', '192.0.2.7', 1999999000, 300, 4, '{}');";
    for (number, bans) in [(1, old), (2, old), (3, three)] {
        let dir = tempfile::tempdir().unwrap();
        let mut taken = take(&made(dir.path(), &(version(number) + bans)), NOW).unwrap();
        let [ban] = &taken.live("sshd")[..] else { panic!("version {number}: not one ban") };
        assert_eq!((ban.bantime(), ban.bancount), (MINUTES_10, 1), "version {number}");
        assert_eq!(ban.matches, ["new"], "version {number}");
    }
}

#[test]
fn positions_come_by_their_digest() {
    let dir = tempfile::tempdir().unwrap();
    let sha1 = "0123456789abcdef0123456789ABCDEF01234567";
    let sql = format!(
        "{}{BIPS} INSERT INTO logs VALUES ('sshd', '/var/log/auth.log', '{sha1}', 77),
            ('sshd', '/var/log/empty', '', 0), ('sshd', '/var/log/md5', '0123456789abcdef', 5),
            ('sshd', 'systemd-journal', '2033-05-18T03:33:20', 2000000000);",
        version(4)
    );
    let mut taken = take(&made(dir.path(), &sql), NOW).unwrap();
    assert_eq!((taken.imported.positions, taken.imported.skipped), (3, 1));
    let positions = taken.database.positions().unwrap();
    let [log, empty] = &positions[..] else { panic!("{positions:?}") };
    assert_eq!((log.offset, log.first_line_sha1.unwrap()[..2].to_vec()), (77, vec![0x01, 0x23]));
    assert_eq!((empty.offset, empty.first_line_sha1), (0, None));
    let cursors = taken.database.cursors().unwrap();
    assert_eq!((cursors[0].time, cursors[0].cursor.as_deref()), (NOW, None));
}

#[test]
fn rows_without_sense_are_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let sql = version(4) + BIPS + "INSERT INTO bips VALUES
        (NULL, 'sshd', 1999999900, 600, 1, NULL), ('192.0.2.7', '', 1999999900, 600, 1, NULL),
        ('192.0.2.7', 'sshd', 'noon', 600, 1, NULL), ('192.0.2.7', 'sshd', 9e300, 600, 1, NULL),
        ('192.0.2.7', 'sshd', 1999999900, x'00', 1, NULL), (x'ff', 'sshd', 1999999900, 600, 1, NULL),
        ('192.0.2.8', 'sshd', 1999999900, 9e300, -5, 'no JSON');";
    let mut taken = take(&made(dir.path(), &sql), NOW).unwrap();
    assert_eq!((taken.imported.skipped, taken.imported.bans), (6, 1));
    let live = taken.live("sshd");
    assert_eq!((live[0].until, live[0].bancount), (None, 1));
}

#[test]
fn what_is_known_here_stands() {
    let dir = tempfile::tempdir().unwrap();
    let sql = version(4)
        + BIPS
        + "INSERT INTO bips VALUES ('192.0.2.7', 'sshd', 1999999900, 600, 2, '{}');";
    let path = made(dir.path(), &sql);
    let Taken { mut database, .. } = take(&path, NOW).unwrap();
    let again = import(&mut database, &path, &BTreeMap::new(), 10, NOW).unwrap();
    assert_eq!((again.bans, again.skipped), (0, 0));
}

#[test]
fn other_files_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let other = made(dir.path(), "CREATE TABLE t (a);");
    assert!(matches!(take(&other, NOW), Err(ImportError::NotFail2bans { .. })));
    fs::remove_file(&other).unwrap();
    let newer = made(dir.path(), &version(5));
    assert!(matches!(take(&newer, NOW), Err(ImportError::Newer { found: 5, .. })));
    fs::write(&newer, "nonsense".repeat(200)).unwrap();
    assert!(matches!(take(&newer, NOW), Err(ImportError::Unreadable { .. })));
}

#[test]
fn missing_tables_cut_the_import_short() {
    let dir = tempfile::tempdir().unwrap();
    let taken = take(&made(dir.path(), &version(4)), NOW).unwrap();
    assert!(taken.imported.cut_short.is_some());
}

/// A fail2ban-server of its own, in a directory of its own.
struct Server<'a> {
    dir: &'a Path,
    child: Child,
}

impl<'a> Server<'a> {
    fn start(dir: &'a Path) -> Self {
        let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
        let at = dir.display();
        for folder in ["filter.d", "action.d"] {
            fs::create_dir(dir.join(folder)).unwrap();
        }
        write("auth.log", "an old line\nanother\n");
        write(
            "fail2ban.conf",
            &format!(
                "[Definition]\nloglevel = INFO\nlogtarget = {at}/log\nsyslogsocket = auto\nsocket = {at}/sock\n\
                 pidfile = {at}/pid\ndbfile = {at}/f2b.sqlite3\ndbpurgeage = 1d\n"
            ),
        );
        write("filter.d/tries.conf", "[Definition]\nfailregex = ^failed <HOST>$\n");
        write(
            "jail.conf",
            &format!(
                "[DEFAULT]\nbantime = 600\nfindtime = 600\nmaxretry = 3\nbackend = polling\nlogencoding = utf-8\n\
                 enabled = true\n[sshd]\nfilter = tries\nlogpath = {at}/auth.log\n[ever]\nfilter = tries\n\
                 bantime = -1\nlogpath = {at}/auth.log\n"
            ),
        );
        let mut command = Command::new("fail2ban-server");
        command.arg("-c").arg(dir).arg("-s").arg(dir.join("sock")).arg("-p").arg(dir.join("pid"));
        let child = command.args(["-f", "start"]).stdout(std::process::Stdio::null()).spawn();
        Self { dir, child: child.expect("the package fail2ban is installed") }
    }

    fn client(&self, words: &[&str]) -> bool {
        let mut command = Command::new("fail2ban-client");
        command.arg("-c").arg(self.dir).arg("-s").arg(self.dir.join("sock")).args(words);
        command.output().unwrap().status.success()
    }

    fn stop(mut self) {
        assert!(self.client(&["stop"]));
        self.child.wait().unwrap();
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[track_caller]
fn wait_for(fact: impl Fn() -> bool) {
    let begun = Instant::now();
    while !fact() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_the_packaged_fail2ban_wrote_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path());
    wait_for(|| server.client(&["status", "ever"]));
    assert!(server.client(&[
        "set",
        "sshd",
        "banip",
        "192.0.2.7",
        "2001:db8::7",
        "198.51.100.0/24"
    ]));
    assert!(server.client(&["set", "ever", "banip", "192.0.2.8"]));
    assert!(server.client(&[
        "set",
        "sshd",
        "attempt",
        "192.0.2.9",
        "line one",
        "line two",
        "line 3"
    ]));
    let path = dir.path().join("f2b.sqlite3");
    let rows = || {
        let conn = open(&path)?;
        conn.query_row("SELECT count(*) FROM bips", [], |row| row.get::<_, i64>(0))
    };
    wait_for(|| rows().unwrap_or(0) == 5);
    server.stop();
    let now = crate::clock::Now::read().wall;
    let taken = take(&path, now).unwrap();
    assert_eq!((taken.imported.bans, taken.imported.live), (5, 5));
    assert_eq!((taken.imported.skipped, taken.imported.positions), (0, 2));
    let mut database = taken.database;
    let jail = JailName::from("sshd");
    let page = Page { jail: Some(&jail), detail: Detail::Full, after: None, now, rows_max: 9 };
    let live = database.live(&page).unwrap();
    let ids: Vec<&str> = live.iter().map(|ban| ban.id.as_str()).collect();
    assert_eq!(ids, ["192.0.2.7", "192.0.2.9", "198.51.100.0/24", "2001:db8::7"]);
    assert!(live.iter().all(|ban| ban.bantime() == MINUTES_10 && ban.bancount == 1));
    assert_eq!(live[1].matches, ["line one", "line two", "line 3"]);
    assert_eq!(live[1].failures, 1, "one attempt of three lines");
    // The digest is that of "an old line", with its line end, as sha1sum has it.
    let position = &database.positions().unwrap()[0];
    assert_eq!((position.path.clone(), position.offset), (dir.path().join("auth.log"), 20));
    let digest = position.first_line_sha1.unwrap().map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(digest, sha1sum(b"an old line\n"));
}

fn sha1sum(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut command = Command::new("sha1sum");
    let pipe = std::process::Stdio::piped;
    let mut child = command.stdin(pipe()).stdout(pipe()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..40].to_owned()
}
