//! Bans in the database: written, forgotten, read back, counted.

use std::sync::Arc;

use compact_str::CompactString;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Result, Row, params};

use super::Write;
use super::data;
use super::row::{Detail, Merged, Record, StoredBan, Within};
use super::schema::Database;
use crate::clock::WallTime;
use crate::event::JailName;

/// The name under which bans by hand stand among the jails; no jail is called so.
const BY_HAND: &str = "";
/// The keys of the bans of an id (?1) in a jail (?2; NULL = in all), as a table `chain`.
const CHAIN: &str = "
    WITH RECURSIVE chain (key) AS (
        SELECT l.ban FROM jails j CROSS JOIN latest l ON l.jail = j.key AND l.id = ?1
        WHERE ?2 IS NULL OR j.key = ?2
        UNION ALL SELECT b.previous FROM chain CROSS JOIN bans b USING (key) WHERE b.previous IS NOT NULL
    )";
/// How many of an offender's latest bans `<ipmatches>` and `<ipfailures>` look at.
const MERGED_BANS_MAX: u32 = 1_000;

impl Database {
    /// Carries out a write. What of it could be wrong, like a number that SQLite has no room for, was bent before: a
    /// write that never succeeds would hold up all others.
    pub(super) fn apply(&mut self, write: &Write, matches_max: usize, now: WallTime) -> Result<()> {
        match write {
            Write::Ban(ban) => self.ban(ban, matches_max),
            Write::Prolong(ban) => self.prolong(ban, matches_max),
            Write::Forget { jail, id } => self.forget(jail.as_ref(), id),
            Write::ForgetJail(jail) => self.forget_jail(jail.as_ref()),
            Write::ForgetAll => self.forget_all(),
            Write::Position(position) => self.put_position(position, now),
            Write::Cursor(cursor) => self.put_cursor(cursor, now),
        }
    }

    /// Back to what was committed last.
    pub(super) fn roll_back(&mut self) {
        // Keys of jails may have been given since.
        self.jails.clear();
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::debug!(%error, "rolling back");
        }
    }

    /// A new ban: it counts in the history and is the latest of its jail and id.
    pub(super) fn ban(&mut self, ban: &StoredBan, matches_max: usize) -> Result<()> {
        let jail = self.key(ban.jail.as_ref())?;
        let previous = self.supersede(jail, &ban.id)?;
        let key = self.write_history(jail, ban, previous, matches_max)?;
        self.write_latest(jail, ban, key)
    }

    /// The ban now ends at another time. One that is not the latest of its jail and id is a new one.
    fn prolong(&mut self, ban: &StoredBan, matches_max: usize) -> Result<()> {
        let jail = self.key(ban.jail.as_ref())?;
        let key: Option<i64> = self
            .conn
            .prepare_cached(
                "UPDATE latest SET until = ?3, bancount = ?4 WHERE jail = ?1 AND id = ?2 AND since = ?5
                 RETURNING ban",
            )?
            .query_row(
                params![jail, ban.id.as_str(), micros(ban.until), ban.bancount, ban.since.as_micros()],
                |row| row.get(0),
            )
            .optional()?;
        let Some(key) = key else { return self.ban(ban, matches_max) };
        self.conn
            .prepare_cached("UPDATE bans SET until = ?2, bancount = ?3 WHERE key = ?1")?
            .execute(params![key, micros(ban.until), ban.bancount])?;
        Ok(())
    }

    /// A ban from elsewhere, unless a ban of this jail and id is known that began no earlier.
    pub(super) fn add_older(&mut self, ban: &StoredBan, matches_max: usize) -> Result<bool> {
        let jail = self.key(ban.jail.as_ref())?;
        let known: Option<i64> = self
            .conn
            .prepare_cached("SELECT since FROM latest WHERE jail = ?1 AND id = ?2")?
            .query_row(params![jail, ban.id.as_str()], |row| row.get(0))
            .optional()?;
        if known.is_some_and(|since| since >= ban.since.as_micros()) {
            return Ok(false);
        }
        self.ban(ban, matches_max).map(|()| true)
    }

    /// Forgets all that is known of an id in a jail.
    fn forget(&mut self, jail: Option<&JailName>, id: &str) -> Result<()> {
        let Some(jail) = self.known_key(jail)? else { return Ok(()) };
        let bans = format!("{CHAIN} DELETE FROM bans WHERE key IN (SELECT key FROM chain)");
        self.conn.prepare_cached(&bans)?.execute(params![id, jail])?;
        let latest = "DELETE FROM latest WHERE id = ?1 AND jail = ?2";
        self.conn.prepare_cached(latest)?.execute(params![id, jail])?;
        Ok(())
    }

    /// Forgets every ban of a jail.
    fn forget_jail(&mut self, jail: Option<&JailName>) -> Result<()> {
        let Some(jail) = self.known_key(jail)? else { return Ok(()) };
        for table in ["latest", "bans"] {
            self.conn.execute(&format!("DELETE FROM {table} WHERE jail = ?1"), [jail])?;
        }
        Ok(())
    }

    /// Forgets every ban.
    fn forget_all(&mut self) -> Result<()> {
        self.conn.execute("DELETE FROM latest", [])?;
        self.conn.execute("DELETE FROM bans", [])?;
        Ok(())
    }

    /// The bans of a jail that have not ended, in order of id, after that of a given id: so many at most.
    pub(super) fn live(&mut self, page: &Page<'_>) -> Result<Vec<StoredBan>> {
        let Some(jail) = self.known_key(page.jail)? else { return Ok(Vec::new()) };
        let sql = match page.detail {
            Detail::Bare => {
                "SELECT id, ip, since, until, bancount, failures, NULL FROM latest
                 WHERE jail = ?1 AND id > ?2 AND (until IS NULL OR until > ?3) ORDER BY id LIMIT ?4"
            }
            Detail::Full => {
                "SELECT l.id, l.ip, l.since, l.until, l.bancount, l.failures, b.data
                 FROM latest l LEFT JOIN bans b ON b.key = l.ban
                 WHERE l.jail = ?1 AND l.id > ?2 AND (l.until IS NULL OR l.until > ?3) ORDER BY l.id LIMIT ?4"
            }
        };
        let mut statement = self.conn.prepare_cached(sql)?;
        let after = page.after.unwrap_or("");
        let mut rows =
            statement.query(params![jail, after, page.now.as_micros(), page.rows_max])?;
        let mut bans = Vec::new();
        while let Some(row) = rows.next()? {
            bans.push(stored(row, page.jail)?);
        }
        Ok(bans)
    }

    /// How many bans of a jail have not ended.
    pub(super) fn count_live(&mut self, jail: Option<&JailName>, now: WallTime) -> Result<usize> {
        let Some(jail) = self.known_key(jail)? else { return Ok(0) };
        self.conn
            .prepare_cached(
                "SELECT count(*) FROM latest WHERE jail = ?1 AND (until IS NULL OR until > ?2)",
            )?
            .query_row(params![jail, now.as_micros()], |row| row.get::<_, u32>(0))
            .map(|count| count as usize)
    }

    /// Hands over the live bans of a jail, one by one and without lines, until there are no more or one cannot be read.
    pub(super) fn each_live(
        &mut self,
        jail: Option<&JailName>,
        order: Order,
        now: WallTime,
        mut take: impl FnMut(StoredBan) -> Result<()>,
    ) -> Result<()> {
        let Some(key) = self.known_key(jail)? else { return Ok(()) };
        let order = match order {
            Order::Up => "ASC",
            Order::Down => "DESC",
        };
        let mut statement = self.conn.prepare(&format!(
            "SELECT id, ip, since, until, bancount, failures, NULL FROM latest
             WHERE jail = ?1 AND (until IS NULL OR until > ?2) ORDER BY id {order}"
        ))?;
        let mut rows = statement.query(params![key, now.as_micros()])?;
        while let Some(row) = rows.next()? {
            take(stored(row, jail)?)?;
        }
        Ok(())
    }

    /// What is remembered of an id, if it was ever banned.
    pub(super) fn record(
        &mut self,
        jail: Option<&JailName>,
        id: &str,
        within: Within,
    ) -> Result<Option<Record>> {
        match within {
            Within::Jail => {
                let Some(jail) = self.known_key(jail)? else { return Ok(None) };
                self.conn
                    .prepare_cached(
                        "SELECT bancount, since, until FROM latest WHERE jail = ?1 AND id = ?2",
                    )?
                    .query_row(params![jail, id], record)
                    .optional()
            }
            Within::AllJails => self
                .conn
                .prepare_cached(
                    "SELECT sum(l.bancount), max(l.since), l.until
                     FROM jails j CROSS JOIN latest l ON l.jail = j.key AND l.id = ?1
                     HAVING count(*) > 0",
                )?
                .query_row([id], record)
                .optional(),
        }
    }

    /// The lines and failures of all bans of an id that are remembered, the latest thousand at most.
    pub(super) fn merged(
        &mut self,
        jail: Option<&JailName>,
        id: &str,
        within: Within,
        matches_max: usize,
    ) -> Result<Merged> {
        let jail = match within {
            Within::Jail => match self.known_key(jail)? {
                None => return Ok(Merged::default()),
                known => known,
            },
            Within::AllJails => None,
        };
        let mut statement = self.conn.prepare_cached(&format!(
            "{CHAIN} SELECT failures, data FROM chain CROSS JOIN bans USING (key)
             ORDER BY since DESC, key DESC LIMIT {MERGED_BANS_MAX}"
        ))?;
        let mut rows = statement.query(params![id, jail])?;
        let mut merged = Merged::default();
        while let Some(row) = rows.next()? {
            merged.failures += u64::from(row.get::<_, u32>(0)?);
            let room = matches_max.saturating_sub(merged.matches.len());
            if room > 0 {
                let matches = data::decode(text(row, 1)?).matches;
                merged.matches.extend(matches.into_iter().rev().take(room));
            }
        }
        merged.matches.reverse();
        Ok(merged)
    }

    /// The jails that have bans here; `None` among them are bans by hand.
    pub(super) fn jails_with_bans(&mut self) -> Result<Vec<Option<JailName>>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT name FROM jails j WHERE EXISTS (SELECT 1 FROM latest l WHERE l.jail = j.key)
             ORDER BY name",
        )?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        names.map(|name| name.map(jail_name)).collect()
    }

    /// All jails that there ever were.
    pub(super) fn jails(&mut self) -> Result<Vec<Option<JailName>>> {
        let mut statement = self.conn.prepare("SELECT name FROM jails ORDER BY key")?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        names.map(|name| name.map(jail_name)).collect()
    }

    /// The number that stands for a jail, given now if it has none.
    pub(super) fn key(&mut self, jail: Option<&JailName>) -> Result<i64> {
        let name = jail.map_or(BY_HAND, |jail| jail);
        if let Some(key) = self.jails.get(name) {
            return Ok(*key);
        }
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO jails (name) VALUES (?1)")?
            .execute([name])?;
        let mut asked = self.conn.prepare_cached("SELECT key FROM jails WHERE name = ?1")?;
        let key = asked.query_row([name], |row| row.get(0))?;
        self.jails.insert(Arc::from(name), key);
        Ok(key)
    }

    /// The number that stands for a jail, if it has one.
    fn known_key(&self, jail: Option<&JailName>) -> Result<Option<i64>> {
        let name = jail.map_or(BY_HAND, |jail| jail);
        if let Some(key) = self.jails.get(name) {
            return Ok(Some(*key));
        }
        let mut asked = self.conn.prepare_cached("SELECT key FROM jails WHERE name = ?1")?;
        asked.query_row([name], |row| row.get(0)).optional()
    }

    /// The latest ban of an id in a jail is so no more; its key.
    fn supersede(&mut self, jail: i64, id: &str) -> Result<Option<i64>> {
        self.conn
            .prepare_cached(
                "UPDATE bans SET superseded = 1
                 WHERE key = (SELECT ban FROM latest WHERE jail = ?1 AND id = ?2) RETURNING key",
            )?
            .query_row(params![jail, id], |row| row.get(0))
            .optional()
    }

    fn write_history(
        &mut self,
        jail: i64,
        ban: &StoredBan,
        previous: Option<i64>,
        matches_max: usize,
    ) -> Result<i64> {
        let json = data::encode(&ban.matches, &ban.captures, matches_max);
        self.conn
            .prepare_cached(
                "INSERT INTO bans (jail, id, ip, since, until, bancount, failures, data, previous)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .insert(params![
                jail,
                ban.id.as_str(),
                ban.ip.map(|ip| ip.to_string()),
                ban.since.as_micros(),
                micros(ban.until),
                ban.bancount,
                ban.failures,
                json,
                previous
            ])
    }

    fn write_latest(&mut self, jail: i64, ban: &StoredBan, key: i64) -> Result<()> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO latest (jail, id, ip, since, until, bancount, failures, ban)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                jail,
                ban.id.as_str(),
                ban.ip.map(|ip| ip.to_string()),
                ban.since.as_micros(),
                micros(ban.until),
                ban.bancount,
                ban.failures,
                key
            ])?;
        Ok(())
    }
}

/// In which order of ids bans are read.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Up,
    Down,
}

/// Which live bans are read at once.
pub(super) struct Page<'a> {
    pub(super) jail: Option<&'a JailName>,
    pub(super) detail: Detail,
    /// The last id of the page before.
    pub(super) after: Option<&'a str>,
    pub(super) now: WallTime,
    pub(super) rows_max: u32,
}

fn stored(row: &Row<'_>, jail: Option<&JailName>) -> Result<StoredBan> {
    let data = data::decode(text(row, 6)?);
    Ok(StoredBan {
        jail: jail.cloned(),
        id: CompactString::from(text(row, 0)?.unwrap_or_default()),
        ip: text(row, 1)?.and_then(|ip| ip.parse().ok()),
        since: WallTime::from_micros(row.get(2)?),
        until: row.get::<_, Option<i64>>(3)?.map(WallTime::from_micros),
        bancount: row.get(4)?,
        failures: row.get(5)?,
        matches: data.matches,
        captures: data.captures,
    })
}

fn jail_name(name: String) -> Option<JailName> {
    (name != BY_HAND).then(|| Arc::from(name))
}

fn record(row: &Row<'_>) -> Result<Record> {
    let since = WallTime::from_micros(row.get(1)?);
    let until = row.get::<_, Option<i64>>(2)?.map(WallTime::from_micros);
    let count = row.get::<_, i64>(0)?.clamp(0, u32::MAX.into()) as u32;
    Ok(Record { count, since, bantime: until.map(|until| until.since(since)) })
}

/// The text of a column, `None` where it is NULL or something else.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) => Ok(std::str::from_utf8(bytes).ok()),
        _ => Ok(None),
    }
}

fn micros(time: Option<WallTime>) -> Option<i64> {
    time.map(WallTime::as_micros)
}
