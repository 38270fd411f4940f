//! How far a log has been read, so that a later run goes on there.

use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::str::FromStr;

use memchr::memchr;
use sha1::{Digest as _, Sha1};

/// A first line longer than this has no digest.
const FIRST_LINE_MAX_BYTES: usize = 256 * 1024;

/// So much is read at once to find the end of a first line.
const READ_BYTES: usize = 4 * 1024;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device that it is on. May be numbered otherwise after a reboot.
    pub device: u64,
    /// Its number there; a later file may get it again.
    pub inode: u64,
}

impl FileId {
    pub(super) fn of(found: &Metadata) -> Self {
        Self { device: found.dev(), inode: found.ino() }
    }
}

/// How far a file has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Which file; unknown if fail2ban read it.
    pub file: Option<FileId>,
    /// The first byte of the first line that has not been delivered.
    pub offset: u64,
    /// Of the first line; `None` while that has no end.
    pub first_line: Option<Digest>,
}

impl Position {
    /// Whether this is the file that it is a position in, as it was then or grown since.
    ///
    /// On the same device the inode has to be the same. Elsewhere the digest alone decides, as it does for fail2ban.
    pub(super) fn is_in(&self, file: &File, found: &Metadata) -> io::Result<bool> {
        let id = FileId::of(found);
        let known = match self.file {
            Some(known) if known.device == id.device => {
                if known != id {
                    return Ok(false);
                }
                true
            }
            _ => false,
        };
        if found.len() < self.offset {
            return Ok(false);
        }
        match self.first_line {
            Some(digest) => Ok(Digest::of_first_line(file)? == Some(digest)),
            None => Ok(known && self.offset == 0),
        }
    }
}

/// The SHA-1 digest of a log's first line with its newline, which fail2ban tells logs apart by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 20]);

/// The text is no digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?}: not a SHA-1 digest; write 40 hexadecimal digits")]
pub struct NoDigest {
    /// What stood there.
    pub found: String,
}

impl Digest {
    /// From its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 20] {
        self.0
    }

    /// Of a file's first line; `None` as long as that has no end.
    pub(super) fn of_first_line(file: &File) -> io::Result<Option<Self>> {
        let (mut hash, mut offset, mut buffer) = (Sha1::new(), 0, [0; READ_BYTES]);
        while offset < FIRST_LINE_MAX_BYTES {
            let len = file.read_at(&mut buffer, offset as u64)?;
            if let Some(end) = memchr(b'\n', &buffer[..len]) {
                hash.update(&buffer[..=end]);
                return Ok(Some(Self(hash.finalize().into())));
            }
            if len == 0 {
                return Ok(None);
            }
            hash.update(&buffer[..len]);
            offset += len;
        }
        Ok(None)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let wrong = || NoDigest { found: text.to_owned() };
        let mut digest = [0; 20];
        if text.len() != 2 * digest.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[track_caller]
    fn check(content: &str, expected: Option<&str>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let found = Digest::of_first_line(&file).unwrap();
        assert_eq!(found.map(|digest| digest.to_string()).as_deref(), expected);
        assert_eq!(found, expected.map(|text| text.parse().unwrap()));
    }

    #[test]
    fn the_first_line_counts_with_its_newline() {
        let digest = "03cfd743661f07975fa2f1220c5194cbaff48451"; // echo abc | sha1sum
        check("abc\n", Some(digest));
        check("abc\nmore", Some(digest));
        check("abc", None);
        check("", None);
        let long = "x".repeat(10_000) + "\nmore"; // head -c 10000 /dev/zero | tr '\0' x; echo
        check(&long, Some("b6f1fa0960b9aadf9da78ea1f99d812ecc41334f"));
    }

    #[test]
    fn other_text_is_no_digest() {
        for text in ["", "03cfd7", "+3cfd743661f07975fa2f1220c5194cbaff48451", "ä"] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
