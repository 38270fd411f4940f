//! Bytes → whole lines, up to the length limit.

use bytes::{BufMut, BytesMut};
use memchr::{memchr, memrchr};

/// So much of a line is delivered, and the rest of it dropped. No line that we know of is a tenth as long; without a
/// limit, one without an end would fill the memory.
pub(super) const LINE_MAX_BYTES: usize = 64 * 1024;

/// Cuts one stream of bytes behind its newlines.
///
/// Any byte may be in a line. Lines stay together as they came, each with its newline: nobody has to look at those in
/// which there is nothing to find.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// The line whose end has not come yet, up to the limit.
    partial: BytesMut,
}

impl Cutter {
    /// Takes the next bytes and appends the lines that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], whole: &mut BytesMut) {
        let Some(last) = memrchr(b'\n', bytes) else { return hold(&mut self.partial, bytes) };
        let (mut lines, rest) = bytes.split_at(last + 1);
        // Exactly: who keeps a line keeps all that was allocated with it.
        whole.reserve(self.partial.len() + lines.len());
        if !self.partial.is_empty() {
            let end = memchr(b'\n', lines).expect("one was found above");
            hold(&mut self.partial, &lines[..end]);
            whole.extend_from_slice(&self.partial);
            self.partial.clear();
            lines = &lines[end..];
        }
        append(whole, lines);
        hold(&mut self.partial, rest);
    }

    /// Appends the line whose end will not come any more, if there is one, and ends it.
    pub(super) fn finish(&mut self, whole: &mut BytesMut) {
        if !self.partial.is_empty() {
            whole.extend_from_slice(&self.partial);
            whole.put_u8(b'\n');
            self.partial.clear();
        }
    }

    /// The line whose end will not come any more, without one.
    pub(super) fn take_partial(&mut self) -> BytesMut {
        self.partial.split()
    }
}

/// Appends as much of a line as is kept.
fn hold(line: &mut BytesMut, bytes: &[u8]) {
    let room = LINE_MAX_BYTES.saturating_sub(line.len());
    line.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Appends whole lines, cut where they are too long. Most chunks have none that is, and are copied at once.
fn append(chunk: &mut BytesMut, mut whole: &[u8]) {
    let mut start = 0;
    while whole.len() - start > LINE_MAX_BYTES {
        let limit = start + LINE_MAX_BYTES;
        if let Some(end) = memrchr(b'\n', &whole[start..=limit]) {
            start += end + 1;
            continue;
        }
        chunk.extend_from_slice(&whole[..limit]);
        let end = memchr(b'\n', &whole[limit..]).expect("whole lines end in one");
        whole = &whole[limit + end..];
        chunk.extend_from_slice(b"\n");
        whole = &whole[1..];
        start = 0;
    }
    chunk.extend_from_slice(whole);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What these pieces deliver, and what is left at their end.
    fn cut(pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>) {
        let (mut cutter, mut whole) = (Cutter::default(), BytesMut::new());
        for piece in pieces {
            cutter.push(piece, &mut whole);
        }
        (whole.to_vec(), cutter.take_partial().to_vec())
    }

    #[track_caller]
    fn check(pieces: &[&str], whole: &str, left: &str) {
        let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
        assert_eq!(cut(&pieces), (whole.into(), left.into()));
    }

    #[test]
    fn a_line_ends_at_its_newline() {
        check(&["a\nb\n"], "a\nb\n", "");
        check(&["\n\n"], "\n\n", "");
        check(&["a\rb\0c\r\n"], "a\rb\0c\r\n", "");
    }

    #[test]
    fn a_line_without_its_end_is_held() {
        check(&["a", "b", "\nc"], "ab\n", "c");
    }

    #[test]
    fn the_last_line_can_be_ended() {
        let (mut cutter, mut whole) = (Cutter::default(), BytesMut::new());
        cutter.push(b"a\nb", &mut whole);
        cutter.finish(&mut whole);
        cutter.finish(&mut whole);
        assert_eq!(&whole[..], b"a\nb\n");
    }

    proptest! {
        #[test]
        fn a_long_line_is_cut_wherever_it_stands(
            lens in prop::collection::vec(prop_oneof![0usize..100, 65_000usize..66_500, 100_000usize..300_000], 1..6),
            at_once in prop_oneof![1_000usize..5_000, 50_000usize..400_000],
        ) {
            let line = |len: usize| "x".repeat(len) + "\n";
            let bytes: String = lens.iter().map(|len| line(*len)).collect();
            let expected: String = lens.iter().map(|len| line(*len.min(&LINE_MAX_BYTES))).collect();
            let pieces: Vec<&[u8]> = bytes.as_bytes().chunks(at_once).collect();
            prop_assert!(cut(&pieces) == (expected.into_bytes(), Vec::new()));
        }

        #[test]
        fn pieces_do_not_matter(
            bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'x'), any::<u8>()], 0..200),
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            prop_assert_eq!(cut(&pieces), (bytes[..end].to_vec(), bytes[end..].to_vec()));
        }
    }
}
