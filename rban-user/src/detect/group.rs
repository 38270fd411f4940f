//! Filters that know the dates of their lines alike: the same patterns of dates, in the same logs.

use std::ops::Range;
use std::time::Duration;

use jiff::tz::TimeZone;
use memchr::{memchr_iter, memrchr};

use super::date::{self, Dated, Decision, LineTimes, Phase, Taken, Text};
use super::filter::{Filter, Subject, Undated};
use super::found::{Found, Notice, Seen, Sink};
use super::prefilter::{Prefilter, Seams};
use super::spec::{Entry, How, Reading};
use super::text::{Chunk, LineText};
use crate::event::Line;

/// Of lines that are passed over together, one in so many bytes is looked at.
const PROBE_BYTES: usize = 4096;

/// What filters have in common to be of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) dates: date::Spec,
    pub(super) findtime: Duration,
    pub(super) feeds: Vec<usize>,
}

/// Filters that know the dates of their lines alike.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) key: Key,
    /// By their place among all filters.
    pub(super) filters: Vec<usize>,
    dates: date::Detector,
    times: LineTimes,
    /// The last line with a date that was passed over: a line without one may need to know.
    skipped: Option<(Skipped, date::Found)>,
}

/// A line that was passed over.
#[derive(Clone, Debug)]
enum Skipped {
    /// In this chunk.
    Here(Range<usize>),
    /// In an earlier one.
    Kept(Line),
}

/// What a line is looked at with.
pub(super) struct Feeding<'a, S> {
    pub(super) filters: &'a mut [Filter],
    pub(super) prefilter: &'a Prefilter,
    pub(super) text: &'a mut Vec<u8>,
    pub(super) how: How,
    pub(super) sink: &'a mut S,
}

impl Group {
    pub(super) fn new(
        key: Key,
        filter: usize,
        zone: TimeZone,
        year_now: i16,
    ) -> Result<Self, date::Error> {
        let dates = date::Detector::new(&key.dates, zone, year_now)?;
        let times = LineTimes::default();
        Ok(Self { key, filters: vec![filter], dates, times, skipped: None })
    }

    /// The templates that dates are looked for by.
    pub(super) fn date_templates(&self) -> impl Iterator<Item = date::Used<'_>> {
        self.dates.templates()
    }

    /// Where dates may be cut out. The default templates do not end within words, nor do patterns without groups of
    /// their own; the pattern of access logs stands behind a bracket.
    pub(super) fn seams(&self) -> Seams {
        let ends_words = |pattern: &String| {
            let pattern = pattern.strip_suffix(r"\[({DATE})").unwrap_or(pattern);
            let odd_ends = [r"\s", r"\b", "$", "**"];
            !pattern.contains("{UNB}")
                && !pattern.replace("(?", "").contains('(')
                && !odd_ends.iter().any(|end| pattern.ends_with(end))
        };
        let whole = self.key.dates.patterns.iter().all(ends_words);
        if whole { Seams::BetweenWords } else { Seams::Anywhere }
    }

    /// Passes over lines that no filter can match; only their dates count. Of many, some are looked at: where these
    /// are dated by the template that was right last, so are the others taken to be.
    pub(super) fn pass_over(&mut self, chunk: &Chunk<'_>, lines: Range<usize>, how: How) {
        let bytes = &chunk.bytes()[lines.clone()];
        let ended = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let last = lines.start + memrchr(b'\n', ended).map_or(0, |at| at + 1);
        if last == lines.start {
            return self.skip(&chunk.line(lines), how);
        }
        let probes = (lines.start..last).step_by(PROBE_BYTES);
        let as_before = [chunk.line(last..lines.end)]
            .into_iter()
            .chain(probes.map(|at| chunk.line_at(at, lines.clone())))
            .all(|line| self.dates.is_as_before(line.text()));
        if as_before {
            let skipped = memchr_iter(b'\n', &chunk.bytes()[lines.start..last]).count();
            self.dates.credit(skipped as u64);
            self.skip(&chunk.line(last..lines.end), how);
        } else {
            chunk.lines(lines).for_each(|line| self.skip(&line, how));
        }
    }

    fn skip(&mut self, line: &LineText<'_>, how: How) {
        if let Some(found) = self.dates.find(line.text(), how.now)
            && !found.cut.is_empty()
        {
            self.skipped = Some((Skipped::Here(line.range()), found));
        }
    }

    /// The chunk goes; what of it is still needed is kept.
    pub(super) fn leave(&mut self, chunk: &Chunk<'_>) {
        if let Some((Skipped::Here(range), found)) = self.skipped.take() {
            self.skipped = Some((Skipped::Kept(chunk.line(range).kept()), found));
        }
    }

    /// Looks at a line that some filter may match.
    pub(super) fn look<S: Sink>(
        &mut self,
        chunk: &Chunk<'_>,
        line: &LineText<'_>,
        feeding: &mut Feeding<'_, S>,
    ) {
        let now = feeding.how.now;
        let phase = self.phase(feeding.how.reading);
        self.catch_up(chunk, feeding.how, phase);
        let found = self.dates.find(line.text(), now);
        let Ok(dated) = Dated::of(line.text(), found.as_ref(), &mut self.dates, now) else {
            return self.pass(line, Some(Notice::BadDate { line: line.text() }), feeding.sink);
        };
        let cut = found.map_or(0..0, |found| found.cut);
        self.decide(dated, cut, line, phase, feeding);
    }

    /// Looks at an entry that some filter may match; `line` is what is kept of it.
    pub(super) fn look_at_entry<S: Sink>(
        &mut self,
        entry: &Entry<'_>,
        line: &LineText<'_>,
        feeding: &mut Feeding<'_, S>,
    ) {
        let dated = Dated::At(entry.time, entry.date);
        let phase = self.phase(feeding.how.reading);
        self.decide(dated, 0..entry.date.len(), line, phase, feeding);
    }

    fn phase(&self, reading: Reading) -> Phase {
        match reading {
            Reading::Past => Phase::CatchUp { findtime: self.key.findtime },
            Reading::Present => Phase::Operation,
            Reading::Unchecked => Phase::Unchecked,
        }
    }

    fn decide<S: Sink>(
        &mut self,
        dated: Dated<'_>,
        cut: Range<usize>,
        line: &LineText<'_>,
        phase: Phase,
        feeding: &mut Feeding<'_, S>,
    ) {
        match self.times.decide(dated, feeding.how.now, phase) {
            Decision::Take(taken) => self.take(&taken, cut, line, phase, feeding),
            Decision::Drop { warn } => {
                let notice = Notice::Old { findtime: self.key.findtime };
                self.pass(line, warn.then_some(notice), feeding.sink);
            }
        }
    }

    /// Tells that the line came to nothing, and perhaps why.
    fn pass<S: Sink>(&self, line: &LineText<'_>, why: Option<Notice<'_>>, sink: &mut S) {
        for filter in &self.filters {
            if let Some(notice) = &why {
                sink.notice(*filter, notice);
            }
            sink.line(*filter, line.text(), Seen::default());
        }
    }

    /// Has the times know of the last line that was passed over.
    fn catch_up(&mut self, chunk: &Chunk<'_>, how: How, phase: Phase) {
        let Some((skipped, found)) = self.skipped.take() else { return };
        let kept;
        let line = match skipped {
            Skipped::Here(range) => chunk.line(range),
            Skipped::Kept(line) => {
                kept = line;
                LineText::of(&kept)
            }
        };
        if let Ok(dated) = Dated::of(line.text(), Some(&found), &mut self.dates, how.now) {
            self.times.decide(dated, how.now, phase);
        }
    }

    fn take<S: Sink>(
        &mut self,
        taken: &Taken,
        cut: Range<usize>,
        line: &LineText<'_>,
        phase: Phase,
        feeding: &mut Feeding<'_, S>,
    ) {
        let how = feeding.how;
        let (kept, cut) = match taken.text {
            Text::Own => (line.kept(), cut),
            Text::Glued => (format!("{}{}", self.times.last_text(), line.text()).into(), 0..0),
        };
        let subject = Subject {
            text: line.without(cut, feeding.text),
            line: &kept,
            at: line.range().start,
            time: taken.time.map(|time| phase.counted(time, how.now)),
            now: how.now,
            undated: if phase == Phase::Unchecked { Undated::Counts } else { Undated::DoesNot },
        };
        for &filter in &self.filters {
            let sink = &mut *feeding.sink;
            if let Some(odd) = taken.odd {
                sink.notice(filter, &Notice::Odd { odd, line: line.text() });
            }
            if !feeding.prefilter.concerns(filter, line.text().as_bytes()) {
                sink.line(filter, line.text(), Seen::default());
                continue;
            }
            let mut found = |found: &Found<'_>| sink.found(filter, found);
            let seen = feeding.filters[filter].line(&subject, how.style, &mut found);
            if seen.matched && self.times.matched(taken, how.now, phase).warn {
                sink.notice(filter, &Notice::NoDate { line: line.text() });
            }
            sink.line(filter, line.text(), seen);
        }
    }
}
