use super::*;
use crate::event::Ban;

fn offender() -> Offender {
    "192.0.2.7".parse().unwrap()
}

fn claim(jail: Option<&str>, until: Option<i64>, scope: &str) -> Claim {
    let (since, until) = (WallTime::from_secs(0), until.map(WallTime::from_secs));
    let ban = Ban::by_hand(jail.map(Into::into), offender().into(), since, until);
    Claim::new(&ban, scope.parse().unwrap()).unwrap()
}

fn add(ledger: &mut Ledger, claim: Claim) -> Vec<Added> {
    let mut done = Vec::new();
    ledger.add(claim, &mut done);
    done
}

fn jail(name: &str) -> Party {
    Party::Jail(name.into())
}

#[track_caller]
fn check(ledger: &Ledger, expected: Option<(Option<i64>, &str)>) {
    let expected =
        expected.map(|(until, scope)| (until.map(WallTime::from_secs), scope.parse().unwrap()));
    assert_eq!(ledger.composed(offender()), expected);
}

#[test]
fn claims_add_up_and_fall_away_one_by_one() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(Some("sshd"), Some(100), "tcp/22"));
    add(&mut ledger, claim(Some("nginx"), Some(150), "tcp/80"));
    add(&mut ledger, claim(None, Some(50), "udp/53"));
    check(&ledger, Some((Some(150), "tcp/22,80,udp/53")));
    ledger.withdraw(&jail("nginx"), offender());
    check(&ledger, Some((Some(100), "tcp/22,udp/53")));
    assert_eq!(ledger.next_end(), Some(WallTime::from_secs(50)));
    assert_eq!(ledger.expire(WallTime::from_secs(50)), [offender()]);
    check(&ledger, Some((Some(100), "tcp/22")));
    ledger.withdraw(&jail("sshd"), offender());
    check(&ledger, None);
    assert_eq!(ledger.parties().count(), 0);
}

#[test]
fn the_ends_of_a_jails_bans_are_told_by_the_jail() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(Some("sshd"), Some(100), "all"));
    assert_eq!(ledger.next_end(), None);
    assert_eq!(ledger.expire(WallTime::from_secs(1_000)), []);
    check(&ledger, Some((Some(100), "all")));
}

#[test]
fn a_permanent_claim_outlasts_all_others() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(None, None, "all"));
    add(&mut ledger, claim(Some("sshd"), Some(100), "tcp/22"));
    check(&ledger, Some((None, "all")));
    ledger.expire(WallTime::from_secs(1_000));
    check(&ledger, Some((None, "all")));
}

#[test]
fn a_ban_of_no_address_is_not_for_the_kernel() {
    let ban = Ban::by_hand(None, "root".into(), WallTime::from_secs(0), None);
    assert!(Claim::new(&ban, "all".parse().unwrap()).is_none());
}

#[test]
fn a_party_has_one_claim() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(None, Some(100), "all"));
    add(&mut ledger, claim(None, Some(200), "all"));
    assert_eq!(ledger.expire(WallTime::from_secs(100)), []);
    check(&ledger, Some((Some(200), "all")));
    ledger.withdraw(&Party::Admin, offender());
    check(&ledger, None);
}

#[test]
fn a_claim_restored_takes_the_place_of_what_the_maps_had() {
    let found = |until| Claim { party: Party::Unknown, ..claim(None, until, "all") };
    let restored = Claim { origin: Origin::Restored, ..claim(Some("sshd"), Some(100), "all") };
    for (until, left) in [(Some(101), None), (None, Some((None, "all")))] {
        let mut ledger = Ledger::default();
        add(&mut ledger, found(until));
        add(&mut ledger, restored.clone());
        ledger.withdraw(&jail("sshd"), offender());
        check(&ledger, left);
    }
}

#[test]
fn what_was_added_can_be_undone() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(Some("sshd"), Some(100), "all"));
    let mut done = Vec::new();
    ledger.add(claim(Some("sshd"), Some(200), "all"), &mut done);
    ledger.add(claim(None, None, "all"), &mut done);
    ledger.add(claim(Some("sshd"), Some(300), "all"), &mut done);
    check(&ledger, Some((None, "all")));
    ledger.undo(done);
    check(&ledger, Some((Some(100), "all")));
    assert_eq!(ledger.claims(offender()).count(), 1);
}

#[test]
fn ends_of_claims_that_have_gone_do_not_pile_up() {
    let mut ledger = Ledger::default();
    for until in 0..10_000 {
        add(&mut ledger, claim(None, Some(until), "all"));
    }
    assert!(ledger.ends.len() < 5_000);
    assert_eq!(ledger.expire(WallTime::from_secs(9_998)), []);
    assert_eq!(ledger.expire(WallTime::from_secs(9_999)), [offender()]);
}

#[test]
fn a_prefix_withdraws_all_within_it() {
    let mut ledger = Ledger::default();
    add(&mut ledger, claim(Some("sshd"), Some(100), "all"));
    assert_eq!(ledger.withdraw_all("198.51.100.0/24".parse().unwrap()), []);
    assert_eq!(ledger.withdraw_all("192.0.2.0/24".parse().unwrap()), [offender()]);
    check(&ledger, None);
}
