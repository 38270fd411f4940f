//! The order of steps for a chunk of lines.

use std::ops::Range;

use bytes::Bytes;
use jiff::tz::TimeZone;
use memchr::{memchr, memrchr};

use super::filter::Filter;
use super::found::Sink;
use super::group::{Feeding, Group, Key};
use super::pattern::Pattern;
use super::prefilter::Prefilter;
use super::spec::{Entry, How, Spec};
use super::text::{Chunk, LineText};
use super::{DateTemplate, date, pattern};
use crate::event::Line;

/// A filter that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of its patterns.
    #[error(transparent)]
    Pattern(#[from] pattern::Error),
    /// How its dates are written.
    #[error(transparent)]
    Date(#[from] date::Error),
}

/// The filters of jails whose logs overlap, at work.
#[derive(Clone, Debug)]
pub struct Detector {
    filters: Vec<Filter>,
    groups: Vec<Group>,
    feeds: Vec<Feed>,
    /// Memory for a line without its date.
    text: Vec<u8>,
}

/// Logs that the same filters read.
#[derive(Clone, Debug)]
struct Feed {
    groups: Vec<usize>,
    prefilter: Prefilter,
}

impl Detector {
    /// Compiles filters. Each feed names those that read the same logs, by their place in `specs`. `zone` is that of
    /// dates which name none; `year_now` tells which years are expected in dates.
    ///
    /// # Errors
    /// The first filter that cannot be used, by its place.
    pub fn new(
        specs: &[Spec],
        feeds: &[Vec<usize>],
        zone: &TimeZone,
        year_now: i16,
    ) -> Result<Self, (usize, Error)> {
        let mut filters = Vec::new();
        let mut groups: Vec<Group> = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            let wrong = |error: Error| (index, error);
            filters.push(Filter::new(&spec.patterns).map_err(|error| wrong(error.into()))?);
            let key = Key {
                dates: date::Spec {
                    patterns: spec.datepattern.clone(),
                    logtimezone: spec.logtimezone.clone(),
                },
                findtime: spec.findtime,
                feeds: (0..feeds.len()).filter(|feed| feeds[*feed].contains(&index)).collect(),
            };
            match groups.iter_mut().find(|group| group.key == key) {
                Some(group) => group.filters.push(index),
                None => {
                    let group = Group::new(key, index, zone.clone(), year_now);
                    groups.push(group.map_err(|error| wrong(error.into()))?);
                }
            }
        }
        let feeds = (0..feeds.len()).map(|feed| Feed::new(feed, &groups, &filters)).collect();
        Ok(Self { filters, groups, feeds, text: Vec::new() })
    }

    /// Has every line looked at, also those that no filter can match: for who counts what became of each.
    #[must_use]
    pub fn looking_at_every_line(mut self) -> Self {
        self.feeds.iter_mut().for_each(|feed| feed.prefilter = Prefilter::of_nothing());
        self
    }

    /// A filter's prefregex as it is searched for, its tags replaced.
    #[must_use]
    pub fn prefregex(&self, filter: usize) -> Option<&str> {
        self.filters.get(filter)?.patterns().0.map(Pattern::expanded)
    }

    /// The templates that a filter's dates are looked for by, in the order in which they are tried now.
    pub fn date_templates(&self, filter: usize) -> impl Iterator<Item = DateTemplate<'_>> {
        let group = self.groups.iter().find(|group| group.filters.contains(&filter));
        group.into_iter().flat_map(Group::date_templates)
    }

    /// Looks at whole lines of one feed, each ending in a newline; the last may lack it.
    pub fn lines(&mut self, feed: usize, chunk: &Bytes, how: How, sink: &mut impl Sink) {
        let Self { filters, groups, feeds, text } = self;
        let Feed { groups: of_feed, prefilter } = &mut feeds[feed];
        prefilter.learn(chunk);
        let chunk = Chunk::new(chunk);
        let bytes = chunk.bytes();
        let mut start = 0;
        let mut passed_over = 0;
        while let Some(hit) = prefilter.next(&bytes[start..]) {
            let before = start..start + hit;
            let line_start = memrchr(b'\n', &bytes[before]).map_or(start, |at| start + at + 1);
            pass_over(groups, of_feed, &chunk, start..line_start, how);
            passed_over += line_start - start;
            let from = start + hit;
            let end = memchr(b'\n', &bytes[from..]).map_or(bytes.len(), |len| from + len);
            let line = chunk.line(line_start..end);
            let mut feeding = Feeding { filters, prefilter, text, how, sink };
            for group in of_feed.iter() {
                groups[*group].look(&chunk, &line, &mut feeding);
            }
            start = (end + 1).min(bytes.len());
        }
        pass_over(groups, of_feed, &chunk, start..bytes.len(), how);
        passed_over += bytes.len() - start;
        prefilter.weigh(bytes.len(), passed_over);
        for group in of_feed.iter() {
            groups[*group].leave(&chunk);
            for filter in &groups[*group].filters {
                filters[*filter].leave(bytes);
            }
        }
    }

    /// Looks at one entry of a feed.
    pub fn entry(&mut self, feed: usize, entry: &Entry<'_>, how: How, sink: &mut impl Sink) {
        let Self { filters, groups, feeds, text } = self;
        let Feed { groups: of_feed, prefilter } = &feeds[feed];
        let line = Line::from([entry.date, entry.text].concat());
        let line = LineText::of(&line);
        let is_hit = prefilter.next(entry.text.as_bytes()).is_some();
        let mut feeding = Feeding { filters, prefilter, text, how, sink };
        for group in of_feed {
            let group = &mut groups[*group];
            if is_hit {
                group.look_at_entry(entry, &line, &mut feeding);
            }
        }
    }
}

/// Passes over whole lines of a chunk that no filter can match.
fn pass_over(
    groups: &mut [Group],
    of_feed: &[usize],
    chunk: &Chunk<'_>,
    range: Range<usize>,
    how: How,
) {
    if !range.is_empty() {
        of_feed.iter().for_each(|group| groups[*group].pass_over(chunk, range.clone(), how));
    }
}

impl Feed {
    fn new(feed: usize, groups: &[Group], filters: &[Filter]) -> Self {
        let of_feed: Vec<usize> =
            (0..groups.len()).filter(|group| groups[*group].key.feeds.contains(&feed)).collect();
        let read = of_feed.iter().flat_map(|group| {
            let group = &groups[*group];
            group.filters.iter().map(|filter| (*filter, &filters[*filter], group.seams()))
        });
        let prefilter = Prefilter::new(read);
        Self { groups: of_feed, prefilter }
    }
}
