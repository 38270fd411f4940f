//! A log from its first line to its last, in chunks of whole lines: for who reads it once and does not follow it.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};
use memchr::{memchr, memrchr};

use super::Encoding;
use super::decode::Decoder;
use super::lines::LINE_MAX_BYTES;

/// So much is read at once. What is kept of a line keeps its chunk, so they are not large.
const READ_BYTES: usize = 256 * 1024;

/// Cuts what can be read into chunks of whole lines, of UTF-8.
///
/// Every line ends in a newline, except the last one of all if it has none. Of a line longer than
/// [`LINE_MAX_BYTES`] the rest is dropped.
#[derive(Debug)]
pub struct Chunks<R> {
    from: R,
    decoder: Decoder,
    scratch: Box<[u8]>,
    /// The line whose end has not come yet, up to the limit.
    partial: BytesMut,
}

impl<R: Read> Chunks<R> {
    /// Reads bytes of this encoding.
    pub fn new(from: R, encoding: Encoding) -> Self {
        let scratch = vec![0; READ_BYTES].into_boxed_slice();
        Self { from, decoder: Decoder::new(encoding), scratch, partial: BytesMut::new() }
    }

    /// The next chunk; `None` at the end. As soon as there is a whole line, even if more is to come.
    ///
    /// # Errors
    /// Whatever keeps us from reading on.
    pub fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let len = match self.from.read(&mut self.scratch) {
                Ok(0) => return Ok(self.last()),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = if self.decoder.passes_as_is() {
                cut(&mut self.partial, &self.scratch[..len])
            } else {
                cut(&mut self.partial, &self.decoder.decode(&self.scratch[..len]))
            };
            if chunk.is_some() {
                return Ok(chunk);
            }
        }
    }

    fn last(&mut self) -> Option<Bytes> {
        let rest = self.decoder.finish();
        let whole = cut(&mut self.partial, &rest).unwrap_or_default();
        let mut last = BytesMut::from(&whole[..]);
        last.unsplit(self.partial.split());
        (!last.is_empty()).then(|| last.freeze())
    }
}

/// The whole lines of what was left before and of `bytes`; the rest is left for the next time.
fn cut(partial: &mut BytesMut, bytes: &[u8]) -> Option<Bytes> {
    let Some(last) = memrchr(b'\n', bytes) else {
        hold(partial, bytes);
        return None;
    };
    let (mut whole, rest) = bytes.split_at(last + 1);
    let mut chunk = partial.split();
    chunk.reserve(whole.len());
    if !chunk.is_empty() {
        let end = memchr(b'\n', whole).expect("one was found above");
        hold(&mut chunk, &whole[..end]);
        whole = &whole[end..];
    }
    append(&mut chunk, whole);
    hold(partial, rest);
    Some(chunk.freeze())
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

    /// Gives so many bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(self.0.len()).min(buffer.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn chunks(bytes: &[u8], at_once: usize, encoding: &str) -> Vec<Bytes> {
        let mut chunks = Chunks::new(Slowly(bytes, at_once), encoding.parse().unwrap());
        std::iter::from_fn(|| chunks.next().unwrap()).collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], at_once: usize, expected: &[&str]) {
        assert_eq!(chunks(bytes, at_once, "utf-8"), expected);
    }

    #[test]
    fn chunks_have_whole_lines() {
        check(b"a\nb\nc", 100, &["a\nb\n", "c"]);
        check(b"a\nb\nc\n", 3, &["a\n", "b\nc\n"]);
        check(b"abcd\n\nx", 2, &["abcd\n", "\n", "x"]);
        check(b"", 2, &[]);
        check(b"\n", 1, &["\n"]);
    }

    #[test]
    fn other_encodings_become_utf8() {
        assert_eq!(chunks(b"\xe4\n\xf6", 1, "latin-1"), ["ä\n", "ö"]);
        assert_eq!(chunks(b"a\0\n\0b\0", 1, "utf-16-le"), ["a\n", "b"]);
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
            let found = chunks(bytes.as_bytes(), at_once, "utf-8").concat();
            prop_assert_eq!(found.len(), expected.len());
            prop_assert!(found == expected.as_bytes());
        }
    }
}
