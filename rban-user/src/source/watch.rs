//! inotify: when to look.
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
use tokio::io::unix::AsyncFd;

use super::Error;
use super::file::{Id, is_absence};

/// So many events are read at once: the kernel's are 16 bytes and a name of at most 256.
const EVENTS_BYTES: usize = 16 * (16 + 256);

/// A path may lead through so many symbolic links whose directories are watched.
const LINKS_MAX: usize = 8;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Woken {
    /// Files that are watched grew or shrank.
    Growth,
    /// A file or directory came, or events were lost.
    Structure,
}

/// The watches on every file and directory of interest.
#[derive(Debug)]
pub(super) struct Watcher {
    inotify: AsyncFd<Inotify>,
    files: HashMap<Id, WatchDescriptor>,
    directories: HashSet<WatchDescriptor>,
    events: Vec<u8>,
}

impl Watcher {
    /// Watches nothing yet. Must be called on a tokio runtime.
    pub(super) fn new() -> Result<Self, Error> {
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
        )]
        let inotify = Inotify::init().and_then(AsyncFd::new).map_err(Error::Inotify)?;
        Ok(Self {
            inotify,
            files: HashMap::new(),
            directories: HashSet::new(),
            events: vec![0; EVENTS_BYTES],
        })
    }

    /// Watches the directories where files at these paths would appear, and no others.
    pub(super) fn watch_directories<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a Path>,
    ) -> Result<(), Error> {
        let mut wanted = HashSet::new();
        for link in paths.flat_map(links) {
            self.watch_directory_of(&link, &mut wanted)?;
        }
        for unwanted in self.directories.difference(&wanted) {
            // Fails where the directory is gone, and with it the watch.
            drop(self.inotify.get_ref().watches().remove(unwanted.clone()));
        }
        self.directories = wanted;
        Ok(())
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

    /// Watches these files for growth, and no others.
    pub(super) fn watch_files<'a>(
        &mut self,
        files: impl Iterator<Item = (&'a Path, Id, &'a File)>,
    ) -> Result<(), Error> {
        let mut kept = HashMap::new();
        for (path, id, file) in files {
            let watch = match self.files.remove(&id) {
                Some(watch) => watch,
                None if kept.contains_key(&id) => continue,
                None => {
                    // By descriptor: the path may lead to another file by now.
                    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
                    let watch = self.inotify.get_ref().watches().add(link, WatchMask::MODIFY);
                    watch.map_err(|source| Error::Watch { path: path.to_owned(), source })?
                }
            };
            kept.insert(id, watch);
        }
        for (_, unwanted) in std::mem::replace(&mut self.files, kept) {
            drop(self.inotify.get_ref().watches().remove(unwanted));
        }
        Ok(())
    }

    /// Waits until it is time to look. Nothing is lost if the wait is given up.
    pub(super) async fn woken(&mut self) -> io::Result<Woken> {
        loop {
            let mut ready = self.inotify.readable_mut().await?;
            let read = ready.try_io(|inotify| {
                let events = inotify.get_mut().read_events(&mut self.events)?;
                Ok(events
                    .filter(|event| !event.mask.contains(EventMask::IGNORED))
                    .map(|event| match event.mask.contains(EventMask::MODIFY) {
                        true => Woken::Growth,
                        false => Woken::Structure,
                    })
                    .max())
            });
            match read {
                Ok(Ok(Some(woken))) => return Ok(woken),
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
    }
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
