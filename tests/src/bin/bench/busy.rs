//! What a daemon does under load: how late a ban is while thousands of other lines come each second, how fast it bans
//! a crowd, how far behind it falls and what it takes meanwhile.

use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rban_tests::wait::wait_for_some;

use crate::fail2ban::Fail2ban;
use crate::guarded::{Guarded, chatter, failure, now_ns};
use crate::process::taken;
use crate::report::{Aim, Peer, Report, Row, Summary, Unit, quantile};
use crate::sizes::{Sizes, grouped};

/// The attackers.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 0);
/// Lines are written in portions, this often.
const TICK: Duration = Duration::from_millis(2);
/// While so many lines come each second.
const STEADY: u32 = 10_000;
/// Among them is an attacker's every so many ticks.
const ATTACK_EVERY: u32 = 25;
const FLOOD: u32 = 200_000;
const ATTACKERS: u32 = 500;
/// A file grows by many writes at once, as logs do; fail2ban is asked of its bans this often.
const PEER_PATIENCE: Duration = Duration::from_secs(60);

/// All three, each with a daemon of its own.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    steady(sizes, report)?;
    burst(sizes, report)?;
    flood(sizes, report)
}

fn attacker(nth: u32) -> Ipv4Addr {
    Ipv4Addr::from(FIRST.to_bits() + 1 + nth)
}

/// Lines at a steady rate, some of them an attacker's: how late each ban is.
fn steady(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let mut guarded = Guarded::start(&["--maxretry", "1"])?;
    let mut wrote = Vec::new();
    pace(sizes.seconds, STEADY, |tick, lines| {
        let is_attack = tick % ATTACK_EVERY == 0;
        let source = attacker(wrote.len() as u32);
        let attack = if is_attack { failure(source) } else { String::new() };
        let wrote_ns = guarded.append(&(chatter(lines) + &attack))?;
        wrote.extend(is_attack.then_some((source, wrote_ns)));
        Ok(())
    })?;
    let mut late = Vec::new();
    for (source, wrote_ns) in wrote {
        late.push((guarded.enforced_ns(source)? as f64 - wrote_ns as f64) / 1e3);
    }
    for (name, share, aim, text) in
        [("p50", 0.5, 500.0, "< 0.5 ms, at least 2"), ("p99", 0.99, 2_000.0, "< 2 ms, at least 10")]
    {
        let rban = Summary { median: quantile(&late, share), ..Summary::of(&late) };
        report.rows.push(Row {
            measure: format!("busy: line to enforced at {} lines/s, {name}", grouped(STEADY)),
            unit: Unit::Micros,
            rban,
            peer: None,
            ratio: None,
            aim: Some(Aim { text, met: rban.median < aim }),
        });
    }
    Ok(())
}

/// A crowd of attackers, all in one write: how fast they are banned.
fn burst(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let (mut rban, mut peer) = (Vec::new(), Vec::new());
    let lines: String = (0..ATTACKERS).map(|nth| failure(attacker(nth))).collect();
    for _ in 0..sizes.bursts {
        let mut guarded = Guarded::start(&["--maxretry", "1"])?;
        let wrote_ns = guarded.append(&lines)?;
        let mut last_ns = 0;
        for nth in (0..ATTACKERS).rev() {
            last_ns = last_ns.max(guarded.enforced_ns(attacker(nth))?);
        }
        rban.push(f64::from(ATTACKERS) * 1e9 / (last_ns - wrote_ns) as f64);
    }
    let fail2ban = Fail2ban::start()?;
    let start = Instant::now();
    write_all(&fail2ban, &lines)?;
    while fail2ban.banned()?.lines().count() < ATTACKERS as usize {
        ensure!(start.elapsed() < PEER_PATIENCE, "fail2ban does not ban them all");
        sleep(Duration::from_millis(5));
    }
    peer.push(f64::from(ATTACKERS) / start.elapsed().as_secs_f64());
    let (rban, peer) = (Summary::of(&rban), Summary::of(&peer));
    report.rows.push(Row {
        measure: format!("busy: {ATTACKERS} attackers at once"),
        unit: Unit::FewBansPerSecond,
        rban,
        peer: Some(Peer { name: "fail2ban, an action that only notes them".into(), value: peer }),
        ratio: Some(rban.median / peer.median),
        aim: Some(Aim { text: "50,000/s, at least 10,000", met: rban.median >= 50_000.0 }),
    });
    Ok(())
}

fn write_all(fail2ban: &Fail2ban, lines: &str) -> Result<()> {
    std::io::Write::write_all(&mut fail2ban.log()?, lines.as_bytes()).context("writing lines")
}

/// More lines than anybody should write: how far behind at the end, and what share of a core it takes.
fn flood(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let mut guarded = Guarded::start(&["--maxretry", "1"])?;
    let pid = guarded.daemon.pid();
    let portion = chatter(FLOOD / 500);
    let (before, start) = (taken(pid)?, Instant::now());
    pace(sizes.seconds, FLOOD, |_, _| guarded.append(&portion).map(drop))?;
    let wrote_ns = guarded.append(&failure(attacker(0)))?;
    let cpu_ns = taken(pid)?.since(before).cpu_ns;
    let share = 100.0 * cpu_ns / start.elapsed().as_nanos() as f64;
    let behind = (guarded.enforced_ns(attacker(0))? as f64 - wrote_ns as f64) / 1e6;
    let what = format!("busy: {} lines/s for {} s", grouped(FLOOD), sizes.seconds);
    for (measure, unit, value, aim, text) in [
        (format!("{what}, lag at the end"), Unit::Millis, behind, 10.0, "< 10 ms, at least 50"),
        (format!("{what}, share of a core"), Unit::Percent, share, 20.0, "< 20 %, at least 40"),
    ] {
        let aim = Some(Aim { text, met: value < aim });
        let rban = Summary::of(&[value]);
        report.rows.push(Row { measure, unit, rban, peer: None, ratio: None, aim });
    }
    Ok(())
}

/// Calls for portions of lines so that they are so many each second; tells the number of the portion as well.
fn pace(
    seconds: u32,
    per_second: u32,
    mut write: impl FnMut(u32, u32) -> Result<()>,
) -> Result<()> {
    let start = Instant::now();
    let ticks = 500 * seconds;
    for tick in 0..ticks {
        write(tick, per_second / 500)?;
        sleep((TICK * (tick + 1)).saturating_sub(start.elapsed()));
    }
    let late = start.elapsed().saturating_sub(TICK * ticks);
    ensure!(late < TICK * 50, "lines were written {} ms too late", late.as_millis());
    Ok(())
}

/// Milliseconds from a line to the ban, of fail2ban: its action's, which is before any firewall has it.
pub(crate) fn by_fail2ban(bans: u32) -> Result<Vec<f64>> {
    let fail2ban = Fail2ban::start()?;
    let mut late = Vec::new();
    for nth in 0..bans {
        let wrote_ns = now_ns();
        write_all(&fail2ban, &failure(attacker(nth)))?;
        wait_for_some("fail2ban to ban", || {
            Ok((fail2ban.banned()?.lines().count() > nth as usize).then_some(()))
        })?;
        late.push((now_ns() - wrote_ns) as f64 / 1e3);
        sleep(Duration::from_millis(u64::from(nth % 7) * 31));
    }
    Ok(late)
}
