//! A damaged database: moved aside, a new one begun with what can still be read of it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::bans::Order;
use super::schema::{self, Database, OpenError};
use crate::clock::WallTime;

/// How many damaged databases of one second may lie about.
const SAME_NAME_MAX: u32 = 100;

/// Moves a damaged file aside, to its name with the date (UTC), and begins a new one. Says where the old one is and how
/// many live bans of it the new one has.
pub(super) fn replace(path: &Path, now: WallTime) -> Result<(Database, PathBuf, u64), OpenError> {
    let moved = move_aside(path, now);
    let moved_to = moved.map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let (mut database, _) = schema::open(path)?;
    let saved = match salvage(&moved_to, &mut database, now) {
        Ok(saved) => saved,
        Err(error) => {
            tracing::debug!(%error, "copying from the damaged database");
            database.roll_back();
            0
        }
    };
    Ok((database, moved_to, saved))
}

/// The journal goes with its file, for it has what was committed last; the index to it is worthless.
fn move_aside(path: &Path, now: WallTime) -> io::Result<PathBuf> {
    let moved_to = free_name(path, now)?;
    fs::rename(path, &moved_to)?;
    for (companion, keep) in [("-wal", Keep::Yes), ("-shm", Keep::No)] {
        let from = with_suffix(path, companion);
        let done = match keep {
            Keep::Yes => fs::rename(&from, with_suffix(&moved_to, companion)),
            Keep::No => fs::remove_file(&from),
        };
        match done {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(moved_to)
}

enum Keep {
    Yes,
    No,
}

fn free_name(path: &Path, now: WallTime) -> io::Result<PathBuf> {
    let at = Timestamp::from_microsecond(now.as_micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    let dated = with_suffix(path, &format!(".{}", at.strftime("%Y%m%d-%H%M%S")));
    let names = (1..SAME_NAME_MAX).map(|n| with_suffix(&dated, &format!("-{n}")));
    let mut names = std::iter::once(dated.clone()).chain(names);
    names.find(|name| !name.exists()).ok_or_else(|| io::ErrorKind::AlreadyExists.into())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies what can be read: the live bans of each jail from both sides of the damage, without their lines, and the
/// positions.
fn salvage(old: &Path, new: &mut Database, now: WallTime) -> Result<u64, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(old, flags)?;
    let mut old = Database { conn, jails: HashMap::new() };
    let jails = old.jails()?;
    let mut saved = 0;
    new.conn.execute_batch("BEGIN IMMEDIATE")?;
    for jail in &jails {
        for order in [Order::Up, Order::Down] {
            // What cannot be written will show again with the next ban; here it ends the copying like damage.
            let read = old.each_live(jail.as_ref(), order, now, |ban| {
                saved += u64::from(new.add_older(&ban, 0)?);
                Ok(())
            });
            if read.is_ok() {
                break;
            }
        }
    }
    let positions = old.positions().unwrap_or_default();
    positions.iter().try_for_each(|position| new.put_position(position, now))?;
    let cursors = old.cursors().unwrap_or_default();
    cursors.iter().try_for_each(|cursor| new.put_cursor(cursor, now))?;
    new.conn.execute_batch("COMMIT")?;
    Ok(saved)
}
