//! Names first, then restarts of ours and rotations of the log's writer, at random against a model.

use std::fs::OpenOptions;
use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::source::Encoding;
use crate::source::file::{Chunk, Elsewhere, Followed, Progress};

fn rotated(name: &str) -> Name {
    Name { name: name.into(), is_it: false }
}

#[track_caller]
fn check(log: &str, name: &str, stamp: Option<&str>) {
    let name = rotated(name);
    let found = name.relative(Path::new(log));
    assert_eq!(found.map(|it| it.stamp), stamp.map(str::as_bytes), "{:?}", name.name);
}

#[test]
fn rotated_logs_are_told_by_their_names() {
    check("/var/log/auth.log", "auth.log.1", Some("1"));
    check("/var/log/auth.log", "auth.log-20261121", Some("20261121"));
    check("/var/log/auth.log", "auth.1.log", Some("1"));
    check("/var/log/auth.log", "auth-20261121.log", Some("20261121"));
    check("/var/log/auth.log", "auth.log", None);
    check("/var/log/auth.log", "auth.log.2.gz", None);
    check("/var/log/auth.log", "syslog", None);
    check("/var/log/auth.log", "auth", None);
}

#[test]
fn numbers_grow_with_age_and_dates_do_not() {
    let path = Path::new("/log");
    for (older, newer) in
        [("log.2", "log.1"), ("log.10", "log.9"), ("log-20261120", "log-20261121")]
    {
        let names = [rotated(older), rotated(newer)];
        let [older, newer] = [0, 1].map(|index| names[index].relative(path).unwrap());
        assert!(
            newer.is_newer(&older) && !older.is_newer(&newer),
            "{names:?}",
            names = (older, newer)
        );
    }
    let names = [rotated("log.old"), rotated("log.1")];
    let [old, one] = [0, 1].map(|index| names[index].relative(path).unwrap());
    assert!(!old.is_newer(&one) && !one.is_newer(&old));
}

/// A log in a directory of its own, somebody who writes it, and we who follow it, but not always.
struct World {
    directory: TempDir,
    writer: File,
    /// `None` while we are down.
    followed: Option<Followed>,
    found: Vec<String>,
    /// Of the last lines found; what is known after a restart.
    position: Option<Position>,
}

impl World {
    /// Begins with a log that has this in it, and has been read.
    fn new(content: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut writer = create(&directory.path().join("log"));
        writer.write_all(content.as_bytes()).unwrap();
        let mut world =
            Self { directory, writer, followed: None, found: Vec::new(), position: None };
        world.start();
        world.look();
        world
    }

    fn path(&self) -> PathBuf {
        self.rotated(0)
    }

    fn rotated(&self, number: u32) -> PathBuf {
        let name = if number == 0 { "log".to_owned() } else { format!("log.{number}") };
        self.directory.path().join(name)
    }

    fn write(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
    }

    /// Makes room for a new `log.1`.
    fn shift(&self) {
        let last = (1..).find(|number| !self.rotated(*number).exists()).unwrap();
        for number in (1..last).rev() {
            fs::rename(self.rotated(number), self.rotated(number + 1)).unwrap();
        }
    }

    /// Moves the log out of the way; the writer goes on writing to it.
    fn rename(&mut self) {
        self.shift();
        fs::rename(self.path(), self.rotated(1)).unwrap();
    }

    fn copy_and_truncate(&mut self) {
        self.shift();
        fs::copy(self.path(), self.rotated(1)).unwrap();
        OpenOptions::new().write(true).truncate(true).open(self.path()).unwrap();
    }

    fn create(&mut self) {
        drop(create(&self.path()));
    }

    /// The writer turns to the log at the path. True if that is another one.
    fn reopen(&mut self) -> bool {
        let new = OpenOptions::new().append(true).open(self.path()).unwrap();
        let [old, now] = [&self.writer, &new].map(|file| FileId::of(&file.metadata().unwrap()));
        self.writer = new;
        old != now
    }

    fn writes_the_log(&self) -> bool {
        let [there, ours] = [fs::metadata(self.path()), self.writer.metadata()];
        there.is_ok_and(|there| FileId::of(&there) == FileId::of(&ours.unwrap()))
    }

    fn stop(&mut self) {
        self.followed = None;
    }

    fn start(&mut self) {
        let mut followed = Followed::new(self.path(), Encoding::UTF_8);
        if let Some(position) = self.position {
            for part in followed.parts(&position, &[position]).unwrap() {
                followed.follow(part, Elsewhere::Unknown).unwrap();
            }
        }
        self.followed = Some(followed);
    }

    fn look(&mut self) {
        let Some(followed) = &mut self.followed else { return };
        if let Some(part) = followed.find_new().unwrap() {
            followed.follow(part, Elsewhere::Unknown).unwrap();
        }
        let mut buffer = [0; 300];
        loop {
            let (chunk, progress) = followed.read(&mut buffer).unwrap();
            if let Some(Chunk { bytes, position, .. }) = chunk {
                self.found.extend(str::from_utf8(&bytes).unwrap().lines().map(str::to_owned));
                self.position = Some(position);
            }
            if progress == Progress::AtEnd {
                return;
            }
        }
    }

    #[track_caller]
    fn check(mut self, found: &[&str]) {
        self.start();
        self.look();
        assert_eq!(self.found, found);
    }
}

fn create(path: &Path) -> File {
    OpenOptions::new().create_new(true).append(true).open(path).unwrap()
}

#[test]
fn a_log_that_grew_meanwhile_is_read_on() {
    let mut world = World::new("a\nb");
    world.stop();
    world.write("c\nd\n");
    world.check(&["a", "bc", "d"]);
}

#[test]
fn logs_that_were_rotated_meanwhile_are_read_to_their_end_first() {
    let mut world = World::new("a\n");
    world.stop();
    for round in 0..3 {
        world.write(&format!("old {round}\n"));
        world.rename();
        world.create();
        assert!(world.reopen());
    }
    world.write("new\n");
    world.check(&["a", "old 0", "old 1", "old 2", "new"]);
}

#[test]
fn a_log_that_was_copied_and_truncated_meanwhile_is_found_by_its_first_line() {
    let mut world = World::new("a\n");
    world.stop();
    world.write("b\n");
    world.copy_and_truncate();
    world.write("c\n");
    world.copy_and_truncate();
    world.write("d\n");
    world.check(&["a", "b", "c", "d"]);
}

#[test]
fn a_log_that_is_another_one_is_read_from_its_beginning() {
    let mut world = World::new("a\nb\n");
    world.stop();
    fs::remove_file(world.path()).unwrap();
    world.create();
    world.reopen();
    world.write("a\nc\nd\n");
    world.check(&["a", "b", "a", "c", "d"]);
}

#[test]
fn what_fail2ban_has_read_is_known_by_the_digest_alone() {
    let mut world = World::new("a\nb\n");
    world.stop();
    world.position = world.position.map(|position| Position { file: None, ..position });
    world.write("c\n");
    world.rename();
    world.create();
    world.reopen();
    world.write("d\n");
    world.check(&["a", "b", "c", "d"]);
}

#[derive(Clone, Debug)]
enum Step {
    /// So many lines, and whether the last one gets its end.
    Write(usize, bool),
    Rename,
    /// A new log, if the path is free.
    Create,
    /// The writer turns to the log at the path, if there is one.
    Reopen,
    CopyAndTruncate,
    Look,
    Stop,
    Start,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1usize..8, any::<bool>()).prop_map(|(lines, ended)| Step::Write(lines, ended)),
        2 => Just(Step::Rename),
        4 => Just(Step::Create),
        4 => Just(Step::Reopen),
        1 => Just(Step::CopyAndTruncate),
        3 => Just(Step::Look),
        2 => Just(Step::Stop),
        2 => Just(Step::Start),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The model: whatever was written to one file until it was left or emptied, cut at its newlines.
    #[test]
    fn no_line_is_lost_and_none_doubled_by_restarts(steps in steps()) {
        let mut world = World::new("begin\n");
        let (mut stretches, mut count) = (vec!["begin\n".to_owned()], 0_u32);
        // Files that came after the one that we are in. Past the limit it is given up.
        let mut successors = 0;
        for step in steps {
            let is_up = world.followed.is_some();
            // What came and went between two looks is not seen.
            world.look();
            if world.followed.as_ref().is_some_and(|followed| followed.files().count() == 1) {
                successors = 0;
            }
            match step {
                Step::Write(lines, ended) => {
                    let mut text = String::new();
                    for _ in 0..lines {
                        count += 1;
                        text += &format!("{:08x}\n", count.wrapping_mul(0x9e37_79b1));
                    }
                    text.truncate(text.len() - usize::from(!ended));
                    world.write(&text);
                    stretches.last_mut().unwrap().push_str(&text);
                }
                Step::Rename if world.path().exists() => world.rename(),
                Step::Create if !world.path().exists() && successors + 2 < OPENED_MAX => {
                    successors += 1;
                    world.create();
                }
                Step::Reopen if world.path().exists() && world.reopen() => {
                    stretches.push(String::new());
                }
                // Of a log whose first line is not known, the copy cannot be told.
                Step::CopyAndTruncate
                    if world.writes_the_log()
                        && successors + 2 < OPENED_MAX
                        && (is_up || world.position.unwrap().first_line.is_some()) =>
                {
                    successors += 1;
                    world.copy_and_truncate();
                    stretches.push(String::new());
                }
                Step::Stop => world.stop(),
                Step::Start if !is_up => world.start(),
                _ => {}
            }
        }
        world.write("end\n");
        stretches.last_mut().unwrap().push_str("end\n");
        if world.followed.is_none() {
            world.start();
        }
        world.look();
        let expected: Vec<String> =
            stretches.iter().flat_map(|stretch| stretch.lines()).map(str::to_owned).collect();
        prop_assert_eq!(world.found, expected);
    }
}
