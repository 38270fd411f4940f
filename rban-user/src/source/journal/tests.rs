//! Real journals, written by `systemd-journal-remote`, read by the real `journalctl`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program that makes journals.
const WRITER: &str = "/lib/systemd/systemd-journal-remote";

/// The first entry's time, in microseconds.
const START: i64 = 1_763_740_000_000_000;

/// Who writes a journal as long as this is there.
struct Writer {
    child: std::process::Child,
    path: PathBuf,
    entries: i64,
}

impl Writer {
    fn new(path: &Path) -> Self {
        let child = std::process::Command::new(WRITER)
            .arg("--output")
            .arg(path)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{WRITER}: {error}; install systemd-journal-remote"));
        Self { child, path: path.to_owned(), entries: 0 }
    }

    /// One entry a second.
    fn write(&mut self, unit: &str, message: &str) {
        let time = START + 1_000_000 * self.entries;
        self.entries += 1;
        let text = format!(
            "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032x}\n_HOSTNAME=host\n\
             SYSLOG_IDENTIFIER=sshd\n_PID=7\n_SYSTEMD_UNIT={unit}\nMESSAGE={message}\n\n",
            1_000_000 * self.entries,
            1
        );
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    /// Until the journal has been written and closed.
    fn finish(mut self) -> PathBuf {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        std::mem::take(&mut self.path)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn journal(file: &Path, matches: &[&str]) -> Journal {
    let matches: Vec<Vec<String>> =
        matches.iter().map(|list| list.split(' ').map(str::to_owned).collect()).collect();
    Journal::new(&format!("[journalfiles={}]", file.display()), &matches).unwrap()
}

struct Running {
    entries: mpsc::Receiver<Entries>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Error>>,
}

impl Running {
    fn start(journal: Journal, position: Option<Cursor>) -> Self {
        let (to, entries) = mpsc::channel(2);
        let (stop, stopped) = oneshot::channel();
        let start = WallTime::from_micros(START - 1);
        let task = tokio::spawn(journal.run(position, start, to, async { drop(stopped.await) }));
        Self { entries, stop, task }
    }

    /// The next so many lines, and how far the journal has been read then.
    async fn next(&mut self, count: usize) -> (Vec<String>, Option<Cursor>) {
        let (mut found, mut position) = (Vec::new(), None);
        while found.len() < count {
            let batch = timeout(PATIENCE, self.entries.recv()).await;
            let batch = batch.unwrap_or_else(|_| panic!("only {found:?} came")).unwrap();
            found.extend(batch.entries.into_iter().map(|entry| entry.text));
            position = Some(batch.position);
        }
        (found, position)
    }
}

#[tokio::test]
async fn entries_become_lines() {
    let directory = TempDir::new().unwrap();
    let mut writer = Writer::new(&directory.path().join("a.journal"));
    writer.write("ssh.service", "one");
    writer.write("other.service", "two");
    writer.write("ssh.service", "three");
    let file = writer.finish();
    let mut all = Running::start(journal(&file, &[]), None);
    assert_eq!(
        all.next(3).await.0,
        ["host sshd[7]: one", "host sshd[7]: two", "host sshd[7]: three"]
    );
    let mut of_unit = Running::start(journal(&file, &["_SYSTEMD_UNIT=ssh.service"]), None);
    assert_eq!(of_unit.next(2).await.0, ["host sshd[7]: one", "host sshd[7]: three"]);
}

#[tokio::test]
async fn a_journal_is_followed_and_gone_on_with() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.journal");
    let mut writer = Writer::new(&path);
    writer.write("ssh.service", "one");
    writer.write("ssh.service", "two");
    while File::open(&path).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut running = Running::start(journal(&path, &[]), None);
    let (_, position) = running.next(2).await;
    writer.write("ssh.service", "three");
    assert_eq!(running.next(1).await.0, ["host sshd[7]: three"]);
    running.stop.send(()).unwrap();
    running.task.await.unwrap().unwrap();
    writer.write("ssh.service", "four");
    let expected = ["host sshd[7]: three", "host sshd[7]: four"];
    let by_time = position.clone().map(|cursor| Cursor { name: None, ..cursor });
    for position in [position, by_time] {
        let mut running = Running::start(journal(&path, &[]), position);
        assert_eq!(running.next(2).await.0, expected);
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_known_any_more_is_replaced_by_its_time() {
    let directory = TempDir::new().unwrap();
    let mut writer = Writer::new(&directory.path().join("a.journal"));
    (0..3).for_each(|entry| writer.write("ssh.service", &entry.to_string()));
    let file = writer.finish();
    let cursor = Cursor { time: WallTime::from_micros(START), name: Some("nonsense".to_owned()) };
    let mut running = Running::start(journal(&file, &[]), Some(cursor));
    assert_eq!(running.next(2).await.0, ["host sshd[7]: 1", "host sshd[7]: 2"]);
}

#[tokio::test]
async fn an_entry_that_is_gone_does_not_take_its_successor_with_it() {
    let directory = TempDir::new().unwrap();
    let [old, new] = ["old.journal", "new.journal"].map(|name| {
        let mut writer = Writer::new(&directory.path().join(name));
        (0..3).for_each(|entry| writer.write("ssh.service", &format!("{name} {entry}")));
        writer.finish()
    });
    let (_, position) = Running::start(journal(&old, &[]), None).next(3).await;
    let mut running = Running::start(journal(&new, &[]), position);
    assert_eq!(running.next(1).await.0, ["host sshd[7]: new.journal 2"]);
}

#[tokio::test]
async fn entries_that_were_there_are_told_from_new_ones() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a.journal");
    let mut writer = Writer::new(&path);
    writer.write("ssh.service", "one");
    while File::open(&path).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut running = Running::start(journal(&path, &[]), None);
    assert_eq!(running.entries.recv().await.unwrap().written, Written::Before);
    tokio::time::sleep(QUIET * 2).await;
    writer.write("ssh.service", "two");
    let batch = timeout(PATIENCE, running.entries.recv()).await.unwrap().unwrap();
    assert_eq!(batch.written, Written::Now);
}

#[tokio::test]
async fn without_journalctl_there_is_an_error_with_the_remedy() {
    let journal =
        Journal { places: Vec::new(), matches: Vec::new(), program: "/nonexistent/journalctl" };
    let error = Running::start(journal, None).task.await.unwrap().unwrap_err();
    let remedy = "journalctl cannot be run; install systemd, or write backend = auto and a logpath";
    assert_eq!(error.to_string(), remedy);
}
