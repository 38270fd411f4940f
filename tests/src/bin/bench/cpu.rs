//! Who runs where, and ahead of whom; and how far apart two CPUs are.

use std::hint::spin_loop;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use rban_tests::rawprog::nanos;
use rustix::process::Pid;
use rustix::thread::{CpuSet, gettid, sched_setaffinity};

use crate::target::run;

/// The CPU of whoever sends from afar; also of what runs alone.
pub(crate) const SENDER_CPU: usize = 0;
/// The CPU of whoever receives.
pub(crate) const RECEIVER_CPU: usize = 1;

/// Who runs when both want to: a receiver goes ahead of a sender on its CPU, so that nothing piles up between them.
#[derive(Clone, Copy)]
pub(crate) enum Rank {
    Sender = 1,
    Receiver = 2,
}

/// Round trips of one sample.
const TRIPS: u32 = 2_000;
const SAMPLES: u32 = 50;

/// What `work` returns on a thread pinned to that CPU.
pub(crate) fn on_cpu<T: Send>(cpu: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pinned = || pin(gettid(), cpu).and_then(|()| work());
    thread::scope(|scope| scope.spawn(pinned).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The same, ahead of whatever else wants to run there: a neighbour costs more than his time, he empties the cache.
pub(crate) fn undisturbed<T: Send>(
    cpu: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    on_cpu(cpu, || prefer(gettid(), Rank::Sender).and_then(|()| work()))
}

/// Pins a thread.
pub(crate) fn pin(thread: Pid, cpu: usize) -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(Some(thread), &cpus).with_context(|| format!("pinning a thread to CPU {cpu}"))
}

/// Gives a thread a real-time priority, the lowest of which is above all that is not real-time.
pub(crate) fn prefer(thread: Pid, rank: Rank) -> Result<()> {
    let (rank, thread) = ((rank as u32).to_string(), thread.as_raw_nonzero().to_string());
    run(Command::new("chrt").args(["--fifo", "--pid", &rank, &thread])).map(drop)
}

/// Nanoseconds in which what one CPU writes reaches the other: it decides what a packet from afar costs, and changes
/// when a hypervisor moves us. The least of many samples, for others may run too.
pub(crate) fn distance_ns() -> Result<f64> {
    let turn = AtomicU32::new(0);
    // Waits for each of its turns, then passes the ball; how long that took, a one-way trip.
    let play = |cpu: usize, side: u32| {
        pin(gettid(), cpu)?;
        let mut least = f64::MAX;
        for sample in 0..SAMPLES {
            let start = Instant::now();
            for trip in sample * TRIPS..(sample + 1) * TRIPS {
                while turn.load(Ordering::Acquire) != 2 * trip + side {
                    spin_loop();
                }
                turn.store(2 * trip + side + 1, Ordering::Release);
            }
            least = least.min(nanos(start.elapsed()) / f64::from(2 * TRIPS));
        }
        anyhow::Ok(least)
    };
    thread::scope(|scope| {
        let far = scope.spawn(|| play(SENDER_CPU, 1));
        let near = play(RECEIVER_CPU, 0);
        drop(far.join());
        near
    })
}
