//! A log from its first line to its last, in chunks of whole lines: for who reads it once and does not follow it.

use std::io::{self, Read};

use bytes::{Bytes, BytesMut};

use super::Encoding;
use super::decode::Decoder;
use super::lines::Cutter;

/// So much is read at once. What is kept of a line keeps its chunk, so they are not large.
const READ_BYTES: usize = 256 * 1024;

/// Cuts what can be read into chunks of whole lines, of UTF-8.
///
/// Every line ends in a newline, except the last one of all if it has none. Of a line longer than
/// 64 KiB the rest is dropped.
#[derive(Debug)]
pub struct Chunks<R> {
    from: R,
    decoder: Decoder,
    scratch: Box<[u8]>,
    cutter: Cutter,
}

impl<R: Read> Chunks<R> {
    /// Reads bytes of this encoding.
    pub fn new(from: R, encoding: Encoding) -> Self {
        let scratch = vec![0; READ_BYTES].into_boxed_slice();
        Self { from, decoder: Decoder::new(encoding), scratch, cutter: Cutter::default() }
    }

    /// The next chunk; `None` at the end. As soon as there is a whole line, even if more is to come.
    ///
    /// # Errors
    /// Whatever keeps us from reading on.
    pub fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let len = match self.from.read(&mut self.scratch) {
                Ok(0) => return Ok(self.last()),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let mut chunk = BytesMut::new();
            if self.decoder.passes_as_is() {
                self.cutter.push(&self.scratch[..len], &mut chunk);
            } else {
                self.cutter.push(&self.decoder.decode(&self.scratch[..len]), &mut chunk);
            }
            if !chunk.is_empty() {
                return Ok(Some(chunk.freeze()));
            }
        }
    }

    fn last(&mut self) -> Option<Bytes> {
        let mut last = BytesMut::new();
        self.cutter.push(&self.decoder.finish(), &mut last);
        last.unsplit(self.cutter.take_partial());
        (!last.is_empty()).then(|| last.freeze())
    }
}

#[cfg(test)]
mod tests {
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
        std::iter::from_fn(|| chunks.next_chunk().unwrap()).collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], at_once: usize, expected: &[&str]) {
        assert_eq!(chunks(bytes, at_once, "utf-8"), expected);
    }

    #[test]
    fn chunks_have_whole_lines() {
        check(b"a\nb\nc", 100, &["a\nb\n", "c"]);
        check(b"a\nb\nc\n", 3, &["a\n", "b\nc\n"]);
        check(b"abcd\n\nx", 2, &["abcd\n\n", "x"]);
        check(b"", 2, &[]);
        check(b"\n", 1, &["\n"]);
    }

    #[test]
    fn other_encodings_become_utf8() {
        assert_eq!(chunks(b"\xe4\n\xf6", 1, "latin-1"), ["ä\n", "ö"]);
        assert_eq!(chunks(b"a\0\n\0b\0", 1, "utf-16-le"), ["a\n", "b"]);
    }
}
