//! One followed log: identity, rotation, truncation.
//!
//! A log is a path, and one after the other the files that stand there. When another file takes the path, the one
//! before stays open, since its writer may not know yet: it is read until the new one has something in it, and once
//! more to its end. What follows from the file alone is decided here; when to look is [`watch`](super::watch)'s.
//!
//! Not seen: a file that came and went again between two looks, and a file emptied and written anew between two looks
//! with the very bytes before our offset that it had there.

mod opened;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use memchr::memchr_iter;
use opened::Opened;
use rustix::fs::OFlags;

use super::decode::Encoding;
use super::position::{FileId, Position};
use super::resume::{self, Part};
use super::{Error, Written};

/// So many files that stood at one path are kept open; then the oldest is read to its end and closed.
pub(super) const OPENED_MAX: usize = 8;

/// Whether a read left something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more.
    More,
    /// Everything written so far has been read.
    AtEnd,
}

/// What the other logs know of a file that stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Nothing.
    Unknown,
    /// It is read under another path; then not under this one too.
    Open,
    /// It was read under another path, so far.
    Left(Position),
}

/// Whole lines, each with its newline, and what is known of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    pub(super) lines: usize,
    pub(super) written: Written,
    pub(super) position: Position,
}

/// A path, and the files that stood there and are not done.
#[derive(Debug)]
pub(super) struct Followed {
    path: Arc<Path>,
    encoding: Encoding,
    /// Oldest first; the last stands, or stood last, at the path.
    opened: VecDeque<Opened>,
    /// Whether everything that was there has been read once.
    caught_up: bool,
    /// The file that was read last and is not any more.
    left: Option<Position>,
}

impl Followed {
    pub(super) fn new(path: PathBuf, encoding: Encoding) -> Self {
        let path = path.into();
        Self { path, encoding, opened: VecDeque::new(), caught_up: false, left: None }
    }

    pub(super) fn path(&self) -> &Arc<Path> {
        &self.path
    }

    /// When what is read next was written.
    pub(super) fn written(&self) -> Written {
        if self.caught_up { Written::Now } else { Written::Before }
    }

    /// The files that are read now.
    pub(super) fn files(&self) -> impl Iterator<Item = (FileId, &File)> {
        self.opened.iter().map(|opened| (opened.id, &opened.file))
    }

    /// Up to where lines have been delivered; `None` while there is no file.
    pub(super) fn position(&mut self) -> Option<Position> {
        self.opened.front_mut().map(Opened::position)
    }

    /// The file that it has just come to the end of for good, with how far it was read.
    pub(super) fn take_left(&mut self) -> Option<Position> {
        self.left.take()
    }

    /// How many bytes are waiting to be read.
    pub(super) fn behind(&self) -> u64 {
        self.opened.iter().map(|opened| opened.behind().unwrap_or(0)).sum()
    }

    /// Whether both have read the same of the same files, so that from now on they would read the same.
    pub(super) fn stands_with(&self, other: &Self) -> bool {
        let [one, two] =
            [self, other].map(|log| (log.caught_up, &log.path, log.encoding, log.opened.len()));
        one == two && self.opened.iter().zip(&other.opened).all(|(one, two)| one.stands_with(two))
    }

    /// The files that an earlier run has not read to their end, oldest first.
    pub(super) fn parts(&self, position: &Position, all: &[Position]) -> Result<Vec<Part>, Error> {
        resume::parts(&self.path, position, all).map_err(|e| self.cannot_open(e))
    }

    /// The file at the path, unless it is open already or there is none.
    pub(super) fn find_new(&mut self) -> Result<Option<Part>, Error> {
        let found = absent_is_none(fs::metadata(&self.path)).map_err(|e| self.cannot_open(e))?;
        let Some(found) = found.filter(|found| !self.knows(FileId::of(found))) else {
            return Ok(None);
        };
        if !found.is_file() {
            return Err(Error::NotAFile { path: self.path.to_path_buf() });
        }
        let opened = open(&self.path).map_err(|e| self.cannot_open(e))?;
        let new = opened.map(|(file, found)| Part { file, found, offset: 0 });
        Ok(new.filter(|part| !self.knows(part.id())))
    }

    /// Follows a file from its end on.
    pub(super) fn follow_from_end(&mut self, part: Part) -> Result<(), Error> {
        self.caught_up = true;
        let opened = Opened::at_end(part.file, &part.found, self.encoding);
        self.opened.push_back(opened.map_err(|e| self.cannot_open(e))?);
        Ok(())
    }

    /// Follows a file, as far as that is not done elsewhere. True if it does.
    pub(super) fn follow(&mut self, part: Part, elsewhere: Elsewhere) -> Result<bool, Error> {
        let Part { file, found, mut offset } = part;
        match elsewhere {
            Elsewhere::Open => return Ok(false),
            Elsewhere::Left(at) if at.is_in(&file, &found).unwrap_or(false) => offset = at.offset,
            Elsewhere::Left(_) | Elsewhere::Unknown => {}
        }
        let opened = Opened::at(offset, file, &found, self.encoding);
        self.opened.push_back(opened.map_err(|e| self.cannot_open(e))?);
        Ok(true)
    }

    /// Reads one buffer full at most, older files first: the lines that are whole.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(Option<Chunk>, Progress), Error> {
        let (written, mut whole) = (self.written(), BytesMut::new());
        let read = self.read_in_order(buffer, &mut whole);
        let progress =
            read.map_err(|source| Error::Read { path: self.path.to_path_buf(), source })?;
        self.caught_up |= progress == Progress::AtEnd;
        let Some(position) = self.position().filter(|_| !whole.is_empty()) else {
            return Ok((None, progress));
        };
        let bytes = whole.freeze();
        let lines = memchr_iter(b'\n', &bytes).count();
        Ok((Some(Chunk { bytes, lines, written, position }), progress))
    }

    fn read_in_order(&mut self, buffer: &mut [u8], whole: &mut BytesMut) -> io::Result<Progress> {
        loop {
            // Asked before the older file is read to its end: what comes later is not written there any more.
            let mut succeeded = self.opened.len() > OPENED_MAX;
            for next in self.opened.iter().skip(1) {
                succeeded |= next.file.metadata()?.len() > 0;
            }
            let Some(oldest) = self.opened.front_mut() else { return Ok(Progress::AtEnd) };
            let progress = oldest.read(buffer, whole)?;
            oldest.complain(&self.path);
            if progress == Progress::More {
                return Ok(Progress::More);
            }
            if !succeeded {
                return Ok(Progress::AtEnd);
            }
            oldest.finish(whole);
            self.left = Some(oldest.position());
            self.opened.pop_front();
            if !whole.is_empty() {
                return Ok(Progress::More);
            }
        }
    }

    /// Whether this file is open already; if it came back to the path, it is again the last.
    fn knows(&mut self, id: FileId) -> bool {
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
        Error::Open { path: self.path.to_path_buf(), source }
    }
}

/// Opens a file for reading, without blocking, should a pipe stand there; `None` where there is none.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let flags = OFlags::NONBLOCK.bits() as i32;
    let Some(file) = absent_is_none(OpenOptions::new().read(true).custom_flags(flags).open(path))?
    else {
        return Ok(None);
    };
    let found = file.metadata()?;
    Ok(Some((file, found)))
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
