//! How far logs and journals were read, in the database.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{Result, params};

use super::row::{StoredCursor, StoredPosition};
use super::schema::Database;
use crate::clock::WallTime;

impl Database {
    /// A jail has read a log so far.
    pub(super) fn put_position(&mut self, position: &StoredPosition, now: WallTime) -> Result<()> {
        self.write_position("INSERT OR REPLACE", position, now)
    }

    /// The same from elsewhere: what is known here stands.
    pub(super) fn add_position(&mut self, position: &StoredPosition, now: WallTime) -> Result<()> {
        self.write_position("INSERT OR IGNORE", position, now)
    }

    /// Every position that is known.
    pub(super) fn positions(&mut self) -> Result<Vec<StoredPosition>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT name, path, device, inode, offset, first_line_sha1
             FROM positions JOIN jails ON key = jail ORDER BY name, path",
        )?;
        let rows = statement.query_map([], |row| {
            let path: Vec<u8> = row.get(1)?;
            let device: Option<i64> = row.get(2)?;
            let inode: Option<i64> = row.get(3)?;
            Ok(StoredPosition {
                jail: Arc::from(row.get::<_, String>(0)?),
                path: PathBuf::from(OsStr::from_bytes(&path)),
                file: device.zip(inode).map(|(device, inode)| (device as u64, inode as u64)),
                offset: row.get::<_, i64>(4)?.max(0) as u64,
                first_line_sha1: row.get(5)?,
            })
        })?;
        rows.collect()
    }

    /// A jail has read a journal so far.
    pub(super) fn put_cursor(&mut self, cursor: &StoredCursor, now: WallTime) -> Result<()> {
        self.write_cursor("INSERT OR REPLACE", cursor, now)
    }

    /// The same from elsewhere: what is known here stands.
    pub(super) fn add_cursor(&mut self, cursor: &StoredCursor, now: WallTime) -> Result<()> {
        self.write_cursor("INSERT OR IGNORE", cursor, now)
    }

    /// Every cursor that is known.
    pub(super) fn cursors(&mut self) -> Result<Vec<StoredCursor>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT name, journal, cursor, time FROM cursors JOIN jails ON key = jail
             ORDER BY name, journal",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(StoredCursor {
                jail: Arc::from(row.get::<_, String>(0)?),
                journal: row.get(1)?,
                cursor: row.get(2)?,
                time: WallTime::from_micros(row.get(3)?),
            })
        })?;
        rows.collect()
    }

    fn write_position(
        &mut self,
        insert: &str,
        position: &StoredPosition,
        now: WallTime,
    ) -> Result<()> {
        let jail = self.key(Some(&position.jail))?;
        let insert = format!(
            "{insert} INTO positions (jail, path, device, inode, offset, first_line_sha1, written)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        );
        // SQLite's integers are signed; device and inode are bit patterns here, and come back as they were.
        self.conn.prepare_cached(&insert)?.execute(params![
            jail,
            position.path.as_os_str().as_bytes(),
            position.file.map(|(device, _)| device as i64),
            position.file.map(|(_, inode)| inode as i64),
            i64::try_from(position.offset).unwrap_or(i64::MAX),
            position.first_line_sha1,
            now.as_micros()
        ])?;
        Ok(())
    }

    fn write_cursor(&mut self, insert: &str, cursor: &StoredCursor, now: WallTime) -> Result<()> {
        let jail = self.key(Some(&cursor.jail))?;
        let insert = format!(
            "{insert} INTO cursors (jail, journal, cursor, time, written) VALUES (?1, ?2, ?3, ?4, ?5)"
        );
        self.conn.prepare_cached(&insert)?.execute(params![
            jail,
            cursor.journal,
            cursor.cursor,
            cursor.time.as_micros(),
            now.as_micros()
        ])?;
        Ok(())
    }
}
