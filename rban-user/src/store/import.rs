//! What fail2ban's own database knows, taken over (spec, jail 7).
//!
//! The file is opened for reading only and never changed. Its rows are not trusted to be well-formed: what makes no sense
//! is skipped and counted. What is known here already stands.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use compact_str::{CompactString, ToCompactString};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, OpenFlags, Row};

use super::bans::text;
use super::data;
use super::row::{StoredBan, StoredCursor, StoredPosition};
use super::schema::{Database, has_table};
use crate::addr::Offender;
use crate::clock::WallTime;
use crate::event::JailName;

/// The newest version of fail2ban's schema that is known.
const VERSION_MAX: i64 = 4;
/// How long a running fail2ban that writes is waited for.
const BUSY_MAX: Duration = Duration::from_secs(2);
/// The path under which fail2ban notes how far it read the journal.
const JOURNAL: &str = "systemd-journal";
/// The ban time of a row that was written before fail2ban noted ban times.
const NOT_NOTED: f64 = -2.0;
/// Ban times from here on are for ever: the calendar ends before them.
const BANTIME_MAX_SECS: f64 = 1e11;

/// How long a jail bans; `None` = for ever.
pub type Bantime = Option<Duration>;

/// What was taken over.
#[derive(Debug, Default)]
pub struct Imported {
    /// The latest bans of ids, live or over.
    pub bans: u64,
    /// Those of them that have not ended.
    pub live: u64,
    /// Positions in logs and journals.
    pub positions: u64,
    /// Rows that make no sense.
    pub skipped: u64,
    /// What ended the reading early: the file is damaged from there on.
    pub cut_short: Option<Error>,
}

/// Why nothing was taken over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{}: fail2ban's database cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: Error,
    },
    /// It is some other database.
    #[error("{}: no database of fail2ban; name the file that its dbfile names", path.display())]
    NotFail2bans {
        /// Which.
        path: PathBuf,
    },
    /// A later fail2ban wrote it.
    #[error("{}: version {found} of fail2ban's database; up to {VERSION_MAX} can be imported", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Our own database refuses it.
    #[error("rban's own database cannot be written")]
    Unwritten(#[source] Error),
    /// Our own database is not there.
    #[error("rban's own database cannot be opened; its log says why")]
    Unavailable,
}

/// Takes over what the file at `path` knows and the database does not, all at once or nothing.
pub(super) fn import(
    database: &mut Database,
    path: &Path,
    bantimes: &BTreeMap<JailName, Bantime>,
    matches_max: usize,
    now: WallTime,
) -> Result<Imported, ImportError> {
    let unreadable = |source| ImportError::Unreadable { path: path.to_owned(), source };
    let old = open(path).map_err(unreadable)?;
    if !has_table(&old, "fail2banDb").map_err(unreadable)? {
        return Err(ImportError::NotFail2bans { path: path.to_owned() });
    }
    let version = "SELECT version FROM fail2banDb LIMIT 1";
    let version: i64 = old.query_row(version, [], |row| row.get(0)).map_err(unreadable)?;
    if version > VERSION_MAX {
        return Err(ImportError::Newer { path: path.to_owned(), found: version });
    }
    let mut import = Import { database, bantimes, matches_max, now, done: Imported::default() };
    match import.all(&old, version) {
        Ok(()) => Ok(import.done),
        Err(error) => {
            import.database.roll_back();
            Err(ImportError::Unwritten(error))
        }
    }
}

fn open(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY_MAX)?;
    Ok(conn)
}

struct Import<'a> {
    database: &'a mut Database,
    bantimes: &'a BTreeMap<JailName, Bantime>,
    matches_max: usize,
    now: WallTime,
    done: Imported,
}

impl Import<'_> {
    /// An error is one of our own database; one of the old ends the reading.
    fn all(&mut self, old: &Connection, version: i64) -> Result<(), Error> {
        self.database.conn.execute_batch("BEGIN IMMEDIATE")?;
        let bans = match version {
            4 => "SELECT jail, ip, timeofban, bantime, bancount, data FROM bips",
            3 => {
                "SELECT jail, ip, max(timeofban), bantime, bancount, data FROM bans GROUP BY jail, ip"
            }
            _ => "SELECT jail, ip, max(timeofban), -2, 1, data FROM bans GROUP BY jail, ip",
        };
        self.each(old, bans, Self::ban)?;
        self.each(old, "SELECT jail, path, firstlinemd5, lastfilepos FROM logs", Self::position)?;
        self.database.conn.execute_batch("COMMIT")
    }

    fn each(
        &mut self,
        old: &Connection,
        sql: &str,
        take: fn(&mut Self, &Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut statement = match old.prepare(sql) {
            Ok(statement) => statement,
            Err(error) => return self.cut_short(error),
        };
        let mut rows = match statement.query([]) {
            Ok(rows) => rows,
            Err(error) => return self.cut_short(error),
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => take(self, row)?,
                Ok(None) => return Ok(()),
                Err(error) => return self.cut_short(error),
            }
        }
    }

    fn cut_short(&mut self, error: Error) -> Result<(), Error> {
        self.done.cut_short.get_or_insert(error);
        Ok(())
    }

    fn ban(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let Some(ban) = self.read_ban(row)? else {
            self.done.skipped += 1;
            return Ok(());
        };
        if self.database.add_older(&ban, self.matches_max)? {
            self.done.bans += 1;
            self.done.live += u64::from(ban.until.is_none_or(|until| until > self.now));
        }
        Ok(())
    }

    fn read_ban(&self, row: &Row<'_>) -> Result<Option<StoredBan>, Error> {
        let (Some(jail), Some(id)) = (text(row, 0)?, text(row, 1)?) else { return Ok(None) };
        let (Some(since), Some(bantime)) = (number(row, 2)?, number(row, 3)?) else {
            return Ok(None);
        };
        if jail.is_empty() || id.is_empty() || !(0.0..BANTIME_MAX_SECS).contains(&since) {
            return Ok(None);
        }
        let jail = JailName::from(jail);
        let since = WallTime::from_micros((since * 1e6) as i64);
        let until = match bantime {
            NOT_NOTED => match self.bantimes.get(&jail) {
                Some(bantime) => bantime.map(|bantime| since.saturating_add(bantime)),
                // No jail restores it; it is remembered all the same.
                None => Some(since),
            },
            bantime if (0.0..BANTIME_MAX_SECS).contains(&bantime) => {
                Some(since.saturating_add(Duration::from_secs_f64(bantime)))
            }
            _ => None,
        };
        let (data, failures) = data::decode_fail2ban(json(row, 5)?);
        Ok(Some(StoredBan {
            jail: Some(jail),
            id: id_as_we_print_it(id),
            ip: beside(id, &data.captures),
            since,
            until,
            bancount: number(row, 4)?.map_or(1, |count| count.max(1.0) as u32),
            failures,
            matches: data.matches,
            captures: data.captures,
        }))
    }

    fn position(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let known = self.read_position(row)?;
        match &known {
            None => self.done.skipped += 1,
            Some(Known::Log(position)) => self.database.add_position(position, self.now)?,
            Some(Known::Journal(cursor)) => self.database.add_cursor(cursor, self.now)?,
        }
        self.done.positions += u64::from(known.is_some());
        Ok(())
    }

    fn read_position(&self, row: &Row<'_>) -> Result<Option<Known>, Error> {
        let (Some(jail), Some(at)) = (text(row, 0)?, number(row, 3)?) else { return Ok(None) };
        let (ValueRef::Text(path), Some(digest)) = (row.get_ref(1)?, text(row, 2)?) else {
            return Ok(None);
        };
        if jail.is_empty() || path.is_empty() || at < 0.0 {
            return Ok(None);
        }
        let jail = JailName::from(jail);
        if path == JOURNAL.as_bytes() {
            let time = WallTime::from_micros((at * 1e6) as i64);
            let cursor = StoredCursor { jail, journal: String::new(), cursor: None, time };
            return Ok(Some(Known::Journal(cursor)));
        }
        // A digest that is no SHA-1 (of a fail2ban on Python 2) fits no file.
        let first_line_sha1 = match digest {
            "" => None,
            digest => match from_hex(digest) {
                None => return Ok(None),
                sha1 => sha1,
            },
        };
        let path = PathBuf::from(OsStr::from_bytes(path));
        let offset = at as u64;
        Ok(Some(Known::Log(StoredPosition { jail, path, file: None, offset, first_line_sha1 })))
    }
}

enum Known {
    Log(StoredPosition),
    Journal(StoredCursor),
}

fn id_as_we_print_it(id: &str) -> CompactString {
    id.parse::<Offender>().map_or_else(|_| id.into(), |offender| offender.to_compact_string())
}

/// The address beside an id that is none.
fn beside(id: &str, captures: &[(Arc<str>, String)]) -> Option<Offender> {
    if id.parse::<Offender>().is_ok() {
        return None;
    }
    let addresses = captures.iter().filter(|(name, _)| matches!(&**name, "ip" | "ip4" | "ip6"));
    addresses.filter_map(|(_, text)| text.parse().ok()).next()
}

/// The JSON in a column: fail2ban writes bytes, other programs text.
fn json<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    })
}

/// The finite number in a column; `None` where there is none.
fn number(row: &Row<'_>, column: usize) -> Result<Option<f64>, Error> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number).filter(|number| number.is_finite()),
        _ => None,
    })
}

fn from_hex(digits: &str) -> Option<[u8; 20]> {
    if digits.len() != 40 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 20];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
