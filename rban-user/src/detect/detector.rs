//! throw-away
use jiff::tz::TimeZone;
use super::date;
use super::filter::{Filter, Subject};
use super::identity::Who;
use super::{Spec, Style, text};
use crate::addr::Offender;
use crate::clock::WallTime;
#[derive(Clone, Debug)]
pub struct Detector { filter: Filter, date: date::Detector, buf: Vec<u8> }
impl Detector {
    pub fn new(spec: &Spec, zone: TimeZone) -> Result<Self, super::PatternError> {
        let d = date::Spec { patterns: vec![], logtimezone: None };
        Ok(Self { filter: Filter::new(&spec.patterns)?, date: date::Detector::new(&d, zone).unwrap(), buf: vec![] })
    }
    pub fn line(&mut self, line: &crate::event::Line, now: WallTime) -> Option<(Offender, WallTime)> {
        let line = text::valid(line.clone());
        let found = self.date.find(&line, now);
        text::without(&line, found.as_ref().map_or(0..0, |f| f.cut.clone()), &mut self.buf);
        let mut out = None;
        let time = found.and_then(|f| f.time).unwrap_or(now);
        self.filter.line(&Subject { text: &self.buf, line: &line, time: Some(time), now }, Style::First, &mut |f| {
            if let Some(Who::Offender(o)) = f.identity.map(|i| i.id.clone()) { out = Some((o, f.time.unwrap())) }
        });
        out
    }
}
