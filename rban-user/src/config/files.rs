//! Where configuration comes from: a disk, or files compiled into the binary.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::glob;

/// A file has at most so many bytes; fail2ban's largest has 30,000.
pub const FILE_MAX_BYTES: usize = 2 << 20;

/// A directory that configuration is read from. The reader does no other I/O.
pub trait Files {
    /// A file's bytes, or `None` where there is none. More than [`FILE_MAX_BYTES`] need not be read.
    ///
    /// # Errors
    /// A file that is there but cannot be read.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;

    /// Whether there is such a directory.
    fn is_dir(&self, path: &Path) -> bool;

    /// What stands in a directory, in any order; nothing where there is none.
    fn list(&self, dir: &Path) -> Vec<PathBuf>;

    /// The logs that a glob finds, in the order of the directory.
    fn logs(&self, glob: &str) -> Vec<Found> {
        glob::find(glob)
    }
}

/// What a glob found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Whether it is a symbolic link that leads nowhere.
    pub dangling: bool,
}

/// The files of this host.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        use std::os::unix::fs::FileTypeExt;
        match path.metadata() {
            Err(_) => return Ok(None),
            Ok(it) if it.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // Opening these may wait for ever.
            Ok(it) if it.file_type().is_fifo() => return Err(io::ErrorKind::InvalidInput.into()),
            Ok(_) => {}
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let Ok(entries) = dir.read_dir() else { return Vec::new() };
        entries.flatten().map(|entry| entry.path()).collect()
    }
}

/// Files in memory, each its path and its text; such as those compiled into the binary.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a>(pub &'a [(&'a str, &'a [u8])]);

impl Files for Embedded<'_> {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let file = self.0.iter().find(|(name, _)| Path::new(name) == path);
        Ok(file.map(|(_, bytes)| bytes.to_vec()))
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.0.iter().any(|(name, _)| Path::new(name).starts_with(path))
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let names = self.0.iter().map(|(name, _)| PathBuf::from(name));
        names.filter(|name| name.parent() == Some(dir)).collect()
    }
}
