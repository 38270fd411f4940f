//! Which time a line gets (spec, filter 4): that of its date, of a line before it, or now.
//!
//! In: what date the line has, and whether the log is read as it grows. Out: the time, or that the line is too old to
//! matter, and which warnings are due; who warns, and in which words, is not decided here.

use std::time::Duration;

use super::fields::NotATime;
use super::{Detector, Found};
use crate::clock::WallTime;

/// A line without a date is as old as the last one with a date, if that was less than this ago.
const LAST_DATE_MAX: Duration = Duration::from_secs(60);
/// A log that grows has lines from no farther away than this.
const ODD_MIN: Duration = Duration::from_secs(60);
/// Up to here a line is late, beyond it the clock of the log is probably wrong.
const LATENCY_MAX: Duration = Duration::from_secs(55 * 60);
/// The same warning is given once in so long.
const WARN_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How the lines come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Phase {
    /// The log has just been opened and holds what was written before; what is older than `findtime` does not count.
    CatchUp { findtime: Duration },
    /// Its end has been reached: lines come as they are written.
    Operation,
    /// Somebody looks at it with a tool: any time will do.
    Unchecked,
}

/// What date a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Dated<'l> {
    /// This one, which stands in the line like that.
    At(WallTime, &'l str),
    /// None, and the pattern says that it needs none.
    Optional,
    /// None, or no valid one.
    No,
}

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Decision {
    /// It counts.
    Take(Taken),
    /// It is too old. `warn`: it is time to say so.
    Drop { warn: bool },
}

/// A line that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Taken {
    /// `None`: nobody knows.
    pub(in crate::detect) time: Option<WallTime>,
    pub(in crate::detect) text: Text,
    /// Whether it has no date of its own, though it should.
    pub(in crate::detect) lacks_date: bool,
    /// Its date was far from now, and it is time to say so.
    pub(in crate::detect) odd: Option<Odd>,
}

/// How the line is kept as text of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Text {
    /// As it is; its date, if it has one, is what was cut out.
    Own,
    /// Nothing is cut out, and the date of the last line, [`LineTimes::last_text`], is put before it.
    Glued,
}

/// A date that is far from now although the line has just been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// So long before.
    Before(Duration),
    /// So long after.
    After(Duration),
}

/// What becomes of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) struct Matched {
    /// Whether it counts.
    pub(in crate::detect) counts: bool,
    /// That the line lacks a date should be said now.
    pub(in crate::detect) warn: bool,
}

/// What a jail remembers of the times of its lines.
#[derive(Clone, Debug, Default)]
pub(in crate::detect) struct LineTimes {
    last_date: Option<WallTime>,
    last_text: String,
    odd: Warned,
    old: Warned,
    no_date: Warned,
}

/// When a warning was last given.
#[derive(Clone, Copy, Debug, Default)]
struct Warned(Option<WallTime>);

impl Odd {
    /// Whether it is late rather than wrong.
    #[must_use]
    pub fn is_latency(self) -> bool {
        matches!(self, Self::Before(age) if age <= LATENCY_MAX)
    }
}

impl<'l> Dated<'l> {
    /// What was found in a line, understood by the detector that found it.
    ///
    /// # Errors
    /// Fail2ban fails to process such a line at all.
    pub(in crate::detect) fn of(
        line: &'l str,
        found: Option<&Found>,
        dates: &mut Detector,
        now: WallTime,
    ) -> Result<Self, NotATime> {
        let Some(found) = found else { return Ok(Self::No) };
        if found.cut.is_empty() {
            return Ok(Self::Optional);
        }
        match dates.time(found.stamp, now) {
            Ok(time) => Ok(Self::At(time, &line[found.cut.clone()])),
            Err(reason) if reason.fails_the_line() => Err(reason),
            Err(_) => Ok(Self::No),
        }
    }
}

impl LineTimes {
    /// Decides about the next line.
    pub(in crate::detect) fn decide(
        &mut self,
        dated: Dated<'_>,
        now: WallTime,
        phase: Phase,
    ) -> Decision {
        let recent = self.last_date.filter(|last| last.saturating_add(LAST_DATE_MAX) > now);
        let mut text = Text::Own;
        let mut time = match dated {
            Dated::At(time, date) => {
                self.last_date = Some(time);
                self.last_text.clear();
                self.last_text.push_str(date);
                Some(time)
            }
            Dated::Optional => Some(recent.unwrap_or(now)),
            Dated::No if recent.is_some() => {
                text = Text::Glued;
                recent
            }
            Dated::No => (phase == Phase::Operation).then_some(now),
        };
        let mut odd = None;
        match (phase, time) {
            (Phase::Operation, Some(date)) => {
                if let Some(found) = odd_of(date, now) {
                    time = Some(now);
                    self.last_date = Some(now);
                    odd = self.odd.is_due(now).then_some(found);
                }
            }
            (Phase::CatchUp { findtime }, Some(date)) if date < now.saturating_sub(findtime) => {
                return Decision::Drop { warn: self.old.is_due(now) };
            }
            _ => {}
        }
        Decision::Take(Taken { time, text, lacks_date: dated == Dated::No, odd })
    }

    /// Decides about a match in a line that was taken.
    pub(in crate::detect) fn matched(
        &mut self,
        line: &Taken,
        now: WallTime,
        phase: Phase,
    ) -> Matched {
        let counts = line.time.is_some() || phase == Phase::Unchecked;
        Matched { counts, warn: line.lacks_date && self.no_date.is_due(now) }
    }

    /// The date of the last line that had one, as it was written.
    pub(in crate::detect) fn last_text(&self) -> &str {
        &self.last_text
    }
}

impl Phase {
    /// The time that a failure counts by: nothing fails later than now.
    pub(in crate::detect) fn counted(self, time: WallTime, now: WallTime) -> WallTime {
        if self == Self::Unchecked { time } else { time.min(now) }
    }
}

/// How far the date is from now, in whole seconds, if it is too far.
fn odd_of(date: WallTime, now: WallTime) -> Option<Odd> {
    let whole = |span: Duration| Duration::from_secs(span.as_secs());
    let (age, ahead) = (whole(now.since(date)), whole(date.since(now)));
    match (age > ODD_MIN, ahead > ODD_MIN) {
        (true, _) => Some(Odd::Before(age)),
        (_, true) => Some(Odd::After(ahead)),
        _ => None,
    }
}

impl Warned {
    fn is_due(&mut self, now: WallTime) -> bool {
        let is_due = self.0.is_none_or(|last| now.since(last) >= WARN_EVERY);
        if is_due {
            self.0 = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_763_700_000;
    const CATCH_UP: Phase = Phase::CatchUp { findtime: Duration::from_secs(600) };

    fn at(secs: i64) -> WallTime {
        WallTime::from_secs(NOW + secs)
    }

    /// Lines come at these seconds; their dates are of those seconds, or there is none. What times do they get, and
    /// how are they kept? (`Err`: dropped.)
    type Case = (i64, Option<i64>, Result<(Option<i64>, Text), ()>);

    #[track_caller]
    fn check(phase: Phase, cases: &[Case]) {
        let mut times = LineTimes::default();
        for &(now, date, expected) in cases {
            let text = date.map(|date| date.to_string()).unwrap_or_default();
            let dated = date.map_or(Dated::No, |date| Dated::At(at(date), &text));
            let found = match times.decide(dated, at(now), phase) {
                Decision::Take(taken) => Ok((taken.time, taken.text)),
                Decision::Drop { .. } => Err(()),
            };
            let expected = expected.map(|(time, text)| (time.map(at), text));
            assert_eq!(found, expected, "{date:?} at {now}");
        }
    }

    #[test]
    fn a_line_without_a_date_is_of_the_time_of_the_one_before() {
        for phase in [CATCH_UP, Phase::Operation, Phase::Unchecked] {
            check(
                phase,
                &[(0, Some(0), Ok((Some(0), Text::Own))), (59, None, Ok((Some(0), Text::Glued)))],
            );
        }
    }

    #[test]
    fn after_a_minute_it_is_of_now_or_of_nobody_knows_when() {
        let cases =
            |time| [(0, Some(0), Ok((Some(0), Text::Own))), (60, None, Ok((time, Text::Own)))];
        check(Phase::Operation, &cases(Some(60)));
        check(CATCH_UP, &cases(None));
        check(Phase::Unchecked, &cases(None));
    }

    #[test]
    fn lines_older_than_findtime_are_dropped_while_catching_up() {
        check(CATCH_UP, &[(0, Some(-601), Err(())), (0, Some(-600), Ok((Some(-600), Text::Own)))]);
        check(Phase::Unchecked, &[(0, Some(-601), Ok((Some(-601), Text::Own)))]);
    }

    #[test]
    fn an_odd_date_in_operation_means_now() {
        check(
            Phase::Operation,
            &[
                (0, Some(-60), Ok((Some(-60), Text::Own))),
                (0, Some(-61), Ok((Some(0), Text::Own))),
                (59, None, Ok((Some(0), Text::Glued))),
                (0, Some(60), Ok((Some(60), Text::Own))),
                (0, Some(61), Ok((Some(0), Text::Own))),
            ],
        );
        check(CATCH_UP, &[(0, Some(61), Ok((Some(61), Text::Own)))]);
    }

    #[test]
    fn an_optional_date_is_the_last_one_or_now() {
        let mut times = LineTimes::default();
        let mut time = |dated, now| match times.decide(dated, at(now), CATCH_UP) {
            Decision::Take(Taken { time, text: Text::Own, lacks_date: false, .. }) => time,
            other => panic!("{other:?}"),
        };
        assert_eq!(time(Dated::Optional, 0), Some(at(0)));
        assert_eq!(time(Dated::At(at(0), "x"), 0), Some(at(0)));
        assert_eq!(time(Dated::Optional, 59), Some(at(0)));
        assert_eq!(time(Dated::Optional, 60), Some(at(60)));
    }

    #[test]
    fn odd_dates_are_told_of_once_a_day() {
        let mut times = LineTimes::default();
        let mut odd =
            |date, now| match times.decide(Dated::At(at(date), "x"), at(now), Phase::Operation) {
                Decision::Take(taken) => taken.odd,
                Decision::Drop { .. } => None,
            };
        let latency = odd(-3_300, 0).unwrap();
        assert_eq!(
            (latency, latency.is_latency()),
            (Odd::Before(Duration::from_secs(3_300)), true)
        );
        assert_eq!(odd(-3_300, 86_399), None);
        let zone = odd(86_400 - 3_301, 86_400).unwrap();
        assert_eq!((zone, zone.is_latency()), (Odd::Before(Duration::from_secs(3_301)), false));
        let ahead = odd(200_061, 200_000).unwrap();
        assert_eq!((ahead, ahead.is_latency()), (Odd::After(Duration::from_secs(61)), false));
    }

    #[test]
    fn old_lines_are_told_of_once_a_day() {
        let mut times = LineTimes::default();
        let mut warn = |now| times.decide(Dated::At(at(now - 700), "x"), at(now), CATCH_UP);
        assert_eq!(warn(0), Decision::Drop { warn: true });
        assert_eq!(warn(1), Decision::Drop { warn: false });
        assert_eq!(warn(86_400), Decision::Drop { warn: true });
    }

    #[test]
    fn a_match_without_a_date_is_told_of_once_a_day_and_counts_if_its_time_is_known() {
        for (phase, counts) in
            [(CATCH_UP, false), (Phase::Operation, true), (Phase::Unchecked, true)]
        {
            let mut times = LineTimes::default();
            let Decision::Take(line) = times.decide(Dated::No, at(0), phase) else { panic!() };
            assert_eq!(times.matched(&line, at(0), phase), Matched { counts, warn: true });
            assert_eq!(times.matched(&line, at(1), phase), Matched { counts, warn: false });
        }
    }

    #[test]
    fn no_failure_is_later_than_now() {
        assert_eq!(CATCH_UP.counted(at(1), at(0)), at(0));
        assert_eq!(Phase::Operation.counted(at(-1), at(0)), at(-1));
        assert_eq!(Phase::Unchecked.counted(at(1), at(0)), at(1));
    }
}
