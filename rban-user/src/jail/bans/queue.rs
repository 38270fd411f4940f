//! Which slot's time comes first: a heap that knows where in it each slot stands, so that any can be moved or taken out.

use crate::clock::WallTime;

/// Slots in order of their times.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Slots; none comes before the one at half its place.
    heap: Vec<u32>,
    /// By slot: its place in the heap. Of slots that are not queued, anything.
    places: Vec<u32>,
    /// By slot: its time. Of slots that are not queued, anything.
    times: Vec<WallTime>,
}

impl Queue {
    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, slots: usize) {
        self.heap.reserve(slots);
        self.places.reserve(slots);
        self.times.reserve(slots);
    }

    /// Queues a slot that is not queued yet.
    pub(super) fn push(&mut self, slot: u32, time: WallTime) {
        let index = slot as usize;
        if self.places.len() <= index {
            self.places.resize(index + 1, 0);
            self.times.resize(index + 1, time);
        }
        self.heap.push(slot);
        self.times[index] = time;
        self.rise(self.heap.len() - 1);
    }

    /// The slot whose time comes first.
    pub(super) fn first(&self) -> Option<(u32, WallTime)> {
        let slot = *self.heap.first()?;
        Some((slot, self.time(slot)))
    }

    /// When a queued slot's time comes.
    pub(super) fn time(&self, slot: u32) -> WallTime {
        self.times[slot as usize]
    }

    /// Gives a queued slot another time.
    pub(super) fn put_off(&mut self, slot: u32, time: WallTime) {
        let place = self.places[slot as usize] as usize;
        self.times[slot as usize] = time;
        let place = self.rise(place);
        self.sink(place);
    }

    /// Takes out a queued slot.
    pub(super) fn remove(&mut self, slot: u32) {
        let place = self.places[slot as usize] as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    fn rise(&mut self, mut place: usize) -> usize {
        let slot = self.heap[place];
        while place > 0 {
            let above = (place - 1) / 2;
            if self.time(self.heap[above]) <= self.time(slot) {
                break;
            }
            self.set(place, self.heap[above]);
            place = above;
        }
        self.set(place, slot);
        place
    }

    fn sink(&mut self, mut place: usize) {
        let slot = self.heap[place];
        loop {
            let below = 2 * place + 1..(2 * place + 3).min(self.heap.len());
            let Some(least) = below.min_by_key(|below| self.time(self.heap[*below])) else { break };
            if self.time(slot) <= self.time(self.heap[least]) {
                break;
            }
            self.set(place, self.heap[least]);
            place = least;
        }
        self.set(place, slot);
    }

    fn set(&mut self, place: usize, slot: u32) {
        self.heap[place] = slot;
        self.places[slot as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Each step gives a slot a time, or takes it out.
        #[test]
        fn the_first_is_always_the_earliest(steps in prop::collection::vec((0u32..40, prop::option::weighted(0.7, 0i64..100)), 0..300)) {
            let (mut queue, mut model) = (Queue::default(), BTreeMap::new());
            for (slot, time) in steps {
                let time = time.map(WallTime::from_secs);
                match (model.contains_key(&slot), time) {
                    (false, Some(time)) => queue.push(slot, time),
                    (true, Some(time)) => queue.put_off(slot, time),
                    (true, None) => queue.remove(slot),
                    (false, None) => {}
                }
                model.remove(&slot);
                model.extend(time.map(|time| (slot, time)));
                prop_assert_eq!(queue.first().map(|(_, time)| time), model.values().min().copied());
                for (slot, time) in &model {
                    prop_assert_eq!(queue.time(*slot), *time);
                }
            }
        }
    }
}
