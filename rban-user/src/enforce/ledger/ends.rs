//! Which claim ends first: a heap in which ends stay after their claims have gone, until those are too many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::WallTime;

/// So many ends of claims that have gone may always stay.
const STALE_MAX: usize = 1_024;

/// Ends of claims, by slot.
#[derive(Debug, Default)]
pub(super) struct Ends {
    heap: BinaryHeap<Reverse<(WallTime, u32)>>,
    /// How many claims have gone since the last look.
    stale: usize,
}

impl Ends {
    pub(super) fn push(&mut self, until: WallTime, slot: u32) {
        self.heap.push(Reverse((until, slot)));
    }

    /// The first; its claim may have gone.
    pub(super) fn first(&self) -> Option<(WallTime, u32)> {
        self.heap.peek().map(|Reverse(end)| *end)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }

    /// A claim that ends has gone. Tells stale ends by asking of each whether its claim stands.
    pub(super) fn left(&mut self, stands: impl Fn(WallTime, u32) -> bool) {
        self.stale += 1;
        if self.stale > STALE_MAX.max(self.heap.len() / 2) {
            self.stale = 0;
            self.heap.retain(|Reverse((until, slot))| stands(*until, *slot));
            self.heap.shrink_to_fit();
        }
    }
}
