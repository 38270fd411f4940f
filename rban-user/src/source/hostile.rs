//! What must hold whatever bytes a log is made of, and however they come: tried a little by `cargo test`, a lot by
//! `rban-user/fuzz`. A property that fails panics.

use std::io::{self, Read};

use bytes::Bytes;

use super::{Chunks, Encoding};

/// Of a longer line the rest is dropped.
const LINE_MAX_BYTES: usize = 64 * 1024;
/// This byte stands for so many of another, for no input is as long as the longest line.
const LONG: u8 = 0xfe;
const LONG_BYTES: usize = 30_000;
const ENCODINGS: [&str; 4] = ["utf-8", "latin-1", "utf-16", "shift_jis"];

/// Whatever pieces a log comes in, it is cut into the same lines; and into those that anybody sees in it, as far as
/// they are not too long. The first byte says which encoding it is read by, the second how long the pieces are.
pub fn lines(bytes: &[u8]) {
    let [encoding, piece, log @ ..] = bytes else { return };
    let encoding = ENCODINGS[usize::from(*encoding) % ENCODINGS.len()];
    let log: Vec<u8> = log.iter().flat_map(|byte| stretched(*byte)).collect();
    let whole = read(&log, log.len().max(1), encoding);
    let pieces = read(&log, usize::from(*piece) + 1, encoding);
    assert!(whole == pieces, "{encoding}, in pieces of {piece} + 1 bytes: {log:?}");
    if encoding == "utf-8" && str::from_utf8(&log).is_ok() {
        assert!(whole == seen_by_anybody(&log), "{log:?}");
    }
}

fn stretched(byte: u8) -> impl Iterator<Item = u8> {
    let (byte, times) = if byte == LONG { (b'x', LONG_BYTES) } else { (byte, 1) };
    std::iter::repeat_n(byte, times)
}

/// All that the chunks hold; each but the last must end a line.
fn read(log: &[u8], piece_bytes: usize, encoding: &str) -> Vec<u8> {
    let encoding = encoding.parse::<Encoding>().expect("there is one of the name");
    let mut chunks = Chunks::new(Pieces { log, piece_bytes }, encoding);
    let mut all: Vec<u8> = Vec::new();
    while let Some(chunk) = next(&mut chunks) {
        assert!(all.is_empty() || all.ends_with(b"\n"), "a chunk ends within a line");
        assert!(!chunk.is_empty(), "a chunk of nothing");
        all.extend_from_slice(&chunk);
    }
    let longest = all.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!(longest.is_none_or(|len| len <= LINE_MAX_BYTES), "a line of {longest:?} bytes");
    all
}

fn next(chunks: &mut Chunks<Pieces<'_>>) -> Option<Bytes> {
    chunks.next_chunk().expect("memory can be read")
}

fn seen_by_anybody(log: &[u8]) -> Vec<u8> {
    let cut = |line: &[u8]| line[..line.len().min(LINE_MAX_BYTES)].to_vec();
    log.split(|byte| *byte == b'\n').map(cut).collect::<Vec<_>>().join(&b'\n')
}

/// A log that gives a few bytes at a time.
struct Pieces<'a> {
    log: &'a [u8],
    piece_bytes: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.piece_bytes.min(self.log.len()).min(buffer.len());
        let (piece, rest) = self.log.split_at(len);
        buffer[..len].copy_from_slice(piece);
        self.log = rest;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => prop::sample::select(&b"\n\r\0ab "[..]),
            1 => prop::sample::select(&[LONG, 0xff, 0xc3, 0xa4, 0x81][..]),
            1 => any::<u8>(),
        ];
        (0u8..8, any::<u8>(), prop::collection::vec(byte, 0..60))
            .prop_map(|(encoding, piece, log)| [vec![encoding, piece], log].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn pieces_make_no_difference(bytes in bytes()) {
            lines(&bytes);
        }
    }

    #[test]
    fn what_was_found_once() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hostile/lines");
        for entry in fs::read_dir(dir).unwrap() {
            lines(&fs::read(entry.unwrap().path()).unwrap());
        }
    }
}
