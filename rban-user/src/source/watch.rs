//! inotify: when to look, and at what.
//!
//! Files are watched for growth, their directories for files that appear. Nothing wakes us while nothing is written.
//! An event only says that it is time to look; what there is to see, [`file`](super::file) finds out. So an overflow
//! of the kernel's queue costs nothing but a look at everything.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use inotify::{EventMask, Inotify, WatchDescriptor, WatchMask};
use rustix::fs::statfs;
use tokio::io::unix::AsyncFd;

use super::Error;
use super::file::is_absence;
use super::position::FileId;

/// So many events are read at once: the kernel's are 16 bytes and a name of at most 256.
const EVENTS_BYTES: usize = 16 * (16 + 256);

/// A path may lead through so many symbolic links whose directories are watched.
const LINKS_MAX: usize = 8;

/// File systems on which others write as well, of which our kernel does not hear: NFS, SMB, CIFS, SMB2, 9P, FUSE,
/// Ceph, AFS, Lustre.
const REMOTE: [u32; 9] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x0102_1997,
    0x6573_5546,
    0x00c3_6400,
    0x5346_414f,
    0x0bd0_0bd0,
];

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Woken {
    /// These files grew or shrank.
    pub(super) changed: HashSet<FileId>,
    /// A file or directory came or went, or events were lost: any log may be another file now.
    pub(super) structure: Structure,
}

/// Whether files or directories came or went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Structure {
    #[default]
    Same,
    Changed,
}

/// The watches on every file and directory of interest.
#[derive(Debug)]
pub(super) struct Watcher {
    inotify: AsyncFd<Inotify>,
    files: HashMap<FileId, WatchDescriptor>,
    by_watch: HashMap<WatchDescriptor, FileId>,
    directories: HashSet<WatchDescriptor>,
    events: Vec<u8>,
}

impl Watcher {
    /// Watches nothing yet. Must be called on a tokio runtime.
    pub(super) fn new() -> io::Result<Self> {
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
        )]
        let inotify = Inotify::init().and_then(AsyncFd::new)?;
        Ok(Self {
            inotify,
            files: HashMap::new(),
            by_watch: HashMap::new(),
            directories: HashSet::new(),
            events: vec![0; EVENTS_BYTES],
        })
    }

    /// Watches the directories where files at these paths would appear, and no others. Returns those for which that
    /// is refused.
    pub(super) fn watch_directories<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a Path>,
    ) -> Vec<(&'a Path, Error)> {
        let (mut wanted, mut refused) = (HashSet::new(), Vec::new());
        for path in paths {
            for link in links(path) {
                if let Err(error) = self.watch_directory_of(&link, &mut wanted) {
                    refused.push((path, error));
                }
            }
        }
        for unwanted in self.directories.difference(&wanted) {
            // Fails where the directory is gone, and with it the watch.
            drop(self.inotify.get_ref().watches().remove(unwanted.clone()));
        }
        self.directories = wanted;
        refused
    }

    /// Watches the directory that holds this path or, while that is missing, the nearest one above it, for what
    /// appears in it; and those above for being moved.
    fn watch_directory_of(
        &self,
        path: &Path,
        watched: &mut HashSet<WatchDescriptor>,
    ) -> Result<(), Error> {
        let moved = WatchMask::DELETE_SELF | WatchMask::MOVE_SELF | WatchMask::ONLYDIR;
        let appears = WatchMask::CREATE | WatchMask::MOVED_TO | WatchMask::ATTRIB;
        let (mut found, mut below) = (false, None);
        for directory in path.ancestors().skip(1) {
            let mask = if found { moved } else { appears | moved };
            match self.inotify.get_ref().watches().add(directory, mask | WatchMask::MASK_ADD) {
                Ok(watch) => {
                    watched.insert(watch);
                    // What was missing a moment ago may have come before we watched.
                    if below.take().is_some_and(Path::is_dir) {
                        return self.watch_directory_of(path, watched);
                    }
                    found = true;
                }
                // Those above may be closed to us.
                Err(_) if found => {}
                Err(error) if is_absence(&error) => below = Some(directory),
                Err(source) => return Err(Error::Watch { path: directory.to_owned(), source }),
            }
        }
        Ok(())
    }

    /// Watches this file for growth.
    pub(super) fn watch_file(&mut self, path: &Path, id: FileId, file: &File) -> Result<(), Error> {
        if self.files.contains_key(&id) {
            return Ok(());
        }
        // By descriptor: the path may lead to another file by now.
        let link = format!("/proc/self/fd/{}", file.as_raw_fd());
        let watch = self.inotify.get_ref().watches().add(link, WatchMask::MODIFY);
        let watch = watch.map_err(|source| Error::Watch { path: path.to_owned(), source })?;
        self.by_watch.insert(watch.clone(), id);
        self.files.insert(id, watch);
        Ok(())
    }

    /// Watches a file no more. To be called as soon as it is closed: a file to come may get its inode, and must not
    /// be taken for watched.
    pub(super) fn forget_file(&mut self, id: FileId) {
        if let Some(watch) = self.files.remove(&id) {
            self.by_watch.remove(&watch);
            drop(self.inotify.get_ref().watches().remove(watch));
        }
    }

    /// Watches no other files than these any more.
    pub(super) fn forget_others(&mut self, kept: &HashSet<FileId>) {
        let others: Vec<FileId> =
            self.files.keys().filter(|id| !kept.contains(id)).copied().collect();
        others.into_iter().for_each(|id| self.forget_file(id));
    }

    /// Waits until it is time to look. Nothing is lost if the wait is given up.
    pub(super) async fn woken(&mut self) -> io::Result<Woken> {
        loop {
            let mut ready = self.inotify.readable_mut().await?;
            let by_watch = &self.by_watch;
            let read = ready.try_io(|inotify| {
                let mut woken = Woken::default();
                for event in inotify.get_mut().read_events(&mut self.events)? {
                    if event.mask.contains(EventMask::MODIFY) {
                        woken.changed.extend(by_watch.get(&event.wd));
                    } else if !event.mask.contains(EventMask::IGNORED) {
                        woken.structure = Structure::Changed;
                    }
                }
                Ok(woken)
            });
            match read {
                Ok(Ok(woken)) if woken != Woken::default() => return Ok(woken),
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
    }
}

/// Whether the file system that this path would be on may be written by others, so that watching is not enough.
pub(super) fn is_remote(path: &Path) -> bool {
    let there = path.ancestors().find_map(|path| statfs(path).ok());
    there.is_some_and(|found| REMOTE.contains(&(found.f_type as u32)))
}

/// The path itself and, if it is a symbolic link, where that leads, link by link.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut links = vec![path.to_owned()];
    while links.len() <= LINKS_MAX
        && let Some(last) = links.last()
        && let Ok(target) = fs::read_link(last)
    {
        let target = last.parent().unwrap_or(last).join(target);
        links.push(target);
    }
    links
}
