//! Where to go on after a restart: logs may have been rotated meanwhile.
//!
//! A log that was moved away is found by its inode, one that was copied away and emptied by the digest of its first
//! line; both beside the log. Not found: one that was compressed, or moved to another directory.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};

use super::file::{OPENED_MAX, open};
use super::position::{FileId, Position};

/// So much of a log's directory is looked at.
const ENTRIES_MAX: usize = 100_000;

/// So many files are looked into for a digest.
const LOOKED_INTO_MAX: usize = 100;

/// What compressed logs end in.
const COMPRESSED: [&str; 7] = [".gz", ".xz", ".bz2", ".zst", ".lz4", ".Z", ".zip"];

/// A file that is to be read, and where it is begun.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) file: File,
    pub(super) found: Metadata,
    pub(super) offset: u64,
}

impl Part {
    pub(super) fn id(&self) -> FileId {
        FileId::of(&self.found)
    }
}

/// The files to read, oldest first, after the log at `path` had been read up to `position`. A file that another one of
/// `all` positions is in is begun there.
pub(super) fn parts(path: &Path, position: &Position, all: &[Position]) -> io::Result<Vec<Part>> {
    let current = open_file(path)?;
    if let Some((file, found)) = &current
        && position.is_in(file, found)?
    {
        return Ok(current.map(|it| part(it, all)).into_iter().collect());
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    let names = names_in(directory, position);
    let Some((rotated, since)) = find(path, directory, &names, position) else {
        return Ok(current.map(|it| part(it, all)).into_iter().collect());
    };
    let mut between: Vec<Rotated<'_>> = names.iter().filter_map(|it| it.relative(path)).collect();
    between.retain(|it| since.as_ref().is_some_and(|since| it.is_newer(since)));
    between.sort_unstable_by(|a, b| a.age(b));
    let between = between.iter().rev().take(OPENED_MAX).rev();
    let (file, found) = rotated;
    let mut parts = vec![Part { file, found, offset: position.offset }];
    for it in between {
        parts.extend(open_file(&directory.join(it.name))?.map(|it| part(it, all)));
    }
    parts.extend(current.map(|it| part(it, all)));
    Ok(parts)
}

/// Opens a regular file.
fn open_file(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    Ok(open(path)?.filter(|(_, found)| found.is_file()))
}

/// A file, begun where one of these positions in it is, or else with its first line.
fn part((file, found): (File, Metadata), all: &[Position]) -> Part {
    let known = all.iter().filter(|position| position.is_in(&file, &found).unwrap_or(false));
    let offset = known.map(|position| position.offset).max().unwrap_or(0);
    Part { file, found, offset }
}

/// The rotated file that the position is in, and what its name says of its age.
fn find<'a>(
    path: &Path,
    directory: &Path,
    names: &'a [Name],
    position: &Position,
) -> Option<((File, Metadata), Option<Rotated<'a>>)> {
    let by_inode = names.iter().filter(|name| name.is_it);
    let mut relatives: Vec<(&Name, Rotated<'_>)> =
        names.iter().filter_map(|it| Some((it, it.relative(path)?))).collect();
    // The newest first: where all logs begin alike, it is the one that was copied last.
    relatives.sort_unstable_by(|(_, a), (_, b)| b.age(a));
    let by_digest = relatives.into_iter().map(|(it, _)| it).take(LOOKED_INTO_MAX);
    for name in by_inode.chain(by_digest) {
        let path_there = directory.join(&name.name);
        let Ok(Some((file, found))) = open_file(&path_there) else { continue };
        // What was copied has another inode.
        let as_copy = Position { file: None, ..*position };
        let is_in = |position: &Position| position.is_in(&file, &found).unwrap_or(false);
        if path_there != path && (is_in(position) || is_in(&as_copy)) {
            return Some(((file, found), name.relative(path)));
        }
    }
    None
}

/// A name in the log's directory.
struct Name {
    name: PathBuf,
    /// Whether it has the inode that is looked for.
    is_it: bool,
}

fn names_in(directory: &Path, position: &Position) -> Vec<Name> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let inode = position.file.map(|file| file.inode);
    let entries = entries.flatten().take(ENTRIES_MAX);
    entries
        .map(|entry| Name { name: entry.file_name().into(), is_it: inode == Some(entry.ino()) })
        .collect()
}

impl Name {
    /// What it is if the log was rotated to it: `log.1`, `log-20261121`, `log.1.txt` for `log.txt`.
    fn relative(&self, path: &Path) -> Option<Rotated<'_>> {
        let (name, log) = (self.name.as_os_str().as_bytes(), path.file_name()?.as_bytes());
        if COMPRESSED.iter().any(|end| name.ends_with(end.as_bytes())) {
            return None;
        }
        let common = name.iter().zip(log).take_while(|(a, b)| a == b).count();
        let stamp = name[common..].strip_suffix(&log[common..])?;
        let is_mark = |byte: &u8| matches!(byte, b'.' | b'-' | b'_');
        let from = stamp.iter().position(|byte| !is_mark(byte))?;
        let to = stamp.iter().rposition(|byte| !is_mark(byte))? + 1;
        (common > 0).then(|| Rotated { name: &self.name, stamp: &stamp[from..to] })
    }
}

/// A rotated log.
#[derive(Clone, Copy, Debug)]
struct Rotated<'a> {
    name: &'a Path,
    /// What its name has that the log's has not: a number or a date.
    stamp: &'a [u8],
}

impl Rotated<'_> {
    /// `log.3` has the number 3; eight digits are a date.
    fn number(&self) -> Option<u32> {
        let text = str::from_utf8(self.stamp).ok()?;
        (text.len() < 6).then(|| text.parse().ok())?
    }

    /// Older ones before newer ones: numbers grow with age, dates do not.
    fn age(&self, other: &Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(mine), Some(others)) => others.cmp(&mine),
            (None, None) => self.stamp.cmp(other.stamp),
            (mine, others) => mine.is_some().cmp(&others.is_some()),
        }
    }

    /// Whether it was rotated later, by the same way of naming.
    fn is_newer(&self, other: &Self) -> bool {
        let shape = |it: &Self| match it.number() {
            Some(_) => Vec::new(),
            None => it.stamp.iter().map(|b| if b.is_ascii_digit() { b'0' } else { *b }).collect(),
        };
        shape(self) == shape(other) && self.age(other) == Ordering::Greater
    }
}
