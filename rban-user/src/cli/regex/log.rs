//! The LOG of `rban regex`: a file, standard input, or a line as it stands on the command line.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;
use anyhow::{Context, anyhow};
use bytes::Bytes;

use crate::source::{Chunks, Encoding};

/// Where the lines come from.
#[derive(Debug)]
pub(super) enum Log {
    File(PathBuf),
    Stdin,
    /// Its lines.
    Text(Vec<Vec<u8>>),
}

impl Log {
    /// What the argument means. The journal is not read.
    pub(super) fn of(argument: &OsStr) -> anyhow::Result<Self> {
        let path = Path::new(argument);
        let bytes = argument.as_bytes();
        if bytes == b"-" {
            Ok(Self::Stdin)
        } else if path.metadata().is_ok_and(|it| !it.is_dir()) {
            Ok(Self::File(path.to_owned()))
        } else if bytes.starts_with(b"systemd-journal") {
            Err(anyhow!(
                "systemd-journal: the journal is not read; write journalctl -o short-iso | rban regex - FILTER"
            ))
        } else {
            let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            Ok(Self::Text(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()))
        }
    }

    /// Opens it for reading.
    pub(super) fn open(&self) -> anyhow::Result<Box<dyn Read>> {
        Ok(match self {
            Self::File(path) => {
                let file = File::open(path).with_context(|| path.display().to_string())?;
                Box::new(file)
            }
            Self::Stdin => Box::new(io::stdin().lock()),
            Self::Text(lines) => Box::new(io::Cursor::new(lines.join(&b'\n'))),
        })
    }
}

/// The lines of a log that are looked at: not comments and empty ones.
pub(super) struct Lines {
    chunks: Chunks<Box<dyn Read>>,
    /// What only a line can begin with that is not looked at.
    passed_over: AhoCorasick,
}

impl Lines {
    pub(super) fn new(from: Box<dyn Read>, encoding: Encoding) -> Self {
        let begins = ["\n#", "\n\n", "\n\r"];
        let passed_over = AhoCorasick::new(begins).expect("three short literals");
        Self { chunks: Chunks::new(from, encoding), passed_over }
    }

    /// The next lines, with what stands between them.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.chunks.next()
    }

    /// The parts of a chunk that are looked at, in order, each of whole lines.
    pub(super) fn parts(&self, chunk: &Bytes) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = 0;
        let mut passed = is_passed_over(chunk).then_some(0);
        loop {
            if let Some(at) = passed {
                if at > start {
                    parts.push(start..at);
                }
                let end = chunk[at..].iter().position(|byte| *byte == b'\n');
                start = end.map_or(chunk.len(), |end| at + end + 1);
                if is_passed_over(&chunk[start..]) {
                    passed = Some(start);
                    continue;
                }
            }
            let mut from = start;
            passed = loop {
                let Some(found) = self.passed_over.find(&chunk[from..]) else { break None };
                let at = from + found.start() + 1;
                if is_passed_over(&chunk[at..]) {
                    break Some(at);
                }
                from = at;
            };
            if passed.is_none() {
                break;
            }
        }
        if start < chunk.len() {
            parts.push(start..chunk.len());
        }
        parts
    }
}

/// Whether the line that begins here is not looked at.
fn is_passed_over(rest: &[u8]) -> bool {
    match rest.first() {
        Some(b'#' | b'\n') => true,
        Some(b'\r') => {
            let behind = rest.iter().find(|byte| **byte != b'\r');
            behind.is_none_or(|byte| *byte == b'\n')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn looked_at(text: &[u8]) -> Vec<u8> {
        let lines = Lines::new(Box::new(io::empty()), Encoding::default());
        let chunk = Bytes::copy_from_slice(text);
        lines.parts(&chunk).into_iter().flat_map(|part| chunk[part].to_vec()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(looked_at(text.as_bytes()), expected.as_bytes(), "{text:?}");
    }

    #[test]
    fn comments_and_empty_lines_are_passed_over() {
        check("a\n#b\n\nc\n", "a\nc\n");
        check("#a\nb", "b");
        check("\n\n#\n", "");
        check("a\n\r\nb\n\rc\n", "a\nb\n\rc\n");
        check(" #a\n  \n", " #a\n  \n");
        check("a\n#", "a\n");
    }

    #[test]
    fn a_text_is_its_lines() {
        let Log::Text(lines) = Log::of(OsStr::new("a\n\nb\n")).unwrap() else { panic!() };
        assert_eq!(lines, [b"a".to_vec(), b"".to_vec(), b"b".to_vec()]);
        assert!(matches!(Log::of(OsStr::new("-")).unwrap(), Log::Stdin));
        assert!(matches!(Log::of(OsStr::new("/proc/self/stat")).unwrap(), Log::File(_)));
        assert!(matches!(Log::of(OsStr::new("/proc/self")).unwrap(), Log::Text(_)));
        assert!(Log::of(OsStr::new("systemd-journal[journalflags=1]")).is_err());
    }

    proptest! {
        #[test]
        fn no_other_line_is_lost(text in "[a#\n\r ]{0,60}") {
            let keep = |line: &&str| {
                !line.starts_with('#') && !line.trim_matches(['\r', '\n']).is_empty()
            };
            let expected: String = text.split_inclusive('\n').filter(keep).collect();
            prop_assert_eq!(looked_at(text.as_bytes()), expected.as_bytes());
        }
    }
}
