//! What was decided a short while ago (`ignorecache`).

use std::num::NonZeroUsize;
use std::time::Duration;

use super::Answer;
use super::command::{Asker, Template};
use crate::clock::MonoTime;
use crate::recent::Recent;

/// An answer under a longer key is not kept: whoever writes the log could fill the memory.
const KEY_MAX_BYTES: usize = 4_096;

/// What configuration asks of the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Failures of which this makes the same are judged alike.
    pub key: Template,
    /// So many answers are kept; the oldest makes room.
    pub max_count: NonZeroUsize,
    /// So long is an answer good.
    pub max_time: Duration,
}

#[derive(Debug)]
pub(super) struct Cache {
    key: Template,
    answers: Recent<String, Answer>,
}

impl Cache {
    pub(super) fn new(spec: Spec) -> Self {
        Self { key: spec.key, answers: Recent::new(spec.max_count, spec.max_time) }
    }

    pub(super) fn key(&self, asker: &Asker<'_>) -> String {
        self.key.text(asker)
    }

    pub(super) fn find(&mut self, key: &String, now: MonoTime) -> Option<Answer> {
        self.answers.find(key, now).copied()
    }

    pub(super) fn keep(&mut self, key: String, answer: Answer, now: MonoTime) {
        if key.len() <= KEY_MAX_BYTES {
            self.answers.put(key, answer, now);
        }
    }
}
