//! Where configuration comes from: a disk, or files compiled into the binary.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::glob;

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
        let found = glob::find(glob).into_iter();
        found.map(|path| Found { dangling: !path.exists(), path }).collect()
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
        // Without waiting: a pipe may have nobody at its other end.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = match File::options().read(true).custom_flags(flags).open(path) {
            Ok(file) => file,
            Err(_) if !path.exists() => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if metadata.file_type().is_fifo() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let most = FILE_MAX_BYTES + 1;
        let len = usize::try_from(metadata.len()).map_or(most, |len| most.min(len + 1));
        let mut bytes = Vec::with_capacity(len);
        file.take(most as u64).read_to_end(&mut bytes)?;
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

/// Files in memory, each its path and its text; such as those compiled into the binary. Logs are the host's.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a, T>(pub &'a [(&'a str, T)]);

impl<T: AsRef<[u8]>> Files for Embedded<'_, T> {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let path = path.as_os_str().as_encoded_bytes();
        let file = self.0.iter().find(|(name, _)| name.as_bytes() == path);
        Ok(file.map(|(_, text)| text.as_ref().to_vec()))
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.0.iter().any(|(name, _)| below(name, path).is_some())
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let is_in = |name: &&str| below(name, dir).is_some_and(|rest| !rest.contains('/'));
        self.0.iter().map(|(name, _)| *name).filter(is_in).map(PathBuf::from).collect()
    }
}

/// What is left of a name below a directory.
fn below<'a>(name: &'a str, dir: &Path) -> Option<&'a str> {
    name.strip_prefix(dir.to_str()?)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Embedded<'static, &str> = Embedded(&[
        ("etc/jail.conf", "1"),
        ("etc/jail.d/a.conf", "2"),
        ("etc/jail.d/b/c.conf", "3"),
    ]);

    #[test]
    fn files_in_memory_lie_in_directories() {
        assert_eq!(FILES.read(Path::new("etc/jail.conf")).unwrap(), Some(b"1".to_vec()));
        assert_eq!(FILES.read(Path::new("etc/jail")).unwrap(), None);
        assert_eq!(FILES.list(Path::new("etc/jail.d")), [Path::new("etc/jail.d/a.conf")]);
        assert!(FILES.list(Path::new("et")).is_empty());
        assert!(FILES.is_dir(Path::new("etc")) && FILES.is_dir(Path::new("etc/jail.d/b")));
        assert!(!FILES.is_dir(Path::new("etc/jail.conf")) && !FILES.is_dir(Path::new("et")));
    }

    #[test]
    fn a_missing_file_is_none_and_one_that_blocks_an_error() {
        let dir = tempfile::TempDir::new().unwrap();
        assert_eq!(Disk.read(&dir.path().join("none")).unwrap(), None);
        assert!(Disk.read(dir.path()).is_err());
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &fifo,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert!(Disk.read(&fifo).is_err());
        assert_eq!(Disk.read(Path::new("/dev/zero")).unwrap().unwrap().len(), FILE_MAX_BYTES + 1);
    }
}
