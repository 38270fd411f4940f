//! The rules as a jail asks them.

use std::num::NonZeroUsize;

use super::*;
use crate::clock::WallTime;
use crate::event::Failure;

fn at(secs: u64) -> MonoTime {
    MonoTime::from_nanos(secs * 1_000_000_000)
}

fn failure(offender: &str) -> Failure {
    Failure {
        jail: "sshd".into(),
        id: offender.into(),
        ip: None,
        time: WallTime::from_secs(0),
        lines: Vec::new(),
        captures: vec![("user".into(), "root".to_owned())],
    }
}

fn rules(ignoreip: &str) -> Spec {
    let (ignoreip, refused) = entries(ignoreip);
    assert_eq!(refused, []);
    Spec { ignoreip, ..Spec::default() }
}

/// Rules whose every question has been answered with these.
fn informed(spec: Spec, nets: &[&str]) -> Ignore {
    let mut ignore = Ignore::new(spec);
    for question in ignore.questions(at(0)) {
        ignore.learn(question.number, found(nets), at(0));
    }
    ignore
}

fn found(nets: &[&str]) -> Found {
    Found::Nets(
        nets.iter().map(|net| net.parse::<crate::addr::Offender>().unwrap().as_net()).collect(),
    )
}

fn judge(ignore: &mut Ignore, offender: &str, now: MonoTime) -> Decision {
    ignore.judge(&Asker { failure: &failure(offender), bantime: None }, now)
}

#[track_caller]
fn check(ignore: &mut Ignore, offender: &str, rule: &str) {
    let decision = judge(ignore, offender, at(0));
    let told = match &decision {
        Decision::Counts => "counts".to_owned(),
        Decision::LetOff(Some(rule)) => rule.to_string(),
        Decision::LetOff(None) => "let off as before".to_owned(),
        Decision::Waits => "waits".to_owned(),
        Decision::Asks(command) => format!("asks {}", command.script),
    };
    assert_eq!(told, rule, "{offender}");
}

#[test]
fn the_vectors_of_the_specification_hold() {
    let mut ignore = Ignore::new(rules(
        "10.0.0.0/8, 172.16.0.0/255.240.0.0 2001:db8::/32 10.1.2.3/24 [2001:db9::1] ::ffff:192.0.2.3",
    ));
    for offender in
        ["10.255.1.1", "172.31.1.1", "2001:db8:1::1", "2001:db9::1", "192.0.2.3", "10.0.0.0/24"]
    {
        check(&mut ignore, offender, "ip");
    }
    for offender in ["172.32.1.1", "9.0.0.0/8", "192.0.2.4", "2001:db9::2", "192.0.2.3/24"] {
        check(&mut ignore, offender, "counts");
    }
}

#[test]
fn this_host_comes_first_and_is_let_off_in_any_case() {
    for (ignoreself, rule) in [(true, "ignoreself rule"), (false, "lockout guard")] {
        let mut ignore = Ignore::new(Spec { ignoreself, ..rules("192.0.2.1") });
        ignore.let_off(["192.0.2.1/32".parse().unwrap()]);
        check(&mut ignore, "192.0.2.1", rule);
        ignore.let_off([]);
        check(&mut ignore, "192.0.2.1", "ip");
    }
}

#[test]
fn names_and_files_let_off_whom_they_mean() {
    let ips = ["192.0.2.1", "2001:db8::/32"];
    check(&mut informed(rules("host.example"), &ips), "192.0.2.1", "dns");
    check(&mut informed(rules("file:/etc/x"), &ips), "2001:db8::7", "file://etc/x");
    check(&mut informed(rules("file:x"), &ips), "192.0.2.1", "file:x");
    check(&mut informed(rules("file:x host.example"), &ips), "192.0.2.2", "counts");
}

#[test]
fn entries_are_asked_in_order_but_single_addresses_first() {
    let ips = ["192.0.2.1"];
    check(&mut informed(rules("host.example 192.0.2.1/24"), &ips), "192.0.2.1", "dns");
    check(&mut informed(rules("192.0.2.1/24 host.example"), &ips), "192.0.2.1", "ip");
    check(&mut informed(rules("host.example 192.0.2.1"), &ips), "192.0.2.1", "ip");
}

#[test]
fn a_failure_waits_for_what_is_being_found_out_unless_it_is_decided_before() {
    let mut ignore = Ignore::new(rules("192.0.2.0/25 host.example 192.0.2.0/24 192.0.2.254"));
    let questions = ignore.questions(at(0));
    assert_eq!(questions.len(), 1);
    assert_eq!(ignore.questions(at(0)), [], "it is asked once");
    check(&mut ignore, "192.0.2.1", "ip");
    check(&mut ignore, "192.0.2.254", "ip");
    check(&mut ignore, "192.0.2.200", "waits");
    ignore.learn(questions[0].number, found(&["192.0.2.200"]), at(0));
    check(&mut ignore, "192.0.2.200", "dns");
    check(&mut ignore, "192.0.2.201", "ip");
}

#[test]
fn what_is_known_is_good_for_a_while() {
    for (entry, good) in [("host.example", 300), ("file:x", 1)] {
        let mut ignore = Ignore::new(rules(entry));
        let number = ignore.questions(at(0))[0].number;
        ignore.learn(number, found(&["192.0.2.1"]), at(0));
        assert_eq!(ignore.questions(at(good - 1)), []);
        assert_eq!(ignore.questions(at(good)).len(), 1);
        ignore.learn(number, Found::Same, at(good));
        check(&mut ignore, "192.0.2.1", if good == 1 { "file:x" } else { "dns" });
        assert_eq!(ignore.questions(at(2 * good)).len(), 1);
    }
}

#[test]
fn what_cannot_be_found_out_stays_and_is_tried_again_after_a_minute() {
    let mut ignore = Ignore::new(rules("file:x"));
    let number = ignore.questions(at(0))[0].number;
    ignore.learn(number, found(&["192.0.2.1"]), at(0));
    ignore.questions(at(1));
    ignore.learn(number, Found::Nothing, at(1));
    check(&mut ignore, "192.0.2.1", "file:x");
    assert_eq!(ignore.questions(at(60)), []);
    assert_eq!(ignore.questions(at(61)).len(), 1);
}

fn with_command(ignoreip: &str) -> Spec {
    Spec { ignorecommand: Some("ask <ip>".parse().unwrap()), ..rules(ignoreip) }
}

#[test]
fn the_command_is_asked_last() {
    let mut ignore = Ignore::new(with_command("192.0.2.1"));
    check(&mut ignore, "192.0.2.1", "ip");
    check(&mut ignore, "192.0.2.2", "asks ask 192.0.2.2");
    let failure = failure("192.0.2.2");
    let asker = Asker { failure: &failure, bantime: None };
    let let_off = ignore.settle(&asker, Answer::LetOff, at(0));
    assert_eq!(let_off, Decision::LetOff(Some(Rule::Command)));
    assert_eq!(ignore.settle(&asker, Answer::Counts, at(0)), Decision::Counts);
    check(&mut ignore, "192.0.2.2", "asks ask 192.0.2.2");
}

fn cached(max_count: usize) -> Ignore {
    let key = "<ip>-<F-USER>".parse().unwrap();
    let max_count = NonZeroUsize::new(max_count).unwrap();
    let cache = CacheSpec { key, max_count, max_time: Duration::from_secs(300) };
    Ignore::new(Spec { ignorecache: Some(cache), ..with_command("192.0.2.1 192.0.2.64/26") })
}

#[test]
fn a_cached_answer_decides_silently_until_it_is_too_old() {
    let mut ignore = cached(9);
    let failure = failure("192.0.2.2");
    for (answer, then) in
        [(Answer::Counts, Decision::Counts), (Answer::LetOff, Decision::LetOff(None))]
    {
        ignore.settle(&Asker { failure: &failure, bantime: None }, answer, at(0));
        assert_eq!(judge(&mut ignore, "192.0.2.2", at(299)), then);
    }
    assert!(matches!(judge(&mut ignore, "192.0.2.2", at(300)), Decision::Asks(_)));
}

#[test]
fn all_answers_are_cached_but_those_for_single_addresses() {
    let mut ignore = cached(9);
    for (offender, again) in [("192.0.2.1", "ip"), ("192.0.2.65", "let off as before")] {
        check(&mut ignore, offender, "ip");
        check(&mut ignore, offender, again);
    }
}

#[test]
fn the_lockout_guard_holds_whatever_was_cached() {
    let mut ignore = cached(9);
    let failure = failure("192.0.2.2");
    ignore.settle(&Asker { failure: &failure, bantime: None }, Answer::Counts, at(0));
    ignore.let_off(["192.0.2.2/32".parse().unwrap()]);
    check(&mut ignore, "192.0.2.2", "ignoreself rule");
}

#[test]
fn the_oldest_answer_makes_room() {
    let mut ignore = cached(2);
    for (secs, offender) in [(0, "192.0.2.2"), (1, "192.0.2.3"), (2, "192.0.2.2"), (3, "192.0.2.4")]
    {
        let failure = failure(offender);
        ignore.settle(&Asker { failure: &failure, bantime: None }, Answer::Counts, at(secs));
    }
    assert!(matches!(judge(&mut ignore, "192.0.2.3", at(4)), Decision::Asks(_)));
    for offender in ["192.0.2.2", "192.0.2.4"] {
        assert_eq!(judge(&mut ignore, offender, at(4)), Decision::Counts, "{offender}");
    }
}
