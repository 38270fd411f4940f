//! What the database forgets, by age and by number.

use std::time::Duration;

use rusqlite::{Result, params};

use super::schema::Database;
use crate::clock::WallTime;

/// How long the position in a log is kept that nobody reads any more.
const POSITIONS_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `dbpurgeage`: how long a ban is remembered.
    pub purge_age: Duration,
    /// How many bans are remembered beside the latest of each offender; the oldest go first.
    pub history_max: u32,
    /// How many offenders are remembered that are banned no more; those banned longest ago go first.
    pub known_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { purge_age: Duration::from_secs(86_400), history_max: 1_000_000, known_max: 1_000_000 }
    }
}

/// A ban in the history that is nobody's latest.
const SUPERSEDED: &str =
    "NOT EXISTS (SELECT 1 FROM latest l WHERE l.jail = b.jail AND l.id = b.id AND l.ban = b.key)";

impl Database {
    /// Forgets what is too old or too much, so many rows of each kind at most; says how many there were.
    ///
    /// An offender is remembered three times as long as it was banned, as fail2ban does, and the lines of its latest
    /// ban as long as itself.
    pub(super) fn purge(&mut self, limits: &Limits, now: WallTime, rows_max: u32) -> Result<usize> {
        let cut = now.saturating_sub(limits.purge_age).as_micros();
        let mut gone = self.conn.execute(
            "DELETE FROM latest WHERE (jail, id) IN (
                 SELECT jail, id FROM latest
                 WHERE since < ?1 AND until IS NOT NULL AND until < ?3
                     AND since + 3 * min(until - since, 1000000000000000000) < ?1 LIMIT ?2)",
            params![cut, rows_max, now.as_micros()],
        )?;
        gone += self.forget_surplus_known(limits.known_max, now, rows_max)?;
        gone += self.conn.execute(
            &format!(
                "DELETE FROM bans WHERE key IN (
                     SELECT key FROM bans b WHERE since < ?1 AND {SUPERSEDED} LIMIT ?2)"
            ),
            params![cut, rows_max],
        )?;
        gone += self.forget_surplus_history(limits.history_max, rows_max)?;
        let unread = now.saturating_sub(POSITIONS_KEPT).as_micros();
        self.conn.execute("DELETE FROM positions WHERE written < ?1", [unread])?;
        self.conn.execute("DELETE FROM cursors WHERE written < ?1", [unread])?;
        Ok(gone)
    }

    fn forget_surplus_known(&mut self, max: u32, now: WallTime, rows_max: u32) -> Result<usize> {
        let counted = "SELECT count(*) FROM latest WHERE until <= ?1";
        let known: i64 = self.conn.query_row(counted, [now.as_micros()], |row| row.get(0))?;
        let surplus = (known - i64::from(max)).min(rows_max.into());
        if surplus <= 0 {
            return Ok(0);
        }
        self.conn.execute(
            "DELETE FROM latest WHERE (jail, id) IN (
                 SELECT jail, id FROM latest WHERE until <= ?1 ORDER BY since LIMIT ?2)",
            params![now.as_micros(), surplus],
        )
    }

    fn forget_surplus_history(&mut self, max: u32, rows_max: u32) -> Result<usize> {
        let counted = "SELECT (SELECT count(*) FROM bans) - (SELECT count(*) FROM latest)";
        let superseded: i64 = self.conn.query_row(counted, [], |row| row.get(0))?;
        let surplus = (superseded - i64::from(max)).min(rows_max.into());
        if surplus <= 0 {
            return Ok(0);
        }
        self.conn.execute(
            &format!(
                "DELETE FROM bans WHERE key IN (
                     SELECT key FROM bans b WHERE {SUPERSEDED} ORDER BY key LIMIT ?1)"
            ),
            params![surplus],
        )
    }
}
