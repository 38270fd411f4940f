//! How far logs were dealt with: noted now and then, so that a later run goes on there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::event::JailName;
use crate::glob;
use crate::source::journal::Cursor;
use crate::source::{Digest, FileId, Position};
use crate::store::{self, StoredCursor, StoredPosition, Write};

/// What a `kill -9` may have read again; fail2ban notes it every ten seconds.
const NOTED_EVERY: Duration = Duration::from_secs(5);

/// The only journal that a jail has.
const JOURNAL: &str = "systemd-journal";

/// Lines have been dealt with.
#[derive(Debug)]
pub(super) enum Progress {
    File { jails: Arc<[JailName]>, path: Arc<Path>, position: Position },
    Journal { jail: JailName, position: Cursor },
}

/// Notes it until nobody has anything to report any more.
pub(super) async fn run(store: store::Handle, mut reports: mpsc::Receiver<Progress>) {
    let mut files: HashMap<(JailName, Arc<Path>), Position> = HashMap::new();
    let mut journals: HashMap<JailName, Cursor> = HashMap::new();
    let mut due: Option<Instant> = None;
    loop {
        let report = tokio::select! {
            report = reports.recv() => report,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                due = None;
                // Full: a later note says more.
                drop(store.write(writes(&mut files, &mut journals)));
                continue;
            }
        };
        match report {
            Some(Progress::File { jails, path, position }) => {
                for jail in jails.iter() {
                    files.insert((jail.clone(), path.clone()), position);
                }
            }
            Some(Progress::Journal { jail, position }) => {
                journals.insert(jail, position);
            }
            None => break,
        }
        due.get_or_insert_with(|| Instant::now() + NOTED_EVERY);
    }
    let _ = store.write_all(writes(&mut files, &mut journals)).await; // gone = knows no more
}

fn writes(
    files: &mut HashMap<(JailName, Arc<Path>), Position>,
    journals: &mut HashMap<JailName, Cursor>,
) -> Vec<Write> {
    let files = files.drain().map(|((jail, path), position)| {
        Write::Position(StoredPosition {
            jail,
            path: path.to_path_buf(),
            file: position.file.map(|file| (file.device, file.inode)),
            offset: position.offset,
            first_line_sha1: position.first_line.map(Digest::bytes),
        })
    });
    let journals = journals.drain().map(|(jail, position)| {
        let (cursor, time) = (position.name, position.time);
        Write::Cursor(StoredCursor { jail, journal: JOURNAL.to_owned(), cursor, time })
    });
    files.chain(journals).collect()
}

/// How far a former run has read, by jail.
#[derive(Debug, Default)]
pub(super) struct Known {
    files: HashMap<JailName, HashMap<PathBuf, Position>>,
    journals: HashMap<JailName, Cursor>,
}

impl Known {
    /// What the store knows; nothing, if it is gone.
    pub(super) async fn of(store: &store::Handle) -> Self {
        let mut known = Self::default();
        for stored in store.positions().await.unwrap_or_default() {
            let position = Position {
                file: stored.file.map(|(device, inode)| FileId { device, inode }),
                offset: stored.offset,
                first_line: stored.first_line_sha1.map(Digest::from_bytes),
            };
            known.files.entry(stored.jail).or_default().insert(stored.path, position);
        }
        for stored in store.cursors().await.unwrap_or_default() {
            // rban's own is the better one where fail2ban's was imported as well.
            if stored.cursor.is_some() || !known.journals.contains_key(&stored.jail) {
                let cursor = Cursor { time: stored.time, name: stored.cursor };
                known.journals.insert(stored.jail, cursor);
            }
        }
        known
    }

    /// Of one of a jail's logs; or, as it is a pattern, of all that it may find.
    pub(super) fn files(&self, jail: &JailName, log: &Path) -> HashMap<PathBuf, Position> {
        let mut files = self.all_files(jail);
        if !glob::has_wildcards(&log.to_string_lossy()) {
            files.retain(|path, _| path == log);
        }
        files
    }

    /// Of all logs of one jail.
    pub(super) fn all_files(&self, jail: &JailName) -> HashMap<PathBuf, Position> {
        self.files.get(jail).cloned().unwrap_or_default()
    }

    /// Of one jail's journal.
    pub(super) fn journal(&self, jail: &JailName) -> Option<Cursor> {
        self.journals.get(jail).cloned()
    }

    /// A log was read so far since.
    pub(super) fn note(&mut self, jail: &JailName, path: &Path, position: Position) {
        self.files.entry(jail.clone()).or_default().insert(path.to_owned(), position);
    }
}
