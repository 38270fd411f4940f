//! Offenders of the past, as the packaged fail2ban 1.0.2 treats them: what is checked here was seen there, with the same
//! settings and rows of its database.

use super::*;
use crate::jail::formula::Incalculable;

fn increment() -> Increment {
    Increment {
        factor: 1.0,
        formula: None,
        multipliers: Vec::new(),
        maxtime: None,
        rndtime: None,
        overalljails: false,
    }
}

/// Who forgives so many failures, bans for 20 s, and lets bans grow.
fn growing(maxretry: u32, increment: Increment) -> Jail {
    Jail::new(Spec {
        maxretry: maxretry.try_into().unwrap(),
        bantime: Some(Duration::from_secs(20)),
        increment: Some(increment),
        ..patient().spec
    })
}

fn record(count: u32) -> Record {
    Record { count, time: at(1_000) }
}

/// Somebody banned so often before fails so often: how many failures count, what is logged, and which ban follows, by
/// its count of failures and of bans?
#[track_caller]
fn check(maxretry: u32, bans: u32, failures: i64, logged: &[&str], ban: Option<(u32, u32)>) {
    let mut jail = growing(maxretry, increment());
    for secs in 0..failures {
        jail.record(&failure(7, 2_000 + secs), Tally::One, at(2_000));
    }
    let (mut said, mut banned) = (Vec::new(), None);
    for secs in 0..failures {
        let bad = jail.know(&failure(7, 0).id, at(2_000 + secs), record(bans), at(2_000)).unwrap();
        let more = if bad.is_enough { ", Ban" } else { "" };
        said.push(format!("{} # -> {}{more}", bad.count, bad.weight));
        let step = bad.step.and_then(in_force);
        banned = banned.or(step.map(|ban| (ban.attempts, ban.bancount)));
    }
    assert_eq!((said, banned), (logged.iter().map(ToString::to_string).collect(), ban));
}

#[test]
fn fewer_failures_ban_whoever_was_banned_before() {
    check(5, 1, 1, &["1 # -> 2.0"], None);
    check(5, 2, 1, &["2 # -> 3.0"], None);
    check(5, 3, 1, &["3 # -> 5.0, Ban"], Some((2, 4)));
    check(3, 2, 1, &["2 # -> 3.0, Ban"], Some((2, 3)));
    check(3, 9, 1, &["9 # -> 3, Ban"], Some((2, 10)));
    check(3, 1, 2, &["1 # -> 2.0", "1 # -> 2.0"], Some((3, 2)));
    check(5, 1, 3, &["1 # -> 2.0", "1 # -> 2.0", "1 # -> 2.0"], Some((5, 2)));
}

#[test]
fn who_is_not_on_the_list_is_not_put_there() {
    let mut jail = growing(5, increment());
    let bad = jail.know(&failure(7, 0).id, at(2_000), record(1), at(2_000)).unwrap();
    assert_eq!((bad.step, jail.status(at(2_000)).currently_failed), (None, 0));
}

#[test]
fn a_line_read_again_makes_nobody_worse() {
    let mut jail = growing(5, increment());
    jail.record(&failure(7, 1_000), Tally::One, at(1_000));
    assert_eq!(jail.know(&failure(7, 0).id, at(1_000), record(3), at(1_000)), None);
}

#[test]
fn where_bans_do_not_grow_the_past_does_not_matter() {
    let mut jail = patient();
    jail.record(&failure(7, 2_000), Tally::One, at(2_000));
    assert_eq!(jail.know(&failure(7, 0).id, at(2_000), record(3), at(2_000)), None);
    jail.ban(failure(7, 0).id, Span::OfJail, at(2_000));
    assert_eq!(jail.grow(&failure(7, 0).id, record(3), 0.0), Ok(None));
}

/// After so many bans, at 2000: how long does the next last, the how-manieth is it, and when is it prolonged?
#[track_caller]
fn grows(increment: Increment, bans: u32, secs: u64, bancount: u32, delay_secs: u64) {
    let mut jail = growing(1, increment);
    jail.record(&failure(7, 2_000), Tally::One, at(2_000));
    let grown = jail.grow(&failure(7, 0).id, record(bans), 0.5).unwrap().unwrap();
    assert_eq!(
        (grown.from.as_secs(), grown.to.as_secs(), grown.ban.bancount),
        (20, secs, bancount)
    );
    assert_eq!((grown.ban.until, grown.standing), (Some(at(2_000 + secs as i64)), Standing::New));
    assert_eq!(grown.delay().as_secs(), delay_secs);
    assert!(grown.is_prolonged(at(2_000)));
    assert_eq!(jail.find(&failure(7, 0).id), Some(grown.ban));
}

#[test]
fn bans_of_known_offenders_last_longer() {
    grows(increment(), 1, 40, 2, 10);
    grows(increment(), 2, 80, 3, 10);
    grows(increment(), 3, 160, 4, 10);
    let maxtime = Some(Duration::from_secs(70));
    grows(Increment { maxtime, ..increment() }, 9, 70, 10, 10);
    grows(Increment { factor: 0.6, ..increment() }, 1, 24, 2, 0);
    grows(Increment { multipliers: vec![1.0, 0.5], ..increment() }, 1, 10, 2, 0);
}

#[test]
fn what_somebody_said_of_a_length_stands() {
    let mut jail = growing(5, increment());
    jail.ban(failure(7, 0).id, Span::For(Duration::from_secs(50)), at(2_000));
    assert_eq!(jail.grow(&failure(7, 0).id, record(3), 0.0), Ok(None));
    jail.ban(failure(8, 0).id, Span::OfJail, at(2_000));
    assert!(jail.grow(&failure(8, 0).id, record(3), 0.0).unwrap().is_some());
    assert_eq!(jail.grow(&failure(9, 0).id, record(3), 0.0), Ok(None), "not banned");
}

#[test]
fn a_ban_read_again_grows_but_is_no_news() {
    let mut jail = growing(1, increment());
    jail.record(&failure(7, 990), Tally::One, at(1_000));
    let grown = jail.grow(&failure(7, 0).id, record(1), 0.0).unwrap().unwrap();
    assert_eq!((grown.standing, grown.ban.origin), (Standing::Replayed, Origin::Restored));
}

#[test]
fn without_a_value_the_ban_stays() {
    let formula = Some("1 / 0".parse().unwrap());
    let mut jail = growing(1, Increment { formula, ..increment() });
    jail.record(&failure(7, 2_000), Tally::One, at(2_000));
    let before = jail.find(&failure(7, 0).id);
    assert_eq!(jail.grow(&failure(7, 0).id, record(1), 0.0), Err(Incalculable::ByZero));
    assert_eq!(jail.find(&failure(7, 0).id), before);
}

/// A ban that began so many seconds ago for so many seconds (-1: for ever) is restored: how long does it last?
#[track_caller]
fn restored(increment: Option<Increment>, ago: i64, secs: i64, lasts: Option<i64>) {
    let mut jail = growing(5, self::increment());
    jail.set_spec(Spec { increment, ..jail.spec.clone() });
    let until = (secs >= 0).then(|| at(5_000 - ago + secs));
    let stored = Ban {
        bancount: 4,
        attempts: 4,
        matches: ["a", "b", "c"].map(Line::from).to_vec(),
        ..Ban::by_hand(None, "192.0.2.7".into(), at(5_000 - ago), until)
    };
    let now = Now { wall: at(5_000), mono: MonoTime::from_nanos(0) };
    let step = match jail.restore(stored, now) {
        Restored::Step(step) => in_force(step).unwrap(),
        other => return assert_eq!((other, lasts), (Restored::Over, None)),
    };
    let length = step.until.map_or(-1, |until| until.since(step.since).as_secs() as i64);
    assert_eq!(Some(length), lasts);
    assert_eq!((step.bancount, step.attempts, step.origin), (5, 4, Origin::Restored));
    assert_eq!(step.matches, ["b", "c"]);
    assert_eq!(jail.grow(&step.id, record(3), 0.0), Ok(None));
}

#[test]
fn restored_bans_last_no_longer_than_the_jail_bans_now() {
    restored(None, 5, -1, Some(20));
    restored(None, 5, 5_000, Some(20));
    restored(None, 2, 15, Some(15));
    restored(None, 30, 5_000, None);
    restored(None, 20, 5_000, None);
    restored(Some(increment()), 30, -1, Some(-1));
    restored(Some(increment()), 30, 5_000, Some(5_000));
    restored(Some(increment()), 30, 30, None);
    let capped = Increment { maxtime: Some(Duration::from_secs(70)), ..increment() };
    restored(Some(capped.clone()), 10, -1, Some(70));
    restored(Some(capped.clone()), 10, 5_000, Some(70));
    restored(Some(capped), 100, 5_000, None);
}

#[test]
fn who_is_let_off_by_now_is_not_banned_again() {
    let mut jail = patient();
    let stored = Ban::by_hand(None, failure(200, 0).id, at(0), None);
    let now = Now { wall: at(1), mono: MonoTime::from_nanos(0) };
    assert_eq!(jail.restore(stored, now), Restored::LetOff(Some(Rule::Ip)));
}
