//! A line as patterns see it: text without its date, ending in a newline.

use std::borrow::Cow;
use std::ops::Range;

use crate::event::Line;

/// A line that is valid UTF-8: what was not is replaced by U+FFFD (spec, filter 2).
pub(super) fn valid(line: Line) -> Line {
    match String::from_utf8_lossy(&line) {
        Cow::Borrowed(_) => line,
        Cow::Owned(text) => text.into(),
    }
}

/// Puts the line without `cut` into `text`, and a newline behind it.
pub(super) fn without(line: &[u8], cut: Range<usize>, text: &mut Vec<u8>) {
    text.clear();
    text.extend_from_slice(&line[..cut.start]);
    text.extend_from_slice(&line[cut.end..]);
    text.push(b'\n');
}

/// The line without what ends it.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r'));
    &line[..end.map_or(0, |last| last + 1)]
}
