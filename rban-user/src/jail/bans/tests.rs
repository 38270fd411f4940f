//! Bans, one by one and very many.

use super::*;

fn ban(text: &str, since: i64, until: Option<i64>) -> Ban {
    let (since, until) = (WallTime::from_secs(since), until.map(WallTime::from_secs));
    Ban::by_hand(Some("sshd".into()), text.into(), since, until)
}

fn bans(added: &[Ban]) -> Bans {
    let mut bans = Bans::new("sshd".into());
    for ban in added {
        assert_eq!(bans.add(ban, Length::OfJail), Added::New);
    }
    bans
}

#[test]
fn bans_end_in_order_once_their_time_is_past() {
    let of = [("192.0.2.1", Some(30)), ("192.0.2.2", Some(10)), ("192.0.2.3", None)];
    let mut bans = bans(&of.map(|(text, until)| ban(text, 0, until)));
    assert_eq!(bans.next_expiry(), Some(WallTime::from_micros(10_000_001)));
    assert_eq!(bans.expire(WallTime::from_secs(10)), []);
    let ended = bans.expire(WallTime::from_micros(30_000_001));
    assert_eq!(ended, [ban("192.0.2.2", 0, Some(10)), ban("192.0.2.1", 0, Some(30))]);
    assert_eq!((bans.len(), bans.total(), bans.next_expiry()), (1, 3, None));
}

#[test]
fn a_later_end_replaces_an_earlier_one_and_nothing_else() {
    let mut bans = bans(&[ban("192.0.2.1", 0, Some(30))]);
    let mut add = |until| bans.add(&ban("192.0.2.1", 5, until), Length::OfJail);
    assert_eq!(add(Some(20)), Added::Already(ban("192.0.2.1", 0, Some(30))));
    assert_eq!(add(Some(30)), Added::Already(ban("192.0.2.1", 0, Some(30))));
    assert_eq!(add(Some(40)), Added::Later(ban("192.0.2.1", 0, Some(40))));
    assert_eq!(add(None), Added::Later(ban("192.0.2.1", 0, None)));
    assert_eq!(add(Some(50)), Added::Already(ban("192.0.2.1", 0, None)), "for ever stays for ever");
    assert_eq!(bans.expire(WallTime::from_micros(i64::MAX)), []);
    assert_eq!((bans.len(), bans.total()), (1, 1));
}

#[test]
fn a_removed_ban_does_not_expire() {
    let mut bans = bans(&[ban("192.0.2.1", 0, Some(30))]);
    assert_eq!(bans.remove(&"192.0.2.1".into()), Some(ban("192.0.2.1", 0, Some(30))));
    assert_eq!(bans.remove(&"192.0.2.1".into()), None);
    assert_eq!(bans.expire(WallTime::from_secs(99)), []);
    assert_eq!(bans.next_expiry(), None);
}

#[test]
fn a_ban_keeps_all_that_is_known_of_it() {
    let known = Ban {
        ip: Some("192.0.2.7".parse().unwrap()),
        attempts: 5,
        matches: vec!["a".into(), "b".into()],
        captures: vec![("user".into(), "root".to_owned())],
        bancount: 3,
        origin: Origin::Found,
        ..ban("root", 1, Some(30))
    };
    let mut bans = bans(std::slice::from_ref(&known));
    assert_eq!(bans.in_order(), std::slice::from_ref(&known));
    assert_eq!(bans.remove(&"root".into()), Some(known));
}

#[test]
fn of_early_bans_what_led_to_them_is_forgotten() {
    let mut bans = Bans::new("sshd".into());
    let line: crate::event::Line = vec![b'x'; 1 << 20].into();
    for octet in 0..9 {
        let ban = ban(&format!("192.0.2.{octet}"), 0, None);
        bans.add(&Ban { matches: vec![line.clone()], ..ban }, Length::OfJail);
    }
    let kept = bans.in_order().iter().filter(|ban| !ban.matches.is_empty()).count();
    assert_eq!(kept, 7, "eight would come to more than 8 MiB with what they cost beside");
    assert!(bans.in_order()[0].matches.is_empty());
}

#[test]
fn what_ends_first_makes_room() {
    let of = [("192.0.2.1", Some(30)), ("192.0.2.2", Some(10)), ("192.0.2.3", None)];
    let mut bans = bans(&of.map(|(text, until)| ban(text, 0, until)));
    bans.bans_max = 2;
    assert!(bans.next_expiry() < Some(WallTime::from_secs(0)));
    assert_eq!(bans.expire(WallTime::from_secs(0)), [ban("192.0.2.2", 0, Some(10))]);
    assert_eq!(bans.next_expiry(), Some(WallTime::from_micros(30_000_001)));
}

#[test]
fn bans_are_listed_in_two_orders() {
    let of = [("192.0.2.1", Some(30)), ("192.0.2.2", None), ("192.0.2.3", Some(10))];
    let mut bans = bans(&of.map(|(text, until)| ban(text, 0, until)));
    bans.remove(&"192.0.2.1".into());
    bans.add(&ban("192.0.2.1", 0, Some(10)), Length::OfJail);
    let ids = |bans: Vec<Ban>| bans.iter().map(|ban| ban.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(bans.in_order()), ["192.0.2.2", "192.0.2.3", "192.0.2.1"]);
    assert_eq!(ids(bans.by_end()), ["192.0.2.3", "192.0.2.1", "192.0.2.2"]);
}

#[test]
fn a_prefix_ends_all_within_it() {
    let texts = ["192.0.2.1", "root", "192.0.2.128/25", "192.0.3.1", "2001:db8::1"];
    let mut bans = bans(&texts.map(|text| ban(text, 0, None)));
    let ended = bans.remove_within("192.0.2.0/24".parse().unwrap());
    assert_eq!(ended, [ban("192.0.2.1", 0, None), ban("192.0.2.128/25", 0, None)]);
    assert_eq!(bans.clear().len(), 3);
    assert_eq!((bans.len(), bans.total()), (0, 5));
}

#[test]
fn a_ban_takes_less_than_a_hundred_bytes() {
    let (in_queue, in_table) = (size_of::<(u32, WallTime)>() + size_of::<u32>(), 2 * (4 + 1));
    assert!(size_of::<Option<Slot>>() + in_queue + in_table < 100);
}
