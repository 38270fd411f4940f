//! A ban is live while the kernel's clock is before its end.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use rban_common::ban::{FOREVER_NS, SCOPE_ALL};
use rban_common::verdict::Verdict::{self, Drop, Expired};
use rban_tests::packet::Packet;
use rban_tests::xdp::{Dropper, entry};

use crate::verdicts::monotonic_ns;
use crate::{BANNED, Quiet, check};

const YEAR_NS: u64 = 365 * 86_400 * 1_000_000_000;

/// Slows the kernel's clock to one nanosecond a jiffy, which is as good as still.
fn hold_clock(xdp: &mut Dropper) -> Result<()> {
    xdp.set(|settings| (settings.tick_ns, settings.jiffies_epoch_ns) = (1, YEAR_NS))
}

/// The time by which the program judges now, as it leaves it in a ban.
fn kernel_now_ns(xdp: &mut Dropper) -> Result<u64> {
    const PROBE: &str = "198.51.100.1";
    xdp.ban(PROBE, entry(SCOPE_ALL, FOREVER_NS))?;
    ensure!(xdp.is_dropped(&Packet::from(PROBE).bytes())?);
    Ok(xdp.entry(PROBE)?.last_drop_ns)
}

/// The verdict on a ban that ends so many nanoseconds after the very nanosecond in which it is judged.
fn verdict_at(xdp: &mut Dropper, source: &str, ends_in_ns: i64) -> Result<Verdict> {
    for _ in 0..100 {
        let now_ns = kernel_now_ns(xdp)?;
        xdp.ban(source, entry(SCOPE_ALL, now_ns.wrapping_add_signed(ends_in_ns)))?;
        let (verdict, _) = xdp.judge(&Packet::from(source).bytes())?;
        if kernel_now_ns(xdp)? == now_ns {
            return Ok(verdict);
        }
    }
    anyhow::bail!("the clock moved on a hundred times in a row")
}

#[test]
fn a_ban_ends_at_its_last_nanosecond_and_not_before() -> Result<()> {
    let mut xdp = Quiet::new()?;
    hold_clock(&mut xdp)?;
    for source in BANNED {
        assert_eq!(verdict_at(&mut xdp, source, 1)?, Drop);
        assert_eq!(verdict_at(&mut xdp, source, 0)?, Expired);
        assert_eq!(verdict_at(&mut xdp, source, -1)?, Expired);
        assert_eq!(verdict_at(&mut xdp, source, YEAR_NS as i64)?, Drop);
    }
    Ok(())
}

#[test]
fn a_permanent_ban_outlasts_the_machine() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| (settings.tick_ns, settings.jiffies_epoch_ns) = (1, 500 * YEAR_NS))?;
    for source in BANNED {
        xdp.ban(source, entry(SCOPE_ALL, FOREVER_NS))?;
        check(&xdp, &Packet::from(source), Drop);
    }
    Ok(())
}

#[test]
fn a_ban_of_the_past_never_drops() -> Result<()> {
    let mut xdp = Quiet::new()?;
    for source in BANNED {
        for expires_ns in [0, 1, monotonic_ns() - 1_000_000_000] {
            xdp.ban(source, entry(SCOPE_ALL, expires_ns))?;
            check(&xdp, &Packet::from(source), Expired);
        }
        assert_eq!(xdp.entry(source)?.dropped, 0);
    }
    Ok(())
}

/// In real time, by whichever clock the settings choose.
fn check_real_time(xdp: &mut Dropper) -> Result<()> {
    for source in BANNED {
        let lasts = Duration::from_millis(300);
        let ends_ns = monotonic_ns() + lasts.as_nanos() as u64;
        xdp.ban(source, entry(SCOPE_ALL, ends_ns))?;
        check(xdp, &Packet::from(source), Drop);
        ensure!(monotonic_ns() + 20_000_000 < ends_ns, "this machine is too slow for the test");
        thread::sleep(lasts + Duration::from_millis(20));
        check(xdp, &Packet::from(source), Expired);
    }
    Ok(())
}

#[test]
fn jiffies_are_calibrated_to_the_monotonic_clock() -> Result<()> {
    let mut xdp = Quiet::new()?;
    assert_ne!(xdp.settings()?.tick_ns, 0, "rban attach did not calibrate the jiffies");
    check_real_time(&mut xdp)
}

#[test]
fn without_calibration_the_coarse_clock_is_read() -> Result<()> {
    let mut xdp = Quiet::new()?;
    xdp.set(|settings| (settings.tick_ns, settings.jiffies_epoch_ns) = (0, 12_345))?;
    check_real_time(&mut xdp)
}
