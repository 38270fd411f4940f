//! Rotation and truncation as writers do them, first by example, then at random against a model.

use std::io::Write;

use proptest::prelude::*;
use tempfile::TempDir;

use super::opened::TAIL_BYTES;
use super::*;

/// A log in a directory of its own, somebody who writes it, and we who follow.
struct World {
    directory: TempDir,
    writer: File,
    rotations: u32,
    followed: Followed,
    found: Vec<String>,
    /// Of the last lines found.
    position: Option<Position>,
}

impl World {
    /// Begins with a log that has this in it.
    fn new(content: &str) -> Self {
        Self::with(Encoding::UTF_8, content.as_bytes())
    }

    fn with(encoding: Encoding, content: &[u8]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("log");
        let mut followed = Followed::new(path.clone(), encoding);
        let mut writer = create(&path);
        writer.write_all(content).unwrap();
        let part = followed.find_new().unwrap().unwrap();
        followed.follow_from_end(part).unwrap();
        Self { directory, writer, rotations: 0, followed, found: Vec::new(), position: None }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    fn write(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
    }

    /// Moves the log out of the way; the writer goes on writing to it.
    fn rename(&mut self) {
        self.rotations += 1;
        let name = format!("log.{}", self.rotations);
        fs::rename(self.path(), self.directory.path().join(name)).unwrap();
    }

    fn delete(&mut self) {
        fs::remove_file(self.path()).unwrap();
    }

    /// Puts a new log at the path, which the writer does not know of yet.
    fn create(&mut self) -> File {
        create(&self.path())
    }

    fn truncate(&mut self) {
        self.writer.set_len(0).unwrap();
    }

    /// Looks as often as there is something, through a buffer hardly larger than what is compared.
    fn look(&mut self) {
        if let Some(part) = self.followed.find_new().unwrap() {
            self.followed.follow(part, Elsewhere::Unknown).unwrap();
        }
        let mut buffer = [0; TAIL_BYTES + 40];
        loop {
            let (chunk, progress) = self.followed.read(&mut buffer).unwrap();
            if let Some(Chunk { bytes, lines, position, .. }) = chunk {
                let text = str::from_utf8(&bytes).unwrap();
                assert!(text.ends_with('\n') && text.lines().count() == lines);
                self.found.extend(text.lines().map(str::to_owned));
                self.position = Some(position);
            }
            if progress == Progress::AtEnd {
                return;
            }
        }
    }

    #[track_caller]
    fn check(mut self, found: &[&str]) {
        self.look();
        assert_eq!(self.found, found);
    }
}

fn create(path: &Path) -> File {
    OpenOptions::new().create_new(true).append(true).open(path).unwrap()
}

#[test]
fn only_what_is_written_from_now_on_is_delivered() {
    let mut world = World::new("old\n");
    world.look();
    world.write("a\nb\n");
    world.look();
    world.write("c\n");
    world.check(&["a", "b", "c"]);
}

#[test]
fn the_line_being_written_at_the_start_is_delivered_whole() {
    let mut world = World::new("old\nbegun ");
    world.write("and ended\n");
    world.check(&["begun and ended"]);
}

#[test]
fn a_log_that_comes_later_is_read_from_its_beginning() {
    let mut world = World::new("");
    world.delete();
    world.followed = Followed::new(world.path(), Encoding::UTF_8);
    world.look();
    world.writer = world.create();
    world.write("a\n");
    world.check(&["a"]);
}

#[test]
fn what_is_written_after_the_rename_is_read_before_the_new_log() {
    let mut world = World::new("");
    world.write("a\n");
    world.rename();
    world.look();
    world.write("b\n");
    let mut new = world.create();
    world.look();
    world.write("c\nd");
    new.write_all(b"e\n").unwrap();
    world.check(&["a", "b", "c", "d", "e"]);
}

#[test]
fn a_deleted_log_is_read_to_its_end() {
    let mut world = World::new("");
    world.look();
    world.write("a\n");
    world.delete();
    world.writer = world.create();
    world.write("b\n");
    world.check(&["a", "b"]);
}

#[test]
fn a_log_that_comes_back_to_its_path_is_not_read_twice() {
    let mut world = World::new("");
    world.write("a\n");
    world.rename();
    let mut new = world.create();
    world.look();
    fs::remove_file(world.path()).unwrap();
    new.write_all(b"b\n").unwrap();
    fs::rename(world.directory.path().join("log.1"), world.path()).unwrap();
    world.look();
    world.write("c\n");
    world.check(&["a", "b", "c"]);
}

#[test]
fn a_truncated_log_is_read_from_its_beginning() {
    let mut world = World::new("");
    world.write("a longer line\nbegun");
    world.look();
    world.truncate();
    world.write("b\n");
    world.check(&["a longer line", "begun", "b"]);
}

#[test]
fn a_log_truncated_and_grown_past_its_size_is_read_from_its_beginning() {
    for new in ["x1\n", "x1\nx2\n"] {
        let mut world = World::new("");
        world.write("a1\n");
        world.look();
        world.truncate();
        world.write(new);
        let expected: Vec<&str> = ["a1"].into_iter().chain(new.lines()).collect();
        world.check(&expected);
    }
}

#[test]
fn no_more_than_so_many_files_are_kept_open() {
    let mut world = World::new("");
    for _ in 0..2 * OPENED_MAX {
        world.rename();
        world.writer = world.create();
        world.look();
    }
    assert_eq!(world.followed.files().count(), OPENED_MAX);
    world.write("a\n");
    world.check(&["a"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = TempDir::new().unwrap();
    let error = Followed::new(directory.path().into(), Encoding::UTF_8).find_new().unwrap_err();
    assert!(matches!(error, Error::NotAFile { .. }), "{error}");
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[test]
fn another_encoding_comes_out_as_utf8() {
    let mut world = World::with("latin-1".parse().unwrap(), b"old\nbe");
    world.writer.write_all(b"gun \xe9\n\x80\n").unwrap();
    world.check(&["begun é", "\u{80}"]);
}

#[test]
fn a_byte_order_mark_is_heeded_though_it_lies_before_what_is_read() {
    for lines in [1, 20_000] {
        let old = utf16(&format!("\u{feff}{}begun ", "old\n".repeat(lines)));
        let mut world = World::with("utf-16".parse().unwrap(), &old);
        world.writer.write_all(&utf16("and ended\n\u{a0a}\u{d0a}\n")).unwrap();
        world.check(&["begun and ended", "\u{a0a}\u{d0a}"]);
    }
}

#[test]
fn a_truncated_log_is_decoded_from_its_beginning() {
    let mut world = World::with("utf-16".parse().unwrap(), &utf16("\u{feff}"));
    world.writer.write_all(&utf16("a\nb")).unwrap();
    world.writer.write_all(&[0]).unwrap();
    world.look();
    world.truncate();
    world.writer.write_all(b"\xff\xfec\0\n\0").unwrap();
    world.check(&["a", "b\u{fffd}", "c"]);
}

#[derive(Clone, Debug)]
enum Step {
    /// So many lines of this length, and whether the last one gets its end.
    Write(usize, usize, bool),
    Rename,
    Delete,
    /// A new log, if the path is free.
    Create,
    /// The writer turns to the log at the path, if there is one.
    Reopen,
    Truncate,
    Look,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1usize..8, 0usize..120, any::<bool>()).prop_map(|(n, len, end)| Step::Write(n, len, end)),
        2 => Just(Step::Rename),
        1 => Just(Step::Delete),
        4 => Just(Step::Create),
        4 => Just(Step::Reopen),
        1 => Just(Step::Truncate),
        5 => Just(Step::Look),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The model: whatever was written to one file until it was left or emptied, cut at its newlines.
    #[test]
    fn no_line_is_lost_and_none_doubled(steps in steps()) {
        let mut world = World::new("old\n");
        let (mut stretches, mut count) = (vec![String::new()], 0_u32);
        // Files that came after the one being written. Past the limit that one is given up, as another test shows.
        let mut successors = 0;
        for step in steps {
            match step {
                Step::Write(lines, len, ended) => {
                    let mut text = String::new();
                    for _ in 0..lines {
                        count += 1;
                        // The number scrambled, so that no two lines begin alike.
                        text += &format!("{:08x}{}\n", count.wrapping_mul(0x9e37_79b1), "x".repeat(len));
                    }
                    text.truncate(text.len() - usize::from(!ended));
                    world.write(&text);
                    stretches.last_mut().unwrap().push_str(&text);
                }
                Step::Rename if world.path().exists() => {
                    world.look();
                    world.rename();
                }
                Step::Delete if world.path().exists() => {
                    world.look();
                    world.delete();
                }
                Step::Create if !world.path().exists() && successors + 1 < OPENED_MAX => {
                    successors += 1;
                    drop(world.create());
                }
                Step::Reopen if world.path().exists() => {
                    let new = OpenOptions::new().append(true).open(world.path()).unwrap();
                    if FileId::of(&new.metadata().unwrap()) != FileId::of(&world.writer.metadata().unwrap()) {
                        world.writer = new;
                        successors = 0;
                        stretches.push(String::new());
                    }
                }
                // What is emptied before it could be read is lost to everybody.
                Step::Truncate => {
                    world.look();
                    world.truncate();
                    stretches.push(String::new());
                }
                Step::Look => world.look(),
                Step::Rename | Step::Delete | Step::Create | Step::Reopen => {}
            }
        }
        world.write("end\n");
        stretches.last_mut().unwrap().push_str("end\n");
        world.look();
        let expected: Vec<String> =
            stretches.iter().flat_map(|stretch| stretch.lines()).map(str::to_owned).collect();
        prop_assert_eq!(world.found, expected);
    }
}
