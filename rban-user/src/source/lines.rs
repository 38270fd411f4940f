//! Chunks → whole lines, up to the length limit.

use bytes::{Bytes, BytesMut};

use crate::event::Line;

/// So much of a line is delivered, and the rest of it dropped. No line that we know of is a tenth as long; without a
/// limit, one without an end would fill the memory.
pub(super) const LINE_MAX_BYTES: usize = 64 * 1024;

/// Cuts one stream of bytes at its newlines.
///
/// Any byte may be in a line. Carriage returns at its end are not (spec, filter 2).
#[derive(Debug)]
pub(super) struct Splitter {
    line_max_bytes: usize,
    /// The line whose end has not come yet, up to the limit.
    partial: BytesMut,
}

impl Default for Splitter {
    fn default() -> Self {
        Self { line_max_bytes: LINE_MAX_BYTES, partial: BytesMut::new() }
    }
}

impl Splitter {
    /// Takes the next bytes and appends the lines that they complete.
    pub(super) fn push(&mut self, mut chunk: Bytes, lines: &mut Vec<Line>) {
        while let Some(end) = chunk.iter().position(|byte| *byte == b'\n') {
            let line = chunk.split_to(end + 1).slice(..end);
            if self.partial.is_empty() {
                lines.push(self.deliver(line));
            } else {
                self.hold(&line);
                let whole = self.partial.split().freeze();
                lines.push(self.deliver(whole));
            }
        }
        self.hold(&chunk);
    }

    /// The line whose end will not come any more, if there is one.
    pub(super) fn finish(&mut self) -> Option<Line> {
        let partial = self.partial.split().freeze();
        (!partial.is_empty()).then(|| self.deliver(partial))
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.line_max_bytes - self.partial.len();
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn deliver(&self, mut line: Bytes) -> Line {
        line.truncate(self.line_max_bytes);
        let len = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
        line.truncate(len);
        line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 8;

    /// What these chunks deliver, and what is left at their end.
    fn split(chunks: &[&[u8]]) -> (Vec<Line>, Option<Line>) {
        let mut splitter = Splitter { line_max_bytes: LIMIT, ..Splitter::default() };
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.push(Bytes::copy_from_slice(chunk), &mut lines);
        }
        (lines, splitter.finish())
    }

    #[track_caller]
    fn check(chunks: &[&str], lines: &[&str], left: Option<&str>) {
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        let (found, rest) = split(&chunks);
        assert_eq!(found, lines);
        assert_eq!(rest.as_deref(), left.map(str::as_bytes));
    }

    #[test]
    fn a_line_ends_at_its_newline() {
        check(&["a\nb\n"], &["a", "b"], None);
        check(&["\n\n"], &["", ""], None);
        check(&["a\r\nb\r\r\n\r\n"], &["a", "b", ""], None);
        check(&["a\rb\0c\n"], &["a\rb\0c"], None);
    }

    #[test]
    fn a_line_without_its_end_is_held() {
        check(&["a", "b", "\nc"], &["ab"], Some("c"));
        check(&["a\r", "\nb"], &["a"], Some("b"));
    }

    #[test]
    fn a_long_line_is_delivered_once_and_cut() {
        check(&["12345678\n"], &["12345678"], None);
        check(&["123456789\na\n"], &["12345678", "a"], None);
        check(&["12345", "6789", "abcdefghijk", "\na\n"], &["12345678", "a"], None);
        check(&["12345678\r\n"], &["12345678"], None);
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x'), any::<u8>()], 0..200),
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(split(&chunks), split(&[&bytes]));

            let mut whole: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            whole.pop();
            let cut = |line: &[u8]| {
                let line = &line[..line.len().min(LIMIT)];
                line[..line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1)].to_vec()
            };
            let expected: Vec<Vec<u8>> = whole.into_iter().map(cut).collect();
            prop_assert_eq!(split(&[&bytes]).0, expected);
        }
    }
}
