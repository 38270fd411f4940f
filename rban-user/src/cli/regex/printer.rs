//! Prints each failure as soon as it is found, and nothing else.

use std::io::{self, Write};
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr, memchr_iter};

use super::failure::{Failure, Id};
use super::format::Format;
use super::hosts::Hosts;
use crate::detect::{Found, Seen, Sink, Who};
use crate::event::Line;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    Failures,
    /// The lines that are none.
    Others,
}

/// Whether names are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    LookedUp,
    AsTheyAre,
}

pub(super) struct Printer<W> {
    out: W,
    format: Format,
    printed: Printed,
    names: Names,
    hosts: Hosts,
    numbers: Numbers,
    /// Whether the line being looked at failed.
    failed: bool,
    /// Whether any did.
    pub(super) matched: bool,
    /// Why no more can be printed.
    error: Option<io::Error>,
}

impl<W: Write> Printer<W> {
    pub(super) fn new(out: W, format: Format, printed: Printed) -> Self {
        let names = match format {
            Format::Json(_) => Names::AsTheyAre,
            _ => Names::LookedUp,
        };
        let (hosts, numbers) = (Hosts::of_system(), Numbers::default());
        Self { out, format, printed, names, hosts, numbers, failed: false, matched: false, error: None }
    }

    /// The next chunk's lines follow.
    pub(super) fn chunk(&mut self, chunk: &Bytes) {
        if matches!(self.format, Format::Json(_)) {
            self.numbers.next(chunk);
        }
    }

    /// The lines of a part of the chunk follow.
    pub(super) fn part(&mut self, part: &Range<usize>) {
        self.numbers.part = part.start;
        self.numbers.told = 0;
    }

    /// Prints what is not printed yet. If this fails, nothing more can be.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn print(&mut self, failure: &Failure<'_>, at: usize) {
        if self.error.is_some() {
            return;
        }
        let line = self.numbers.line(at);
        let written = self.format.write(&mut self.out, failure, line, &mut self.hosts);
        self.error = written.err();
    }

    fn failure(&mut self, failure: &Failure<'_>, at: usize) {
        self.failed = true;
        self.matched = true;
        if self.printed == Printed::Failures {
            self.print(failure, at);
        }
    }
}

impl<W: Write> Sink for Printer<W> {
    fn found(&mut self, _: usize, found: &Found<'_>) {
        let Some(identity) = found.identity.filter(|_| found.is_failure()) else { return };
        let mut failure = Failure {
            id: Id::of(&identity.id),
            beside: identity.addr,
            time: found.time,
            matches: found.matches,
            found: Some(found),
        };
        match &identity.id {
            Who::Name(name) if self.names == Names::LookedUp => {
                for offender in self.hosts.addresses(name) {
                    failure.id = Id::Offender(offender);
                    self.failure(&failure, found.at);
                }
            }
            _ => self.failure(&failure, found.at),
        }
    }

    fn line(&mut self, _: usize, line: &str, _: Seen) {
        let failed = std::mem::take(&mut self.failed);
        if self.printed == Printed::Others {
            let at = self.numbers.tell();
            if !failed {
                let line = Line::copy_from_slice(line.as_bytes());
                self.print(&Failure::none(std::slice::from_ref(&line)), at);
            }
        }
    }
}

/// Which line of the log stands where in a chunk.
#[derive(Debug, Default)]
struct Numbers {
    chunk: Bytes,
    /// Where the part begins that is being looked at.
    part: usize,
    /// So far have its lines been told of.
    told: usize,
    /// So far have lines been counted,
    counted: usize,
    /// and so many there were, those of earlier chunks included.
    lines: u64,
}

impl Numbers {
    fn next(&mut self, chunk: &Bytes) {
        self.count(self.chunk.len());
        self.counted = 0;
        self.chunk = chunk.clone();
    }

    fn count(&mut self, end: usize) {
        let lines = memchr_iter(b'\n', self.chunk.get(self.counted..end).unwrap_or_default());
        self.lines += lines.count() as u64;
        self.counted = end;
    }

    /// The number of the line that begins there in the part, from 1. Asked in the order of lines.
    fn line(&mut self, at: usize) -> u64 {
        self.count(self.part + at);
        self.lines + 1
    }

    /// Where in the part the next line begins.
    fn tell(&mut self) -> usize {
        let rest = self.chunk.get(self.part + self.told..).unwrap_or_default();
        let len = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        self.told += len;
        self.told - len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_over_chunks_and_parts() {
        let mut numbers = Numbers::default();
        numbers.next(&Bytes::from_static(b"a\n#\nb\nc\n"));
        assert_eq!(numbers.line(0), 1);
        numbers.part = 4;
        let first = numbers.tell();
        assert_eq!((first, numbers.line(first)), (0, 3));
        let second = numbers.tell();
        assert_eq!((second, numbers.line(second)), (2, 4));
        numbers.next(&Bytes::from_static(b"d\n"));
        numbers.part = 0;
        assert_eq!(numbers.line(0), 5);
    }
}
