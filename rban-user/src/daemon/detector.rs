//! A jail's detector on a thread of its own: lines in, failures out, in batches.

use tokio::sync::mpsc;
use tracing::warn;

use super::resolve::{Resolver, Sighting, Telling};
use crate::clock::Now;
use crate::detect::{Detector, Found, How, Notice, Reading, Sink, Style, Value, Who};
use crate::event::{Failure, Id, JailName};
use crate::source::{Batch, Written};

/// Runs until the source is gone, or the jail.
pub(super) fn run(
    jail: &JailName,
    mut detector: Detector,
    names: &ByName,
    mut batches: mpsc::Receiver<Batch>,
    to_jail: &mpsc::Sender<Vec<Failure>>,
) {
    while let Some(batch) = batches.blocking_recv() {
        let reading = match batch.written {
            Written::Before => Reading::Past,
            Written::Now => Reading::Present,
        };
        let how = How { now: Now::read().wall, reading, style: Style::First };
        let mut found = Failures { jail, names, to_jail, found: Vec::new() };
        detector.lines(0, &batch.chunk, how, &mut found);
        let failures = found.found;
        if !failures.is_empty() && to_jail.blocking_send(failures).is_err() {
            return;
        }
    }
}

/// What becomes of failures of hosts that are known by name only.
pub(super) struct ByName {
    pub(super) resolver: Resolver,
    pub(super) telling: Telling,
}

/// Takes what the detector finds.
struct Failures<'a> {
    jail: &'a JailName,
    names: &'a ByName,
    to_jail: &'a mpsc::Sender<Vec<Failure>>,
    found: Vec<Failure>,
}

impl Sink for Failures<'_> {
    fn found(&mut self, _: usize, found: &Found<'_>) {
        let (Some(identity), Some(time)) = (found.identity, found.time) else { return };
        let text = |value: &Value| match value {
            Value::Text(text) => text.to_string(),
            Value::Many(texts) => texts.join(","),
        };
        let (jail, lines) = (self.jail.clone(), found.matches.to_vec());
        let captures = found.captures().map(|(name, it)| (name.into(), text(it))).collect();
        match &identity.id {
            Who::Offender(offender) => {
                let (id, ip) = (Id::Net(*offender), identity.addr);
                self.found.push(Failure { jail, id, ip, time, lines, captures });
            }
            Who::Name(name) => self.names.resolver.take(Sighting {
                jail,
                name: name.clone(),
                telling: self.names.telling,
                time,
                lines,
                captures,
                to: self.to_jail.clone(),
            }),
            Who::Text(text) => {
                let (id, ip) = (Id::Text(text.as_str().into()), identity.addr);
                self.found.push(Failure { jail, id, ip, time, lines, captures });
            }
        }
    }

    fn notice(&mut self, _: usize, notice: &Notice<'_>) {
        let jail = &**self.jail;
        match notice {
            Notice::Odd { odd, line } => {
                let problem = if odd.is_latency() { "latency" } else { "time zone" };
                warn!(
                    jail,
                    line,
                    "a line just written is dated otherwise, which looks like a {problem} problem; such lines are taken to be of now"
                );
            }
            Notice::Old { findtime } => {
                warn!(jail, ?findtime, "lines older than findtime are passed over");
            }
            Notice::NoDate { line } => {
                warn!(jail, line, "a line matches and has no date; set a datepattern");
            }
            Notice::BadDate { line } => warn!(jail, line, "a line's date is no date"),
        }
    }
}
