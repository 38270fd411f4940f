//! A jail's detector on a thread of its own: lines in, failures out, in batches.

use tokio::sync::mpsc;

use super::wiring::ToJail;
use crate::clock::Now;
use crate::detect::Detector;
use crate::event::{Failure, JailName};
use crate::source::Batch;

/// Runs until the source is gone, or the jail.
pub(super) fn run(
    jail: &JailName,
    mut detector: Detector,
    mut batches: mpsc::Receiver<Batch>,
    to_jail: &mpsc::Sender<ToJail>,
) {
    while let Some(batch) = batches.blocking_recv() {
        let now = Now::read().wall;
        let failures: Vec<Failure> = batch
            .lines
            .into_iter()
            .filter_map(|line| {
                let (offender, time) = detector.line(&line, now)?;
                Some(Failure { jail: jail.clone(), offender, time, lines: vec![line], captures: Vec::new() })
            })
            .collect();
        if !failures.is_empty() && to_jail.blocking_send(ToJail::Failures(failures)).is_err() {
            return;
        }
    }
}
