//! The reader as the daemon sees it: real files, real events.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::super::{Begin, Encoding, Written};
use super::*;

/// A test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(10);

struct Running {
    batches: mpsc::Receiver<Batch>,
    mailbox: Mailbox,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Vec<Seen>>,
}

/// A feed that is begun at its end, in a reader of its own.
fn feed(path: &Path) -> (Feed, mpsc::Receiver<Batch>) {
    let (to, batches) = mpsc::channel(2);
    let feed = Feed {
        id: FeedId(1),
        path: path.to_owned(),
        begin: Begin::End,
        encoding: Encoding::UTF_8,
        backend: Backend::Pyinotify,
        positions: HashMap::new(),
        jails: Arc::from(["jail".into()]),
        to,
    };
    (feed, batches)
}

impl Running {
    fn follow(paths: &[&Path]) -> Self {
        Self::begin(paths, Begin::End, &Backend::Pyinotify)
    }

    fn begin(paths: &[&Path], begin: Begin, backend: &Backend) -> Self {
        let (to, batches) = mpsc::channel(2);
        let feeds = (1..).zip(paths).map(|(id, path)| Feed {
            id: FeedId(id),
            begin,
            backend: backend.clone(),
            to: to.clone(),
            ..feed(path).0
        });
        Self::start(feeds.collect(), batches)
    }

    fn start(feeds: Vec<Feed>, batches: mpsc::Receiver<Batch>) -> Self {
        let mut reader = Reader::new();
        for feed in feeds {
            reader.add(feed).unwrap();
        }
        let mailbox = reader.mailbox();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(reader.run(async { drop(stopped.await) }));
        Self { batches, mailbox, stop, task }
    }

    /// The next so many lines, whatever batches they come in.
    async fn next(&mut self, count: usize) -> Vec<String> {
        self.next_batches(count).await.into_iter().map(|(line, _)| line).collect()
    }

    /// The same, each with the batch that it came in.
    async fn next_batches(&mut self, count: usize) -> Vec<(String, Batch)> {
        let mut found = Vec::new();
        while found.len() < count {
            let batch = tokio::time::timeout(PATIENCE, self.batches.recv()).await;
            let batch = batch.unwrap_or_else(|_| panic!("only {found:?} came")).unwrap();
            let text = String::from_utf8(batch.chunk.to_vec()).unwrap();
            assert!(text.ends_with('\n') && text.lines().count() == batch.lines);
            found.extend(text.lines().map(|line| (line.to_owned(), batch.clone())));
        }
        found
    }

    /// Nothing more comes for a while.
    async fn expect_nothing(&mut self) {
        let more = tokio::time::timeout(Duration::from_millis(50), self.batches.recv()).await;
        assert!(more.is_err(), "{more:?}");
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> T {
        let (answer, answered) = oneshot::channel();
        self.mailbox.send(ask(answer)).await.unwrap();
        tokio::time::timeout(PATIENCE, answered).await.unwrap().unwrap()
    }
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn growth_is_delivered_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "old\n");
    let mut running = Running::follow(&[&log]);
    for text in ["a", "b", "c"] {
        append(&log, &format!("{text}\n"));
        assert_eq!(running.next(1).await, [text]);
    }
    append(&directory.path().join("other"), "x\n");
    append(&log, "d\ne\n");
    assert_eq!(running.next(2).await, ["d", "e"]);
}

#[tokio::test]
async fn rotation_goes_unnoticed() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "");
    let mut running = Running::follow(&[&log]);
    for round in 0..3 {
        append(&log, "before\n");
        assert_eq!(running.next(1).await, ["before"]);
        let rotated = directory.path().join(format!("log.{round}"));
        fs::rename(&log, &rotated).unwrap();
        append(&rotated, "between\n");
        assert_eq!(
            running.next(1).await,
            ["between"],
            "the old file is watched under its new name"
        );
        append(&log, "after\n");
        assert_eq!(running.next(1).await, ["after"]);
        File::options().write(true).truncate(true).open(&log).unwrap();
        append(&log, "again\n");
        assert_eq!(running.next(1).await, ["again"]);
    }
}

#[tokio::test]
async fn a_new_log_is_watched_even_if_it_got_the_inode_of_an_old_one() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "");
    let mut running = Running::follow(&[&log]);
    for _ in 0..20 {
        fs::remove_file(&log).unwrap();
        append(&log, "first\n");
        assert_eq!(running.next(1).await, ["first"]);
        append(&log, "second\n");
        assert_eq!(running.next(1).await, ["second"]);
    }
}

#[tokio::test]
async fn a_missing_log_is_waited_for_even_without_its_directory() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("a/b/log");
    let mut running = Running::follow(&[&log]);
    tokio::task::yield_now().await;
    fs::create_dir(directory.path().join("a")).unwrap();
    tokio::task::yield_now().await;
    fs::create_dir(directory.path().join("a/b")).unwrap();
    append(&log, "first\n");
    assert_eq!(running.next(1).await, ["first"]);
    fs::rename(directory.path().join("a"), directory.path().join("z")).unwrap();
    append(&directory.path().join("z/b/log"), "second\n");
    assert_eq!(running.next(1).await, ["second"]);
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    append(&log, "third\n");
    assert_eq!(running.next(1).await, ["third"]);
}

#[tokio::test]
async fn a_link_that_turns_to_another_file_is_a_rotation() {
    let directory = TempDir::new().unwrap();
    let [link, one, two, next] =
        ["log", "one", "two", "next"].map(|name| directory.path().join(name));
    append(&one, "old\n");
    std::os::unix::fs::symlink("one", &link).unwrap();
    let mut running = Running::follow(&[&link]);
    append(&one, "a\n");
    assert_eq!(running.next(1).await, ["a"]);
    append(&two, "b\n");
    std::os::unix::fs::symlink("two", &next).unwrap();
    fs::rename(&next, &link).unwrap();
    assert_eq!(running.next(1).await, ["b"]);
}

#[tokio::test]
async fn several_logs_are_followed_at_once() {
    let directory = TempDir::new().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    append(&one, "");
    let mut running = Running::follow(&[&one, &two, &one]);
    append(&one, "1\n");
    assert_eq!(running.next(1).await, ["1"]);
    append(&two, "2\n");
    assert_eq!(running.next(1).await, ["2"]);
    append(&one, "3\n");
    assert_eq!(running.next(1).await, ["3"]);
}

#[tokio::test]
async fn a_backlog_comes_in_bounded_batches_while_others_run() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    let mut running = Running::follow(&[&log]);
    let count = 50_000;
    append(&log, &(0..count).map(|number| format!("{number}\n")).collect::<String>());
    let expected: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    assert_eq!(running.next(count).await, expected);
}

#[tokio::test]
async fn it_ends_when_told_to() {
    let directory = TempDir::new().unwrap();
    let running = Running::follow(&[&directory.path().join("log")]);
    running.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_feed_that_nobody_listens_to_is_dropped_and_the_others_run() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    let mut running = Running::follow(&[&log]);
    let (deaf, batches) = feed(&log);
    running.ask(|answer| Ask::Add(Feed { id: FeedId(2), ..deaf }, answer)).await.unwrap();
    drop(batches);
    append(&log, "a\n");
    assert_eq!(running.next(1).await, ["a"]);
    let feeds: Vec<FeedId> =
        running.ask(Ask::Report).await.into_iter().flat_map(|seen| seen.feeds).collect();
    assert_eq!(feeds, [FeedId(1)]);
}

#[tokio::test]
async fn it_ends_even_if_it_waits_for_room() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    let mut running = Running::follow(&[&log]);
    for _ in 0..20 {
        append(&log, "x\n");
        tokio::task::yield_now().await;
    }
    assert_eq!(running.next(1).await, ["x"]);
    running.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, running.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_log_that_cannot_be_followed_is_named_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    let message = Reader::new().add(feed(directory.path()).0).unwrap_err().to_string();
    let place = directory.path().display();
    assert_eq!(message, format!("{place}: not a regular file; give the path of a log file"));
}

#[tokio::test]
async fn what_stood_in_a_log_before_is_told_from_what_is_new() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    std::fs::write(&log, "a\nb\n").unwrap();
    let mut running = Running::begin(&[&log], Begin::Start, &Backend::Auto);
    for (line, batch) in running.next_batches(2).await {
        assert_eq!(batch.written, Written::Before, "{line}");
    }
    append(&log, "c\n");
    let (line, batch) = running.next_batches(1).await.remove(0);
    assert_eq!((line.as_str(), batch.written), ("c", Written::Now));
}

#[tokio::test]
async fn polled_logs_are_followed_through_rotation_and_truncation() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "old\n");
    let mut running = Running::begin(&[&log], Begin::End, &Backend::Polling);
    append(&log, "a\n");
    assert_eq!(running.next(1).await, ["a"]);
    fs::rename(&log, directory.path().join("log.1")).unwrap();
    append(&directory.path().join("log.1"), "b\n");
    append(&log, "c\n");
    assert_eq!(running.next(2).await, ["b", "c"]);
    File::options().write(true).truncate(true).open(&log).unwrap();
    append(&log, "d\n");
    assert_eq!(running.next(1).await, ["d"]);
}

#[tokio::test]
async fn everything_is_polled_without_inotify() {
    let directory = TempDir::new().unwrap();
    let pattern = directory.path().join("*.log");
    let (to, batches) = mpsc::channel(2);
    let mut reader = Reader::new();
    reader.watcher = None;
    reader.add(Feed { to, ..feed(&pattern).0 }).unwrap();
    let mailbox = reader.mailbox();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(reader.run(async { drop(stopped.await) }));
    let mut running = Running { batches, mailbox, stop, task };
    append(&directory.path().join("a.log"), "a\n");
    assert_eq!(running.next(1).await, ["a"]);
}

#[tokio::test]
async fn logs_that_a_pattern_finds_later_are_followed_from_their_beginning() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    append(&path("a.log"), "old\n");
    let pattern = path("*/*.log");
    let mut running = Running::follow(&[&path("*.log"), &pattern]);
    append(&path("a.log"), "a\n");
    assert_eq!(running.next(1).await, ["a"]);
    append(&path("b.log"), "b\n");
    append(&path("other"), "x\n");
    assert_eq!(running.next(1).await, ["b"]);
    fs::create_dir(path("sub")).unwrap();
    append(&path("sub/c.log"), "c\n");
    let (line, batch) = running.next_batches(1).await.remove(0);
    assert_eq!((line.as_str(), &batch.feeds[..]), ("c", &[FeedId(2)][..]));
    append(&path("sub/c.log"), "d\n");
    assert_eq!(running.next(1).await, ["d"]);
}

#[tokio::test]
async fn a_pattern_that_finds_rotated_logs_too_doubles_no_line() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut running = Running::follow(&[&path("log*")]);
    append(&path("log"), "1\n");
    assert_eq!(running.next(1).await, ["1"]);
    for round in 2..6 {
        for number in (1..round).rev() {
            drop(fs::rename(path(&format!("log.{number}")), path(&format!("log.{}", number + 1))));
        }
        fs::rename(path("log"), path("log.1")).unwrap();
        running.expect_nothing().await;
        append(&path("log.1"), &format!("late {round}\n"));
        append(&path("log"), &format!("{round}\n"));
        assert_eq!(running.next(2).await, [format!("late {round}"), round.to_string()]);
        running.expect_nothing().await;
    }
}

#[tokio::test]
async fn a_log_of_two_feeds_is_read_once_for_both() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("a.log");
    append(&log, "");
    let mut running = Running::follow(&[&log, &directory.path().join("*.log")]);
    append(&log, "a\n");
    let (line, batch) = running.next_batches(1).await.remove(0);
    assert_eq!((line.as_str(), &batch.feeds[..]), ("a", &[FeedId(1), FeedId(2)][..]));
    let seen = running.ask(|answer| Ask::Remove(FeedId(1), answer)).await;
    assert_eq!(seen.len(), 1);
    append(&log, "b\n");
    let (line, batch) = running.next_batches(1).await.remove(0);
    assert_eq!((line.as_str(), &batch.feeds[..]), ("b", &[FeedId(2)][..]));
    running.expect_nothing().await;
}

#[tokio::test]
async fn a_feed_that_begins_earlier_catches_up_and_joins() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "a\nb\n");
    let mut running = Running::follow(&[&log]);
    let (later, mut batches) = feed(&log);
    let later = Feed { id: FeedId(2), begin: Begin::Start, ..later };
    running.ask(|answer| Ask::Add(later, answer)).await.unwrap();
    assert_eq!(&batches.recv().await.unwrap().chunk[..], b"a\nb\n");
    append(&log, "c\n");
    assert_eq!(running.next(1).await, ["c"]);
    assert_eq!(&batches.recv().await.unwrap().chunk[..], b"c\n");
    let seen = running.ask(Ask::Report).await;
    assert_eq!(seen.len(), 1, "both follow one log now: {seen:?}");
    assert_eq!(seen[0].feeds, [FeedId(1), FeedId(2)]);
}

#[tokio::test]
async fn who_takes_no_lines_holds_up_nobody_else_and_loses_none() {
    let directory = TempDir::new().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    append(&one, "");
    append(&two, "");
    let mut running = Running::follow(&[&one]);
    let (slow, mut batches) = feed(&two);
    running.ask(|answer| Ask::Add(Feed { id: FeedId(2), ..slow }, answer)).await.unwrap();
    for number in 0..5 {
        append(&two, &format!("{number}\n"));
        append(&one, "x\n");
        assert_eq!(running.next(1).await, ["x"]);
    }
    let seen = running.ask(Ask::Report).await;
    let behind = seen.iter().find(|seen| *seen.path == *two).unwrap();
    assert!(behind.behind_bytes >= 4 && behind.behind_for > Duration::ZERO, "{behind:?}");
    let mut found = Vec::new();
    while found.len() < 10 {
        found.extend_from_slice(&batches.recv().await.unwrap().chunk);
    }
    assert_eq!(found, b"0\n1\n2\n3\n4\n");
}

#[tokio::test]
async fn a_later_run_goes_on_where_the_former_stopped() {
    let directory = TempDir::new().unwrap();
    let log = directory.path().join("log");
    append(&log, "a\nb\nbegun ");
    let mut running = Running::begin(&[&log], Begin::Start, &Backend::Auto);
    let (_, batch) = running.next_batches(2).await.remove(1);
    assert_eq!(batch.position.offset, 4);
    running.stop.send(()).unwrap();
    let seen = running.task.await.unwrap();
    assert_eq!(seen[0].position, Some(batch.position));
    append(&log, "and ended\n");
    let (to, batches) = mpsc::channel(2);
    let positions = HashMap::from([(log.clone(), batch.position)]);
    let again = Feed { begin: Begin::Start, positions, to, ..feed(&log).0 };
    assert_eq!(Running::start(vec![again], batches).next(1).await, ["begun and ended"]);
}
