//! The files under `config/`, compiled in: what is taken where a host has no configuration, and our own actions.

use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::files::{Disk, Files, Found};

/// Where the shipped files seem to lie.
pub(super) const BASE: &str = "built-in";

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../config");

/// The shipped files, below [`BASE`]; all else is the host's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shipped;

fn inside(path: &Path) -> Option<&Path> {
    path.strip_prefix(BASE).ok()
}

fn directory(path: &Path) -> Option<&'static Dir<'static>> {
    if path.as_os_str().is_empty() { Some(&FILES) } else { FILES.get_dir(path) }
}

impl Files for Shipped {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match inside(path) {
            Some(path) => Ok(FILES.get_file(path).map(|file| file.contents().to_vec())),
            None => Disk.read(path),
        }
    }

    fn is_dir(&self, path: &Path) -> bool {
        inside(path).map_or_else(|| Disk.is_dir(path), |path| directory(path).is_some())
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        let dir = inside(dir).and_then(directory);
        let files = dir.into_iter().flat_map(Dir::files);
        files.map(|file| Path::new(BASE).join(file.path())).collect()
    }
}

/// The files of this host, and below `base` our own actions where it has none of that name: `banaction = xdp` works
/// in any directory.
#[derive(Clone, Debug)]
pub(super) struct WithOurActions<'a> {
    pub(super) base: &'a Path,
}

const OUR_ACTIONS: [&str; 2] = ["action.d/xdp.conf", "action.d/xdp-allports.conf"];

impl Files for WithOurActions<'_> {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let there = Disk.read(path)?;
        let ours = || {
            let name = path.strip_prefix(self.base).ok()?.to_str()?;
            OUR_ACTIONS.contains(&name).then(|| Shipped.read(&Path::new(BASE).join(name)))
        };
        match there {
            Some(bytes) => Ok(Some(bytes)),
            None => ours().unwrap_or(Ok(None)),
        }
    }

    fn is_dir(&self, path: &Path) -> bool {
        Disk.is_dir(path)
    }

    fn list(&self, dir: &Path) -> Vec<PathBuf> {
        Disk.list(dir)
    }

    fn logs(&self, glob: &str) -> Vec<Found> {
        Disk.logs(glob)
    }
}
