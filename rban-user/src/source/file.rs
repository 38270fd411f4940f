//! One followed file: identity, offset, rotation, truncation.
//!
//! A log is a path, and one after the other the files that stand there. When another file takes the path, the one
//! before stays open, since its writer may not know yet: it is read until the new one has something in it, and once
//! more to its end. What follows from the file alone is decided here; when to look is [`watch`](super::watch)'s.
//!
//! Not seen: a file that came and went again between two looks, and a file emptied and written anew between two looks
//! with the very bytes before our offset that it had there.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::decode::{Decoder, Encoding};
use super::lines::{LINE_MAX_BYTES, Splitter};
use super::{Begin, Error, Written};
use crate::event::Line;

/// So many bytes before the offset are remembered, and compared before reading on.
const TAIL_BYTES: usize = 256;

/// So many files that stood at one path are kept open; then the oldest is read to its end and closed.
const OPENED_MAX: usize = 8;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    dev: u64,
    inode: u64,
}

/// Whether a read left something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// Everything written so far has been read.
    AtEnd,
}

/// A path, and the files that stood there and are not done.
#[derive(Debug)]
pub(super) struct Followed {
    path: PathBuf,
    encoding: Encoding,
    /// Oldest first; the last stands, or stood last, at the path.
    opened: VecDeque<Opened>,
    /// Whether everything that was there has been read once.
    caught_up: bool,
}

/// An open file that is being read.
#[derive(Debug)]
struct Opened {
    file: File,
    id: Id,
    offset: u64,
    /// The last bytes before the offset.
    tail: Vec<u8>,
    decoder: Decoder,
    lines: Splitter,
    /// Whether we have said that its encoding is another.
    complained: bool,
}

impl Followed {
    pub(super) fn new(path: PathBuf, encoding: Encoding) -> Self {
        Self { path, encoding, opened: VecDeque::new(), caught_up: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// When what is read next was written.
    pub(super) fn written(&self) -> Written {
        if self.caught_up { Written::Now } else { Written::Before }
    }

    /// The files that are read now.
    pub(super) fn files(&self) -> impl Iterator<Item = (Id, &File)> {
        self.opened.iter().map(|opened| (opened.id, &opened.file))
    }

    /// Opens the file at the path, unless it is open already or there is none. True if it opened one.
    pub(super) fn refresh(&mut self, begin: Begin) -> Result<bool, Error> {
        let Some(found) =
            absent_is_none(fs::metadata(&self.path)).map_err(|e| self.cannot_open(e))?
        else {
            return Ok(false);
        };
        if self.knows(Id::of(&found)) {
            return Ok(false);
        }
        self.caught_up |= begin == Begin::End;
        if !found.is_file() {
            return Err(Error::NotAFile { path: self.path.clone() });
        }
        // Without blocking, should a pipe have taken its place meanwhile.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.path);
        let Some(file) = absent_is_none(file).map_err(|e| self.cannot_open(e))? else {
            return Ok(false);
        };
        let opened = Opened::new(file, begin, self.encoding).map_err(|e| self.cannot_open(e))?;
        if self.knows(opened.id) {
            return Ok(false);
        }
        self.opened.push_back(opened);
        Ok(true)
    }

    /// Reads one buffer full at most, older files first, and appends the lines that are whole.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        lines: &mut Vec<Line>,
    ) -> Result<Progress, Error> {
        let read = self.read_in_order(buffer, lines);
        let progress = read.map_err(|source| Error::Read { path: self.path.clone(), source })?;
        self.caught_up |= progress == Progress::AtEnd;
        Ok(progress)
    }

    fn read_in_order(&mut self, buffer: &mut [u8], lines: &mut Vec<Line>) -> io::Result<Progress> {
        loop {
            // Asked before the older file is read to its end: what comes later is not written there any more.
            let mut succeeded = self.opened.len() > OPENED_MAX;
            for next in self.opened.iter().skip(1) {
                succeeded |= next.file.metadata()?.len() > 0;
            }
            let Some(oldest) = self.opened.front_mut() else { return Ok(Progress::AtEnd) };
            let progress = oldest.read(buffer, lines)?;
            oldest.complain(&self.path);
            if progress == Progress::More {
                return Ok(Progress::More);
            }
            if !succeeded {
                return Ok(Progress::AtEnd);
            }
            oldest.finish(lines);
            self.opened.pop_front();
        }
    }

    /// Whether this file is open already; if it came back to the path, it is again the last.
    fn knows(&mut self, id: Id) -> bool {
        let Some(index) = self.opened.iter().position(|opened| opened.id == id) else {
            return false;
        };
        if index + 1 < self.opened.len() {
            let back = self.opened.remove(index);
            self.opened.extend(back);
        }
        true
    }

    fn cannot_open(&self, source: io::Error) -> Error {
        Error::Open { path: self.path.clone(), source }
    }
}

impl Opened {
    fn new(file: File, begin: Begin, encoding: Encoding) -> io::Result<Self> {
        let found = file.metadata()?;
        let mut opened = Self {
            file,
            id: Id::of(&found),
            offset: 0,
            tail: Vec::new(),
            decoder: Decoder::new(encoding),
            lines: Splitter::default(),
            complained: false,
        };
        if begin == Begin::End {
            opened.skip_to(found.len())?;
        }
        Ok(opened)
    }

    /// Passes over what is there, except that a line without its end will be delivered whole.
    fn skip_to(&mut self, end: u64) -> io::Result<()> {
        let encoding = self.decoder.encoding();
        let mut head = [0; 2];
        let len = self.file.read_at(&mut head, 0)?;
        // An even number of bytes into the file, so that UTF-16 is met between two characters.
        let from = end.saturating_sub(LINE_MAX_BYTES as u64).next_multiple_of(2);
        self.decoder = match from {
            0 => Decoder::new(encoding),
            _ => Decoder::within(encoding, &head[..len]),
        };
        let mut last = vec![0; (end - from) as usize];
        let len = self.file.read_at(&mut last, from)?;
        last.truncate(len);
        self.offset = from + len as u64;
        let newline = last.iter().rposition(|byte| *byte == b'\n');
        let line = newline.filter(|_| encoding.has_plain_newlines()).map_or(0, |at| at + 1);
        self.lines.push(self.decoder.decode(&last[line..]), &mut Vec::new());
        // Half a character may stand where we began.
        self.decoder.was_malformed();
        self.remember(&last);
        Ok(())
    }

    /// Reads one buffer full at most; from the start again if the file is not the one it was.
    fn read(&mut self, buffer: &mut [u8], lines: &mut Vec<Line>) -> io::Result<Progress> {
        // What was read before is read again with what is new, in one call: nothing can come in between.
        let mut len = self.file.read_at(buffer, self.offset - self.tail.len() as u64)?;
        if !buffer[..len].starts_with(&self.tail) {
            self.finish(lines);
            self.offset = 0;
            self.tail.clear();
            len = self.file.read_at(buffer, 0)?;
        }
        let new = &buffer[self.tail.len()..len];
        self.offset += new.len() as u64;
        self.lines.push(self.decoder.decode(new), lines);
        self.remember(&buffer[..len]);
        Ok(if len == buffer.len() { Progress::More } else { Progress::AtEnd })
    }

    /// Delivers what will not be written to its end any more; the next byte is the first of a file.
    fn finish(&mut self, lines: &mut Vec<Line>) {
        self.lines.push(self.decoder.finish(), lines);
        lines.extend(self.lines.finish());
    }

    /// Says once that what stands here is not all of its encoding.
    fn complain(&mut self, path: &Path) {
        if self.decoder.was_malformed() && !self.complained {
            self.complained = true;
            let (path, encoding) = (path.display(), self.decoder.encoding());
            tracing::warn!(%path, "not all of it is {encoding}; set logencoding to what it is");
        }
    }

    /// Remembers the end of what was read up to the offset.
    fn remember(&mut self, read: &[u8]) {
        self.tail.clear();
        self.tail.extend_from_slice(&read[read.len().saturating_sub(TAIL_BYTES)..]);
    }
}

impl Id {
    fn of(found: &Metadata) -> Self {
        Self { dev: found.dev(), inode: found.ino() }
    }
}

/// Whether there is nothing at the path.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn absent_is_none<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(error) if is_absence(&error) => Ok(None),
        found => found.map(Some),
    }
}
