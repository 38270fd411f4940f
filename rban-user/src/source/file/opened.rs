//! An open file that is being read: the bytes behind the offset, as long as it is the file that it was.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::BytesMut;
use memchr::memrchr;

use super::super::decode::{Decoder, Encoding};
use super::super::lines::{Cutter, LINE_MAX_BYTES};
use super::super::position::{Digest, FileId, Position};
use super::Progress;

/// So many bytes before the offset are remembered, and compared before reading on.
pub(super) const TAIL_BYTES: usize = 256;

/// An open file that is being read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) id: FileId,
    /// The first byte that has not been read.
    offset: u64,
    /// The first byte of the first line that has not been delivered.
    undelivered: u64,
    first_line: Option<Digest>,
    /// The last bytes before the offset.
    tail: Vec<u8>,
    decoder: Decoder,
    cutter: Cutter,
    /// Whether we have said that its encoding is another.
    complained: bool,
}

impl Opened {
    /// Begins with the first line.
    pub(super) fn at_start(file: File, found: &Metadata, encoding: Encoding) -> Self {
        Self {
            file,
            id: FileId::of(found),
            offset: 0,
            undelivered: 0,
            first_line: None,
            tail: Vec::new(),
            decoder: Decoder::new(encoding),
            cutter: Cutter::default(),
            complained: false,
        }
    }

    /// Begins with the line that is being written, which will be delivered whole.
    pub(super) fn at_end(file: File, found: &Metadata, encoding: Encoding) -> io::Result<Self> {
        let mut opened = Self::at_start(file, found, encoding);
        // An even number of bytes into the file, so that UTF-16 is met between two characters.
        let from = found.len().saturating_sub(LINE_MAX_BYTES as u64).next_multiple_of(2);
        opened.pass_over(from)?;
        let mut last = vec![0; (found.len() - from.min(found.len())) as usize];
        let len = opened.file.read_at(&mut last, from)?;
        last.truncate(len);
        opened.offset = from + len as u64;
        let newline = last.iter().rposition(|byte| *byte == b'\n');
        let line = newline.filter(|_| encoding.has_plain_newlines()).map_or(0, |at| at + 1);
        opened.take(&last, line, from, &mut BytesMut::new());
        // Half a character may stand where we began.
        opened.decoder.was_malformed();
        Ok(opened)
    }

    /// Begins with the line there.
    pub(super) fn at(
        offset: u64,
        file: File,
        found: &Metadata,
        encoding: Encoding,
    ) -> io::Result<Self> {
        let mut opened = Self::at_start(file, found, encoding);
        opened.pass_over(offset)?;
        let from = offset.saturating_sub(TAIL_BYTES as u64);
        opened.tail = vec![0; (offset - from) as usize];
        opened.file.read_exact_at(&mut opened.tail, from)?;
        Ok(opened)
    }

    /// Goes on there, in the stream that begins with the file.
    fn pass_over(&mut self, offset: u64) -> io::Result<()> {
        if offset > 0 {
            let mut head = [0; 2];
            let len = self.file.read_at(&mut head, 0)?;
            self.decoder = Decoder::within(self.decoder.encoding(), &head[..len]);
        }
        (self.offset, self.undelivered) = (offset, offset);
        Ok(())
    }

    /// Reads one buffer full at most, from the start again if the file is not the one it was; appends whole lines.
    pub(super) fn read(&mut self, buffer: &mut [u8], whole: &mut BytesMut) -> io::Result<Progress> {
        // What was read before is read again with what is new, in one call: nothing can come in between.
        let mut from = self.offset - self.tail.len() as u64;
        let mut len = self.file.read_at(buffer, from)?;
        if !buffer[..len].starts_with(&self.tail) {
            self.finish(whole);
            (self.offset, self.undelivered, self.first_line) = (0, 0, None);
            self.tail.clear();
            from = 0;
            len = self.file.read_at(buffer, 0)?;
        }
        let known = self.tail.len();
        self.offset += (len - known) as u64;
        self.take(&buffer[..len], known, from, whole);
        Ok(if len == buffer.len() { Progress::More } else { Progress::AtEnd })
    }

    /// Takes what was read from `from` up to the offset, the first `known` bytes of which are not new.
    fn take(&mut self, read: &[u8], known: usize, from: u64, whole: &mut BytesMut) {
        let new = &read[known..];
        if new.is_empty() && !self.tail.is_empty() {
            return;
        }
        if self.decoder.passes_as_is() {
            self.cutter.push(new, whole);
        } else {
            self.cutter.push(&self.decoder.decode(new), whole);
        }
        if let Some(end) = line_end(read, from, self.decoder.encoding()) {
            self.undelivered = self.undelivered.max(end);
        }
        self.tail.clear();
        self.tail.extend_from_slice(&read[read.len().saturating_sub(TAIL_BYTES)..]);
    }

    /// Delivers what will not be written to its end any more; the next byte is the first of a file.
    pub(super) fn finish(&mut self, whole: &mut BytesMut) {
        let rest = self.decoder.finish();
        self.cutter.push(&rest, whole);
        self.cutter.finish(whole);
        self.undelivered = self.offset;
    }

    /// Up to where it has been delivered.
    pub(super) fn position(&mut self) -> Position {
        if self.first_line.is_none() && self.undelivered > 0 {
            // Where it cannot be told, the position is good for this run only.
            self.first_line = Digest::of_first_line(&self.file).unwrap_or_default();
        }
        Position { file: Some(self.id), offset: self.undelivered, first_line: self.first_line }
    }

    /// How many bytes are waiting to be read.
    pub(super) fn behind(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len().saturating_sub(self.offset))
    }

    /// Whether both have read the same of the same file.
    pub(super) fn stands_with(&self, other: &Self) -> bool {
        (self.id, self.offset, self.undelivered) == (other.id, other.offset, other.undelivered)
    }

    /// Says once that what stands here is not all of its encoding.
    pub(super) fn complain(&mut self, path: &Path) {
        if self.decoder.was_malformed() && !self.complained {
            self.complained = true;
            let (path, encoding) = (path.display(), self.decoder.encoding());
            tracing::warn!(%path, "not all of it is {encoding}; set logencoding to what it is");
        }
    }
}

/// Behind the last newline of these bytes, which stand `from` bytes into a file.
fn line_end(bytes: &[u8], from: u64, encoding: Encoding) -> Option<u64> {
    if encoding.has_plain_newlines() {
        return memrchr(b'\n', bytes).map(|at| from + at as u64 + 1);
    }
    // Of both byte orders: U+0A00, which a newline is in the other, is no character.
    let skipped = (from % 2) as usize;
    let mut pairs = bytes.get(skipped..)?.chunks_exact(2);
    let last = pairs.rposition(|pair| pair == b"\n\0" || pair == b"\0\n")?;
    Some(from + (skipped + 2 * last + 2) as u64)
}
