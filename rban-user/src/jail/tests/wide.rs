//! Whom a ban covers: prefixes, neighbours, users; and what an admin may ask of them.

use super::*;

fn fail(jail: &mut Jail, text: &str) -> Counted {
    let failure = Failure { id: text.into(), ..failure(0, 0) };
    jail.record(&failure, Tally::One, at(0))
}

fn strict(spec: Spec) -> Jail {
    Jail::new(Spec { maxretry: 1.try_into().unwrap(), ..spec })
}

fn banned(jail: &Jail) -> Vec<String> {
    jail.bans_in_order().iter().map(|ban| ban.id.to_string()).collect()
}

fn ignoring(text: &str) -> ignore::Spec {
    ignore::Spec { ignoreip: ignore::entries(text).0, ..Default::default() }
}

#[test]
fn ipv6_sources_count_by_their_prefix() {
    let mut jail = Jail::new(Spec { ipv6_prefix: 64, ..patient().spec });
    for (host, retry) in [("2001:db8::1", 1), ("2001:db8::2", 2), ("2001:db8::3", 3)] {
        let counted = fail(&mut jail, host);
        assert_eq!((counted.id.to_string().as_str(), counted.retry), ("2001:db8::/64", retry));
    }
    assert_eq!(banned(&jail), ["2001:db8::/64"]);
    assert_eq!(jail.unban(&"2001:db8::9".into()).len(), 1, "its prefix is what is banned");
}

#[test]
fn a_prefix_with_somebody_who_is_let_off_is_not_banned() {
    let ignore = ignoring("2001:db8::7");
    let mut jail = strict(Spec { ipv6_prefix: 64, ignore, ..patient().spec });
    fail(&mut jail, "2001:db8::1");
    fail(&mut jail, "2001:db8:1::1");
    assert_eq!(banned(&jail), ["2001:db8::1", "2001:db8:1::/64"]);
    jail.let_off(["2001:db8:2::/96".parse().unwrap()]);
    fail(&mut jail, "2001:db8:2:0:8::1");
    assert_eq!(banned(&jail)[2], "2001:db8:2:0:8::1");
}

/// Two banned hosts are enough for a /24 or /48.
fn close(ignore: ignore::Spec) -> Jail {
    let neighbours = Some(Neighbours { hosts: 2.try_into().unwrap(), v4: 24, v6: 48 });
    strict(Spec { neighbours, ignore, ..patient().spec })
}

#[test]
fn bans_of_neighbours_become_a_ban_of_their_prefix() {
    let mut jail = close(ignoring(""));
    assert_eq!(fail(&mut jail, "192.0.2.1").step.unwrap().changes().len(), 1);
    assert_eq!(fail(&mut jail, "198.51.100.1").step.unwrap().changes().len(), 1);
    let Some(Step::Banned { ban, wider: Some(wider) }) = fail(&mut jail, "192.0.2.2").step else {
        panic!("no wider ban")
    };
    assert_eq!(wider, Ban { id: "192.0.2.0/24".into(), ..ban });
    assert_eq!(fail(&mut jail, "192.0.2.3").step.unwrap().changes().len(), 1, "it is banned");
    jail.unban_all();
    assert_eq!(fail(&mut jail, "192.0.2.4").step.unwrap().changes().len(), 1, "they are gone");
}

#[test]
fn no_prefix_is_banned_by_hand_or_over_somebody_who_is_let_off() {
    let mut jail = close(ignoring("192.0.2.200"));
    fail(&mut jail, "192.0.2.1");
    fail(&mut jail, "192.0.2.2");
    for host in ["198.51.100.1", "198.51.100.2"] {
        jail.ban(host.into(), Span::Ever, at(0));
    }
    assert_eq!(banned(&jail), ["192.0.2.1", "192.0.2.2", "198.51.100.1", "198.51.100.2"]);
}

#[test]
fn users_fail_and_are_banned_like_addresses() {
    let mut jail = strict(patient().spec);
    fail(&mut jail, "root");
    fail(&mut jail, &"\u{e9}".repeat(200));
    assert_eq!(banned(&jail), ["root".to_owned(), "\u{e9}".repeat(128)]);
    assert_eq!(jail.unban(&"root".into()).len(), 1);
    assert_eq!(jail.unban(&"root".into()), []);
}

#[test]
fn a_prefix_that_is_not_banned_unbans_all_within_it() {
    let mut jail = strict(patient().spec);
    for host in ["192.0.2.1", "192.0.2.9", "192.0.3.1", "root"] {
        fail(&mut jail, host);
    }
    let ids = |bans: Vec<Ban>| bans.iter().map(|ban| ban.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(jail.unban(&"192.0.2.0/24".into())), ["192.0.2.1", "192.0.2.9"]);
    assert_eq!(ids(jail.unban(&"198.51.100.0/24".into())), [""; 0]);
    assert_eq!(ids(jail.unban_all()), ["192.0.3.1", "root"]);
}

#[test]
fn a_report_counts_each_of_its_lines() {
    let mut jail = patient();
    let now = Now { wall: at(0), mono: MonoTime::from_nanos(0) };
    let report = Failure { lines: ["a", "b", "c"].map(Line::from).to_vec(), ..failure(7, 0) };
    let Outcome::Counted(counted) = jail.judge(&report, Tally::Lines, now) else { panic!() };
    let ban = in_force(counted.step.unwrap()).unwrap();
    assert_eq!((counted.retry, ban.attempts), (3, 1));
    let bare = Failure { lines: Vec::new(), ..failure(8, 0) };
    let Outcome::Counted(counted) = jail.judge(&bare, Tally::Lines, now) else { panic!() };
    assert_eq!((counted.retry, jail.status(at(0)).total_failed), (1, 2));
}

#[test]
fn another_configuration_keeps_counts_and_bans() {
    let mut jail = patient();
    jail.ban("192.0.2.1".into(), Span::OfJail, at(0));
    fail(&mut jail, "192.0.2.7");
    let neighbours = Some(Neighbours { hosts: 2.try_into().unwrap(), v4: 24, v6: 48 });
    let ignore = ignoring("192.0.2.9");
    let spec = Spec {
        maxretry: 2.try_into().unwrap(),
        bantime: None,
        neighbours,
        ignore,
        ..patient().spec
    };
    jail.set_spec(spec);
    let step = fail(&mut jail, "192.0.2.7").step.unwrap();
    assert_eq!(step.banned().map(|ban| ban.until), Some(None));
    let now = Now { wall: at(0), mono: MonoTime::from_nanos(0) };
    let of_9 = jail.judge(&failure(9, 0), Tally::One, now);
    assert_eq!(of_9, Outcome::LetOff(Some(Rule::Ip)));
    assert_eq!(jail.bans_by_end()[0].until, Some(at(BANTIME_SECS)));
}

#[test]
fn answers_to_old_questions_are_not_taken_for_others() {
    let mut jail = patient();
    let now = Now { wall: at(0), mono: MonoTime::from_nanos(0) };
    jail.set_spec(Spec { ignore: ignoring("a.example"), ..patient().spec });
    let old = jail.questions(now.mono).remove(0);
    jail.set_spec(Spec { ignore: ignoring("b.example"), ..patient().spec });
    let new = jail.questions(now.mono).remove(0);
    let found = |text: &str| Found::Nets(vec![text.parse().unwrap()]);
    jail.learn(old.number, found("192.0.2.7/32"), now.mono);
    jail.learn(new.number, found("192.0.2.8/32"), now.mono);
    assert!(matches!(jail.judge(&failure(7, 0), Tally::One, now), Outcome::Counted(_)));
    assert_eq!(jail.judge(&failure(8, 0), Tally::One, now), Outcome::LetOff(Some(Rule::Dns)));
}

#[test]
fn the_later_somebody_banned_fails_the_more_surprising_it_is() {
    for (secs, expected) in
        [(2, Surprise::None), (3, Surprise::Some), (59, Surprise::Some), (60, Surprise::Great)]
    {
        let mut jail = strict(patient().spec);
        jail.record(&failure(7, 0), Tally::One, at(0));
        let step = jail.record(&failure(7, secs), Tally::One, at(secs)).step;
        let Some(Step::Already { surprise, end: End::Later, .. }) = step else { panic!() };
        assert_eq!(surprise, expected, "after {secs} s");
    }
}
