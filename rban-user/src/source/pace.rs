//! How often to look: seldom at what has to be polled, and not at every single line while there are very many.

use std::time::Duration;

use tokio::time::Instant;

/// What is polled is looked at so often while it grows,
const POLL_MIN: Duration = Duration::from_millis(200);

/// and so often while it does not.
const POLL_MAX: Duration = Duration::from_secs(2);

/// Of the time, at most this part is spent on polling.
const POLL_SHARE: u32 = 20;

/// When to poll.
#[derive(Debug)]
pub(super) struct Polling {
    pub(super) next: Instant,
    interval: Duration,
}

impl Polling {
    pub(super) fn new(now: Instant) -> Self {
        Self { next: now + POLL_MIN, interval: POLL_MIN }
    }

    /// A look at everything that is polled, which took so long, has found this many lines.
    pub(super) fn looked(&mut self, began: Instant, took: Duration, lines: usize) {
        let wanted = if lines > 0 { POLL_MIN } else { self.interval * 3 / 2 };
        self.interval = wanted.min(POLL_MAX);
        self.next = began + self.interval.max(took * POLL_SHARE);
    }
}

/// So long a moment is, in which lines are counted and which a pause lasts.
const MOMENT: Duration = Duration::from_millis(1);

/// More lines than this in a moment, and they are worth waiting for the next ones.
const LINES_MAX: usize = 40;

/// Whether lines come so fast that each look should wait for more of them.
#[derive(Debug)]
pub(super) struct Rush {
    since: Instant,
    lines: usize,
}

impl Rush {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, lines: 0 }
    }

    /// So many lines were found; how long to wait before the next look.
    pub(super) fn found(&mut self, lines: usize, now: Instant) -> Option<Duration> {
        if now.duration_since(self.since) > MOMENT {
            *self = Self::new(now);
        }
        self.lines += lines;
        (self.lines > LINES_MAX).then_some(MOMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_grow_is_polled_less_and_less() {
        let mut at = Instant::now();
        let mut polling = Polling::new(at);
        let mut intervals = Vec::new();
        for lines in [0, 0, 0, 0, 0, 0, 0, 1] {
            polling.looked(at, Duration::ZERO, lines);
            intervals.push((polling.next - at).as_millis());
            at = polling.next;
        }
        assert_eq!(intervals, [300, 450, 675, 1012, 1518, 2000, 2000, 200]);
    }

    #[tokio::test]
    async fn polling_takes_no_more_than_its_share() {
        let at = Instant::now();
        let mut polling = Polling::new(at);
        polling.looked(at, Duration::from_secs(1), 1);
        assert_eq!(polling.next - at, Duration::from_secs(20));
    }

    #[tokio::test]
    async fn only_a_rush_is_waited_for() {
        let start = Instant::now();
        let mut rush = Rush::new(start);
        let at = |micros| start + Duration::from_micros(micros);
        for line in 0..100 {
            assert_eq!(rush.found(1, at(100 * line)), None, "ten lines a moment are none");
        }
        assert_eq!(rush.found(100, at(20_000)), Some(MOMENT));
    }
}
