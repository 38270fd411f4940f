//! A jail's detector on a thread of its own: lines in, failures out, in batches.

use tokio::sync::mpsc;

use crate::clock::Now;
use crate::detect::Detector;
use crate::event::{Failure, JailName, Line};

/// Runs until the source is gone, or the jail.
pub(super) fn run(
    jail: &JailName,
    mut detector: Detector,
    mut lines: mpsc::Receiver<Vec<Line>>,
    to_jail: &mpsc::Sender<Vec<Failure>>,
) {
    while let Some(batch) = lines.blocking_recv() {
        let now = Now::read().wall;
        let failures: Vec<Failure> = batch
            .into_iter()
            .filter_map(|line| {
                let (offender, time) = detector.line(&line, now)?;
                let (lines, captures) = (vec![line], Vec::new());
                Some(Failure { jail: jail.clone(), offender, time, lines, captures })
            })
            .collect();
        if !failures.is_empty() && to_jail.blocking_send(failures).is_err() {
            return;
        }
    }
}
