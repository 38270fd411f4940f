//! Watches for jumps of the wall clock: it was set, or the machine slept. Bans end by the wall clock, the kernel judges
//! them by another; after a jump the two no longer agree on when.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tracing::info;

use super::wiring::ToEnforcer;

/// Never comes; the timer is there to be cancelled.
const FAR: Timespec = Timespec { tv_sec: i64::MAX / 2, tv_nsec: 0 };

/// Tells the enforcer of every jump, until it is gone.
pub(super) async fn run(to_enforcer: mpsc::WeakSender<ToEnforcer>) -> io::Result<()> {
    let timer =
        timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    arm(&timer)?;
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types whose descriptor may change; this one's does not"
    )]
    let timer = AsyncFd::new(timer)?;
    loop {
        let mut ready = timer.readable().await?;
        match read(timer.get_ref(), &mut [0; 8]) {
            Err(Errno::CANCELED) => {
                info!("the wall clock jumped; the kernel is told anew when bans end");
                let Some(to_enforcer) = to_enforcer.upgrade() else { return Ok(()) };
                if to_enforcer.send(ToEnforcer::Rebase).await.is_err() {
                    return Ok(());
                }
                arm(timer.get_ref())?;
            }
            Err(Errno::AGAIN) => ready.clear_ready(),
            other => drop(other?),
        }
    }
}

fn arm(timer: &OwnedFd) -> io::Result<()> {
    let never = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: FAR };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(timer, flags, &never)?;
    Ok(())
}
