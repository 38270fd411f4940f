//! Actions whose commands are words; a command fails where its words are told to.

use std::collections::VecDeque;

use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::*;
use crate::clock::WallTime;

const C: &[(&str, &str)] = &[
    ("actionstart", "start <family> <x>"),
    ("actionstop", "stop <family>"),
    ("actionflush", "flush <family>"),
    ("actioncheck", "check <family>"),
    ("actionrepair", "repair <family>"),
    ("actionban", "ban <ip>"),
    ("actionunban", "unban <ip>"),
    ("actionprolong", "prolong <ip>"),
    ("x?family=inet6", "6"),
    ("x", "4"),
];

const D: &[(&str, &str)] = &[
    ("actionstart", "start"),
    ("actionstop", "stop"),
    ("actionban", "ban <ip>"),
    ("actionunban", "unban <ip>"),
];

struct Test {
    plan: Plan,
    said: Vec<String>,
}

impl Test {
    fn new(options: &[(&str, &str)]) -> Self {
        let setup = Setup {
            jail: "j".into(),
            bantime: Some(Duration::from_secs(600)),
            families: Families::Both,
            own_names: Default::default(),
            turns: Arc::new(Semaphore::new(1)),
        };
        let options = options.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let spec = Spec { name: "A".into(), timeout: Duration::from_secs(1), options };
        Self { plan: Plan::new(&spec, &setup), said: Vec::new() }
    }

    /// What runs, if these commands fail, each as often as it stands here.
    #[track_caller]
    fn check(&mut self, deed: Deed, id: &str, failing: &[&str], expected: &[&str]) {
        self.with(deed, ticket(id), failing, expected);
    }

    #[track_caller]
    fn with(&mut self, deed: Deed, ticket: Ticket, failing: &[&str], expected: &[&str]) {
        let mut failing: VecDeque<_> = failing.iter().collect();
        let mut ran = Vec::new();
        self.plan.begin(deed, Arc::new(ticket), Arc::default());
        while let Some(script) = self.plan.next() {
            let fails = failing.iter().position(|it| **it == script.text.trim());
            ran.push(script.text.trim().to_owned());
            let outcome = match fails.and_then(|at| failing.remove(at)) {
                Some(_) => Outcome::Failed,
                None => Outcome::Done,
            };
            self.plan.ended(outcome);
        }
        assert_eq!(ran, expected);
        assert!(failing.is_empty(), "{failing:?} did not run");
        self.said = self.plan.take_said().into_iter().map(|said| said.text).collect();
    }
}

fn ticket(id: &str) -> Ticket {
    let ip = id.parse().ok();
    let empty = Ticket::empty(WallTime::from_secs(1_795_284_000), Some(Duration::from_secs(600)));
    Ticket { id: id.into(), ip, ..empty }
}

#[test]
fn the_life_of_a_conditional_action() {
    let mut test = Test::new(C);
    test.check(Deed::Start, "", &[], &[]);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(Deed::Ban, "2001:db8::1", &[], &["start inet6 6", "ban 2001:db8::1"]);
    test.check(
        Deed::Ban,
        "192.0.2.2",
        &["ban 192.0.2.2", "check inet4"],
        &["ban 192.0.2.2", "check inet4", "repair inet4", "check inet4", "ban 192.0.2.2"],
    );
    assert_eq!(test.said, ["Invariant check failed. Trying to restore a sane environment"]);
    test.check(Deed::Unban, "192.0.2.1", &[], &["unban 192.0.2.1"]);
    test.check(Deed::Flush, "", &[], &["flush inet4", "flush inet6"]);
    test.check(Deed::Unban, "192.0.2.2", &[], &[]);
    test.check(Deed::Stop, "", &[], &["stop inet4", "stop inet6"]);
    test.check(Deed::Stop, "", &[], &[]);
}

#[test]
fn an_action_that_always_fails_is_tried_twice_and_never_undone() {
    let mut test = Test::new(D);
    test.check(Deed::Start, "", &["start"], &["start"]);
    assert_eq!(
        test.said,
        ["Failed to start jail 'j' action 'A': Error starting action Jail('j')/A: 'Script error'"]
    );
    let ban = "ban 192.0.2.1";
    test.check(Deed::Ban, "192.0.2.1", &[ban, ban], &[ban, ban]);
    assert_eq!(
        test.said,
        [
            "Failed to execute ban jail 'j' action 'A' info 'ActionInfo({'ip': '192.0.2.1', 'family': 'inet4', 'fid': \
          '192.0.2.1', 'failures': 0, 'time': 1795284000.0, 'bantime': 600, 'bancount': 0, 'restored': 0})': \
          Error banning 192.0.2.1"
        ]
    );
    test.check(Deed::Unban, "192.0.2.1", &[], &[]);
    test.check(Deed::Stop, "", &[], &[]);
}

#[test]
fn a_ban_that_succeeds_the_second_time_counts() {
    let mut test = Test::new(D);
    let ban = "ban 192.0.2.1";
    test.check(Deed::Ban, "192.0.2.1", &[ban], &[ban, ban]);
    test.check(Deed::Unban, "192.0.2.1", &[], &["unban 192.0.2.1"]);
    test.check(Deed::Stop, "", &[], &["stop"]);
}

#[test]
fn nobody_is_banned_by_what_cannot_be_started() {
    let mut test = Test::new(C);
    test.check(Deed::Ban, "192.0.2.1", &["start inet4 4"], &["start inet4 4"]);
    assert!(test.said[0].ends_with("Error starting action Jail('j')/A: 'Script error'"));
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
}

#[test]
fn without_a_repair_it_is_stopped_and_started() {
    let without: Vec<_> = C.iter().copied().filter(|(name, _)| *name != "actionrepair").collect();
    let mut test = Test::new(&without);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(
        Deed::Check,
        "",
        &["check inet4", "stop inet4"],
        &["check inet4", "stop inet4", "start inet4 4", "check inet4"],
    );
    assert!(test.plan.may_have_lost(&ticket("192.0.2.1")));
    test.check(Deed::Reban, "192.0.2.1", &[], &["ban 192.0.2.1"]);
    assert!(!test.plan.may_have_lost(&ticket("192.0.2.1")));
    test.check(Deed::Unban, "192.0.2.1", &[], &["unban 192.0.2.1"]);
}

#[test]
fn what_cannot_be_repaired_is_given_up() {
    let mut test = Test::new(C);
    let ban = "ban 192.0.2.1";
    test.check(
        Deed::Ban,
        "192.0.2.1",
        &[ban, "check inet4", "repair inet4"],
        &["start inet4 4", ban, "check inet4", "repair inet4"],
    );
    assert_eq!(test.said[1], "Unable to restore environment");
    assert!(test.said[2].ends_with("Error banning 192.0.2.1"));
    test.check(
        Deed::Ban,
        "192.0.2.1",
        &[ban, "check inet4", "check inet4"],
        &[ban, "check inet4", "repair inet4", "check inet4"],
    );
}

#[test]
fn an_unban_repairs_only_if_it_may() {
    let unban = "unban 192.0.2.1";
    let mut test = Test::new(C);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(Deed::Unban, "192.0.2.1", &[unban, "check inet4"], &[unban, "check inet4"]);
    assert_eq!(test.said[0], "Invariant check failed. Unban is impossible.");
    let may: Vec<_> = C.iter().copied().chain([("actionrepair_on_unban", "true")]).collect();
    let mut test = Test::new(&may);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(
        Deed::Unban,
        "192.0.2.1",
        &[unban, "check inet4"],
        &[unban, "check inet4", "repair inet4", "check inet4", unban],
    );
}

#[test]
fn a_flush_that_fails_is_followed_by_a_check_of_each_family() {
    let mut test = Test::new(C);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(Deed::Ban, "2001:db8::1", &[], &["start inet6 6", "ban 2001:db8::1"]);
    test.check(
        Deed::Flush,
        "",
        &["flush inet4", "check inet4"],
        &["flush inet4", "flush inet6", "check inet4", "check inet6"],
    );
    assert_eq!(
        test.said,
        [
            "Failed to flush bans in jail 'j' action 'A': Error flushing action Jail('j')/A: 'Script error'",
            "Invariant check failed. Flush is impossible.",
        ]
    );
}

#[test]
fn the_same_text_is_run_once_for_all_families() {
    let same: Vec<_> = C
        .iter()
        .map(|(name, text)| (*name, text.split(' ').next().unwrap()))
        .chain([("actionreload", "reload")])
        .collect();
    let mut test = Test::new(&same);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start", "ban"]);
    test.check(Deed::Ban, "2001:db8::1", &[], &["ban"]);
    test.check(Deed::Reload, "", &[], &["reload"]);
    test.check(Deed::Flush, "", &[], &["flush"]);
    test.check(Deed::Stop, "", &["stop"], &["stop", "stop"]);
}

#[test]
fn somebody_without_an_address_may_be_of_any_family() {
    let mut test = Test::new(C);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start inet4 4", "ban 192.0.2.1"]);
    test.check(Deed::Ban, "alice", &[], &["start inet6 6", "ban alice"]);
    test.check(Deed::Ban, "bob", &[], &["ban bob"]);
    test.check(Deed::Flush, "", &[], &["flush inet4", "flush None"]);
}

#[test]
fn families_may_be_chosen_and_starting_put_off_or_not() {
    let chosen = [("actionstart_on_demand", "false"), ("families", "inet6")];
    let chosen: Vec<_> = C.iter().copied().chain(chosen).collect();
    Test::new(&chosen).check(Deed::Start, "", &[], &["start inet6 6"]);
    let put_off: Vec<_> = D.iter().copied().chain([("actionstart_on_demand", "1")]).collect();
    let mut test = Test::new(&put_off);
    test.check(Deed::Start, "", &[], &[]);
    test.check(Deed::Ban, "192.0.2.1", &[], &["start", "ban 192.0.2.1"]);
}

#[test]
fn a_restored_ban_is_not_told_to_those_that_do_not_want_it() {
    let deaf: Vec<_> = D.iter().copied().chain([("norestored", "1")]).collect();
    let mut test = Test::new(&deaf);
    let restored = || Ticket { is_restored: true, ..ticket("192.0.2.1") };
    test.with(Deed::Ban, restored(), &[], &[]);
    test.check(Deed::Ban, "192.0.2.2", &[], &["ban 192.0.2.2"]);
    test.with(Deed::Unban, restored(), &[], &[]);
}

#[test]
fn rebans_and_longer_bans_have_commands_of_their_own() {
    let mut test = Test::new(C);
    test.check(Deed::Prolong, "192.0.2.1", &[], &["prolong 192.0.2.1"]);
    let with: Vec<_> = D.iter().copied().chain([("actionreban", "reban <fid>")]).collect();
    let mut test = Test::new(&with);
    test.check(Deed::Reban, "192.0.2.1", &[], &["reban 192.0.2.1"]);
    test.check(Deed::Prolong, "192.0.2.1", &[], &[]);
}

#[test]
fn an_action_without_end_says_so() {
    let mut test = Test::new(&[("actionban", "<a>"), ("a", "<b>"), ("b", "<a>")]);
    test.check(Deed::Ban, "192.0.2.1", &[], &[]);
    assert!(test.said[0].contains("self referencing definitions"), "{:?}", test.said);
}

proptest! {
    /// Whatever fails: each deed ends soon, nothing is lifted that was not made, and nothing stays started.
    #[test]
    fn a_plan_comes_to_an_end_and_undoes_only_what_it_did(
        deeds in prop::collection::vec((0..DEEDS.len(), 0..IDS.len()), 0..30),
        fails in prop::collection::vec(any::<bool>(), 1..40),
        commands in prop::collection::vec(any::<bool>(), C.len()),
    ) {
        let chosen: Vec<_> = C.iter().zip(commands).filter(|(it, is)| *is || it.0 == "actionban").map(|(it, _)| *it).collect();
        let mut test = Test::new(&chosen);
        let mut fails = fails.into_iter().cycle();
        let mut banned = HashSet::new();
        for (deed, id) in deeds {
            let (deed, ticket) = (DEEDS[deed], ticket(IDS[id]));
            test.plan.begin(deed, Arc::new(ticket.clone()), Arc::default());
            let mut ran = 0;
            while let Some(script) = test.plan.next() {
                ran += 1;
                prop_assert!(ran <= RAN_MAX, "{deed:?} does not end");
                let fails = fails.next().unwrap();
                if script.text.starts_with("ban") && !fails {
                    banned.insert(ticket.family());
                }
                let is_unban = script.text.starts_with("unban") || script.text.starts_with("flush");
                prop_assert!(!is_unban || !banned.is_empty(), "{:?}", script.text);
                test.plan.ended(if fails { Outcome::Failed } else { Outcome::Done });
            }
        }
        test.plan.begin(Deed::Stop, Arc::new(ticket("")), Arc::default());
        while test.plan.next().is_some() {
            test.plan.ended(Outcome::Failed);
        }
        test.check(Deed::Stop, "", &[], &[]);
    }
}

const DEEDS: [Deed; 8] = [
    Deed::Start,
    Deed::Ban,
    Deed::Reban,
    Deed::Prolong,
    Deed::Unban,
    Deed::Flush,
    Deed::Check,
    Deed::Reload,
];

const IDS: [&str; 3] = ["192.0.2.1", "2001:db8::1", "alice"];

/// No deed runs more commands: three families, each flushed, checked, stopped, started and checked again.
const RAN_MAX: usize = 15;
