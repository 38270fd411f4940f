//! What the database forgets, by age and by number.

use std::time::Duration;

use rusqlite::{Params, Result, params};

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
        Self {
            purge_age: Duration::from_secs(86_400),
            history_max: 1_000_000,
            known_max: 1_000_000,
        }
    }
}

impl Database {
    /// Forgets what is too old or too much, about so many rows; says how many there were.
    ///
    /// An offender is remembered three times as long as it was banned, as fail2ban does, and the lines of its latest
    /// ban as long as itself.
    pub(super) fn purge(&mut self, limits: &Limits, now: WallTime, rows_max: u32) -> Result<usize> {
        let cut = now.saturating_sub(limits.purge_age).as_micros();
        let gone =
            self.forget_known(cut, now, rows_max)? + self.forget_old_history(cut, rows_max)?;
        if gone > 0 {
            return Ok(gone);
        }
        let unread = now.saturating_sub(POSITIONS_KEPT).as_micros();
        self.conn.execute("DELETE FROM positions WHERE written < ?1", [unread])?;
        self.conn.execute("DELETE FROM cursors WHERE written < ?1", [unread])?;
        Ok(self.forget_surplus_known(limits.known_max, now, rows_max)?
            + self.forget_surplus_history(limits.history_max, rows_max)?)
    }

    fn forget_known(&mut self, cut: i64, now: WallTime, rows_max: u32) -> Result<usize> {
        self.forget_latest(
            "SELECT jail, id FROM latest
             WHERE since < ?1 AND until < ?2 AND since + 3 * min(until - since, 1000000000000000000) < ?1
             LIMIT ?3",
            params![cut, now.as_micros(), rows_max],
        )
    }

    fn forget_surplus_known(&mut self, max: u32, now: WallTime, rows_max: u32) -> Result<usize> {
        let counted = "SELECT count(*) FROM latest WHERE until <= ?1";
        let known: i64 = self.conn.query_row(counted, [now.as_micros()], |row| row.get(0))?;
        let surplus = (known - i64::from(max)).min(rows_max.into());
        if surplus <= 0 {
            return Ok(0);
        }
        self.forget_latest(
            "SELECT jail, id FROM latest WHERE until <= ?1 ORDER BY until LIMIT ?2",
            params![now.as_micros(), surplus],
        )
    }

    /// Forgets those that a query names by jail and id, with the lines of their latest bans.
    fn forget_latest(&mut self, chosen: &str, params: impl Params) -> Result<usize> {
        let delete = format!("DELETE FROM latest WHERE (jail, id) IN ({chosen}) RETURNING ban");
        let mut statement = self.conn.prepare_cached(&delete)?;
        let bans = statement.query_map(params, |row| row.get::<_, i64>(0))?;
        let bans = bans.collect::<Result<Vec<_>>>()?;
        let mut forget = self.conn.prepare_cached("DELETE FROM bans WHERE key = ?1")?;
        for ban in &bans {
            forget.execute([ban])?;
        }
        Ok(bans.len())
    }

    fn forget_old_history(&mut self, cut: i64, rows_max: u32) -> Result<usize> {
        self.conn.execute(
            "DELETE FROM bans WHERE key IN (
                 SELECT key FROM bans WHERE superseded AND since < ?1 LIMIT ?2)",
            params![cut, rows_max],
        )
    }

    fn forget_surplus_history(&mut self, max: u32, rows_max: u32) -> Result<usize> {
        let counted = "SELECT count(*) FROM bans WHERE superseded";
        let superseded: i64 = self.conn.query_row(counted, [], |row| row.get(0))?;
        let surplus = (superseded - i64::from(max)).min(rows_max.into());
        if surplus <= 0 {
            return Ok(0);
        }
        self.conn.execute(
            "DELETE FROM bans WHERE key IN (
                 SELECT key FROM bans WHERE superseded ORDER BY since LIMIT ?1)",
            [surplus],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::row::{StoredBan, Within};
    use crate::store::schema::open_in_memory;
    use crate::store::tests::{NOW, ban};

    const DAY: i64 = 86_400;

    /// How many bans of 192.0.2.7 and others are remembered after a purge to these limits.
    #[track_caller]
    fn check(bans: &[StoredBan], limits: Limits, known: usize, remembered: i64) {
        let mut database = open_in_memory().unwrap();
        for ban in bans {
            database.ban(ban, 10).unwrap();
        }
        while database.purge(&limits, NOW, 2).unwrap() > 0 {}
        let rows = |database: &Database, table: &str| {
            let counted = format!("SELECT count(*) FROM {table}");
            database.conn.query_row(&counted, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let mut ids: Vec<_> = bans.iter().map(|ban| (ban.jail.as_ref(), ban.id.as_str())).collect();
        ids.sort_unstable();
        ids.dedup();
        let records =
            ids.iter().map(|(jail, id)| database.record(*jail, id, Within::Jail).unwrap());
        assert_eq!(records.flatten().count(), known, "who is known");
        assert_eq!(rows(&database, "latest"), known as i64);
        assert_eq!(rows(&database, "bans"), remembered, "bans that are remembered");
    }

    #[test]
    fn an_offender_is_remembered_three_times_as_long_as_banned() {
        let old = ban("sshd", "192.0.2.7", -2 * DAY, Some(600));
        check(&[old], Limits::default(), 0, 0);
        let young = ban("sshd", "192.0.2.7", -DAY + 1, Some(600));
        check(&[young], Limits::default(), 1, 1);
        let long = ban("sshd", "192.0.2.7", -3 * DAY, Some(DAY));
        check(&[long], Limits::default(), 1, 1);
    }

    #[test]
    fn who_is_banned_for_ever_or_still_is_never_forgotten() {
        let ever = ban("sshd", "192.0.2.7", -900 * DAY, None);
        let still = ban("sshd", "192.0.2.8", -900 * DAY, Some(901 * DAY));
        let limits = Limits { known_max: 0, history_max: 0, ..Limits::default() };
        check(&[ever, still], limits, 2, 2);
    }

    #[test]
    fn earlier_bans_are_forgotten_by_age() {
        let bans = [-9, -8, -1].map(|days| ban("sshd", "192.0.2.7", days * DAY, Some(100 * DAY)));
        let limits = Limits { purge_age: Duration::from_secs(2 * 86_400), ..Limits::default() };
        check(&bans, limits, 1, 1);
        check(&bans, Limits { purge_age: Duration::from_secs(17 * 43_200), ..limits }, 1, 2);
    }

    #[test]
    fn what_is_too_much_goes_oldest_first() {
        let bans: Vec<_> = (0..9)
            .map(|n| ban("sshd", &format!("192.0.2.{n}"), -1000 + n, Some(600)))
            .chain((0..7).map(|n| ban("web", "192.0.2.7", -1000 + n, Some(5_000))))
            .collect();
        let limits = Limits { known_max: 4, history_max: 3, ..Limits::default() };
        check(&bans, limits, 5, 8);
    }
}
