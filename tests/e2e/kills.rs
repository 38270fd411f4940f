//! `kill -9` at random moments under load: every ban holds until its end, which is known from the log alone.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;

use rban_tests::doors::{Doors, knock};
use rban_tests::random::Random;
use rban_tests::wait::{wait_for, wait_for_some};

use crate::World;

/// So often the daemon is killed.
const KILLS: u32 = 20;
/// It lives so long at most after it was ready.
const LIFE_MAX_MS: usize = 700;
/// Seconds that bans last in the two jails.
const LONG: i64 = 3_600;
const BRIEF: i64 = 4;
/// Dates in the log and in answers have whole seconds.
const SLACK: i64 = 1;
/// So many lines for each that bans somebody.
const NOISE: usize = 40;

const JAILS: &str = "[DEFAULT]\nenabled = true\nfilter = door\nmaxretry = 1\naction = xdp\n\
                     [long]\nlogpath = DIR/long.log\nbantime = 3600\n\
                     [brief]\nlogpath = DIR/brief*.log\nbantime = 4\n";

/// Who knocked, and when that ban ends.
#[derive(Default)]
struct Model(Mutex<BTreeMap<String, Timestamp>>);

impl Model {
    fn note(&self, who: String, seconds: i64) {
        let end = Timestamp::from_second(Timestamp::now().as_second() + seconds);
        self.0.lock().expect("nobody panics").insert(who, end.expect("a time of these days"));
    }

    /// Who is banned for long, so far.
    fn long(&self) -> Vec<String> {
        let model = self.0.lock().expect("nobody panics");
        model.keys().filter(|who| who.starts_with("2001:db8:1:")).cloned().collect()
    }

    /// Bans in the kernel are those of the model, and end when they should.
    fn check(&self, bans: &[serde_json::Value]) -> Result<()> {
        let model = self.0.lock().expect("nobody panics");
        for ban in bans {
            let who = ban["offender"].as_str().context("an offender")?;
            let end = model.get(who).with_context(|| format!("{who} never knocked: {ban}"))?;
            let until = ban["until"].as_str().with_context(|| format!("no end: {ban}"))?;
            let late = until.parse::<Timestamp>()?.duration_since(*end).as_secs();
            ensure!(late.abs() <= SLACK, "{who} ends {late} s late: {ban}, should end {end}");
        }
        Ok(())
    }
}

/// Knocks, amid lines of others, until told to end.
fn knock_on(doors: &Doors, model: &Model, ends: &AtomicBool) -> Result<()> {
    let noise = "2026-01-01T00:00:00+00:00 nobody knocks at this door\n".repeat(NOISE);
    for n in 1u32.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        for (log, net, seconds) in [("long.log", 1, LONG), ("brief.log", 2, BRIEF)] {
            let who = format!("2001:db8:{net}::{n:x}");
            // Noted first: the daemon may be quicker than we are.
            model.note(who.clone(), seconds);
            doors.append(log, &(noise.clone() + &knock(&who)))?;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn kill_again_and_again(world: &World, doors: &Doors, model: &Model) -> Result<()> {
    let mut random = Random::new(7);
    for _ in 0..KILLS {
        let daemon = doors.start()?.quiet();
        thread::sleep(Duration::from_millis(random.below(LIFE_MAX_MS) as u64));
        let before = world.rban.bans()?;
        daemon.kill9()?;
        let after = world.rban.bans()?;
        model.check(&after)?;
        for ban in before.iter().filter(|ban| ban["jail"] == "long") {
            let still = after.iter().any(|it| it["offender"] == ban["offender"]);
            ensure!(still, "lost by the kill: {ban}");
        }
    }
    Ok(())
}

/// How many a jail counts as banned.
fn banned(doors: &Doors, jail: &str) -> Result<usize> {
    Ok(doors.number(jail, "currently_banned")? as usize)
}

#[test]
fn no_ban_is_lost_by_a_kill_or_outlives_its_end() -> Result<()> {
    let world = World::new()?;
    let doors = Doors::new(&world.rban, JAILS)?;
    doors.write("long.log", "")?;
    doors.write("brief.log", "")?;
    let (model, ends) = (Model::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        let knocking = scope.spawn(|| knock_on(&doors, &model, &ends));
        let killing = kill_again_and_again(&world, &doors, &model);
        ends.store(true, Ordering::Relaxed);
        knocking.join().expect("knocks without panic").and(killing)
    })?;
    // The last run finds all that was written while none lived.
    let daemon = doors.start()?.quiet();
    let long = model.long();
    wait_for("all bans", || Ok(banned(&doors, "long")? >= long.len())).with_context(|| {
        format!("{} of {} are banned", banned(&doors, "long").unwrap_or(0), long.len())
    })?;
    assert_eq!(banned(&doors, "long")?, long.len());
    let of_long = |bans: Vec<serde_json::Value>| {
        let names = bans.into_iter().filter_map(|ban| Some(ban["offender"].as_str()?.to_owned()));
        names
            .filter(|who| who.starts_with("2001:db8:1:"))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let wanted: std::collections::BTreeSet<String> = long.iter().cloned().collect();
    assert_eq!(of_long(world.rban.bans()?), wanted);
    model.check(&world.rban.bans()?)?;
    wait_for("the brief bans to end", || Ok(banned(&doors, "brief")? == 0))?;
    wait_for_some("the kernel to let them go", || {
        Ok((world.rban.bans()?.len() == wanted.len()).then_some(()))
    })?;
    daemon.kill9()?;
    // And the machine is started anew: what the store knows is in force again, with the same ends.
    fs::remove_dir_all(world.rban.bpffs())?;
    let _daemon = doors.start()?.quiet();
    assert_eq!(of_long(world.rban.bans()?), wanted);
    model.check(&world.rban.bans()?)
}
