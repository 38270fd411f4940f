//! Several lines looked at together: `maxlines` (spec, filter 9).

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use bytes::Bytes;

use super::pattern::Pattern;
use super::pyre::Scratch;
use super::text::detach;
use crate::event::Line;

/// The last lines that no match has used up.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    maxlines: NonZeroUsize,
    lines: VecDeque<Held>,
}

/// A line as patterns see it, without its date and with its newline, and as it was written.
#[derive(Clone, Debug)]
struct Held {
    text: Bytes,
    line: Line,
}

/// The lines of a buffer, parted by a match.
#[derive(Debug)]
pub(super) struct Split {
    matched: Vec<Held>,
    others: VecDeque<Held>,
}

impl Buffer {
    pub(super) fn new(maxlines: NonZeroUsize) -> Self {
        Self { maxlines, lines: VecDeque::new() }
    }

    pub(super) fn push(&mut self, text: &[u8], line: &Line) {
        if self.lines.len() == self.maxlines.get() {
            self.lines.pop_front();
        }
        self.lines.push_back(Held { text: Bytes::copy_from_slice(text), line: line.clone() });
    }

    /// The chunk goes: what is kept of it is copied, lest one line keep all of it.
    pub(super) fn leave(&mut self, chunk: &[u8]) {
        self.lines.iter_mut().for_each(|held| detach(&mut held.line, chunk));
    }

    /// All lines, one after the other.
    pub(super) fn text(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|held| held.text.iter().copied()).collect()
    }

    /// Puts the content that a prefregex captured, with its newline, in place of all lines.
    pub(super) fn narrow(&mut self, content: &[u8]) {
        let text = Bytes::copy_from_slice(content);
        let line = text.slice(..text.len().saturating_sub(1));
        self.lines = VecDeque::from([Held { text, line }]);
    }

    /// Parts the lines into those that the last search touched, and the others: those that it skipped among them.
    pub(super) fn split(&self, text: &[u8], pattern: &Pattern, scratch: &Scratch) -> Split {
        let whole = scratch.group(0).unwrap_or(0..0);
        let mut split = Split { matched: Vec::new(), others: VecDeque::new() };
        let mut after = VecDeque::new();
        let mut start = 0;
        for held in &self.lines {
            let end = start + held.text.len();
            if end <= whole.start {
                split.others.push_back(held.clone());
            } else if start < whole.end || (start == 0 && whole.end == 0) {
                split.matched.push(held.clone());
            } else {
                after.push_back(held.clone());
            }
            start = end;
        }
        for skipped in pattern.skipped(scratch) {
            for line in text[skipped].split_inclusive(|byte| *byte == b'\n') {
                if let Some(at) = split.matched.iter().position(|held| held.text == line) {
                    split.others.push_back(split.matched.remove(at));
                }
            }
        }
        split.others.append(&mut after);
        split
    }

    /// Keeps the lines that the match did not use up.
    pub(super) fn keep(&mut self, split: Split) {
        self.lines = split.others;
    }
}

impl Split {
    /// The matched lines as patterns see them.
    pub(super) fn matched_text(&self) -> Vec<u8> {
        self.matched.iter().flat_map(|held| held.text.iter().copied()).collect()
    }

    /// The matched lines as they were written.
    pub(super) fn matched_lines(&self) -> impl Iterator<Item = Line> {
        self.matched.iter().map(|held| held.line.clone())
    }
}
