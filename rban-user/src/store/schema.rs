//! The database file: made, opened, brought up to date.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use crate::event::JailName;

/// How long another program that has the database locked is waited for.
const BUSY_MAX: Duration = Duration::from_secs(1);

/// What the schema became, version by version. Never changed once released; the next change is the next entry.
///
/// `bans` has a row for every ban, `latest` the newest of each jail and id: small rows in the order in which a jail
/// reads them back. The text of a ban (its lines) stands in `bans` alone. A ban is `superseded` once it is not the latest
/// any more; only those are purged by themselves. From the latest, `previous` leads to the ones before: an index would cost
/// every ban a write at a random place of the file. The row that it names may have been purged, but no other gets its key,
/// for later ones are greater.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE jails (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE bans (
        key INTEGER PRIMARY KEY, jail INTEGER NOT NULL, id TEXT NOT NULL, ip TEXT, since INTEGER NOT NULL,
        until INTEGER, bancount INTEGER NOT NULL, failures INTEGER NOT NULL, data TEXT,
        previous INTEGER, superseded INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX bans_superseded ON bans (since) WHERE superseded;
    CREATE TABLE latest (
        jail INTEGER NOT NULL, id TEXT NOT NULL, ip TEXT, since INTEGER NOT NULL, until INTEGER,
        bancount INTEGER NOT NULL, failures INTEGER NOT NULL, ban INTEGER NOT NULL,
        PRIMARY KEY (jail, id)
    ) WITHOUT ROWID;
    CREATE TABLE positions (
        jail INTEGER NOT NULL, path BLOB NOT NULL, device INTEGER, inode INTEGER, offset INTEGER NOT NULL,
        first_line_sha1 BLOB, written INTEGER NOT NULL, PRIMARY KEY (jail, path)
    ) WITHOUT ROWID;
    CREATE TABLE cursors (
        jail INTEGER NOT NULL, journal TEXT NOT NULL, cursor TEXT, time INTEGER NOT NULL,
        written INTEGER NOT NULL, PRIMARY KEY (jail, journal)
    ) WITHOUT ROWID;
"];

/// Which version of the schema we write.
pub const VERSION: usize = MIGRATIONS.len();

/// An open database of ours.
pub(super) struct Database {
    pub(super) conn: Connection,
    /// The keys of jails, as far as they were asked for.
    pub(super) jails: HashMap<JailName, i64>,
}

/// What was found where the database should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// Nothing: it was made. The moment to import fail2ban's.
    New,
    /// A database of ours.
    Existing,
    /// A damaged one, which was moved aside; a new one was made.
    Replaced,
    /// One that could not be opened; memory has to do for now.
    Nowhere,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory cannot be made.
    #[error("{}: the directory of the database cannot be made", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be made or read.
    #[error("{}: the database cannot be opened", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite refuses it.
    #[error("{}: the database cannot be used", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A later rban wrote it.
    #[error("{}: version {found} of the database is newer than {known}, which this rban knows; update rban or let dbfile name another file", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Its tables are not ours.
    #[error("{}: the database of another program; let dbfile name a file of rban's own", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
}

impl OpenError {
    /// Is it the content of the file that is at fault, so that a new file would do?
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if is_damage(source))
    }
}

/// Does SQLite say that the file is not what it should be?
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// Opens the database at a path and makes what is missing: directory (0700), file (0600), tables.
pub(super) fn open(path: &Path) -> Result<(Database, Began), OpenError> {
    make_directory(path)?;
    let file = |source| OpenError::File { path: path.to_owned(), source };
    make_file(path).map_err(file)?;
    let sqlite = |source| OpenError::Sqlite { path: path.to_owned(), source };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    conn.busy_timeout(BUSY_MAX).map_err(sqlite)?;
    let found = version(&conn).map_err(sqlite)?;
    let known = MIGRATIONS.len() as i64;
    match found {
        None => return Err(OpenError::NotOurs { path: path.to_owned() }),
        Some(found) if found > known => {
            return Err(OpenError::Newer { path: path.to_owned(), found, known });
        }
        Some(_) => keep_private(path).map_err(file)?,
    }
    let began = prepare(&mut conn).map_err(sqlite)?;
    Ok((Database { conn, jails: HashMap::new() }, began))
}

/// A database that nobody but this process sees.
pub(super) fn open_in_memory() -> Result<Database, rusqlite::Error> {
    let mut conn = Connection::open_in_memory()?;
    prepare(&mut conn)?;
    Ok(Database { conn, jails: HashMap::new() })
}

/// Does a file hold fail2ban's database? It is never opened for writing.
#[must_use]
pub fn is_fail2bans(path: &Path) -> bool {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    conn.and_then(|conn| has_table(&conn, "fail2banDb")).unwrap_or(false)
}

fn make_directory(path: &Path) -> Result<(), OpenError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| OpenError::Directory { path: folder.to_owned(), source })
}

/// The file is made before SQLite sees it, so that it is never anybody else's to read; its companions inherit the mode.
fn make_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn keep_private(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
}

/// Which version of our schema is there, 0 in an empty file; `None` where the tables are not ours.
fn version(conn: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    if has_table(conn, "migrations")? {
        let newest = "SELECT coalesce(max(version), 0) FROM migrations";
        return conn.query_row(newest, [], |row| row.get(0)).map(Some);
    }
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((tables == 0).then_some(0))
}

pub(super) fn has_table(conn: &Connection, name: &str) -> Result<bool, rusqlite::Error> {
    let asked = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    conn.query_row(asked, [name], |_| Ok(())).optional().map(|found| found.is_some())
}

/// With `synchronous = NORMAL` a commit survives the death of the process; one or two may be lost, and nothing
/// damaged, where the power fails.
fn prepare(conn: &mut Connection) -> Result<Began, rusqlite::Error> {
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -2000; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216;",
    )?;
    conn.set_prepared_statement_cache_capacity(32);
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    change.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL)",
    )?;
    let found = version(&change)?.unwrap_or(0);
    for (version, step) in (1_i64..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        change.execute_batch(step)?;
        change.execute(
            "INSERT INTO migrations (version, applied) VALUES (?1, datetime('now'))",
            [version],
        )?;
    }
    change.commit()?;
    Ok(if found == 0 { Began::New } else { Began::Existing })
}
