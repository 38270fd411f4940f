//! What is known of offenders while the file refuses: the tables, and over them the writes that wait.

use std::collections::HashMap;

use compact_str::CompactString;

use super::{Record, StoredBan, Within, Write};
use crate::event::JailName;

/// Of whom the records are asked.
pub(super) struct Asked<'a> {
    pub(super) jail: Option<&'a JailName>,
    pub(super) ids: &'a [CompactString],
    pub(super) within: Within,
}

/// Brings records, in the order of the ids that were asked for, up to date with the writes that wait.
pub(super) fn lay(records: &mut [Option<Record>], asked: &Asked<'_>, waiting: &[Write]) {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, id) in asked.ids.iter().enumerate() {
        places.entry(id).or_default().push(place);
    }
    for write in waiting {
        match write {
            Write::Ban(ban) | Write::Prolong(ban) => {
                if asked.concerns(ban.jail.as_ref()) {
                    for place in places.get(ban.id.as_str()).into_iter().flatten() {
                        records[*place] = Some(with(records[*place], ban, asked.within));
                    }
                }
            }
            // In one jail of all: how much of the sum was its share is not known here, so it stays.
            Write::Forget { jail, id } if asked.is_only(jail.as_ref()) => {
                for place in places.get(id.as_str()).into_iter().flatten() {
                    records[*place] = None;
                }
            }
            Write::ForgetJail(jail) if asked.is_only(jail.as_ref()) => records.fill(None),
            Write::ForgetAll => records.fill(None),
            Write::Forget { .. } | Write::ForgetJail(_) | Write::Position(_) | Write::Cursor(_) => {
            }
        }
    }
}

impl Asked<'_> {
    fn concerns(&self, jail: Option<&JailName>) -> bool {
        self.within == Within::AllJails || self.jail == jail
    }

    fn is_only(&self, jail: Option<&JailName>) -> bool {
        self.within == Within::Jail && self.jail == jail
    }
}

fn with(record: Option<Record>, ban: &StoredBan, within: Within) -> Record {
    let count = match (within, record) {
        (Within::Jail, _) | (_, None) => ban.bancount,
        (Within::AllJails, Some(known)) if ban.since > known.since => known.count.saturating_add(1),
        (Within::AllJails, Some(known)) => known.count,
    };
    Record { count, since: ban.since, bantime: ban.bantime() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::store::tests::ban;

    /// What is known of 192.0.2.7 in `sshd`, and in all jails, after these writes upon nothing.
    #[track_caller]
    fn check(waiting: &[Write], in_jail: Option<u32>, in_all: Option<u32>) {
        let jail: JailName = Arc::from("sshd");
        let ids = ["192.0.2.7".into(), "192.0.2.8".into(), "192.0.2.7".into()];
        for (within, count) in [(Within::Jail, in_jail), (Within::AllJails, in_all)] {
            let mut records = [None; 3];
            lay(&mut records, &Asked { jail: Some(&jail), ids: &ids, within }, waiting);
            let counts = records.map(|record| record.map(|record| record.count));
            assert_eq!(counts, [count, None, count], "{within:?}");
        }
    }

    fn in_jail(jail: &str, since: i64, bancount: u32) -> Write {
        Write::Ban(StoredBan { bancount, ..ban(jail, "192.0.2.7", since, Some(600)) })
    }

    #[test]
    fn a_ban_that_waits_is_known() {
        check(&[in_jail("sshd", 5, 1), in_jail("sshd", 9, 2)], Some(2), Some(2));
        check(&[in_jail("web", 5, 1)], None, Some(1));
    }

    #[test]
    fn a_ban_that_waits_is_forgotten_in_its_turn() {
        let forget = Write::Forget { jail: Some(Arc::from("sshd")), id: "192.0.2.7".into() };
        check(&[in_jail("sshd", 5, 1), forget.clone()], None, Some(1));
        check(&[forget, in_jail("sshd", 5, 1)], Some(1), Some(1));
        check(&[in_jail("sshd", 5, 1), Write::ForgetAll], None, None);
        let other = Write::ForgetJail(Some(Arc::from("web")));
        check(&[in_jail("sshd", 5, 1), other], Some(1), Some(1));
    }

    #[test]
    fn a_prolonged_ban_counts_once() {
        let longer = Write::Prolong(ban("sshd", "192.0.2.7", 5, Some(1200)));
        check(&[in_jail("sshd", 5, 1), longer.clone()], Some(1), Some(1));
        let jail: JailName = Arc::from("sshd");
        let mut records = [None];
        let asked = Asked { jail: Some(&jail), ids: &["192.0.2.7".into()], within: Within::Jail };
        lay(&mut records, &asked, &[longer]);
        assert_eq!(records[0].unwrap().bantime, Some(Duration::from_secs(1200)));
    }
}
