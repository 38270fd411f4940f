//! What must hold whatever bytes configuration is made of: read a little by `cargo test`, a lot by `rban-user/fuzz`.
//!
//! A property that fails panics. Nothing here touches the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::files::{Files, Found};
use super::ini::{self, Section};
use super::{read_from, stream};

/// Where the files of [`load`] lie.
const DIR: &str = "/c";
/// What ends so is a log, and there.
const LOG: &str = "log";
/// A line that begins so, and goes on with a path, begins a file.
const FILE: &str = "--- ";
/// What stands before the first such line.
const FIRST: &str = "jail.conf";
/// What one load may print: its work is limited to half a gigabyte, but no bytes make that much of what is sent.
const PRINTED_MAX_BYTES: usize = 256 << 20;

/// A file that can be read, reads the same again once it is printed.
pub fn ini(bytes: &[u8]) {
    let file: Arc<Path> = Path::new(FIRST).into();
    let text = String::from_utf8_lossy(bytes);
    let Ok(parsed) = ini::parse(&text, &file) else { return };
    let printed = printed(&parsed);
    let again = ini::parse(&printed, &file).unwrap_or_else(|errors| {
        panic!("{text:?} is read, but printed as {printed:?} it is not: {errors:?}")
    });
    assert_eq!(bare(&again), bare(&parsed), "{text:?}, printed as {printed:?}");
}

/// A directory that is read again with a comment before every file, and with a file more that is none of its own, gives
/// the same commands, or an error again. The bytes are text, in which lines such as `--- filter.d/a.conf` divide the files.
pub fn load(bytes: &[u8]) {
    let files = split(bytes);
    let commented =
        files.iter().map(|(path, bytes)| (path.clone(), [b"# a comment\n", &**bytes].concat()));
    let unread = (Path::new(DIR).join("jail.d/unread"), b"nonsense".to_vec());
    let commented = commented.chain([unread]).collect();
    let (plain, commented) = (outcome(files), outcome(commented));
    if let Ok(commands) = &plain {
        let printed: usize = commands.iter().map(|command| command.to_string().len()).sum();
        assert!(printed <= PRINTED_MAX_BYTES, "{printed} bytes of commands");
    }
    match (&plain, &commented) {
        (Ok(plain), Ok(commented)) => assert_eq!(plain, commented),
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => {
            panic!("only with or without comments: {error}")
        }
    }
}

fn outcome(files: Vec<(PathBuf, Vec<u8>)>) -> Result<Vec<Json>, String> {
    let read = read_from(Path::new(DIR), &Memory(files)).map_err(|errors| format!("{errors:?}"))?;
    stream(&read).map(|stream| stream.commands).map_err(|error| error.to_string())
}

/// Of two files of a name, the later counts.
fn split(bytes: &[u8]) -> Vec<(PathBuf, Vec<u8>)> {
    let path = |name: &str| Path::new(DIR).join(name.trim_start_matches('/'));
    let mut files = vec![(path(FIRST), Vec::new())];
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(FILE.as_bytes()) {
            Some(name) => files.push((path(String::from_utf8_lossy(name).trim()), Vec::new())),
            None => files.last_mut().expect("one from the start").1.extend_from_slice(line),
        }
    }
    files
}

/// Files, the last of a name counting, and logs.
struct Memory(Vec<(PathBuf, Vec<u8>)>);

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.iter().rfind(|(name, _)| name == path).map(|(_, bytes)| bytes.clone()))
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.0.iter().any(|(name, _)| name != path && name.starts_with(path))
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        self.0
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.parent() == Some(dir))
            .cloned()
            .collect()
    }

    fn logs(&self, glob: &str) -> Vec<Found> {
        let found = glob.ends_with(LOG).then(|| Found { path: glob.into(), dangling: false });
        found.into_iter().collect()
    }
}

/// As text that says the same: no blank behind `=`, for a semicolon behind one begins a comment.
fn printed(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        text.extend(["[", &section.name, "]\n"]);
        for (key, value) in &section.options {
            text.extend([key, "="]);
            for (number, line) in value.text.split('\n').enumerate() {
                let indent = if number == 0 || line.is_empty() { "" } else { " " };
                text.extend([indent, line, "\n"]);
            }
        }
    }
    text
}

/// Without the places.
fn bare(sections: &[Section]) -> Vec<(&str, Vec<(&str, &str)>)> {
    fn options(section: &Section) -> Vec<(&str, &str)> {
        section.options.iter().map(|(key, value)| (&**key, &*value.text)).collect()
    }
    sections.iter().map(|section| (&*section.name, options(section))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// What lines are made of that the reader minds.
    const TOKENS: [&str; 64] = [
        "\n",
        "\n ",
        "\n\n",
        "\r",
        " ",
        "\t",
        "\u{a0}",
        "\u{feff}",
        "[",
        "]",
        "[a]\n",
        "[b]\n",
        "[DEFAULT]\n",
        "[Definition]\n",
        "[Init]\n",
        "[Init?family=inet6]\n",
        "[INCLUDES]\n",
        "=",
        " = ",
        ":",
        "#",
        ";",
        " ; ",
        "%",
        "%%",
        "%(",
        ")s",
        "%(a)s",
        "%(b)s%(b)s%(b)s",
        "%(known/a)s",
        "%(a/b)s",
        "%(default/a)s",
        "%(__name__)s",
        "<",
        ">",
        "<a>",
        "<b><b><b>",
        "<known/a>",
        "<a/b>",
        "<HOST>",
        "<<a>>",
        "a",
        "b",
        "a = ",
        "b = ",
        "\nenabled = true\n",
        "\nfilter = f",
        "\naction = g",
        "\nlogpath = /log\n",
        "\nfailregex = ",
        "\nactionban = ",
        "\nbefore = ",
        "\nafter = ",
        "\nbackend = systemd\n",
        "f.conf",
        "x.conf",
        "[a=1]",
        "[a=\"1,2\"]",
        ",",
        "\"",
        "'",
        "\n--- filter.d/f.conf\n",
        "\n--- action.d/g.conf\n",
        "\n--- jail.d/x.conf\n",
    ];

    fn text() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            8 => prop::sample::select(&TOKENS).prop_map(str::as_bytes).prop_map(Vec::from),
            1 => prop::collection::vec(any::<u8>(), 0..4),
        ];
        prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
    }

    /// A jail, its filter and its action, with such text where it may go.
    fn directory() -> impl Strategy<Value = Vec<u8>> {
        let between = [
            "[DEFAULT]\n",
            "\n[a]\nenabled = true\nfilter = f\naction = g\nlogpath = /log\nb = b\n",
            "\n--- filter.d/f.conf\n[Definition]\nfailregex = <a> %(b)s\n",
            "\n--- action.d/g.conf\n[Definition]\nactionban = <a> <ip>\n",
            "\n[Init]\n",
        ];
        prop::array::uniform5(text()).prop_map(move |texts| {
            let parts = between.iter().zip(texts);
            parts.flat_map(|(head, text)| [head.as_bytes(), &text].concat()).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn what_is_read_is_read_the_same_once_printed(bytes in text()) {
            ini(&bytes);
        }

        #[test]
        fn comments_and_files_of_other_names_change_nothing(
            bytes in prop_oneof![text(), directory()]
        ) {
            load(&bytes);
        }
    }

    /// What fuzzing found once, or people thought of.
    #[expect(clippy::print_stdout, reason = "says which file it was, where one fails")]
    fn check_found(target: &str, property: fn(&[u8])) {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hostile").join(target);
        let mut files: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "nothing in {}", dir.display());
        for file in files {
            println!("{}", file.display());
            property(&fs::read(file).unwrap());
        }
    }

    #[test]
    fn hostile_files() {
        check_found("ini", ini);
    }

    #[test]
    fn hostile_directories() {
        check_found("load", load);
    }
}
