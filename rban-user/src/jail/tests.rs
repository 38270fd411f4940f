//! The jail as its owner sees it: examples, then random histories against a naive model.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use proptest::prelude::*;

use std::time::Duration;

use super::ignore::Rule;
use super::*;
use crate::addr::Offender;
use crate::event::Line;

mod day;
mod past;
mod wide;

const FINDTIME_SECS: i64 = 600;
const BANTIME_SECS: i64 = 300;
const MAXRETRY: u32 = 3;

fn jail(bantime: Option<Duration>) -> Jail {
    Jail::new(Spec {
        name: "sshd".into(),
        maxretry: MAXRETRY.try_into().unwrap(),
        findtime: Duration::from_secs(FINDTIME_SECS as u64),
        bantime,
        maxmatches: 2,
        increment: None,
        ipv6_prefix: 128,
        neighbours: None,
        ignore: ignore::Spec { ignoreip: ignore::entries("192.0.2.200").0, ..Default::default() },
    })
}

fn patient() -> Jail {
    jail(Some(Duration::from_secs(BANTIME_SECS as u64)))
}

fn at(secs: i64) -> WallTime {
    WallTime::from_secs(secs)
}

fn failure(last_octet: u8, secs: i64) -> Failure {
    Failure {
        jail: "sshd".into(),
        id: Offender::from(std::net::IpAddr::V4(Ipv4Addr::new(192, 0, 2, last_octet))).into(),
        ip: None,
        time: at(secs),
        lines: vec![Line::from(format!("failed at {secs}"))],
        captures: Vec::new(),
    }
}

/// The ban that began, or now ends later.
fn in_force(step: Step) -> Option<Ban> {
    match step {
        Step::Banned { ban, .. } | Step::Already { ban, end: End::Later, .. } => Some(ban),
        Step::Already { .. } | Step::Expired(_) => None,
    }
}

/// The ban that a failure leads to, seen at that second.
fn ban_by(jail: &mut Jail, failure: &Failure, secs: i64) -> Option<Ban> {
    in_force(jail.record(failure, Tally::One, at(secs)).step?)
}

/// One address fails at these seconds in a jail of maxretry 3, seen at once: when is it banned?
#[track_caller]
fn check(failures: &[i64], banned_at: Option<i64>) {
    let mut jail = patient();
    let ban = failures
        .iter()
        .find_map(|secs| ban_by(&mut jail, &failure(7, *secs), *secs).map(|ban| ban.since));
    assert_eq!(ban, banned_at.map(at), "failures at {failures:?}");
}

#[test]
fn the_third_failure_bans() {
    check(&[0, 1, 2], Some(2));
}

#[test]
fn two_failures_do_not() {
    check(&[0, 1], None);
}

#[test]
fn failures_far_apart_do_not() {
    check(&[0, 700, 1400, 2100, 2800], None);
}

#[test]
fn one_failure_bans_where_none_is_forgiven() {
    let mut jail = Jail::new(Spec { maxretry: 1.try_into().unwrap(), ..patient().spec });
    assert!(ban_by(&mut jail, &failure(7, 0), 0).is_some());
}

#[test]
fn a_ban_tells_why_and_until_when() {
    let mut jail = patient();
    for secs in [10, 20] {
        assert_eq!(ban_by(&mut jail, &failure(7, secs), 20), None);
    }
    let ban = ban_by(&mut jail, &failure(7, 30), 31).unwrap();
    assert_eq!((ban.jail.as_deref(), &ban.id), (Some("sshd"), &failure(7, 0).id));
    assert_eq!((ban.since, ban.until, ban.attempts), (at(30), Some(at(30 + BANTIME_SECS)), 3));
    assert_eq!(ban.matches, ["failed at 20", "failed at 30"]);
    assert_eq!(jail.bans().collect::<Vec<_>>(), std::slice::from_ref(&ban));
    assert_eq!(jail.next_expiry(), Some(WallTime::from_micros(330_000_001)));
}

#[test]
fn a_ban_that_would_be_over_is_none() {
    let mut jail = patient();
    for secs in [0, 1, 2] {
        assert_eq!(ban_by(&mut jail, &failure(7, secs), 3 + BANTIME_SECS), None);
    }
    assert_eq!(jail.status(at(2)).currently_failed, 0, "its attempts are spent all the same");
    assert_eq!(jail.status(at(2)).total_banned, 0);
}

#[test]
fn a_permanent_ban_never_expires() {
    let mut jail = jail(None);
    let ban = (0..3).find_map(|secs| ban_by(&mut jail, &failure(7, secs), secs)).unwrap();
    assert_eq!((ban.until, jail.next_expiry()), (None, None));
    assert_eq!(jail.expire(WallTime::from_micros(i64::MAX)), []);
}

#[test]
fn who_goes_on_failing_is_banned_for_longer() {
    let mut jail = patient();
    let bans: Vec<Ban> = [0, 1, 2, 10, 11, 12]
        .iter()
        .filter_map(|s| ban_by(&mut jail, &failure(7, *s), *s))
        .collect();
    assert_eq!(
        bans.iter().map(|ban| ban.until).collect::<Vec<_>>(),
        [Some(at(2 + BANTIME_SECS)), Some(at(12 + BANTIME_SECS))]
    );
    assert_eq!(bans[1].since, at(2));
    assert_eq!(jail.expire(at(13 + BANTIME_SECS)).len(), 1);
    assert_eq!(jail.status(at(12)).total_banned, 1);
}

#[test]
fn ignoreip_is_not_even_counted_but_may_be_banned_by_hand() {
    let mut jail = patient();
    for secs in 0..9 {
        let now = Now { wall: at(secs), mono: MonoTime::from_nanos(0) };
        assert_eq!(
            jail.judge(&failure(200, secs), Tally::One, now),
            Outcome::LetOff(Some(Rule::Ip))
        );
    }
    assert_eq!(jail.status(at(9)).total_failed, 0);
    let step = jail.ban(failure(200, 0).id, Span::Ever, at(9));
    assert!(matches!(step, Step::Banned { .. }));
}

#[test]
fn a_ban_by_hand_can_be_lifted_by_hand() {
    let mut jail = patient();
    let id = Id::from("2001:db8::/64");
    let step = jail.ban(id.clone(), Span::For(Duration::from_secs(60)), at(100));
    let Step::Banned { ban, .. } = step else { panic!("{step:?}") };
    assert_eq!((ban.since, ban.until, ban.attempts), (at(100), Some(at(160)), 0));
    let again = jail.ban(id.clone(), Span::For(Duration::from_secs(50)), at(101));
    let already = Step::Already { ban: ban.clone(), end: End::Same, surprise: Surprise::None };
    assert_eq!(again, already);
    assert_eq!(jail.unban(&id), [ban]);
    assert_eq!(jail.unban(&id), []);
    assert_eq!(jail.next_expiry(), None);
}

#[derive(Clone, Debug)]
enum Deed {
    /// This one fails so many seconds after now (before, if negative).
    Fail(u8, i64),
    Ban(u8, i64),
    Unban(u8),
    /// So many seconds pass, then what is over ends.
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Deed>> {
    let who = 1u8..5;
    let step = prop_oneof![
        8 => (who.clone(), -700i64..1).prop_map(|(who, secs)| Deed::Fail(who, secs)),
        8 => who.clone().prop_map(|who| Deed::Fail(who, 0)),
        1 => (who.clone(), 1i64..900).prop_map(|(who, secs)| Deed::Ban(who, secs)),
        1 => who.prop_map(Deed::Unban),
        8 => (0i64..400).prop_map(Deed::Pass),
    ];
    prop::collection::vec(step, 0..120)
}

/// The same jail, told as the specification tells it, with everything searched for and nothing remembered twice.
#[derive(Default)]
struct Model {
    /// Who: beginning of the window, latest failure, retry.
    attempts: BTreeMap<u8, (i64, i64, i64)>,
    /// Who: until when.
    bans: BTreeMap<u8, i64>,
}

impl Model {
    /// Until when a failure bans, or makes a ban last.
    fn fail(&mut self, who: u8, time: i64, now: i64) -> Option<i64> {
        let (first, latest, retry) = self.attempts.entry(who).or_insert((time, time, 0));
        if time > *latest {
            if *first < time - FINDTIME_SECS {
                let (n, d) = (*retry * FINDTIME_SECS, time - *first);
                let (floor, rest) = (n / d, n % d);
                let up = 2 * rest > d || (2 * rest == d && floor % 2 == 1);
                *retry = floor + i64::from(up);
                *first = time - FINDTIME_SECS;
            }
            *latest = time;
        }
        *retry += 1;
        let (latest, retry) = (*latest, *retry);
        let banned = retry >= i64::from(MAXRETRY);
        if banned {
            self.attempts.remove(&who);
        }
        self.attempts.retain(|_, (_, latest, _)| *latest > now - FINDTIME_SECS);
        banned.then(|| self.ban(who, latest + BANTIME_SECS, now))?
    }

    fn ban(&mut self, who: u8, until: i64, now: i64) -> Option<i64> {
        if until < now || self.bans.get(&who).is_some_and(|end| until <= *end) {
            return None;
        }
        self.bans.insert(who, until);
        Some(until)
    }
}

proptest! {
    #[test]
    fn any_history_goes_as_the_model_says(steps in steps()) {
        let (mut jail, mut model, mut now) = (patient(), Model::default(), 100_000);
        let end = |ban: Option<Ban>| ban.map(|ban| ban.until.unwrap());
        for step in steps {
            match step {
                Deed::Fail(who, ahead) => prop_assert_eq!(
                    end(ban_by(&mut jail, &failure(who, now + ahead), now)),
                    model.fail(who, now + ahead, now).map(at)
                ),
                Deed::Ban(who, secs) => prop_assert_eq!(
                    end(in_force(jail.ban(failure(who, 0).id, Span::For(Duration::from_secs(secs as u64)), at(now)))),
                    model.ban(who, now + secs, now).map(at)
                ),
                Deed::Unban(who) => prop_assert_eq!(
                    end(jail.unban(&failure(who, 0).id).pop()),
                    model.bans.remove(&who).map(at)
                ),
                Deed::Pass(secs) => {
                    now += secs;
                    let mut ended: Vec<i64> = model.bans.values().copied().filter(|end| *end < now).collect();
                    ended.sort_unstable();
                    model.bans.retain(|_, end| *end >= now);
                    let expired = jail.expire(at(now));
                    prop_assert_eq!(expired.into_iter().map(|ban| ban.until.unwrap()).collect::<Vec<_>>(),
                        ended.into_iter().map(at).collect::<Vec<_>>());
                }
            }
            prop_assert_eq!(jail.next_expiry(), model.bans.values().min().map(|end| WallTime::from_micros(*end * 1_000_000 + 1)));
            prop_assert_eq!(jail.bans().count(), model.bans.len());
        }
    }
}
