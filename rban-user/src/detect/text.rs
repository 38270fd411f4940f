//! Lines as text: valid UTF-8, what was not replaced by U+FFFD (spec, filter 2).

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memrchr};

use crate::event::Line;

/// A chunk of whole lines.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    bytes: &'a Bytes,
    /// The same, if all of it is UTF-8, which is looked at once for all lines.
    text: Option<&'a str>,
}

/// One line of it, without what ends it.
#[derive(Debug)]
pub(super) struct LineText<'a> {
    text: Cow<'a, str>,
    chunk: &'a Bytes,
    range: Range<usize>,
}

impl<'a> Chunk<'a> {
    pub(super) fn new(bytes: &'a Bytes) -> Self {
        Self { bytes, text: str::from_utf8(bytes).ok() }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The line that stands there, with or without its newline.
    pub(super) fn line(&self, range: Range<usize>) -> LineText<'a> {
        let bytes = &self.bytes[range.clone()];
        let end = bytes.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let range = range.start..range.start + end.map_or(0, |last| last + 1);
        let text = match self.text {
            Some(text) => Cow::Borrowed(&text[range.clone()]),
            None => String::from_utf8_lossy(&self.bytes[range.clone()]),
        };
        LineText { text, chunk: self.bytes, range }
    }

    /// The line around a place; `lines` are whole lines.
    pub(super) fn line_at(&self, at: usize, lines: Range<usize>) -> LineText<'a> {
        let start = memrchr(b'\n', &self.bytes[lines.start..at]);
        let end = memchr(b'\n', &self.bytes[at..lines.end]);
        self.line(
            start.map_or(lines.start, |before| lines.start + before + 1)
                ..end.map_or(lines.end, |len| at + len),
        )
    }

    /// Whole lines, one by one.
    pub(super) fn lines(&self, lines: Range<usize>) -> impl Iterator<Item = LineText<'a>> {
        let mut start = lines.start;
        std::iter::from_fn(move || {
            let rest = &self.bytes[start..lines.end];
            let len = memchr(b'\n', rest).map_or(rest.len(), |len| len + 1);
            let line = (len > 0).then(|| self.line(start..start + len));
            start += len;
            line
        })
    }
}

impl<'a> LineText<'a> {
    /// A line by itself.
    pub(super) fn of(line: &'a Line) -> Self {
        Chunk::new(line).line(0..line.len())
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands in its chunk.
    pub(super) fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The line itself, to be kept when the chunk is gone.
    pub(super) fn kept(&self) -> Line {
        match &self.text {
            Cow::Borrowed(_) => self.chunk.slice(self.range.clone()),
            Cow::Owned(text) => Bytes::copy_from_slice(text.as_bytes()),
        }
    }

    /// What patterns see: the line without `cut`, a newline behind it. Copied only where it does not stand like that in
    /// the chunk.
    pub(super) fn without<'b>(&'b self, cut: Range<usize>, copy: &'b mut Vec<u8>) -> &'b [u8] {
        let Range { start, end } = self.range;
        if let (Cow::Borrowed(_), 0, Some(b'\n')) = (&self.text, cut.start, self.chunk.get(end)) {
            return &self.chunk[start + cut.end..=end];
        }
        let bytes = self.text.as_bytes();
        copy.clear();
        copy.extend_from_slice(&bytes[..cut.start]);
        copy.extend_from_slice(&bytes[cut.end..]);
        copy.push(b'\n');
        copy
    }
}

/// Copies a line that is a part of a chunk, so that it does not keep the chunk.
pub(super) fn detach(line: &mut Line, chunk: &[u8]) {
    if chunk.as_ptr_range().contains(&line.as_ptr()) {
        *line = Line::copy_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chunk's first line, and what patterns see of it without `cut`.
    #[track_caller]
    fn check(chunk: &[u8], line: &str, cut: Range<usize>, seen: &str) {
        let bytes = Bytes::copy_from_slice(chunk);
        let end = chunk.iter().position(|byte| *byte == b'\n').unwrap_or(chunk.len());
        let found = Chunk::new(&bytes).line(0..end);
        assert_eq!((found.text(), found.kept()), (line, Line::copy_from_slice(line.as_bytes())));
        assert_eq!(found.without(cut, &mut Vec::new()), seen.as_bytes());
    }

    #[test]
    fn a_line_is_without_its_end_and_seen_with_one() {
        check(b"a b\nc\n", "a b", 0..0, "a b\n");
        check(b"a b\r\r\nc\n", "a b", 0..0, "a b\n");
        check(b"a b", "a b", 0..0, "a b\n");
        check(b"\n", "", 0..0, "\n");
    }

    #[test]
    fn a_date_is_cut_out_wherever_it_is() {
        check(b"12 x\n", "12 x", 0..2, " x\n");
        check(b"[12] x\n", "[12] x", 1..3, "[] x\n");
        check(b"12 x\r\n", "12 x", 0..2, " x\n");
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        check(b"12 \xff\xfex\n", "12 \u{fffd}\u{fffd}x", 0..2, " \u{fffd}\u{fffd}x\n");
        check("é\n".as_bytes(), "é", 0..0, "é\n");
    }
}
