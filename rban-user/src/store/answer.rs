//! The questions that the keeper answers.

use rusqlite::Error;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::bans::Page;
use super::import;
use super::keeper::{Due, Keeper};
use super::notice::Notice;
use super::overlay::{self, Asked};
use super::schema::{Database, is_damage};
use super::{Detail, Flushed, ImportError, Question, StoredBan};
use crate::clock::WallTime;
use crate::event::JailName;

/// How many live bans make a page: as many as stay in a cache while everybody deals with them.
const PAGE_ROWS: u32 = 1_024;

impl Keeper {
    /// Answers a question. Whoever asked may have left meanwhile; then nobody hears it.
    pub(super) async fn answer(&mut self, question: Question) {
        let matches_max = self.spec.matches_max;
        match question {
            Question::Records { jail, ids, within, answer } => {
                let asked = Asked { jail: jail.as_ref(), ids: &ids, within };
                drop(answer.send(self.records(&asked)));
            }
            Question::Merged { jail, id, within, answer } => {
                let merged = |db: &mut Database| db.merged(jail.as_ref(), &id, within, matches_max);
                drop(answer.send(self.read(merged)));
            }
            Question::Live { jail, detail, now, pages } => {
                self.live(jail.as_ref(), detail, now, pages).await;
            }
            Question::CountLive { jail, now, answer } => {
                let _ = answer.send(self.read(|database| database.count_live(jail.as_ref(), now)));
            }
            Question::Jails(answer) => drop(answer.send(self.read(Database::jails_with_bans))),
            Question::Positions(answer) => drop(answer.send(self.read(Database::positions))),
            Question::Cursors(answer) => drop(answer.send(self.read(Database::cursors))),
            Question::Import { path, bantimes, now, answer } => {
                self.flush();
                let imported = match &mut self.database {
                    Some(database) => import::import(database, &path, &bantimes, matches_max, now),
                    None => Err(ImportError::Unavailable),
                };
                drop(answer.send(imported));
            }
            Question::Limit { matches_max, limits } => {
                self.spec.matches_max = matches_max;
                self.spec.limits = limits;
            }
            Question::Purge(now) => self.purging = Some((now, Instant::now())),
            Question::Flush(answer) => drop(answer.send(self.flush())),
        }
    }

    fn records(&mut self, asked: &Asked<'_>) -> Vec<Option<super::Record>> {
        let mut records = Vec::with_capacity(asked.ids.len());
        for id in asked.ids {
            records.push(self.read(|database| database.record(asked.jail, id, asked.within)));
        }
        // What waits is in no table; with a transaction open, it is in the tables too.
        if let Due::Retry(_) = self.due {
            overlay::lay(&mut records, asked, &self.waiting);
        }
        records
    }

    async fn live(
        &mut self,
        jail: Option<&JailName>,
        detail: Detail,
        now: WallTime,
        pages: mpsc::Sender<Vec<StoredBan>>,
    ) {
        let mut last: Option<StoredBan> = None;
        loop {
            let after = last.as_ref().map(|ban| ban.id.as_str());
            let page = Page { jail, detail, after, now, rows_max: PAGE_ROWS };
            let bans = self.read(|database| database.live(&page));
            let Some(end) = bans.last() else { return };
            last = Some(end.clone());
            let more = bans.len() == PAGE_ROWS as usize;
            if pages.send(bans).await.is_err() || !more {
                return;
            }
        }
    }

    pub(super) fn flush(&mut self) -> Flushed {
        if let Due::Commit(_) = self.due {
            self.commit();
        }
        match self.due {
            Due::Nothing => Flushed::Committed,
            _ => Flushed::Waiting,
        }
    }

    /// Reads something; nothing where that fails, and the admin hears of it. From a damaged file, what could be saved of
    /// it is read.
    fn read<T: Default>(&mut self, read: impl Fn(&mut Database) -> Result<T, Error>) -> T {
        let Some(database) = &mut self.database else { return T::default() };
        match read(database) {
            Ok(found) => return found,
            Err(error) if is_damage(&error) => {
                self.fail(error);
                if let Some(Ok(found)) = self.database.as_mut().map(read) {
                    return found;
                }
            }
            Err(source) => {
                let path = self.path();
                (self.notify)(Notice::Unread { path, source });
            }
        }
        T::default()
    }
}
