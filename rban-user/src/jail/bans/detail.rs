//! What led to a ban: kept of the latest ones, for whoever asks why.

use std::collections::BTreeMap;

use crate::event::{Ban, Captures, Line};

/// It is kept of so many bans; the earliest makes room.
const DETAILS_MAX: usize = 4_096;

/// And so much of it altogether.
const DETAILS_MAX_BYTES: usize = 8 << 20;

/// What led to one ban.
#[derive(Debug)]
pub(super) struct Detail {
    pub(super) matches: Vec<Line>,
    pub(super) captures: Captures,
}

/// What led to the latest bans, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Details {
    by_number: BTreeMap<u64, Detail>,
    bytes: usize,
}

impl Detail {
    pub(super) fn of(ban: &Ban) -> Self {
        Self { matches: ban.matches.clone(), captures: ban.captures.clone() }
    }

    fn bytes(&self) -> usize {
        let lines: usize = self.matches.iter().map(|line| line.len() + size_of::<Line>()).sum();
        let captures: usize = self.captures.iter().map(|(_, text)| text.len()).sum();
        lines + captures + self.captures.len() * size_of::<(std::sync::Arc<str>, String)>()
    }
}

impl Details {
    pub(super) fn keep(&mut self, number: u64, detail: Detail) {
        let bytes = detail.bytes();
        if bytes == 0 {
            return;
        }
        self.bytes += bytes;
        self.by_number.insert(number, detail);
        while (self.bytes > DETAILS_MAX_BYTES || self.by_number.len() > DETAILS_MAX)
            && let Some((_, oldest)) = self.by_number.pop_first()
        {
            self.bytes -= oldest.bytes();
        }
    }

    pub(super) fn find(&self, number: u64) -> Option<&Detail> {
        self.by_number.get(&number)
    }

    pub(super) fn forget(&mut self, number: u64) {
        if let Some(detail) = self.by_number.remove(&number) {
            self.bytes -= detail.bytes();
        }
    }
}
