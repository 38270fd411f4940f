//! A file that `ignoreip` names: read again where it is another, or was written to.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::jail::ignore::Listed;

/// A larger file is not read.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A file, and how it stood when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    dev: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// What a file says that has not been read before.
#[derive(Debug)]
pub(in crate::daemon) struct Fresh {
    pub(super) stamp: Stamp,
    pub(super) listed: Listed,
}

/// Reads the file, unless it is as it was then.
pub(super) fn read(path: &Path, then: Option<Stamp>) -> io::Result<Option<Fresh>> {
    // Without blocking, should it be a pipe.
    let flags = OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    let stamp = Stamp::of(&found);
    if then == Some(stamp) {
        return Ok(None);
    }
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = Vec::new();
    file.take(FILE_MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 64 MiB"));
    }
    Ok(Some(Fresh { stamp, listed: Listed::parse(&text) }))
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            dev: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn it_is_read_again_only_if_it_was_written_to_or_is_another() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("ignored");
        fs::write(&path, "192.0.2.1\n").unwrap();
        let first = read(&path, None).unwrap().unwrap();
        assert_eq!(first.listed.nets.len(), 1);
        assert!(read(&path, Some(first.stamp)).unwrap().is_none());
        fs::write(&path, "192.0.2.1\n192.0.2.2\n").unwrap();
        let second = read(&path, Some(first.stamp)).unwrap().unwrap();
        assert_eq!(second.listed.nets.len(), 2);
        let other = directory.path().join("other");
        fs::copy(&path, &other).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(read(&path, Some(second.stamp)).unwrap().is_some());
    }

    #[test]
    fn what_is_no_file_is_an_error() {
        let directory = TempDir::new().unwrap();
        assert!(read(&directory.path().join("absent"), None).is_err());
        let error = read(directory.path(), None).unwrap_err();
        assert_eq!(error.to_string(), "not a regular file");
        let large = directory.path().join("large");
        fs::File::create(&large).unwrap().set_len(FILE_MAX_BYTES + 1).unwrap();
        assert_eq!(read(&large, None).unwrap_err().to_string(), "larger than 64 MiB");
    }
}
