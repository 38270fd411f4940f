//! Tags among options, and what costs too much.

use proptest::prelude::*;

use super::*;

/// `ignored` is left alone; `fb-…` stands for what follows the dash, `ring` for `<gnir>`, and that for `<ring>`.
struct Example;

impl Lookup for Example {
    fn ignores(&self, name: &str) -> bool {
        name == "ignored"
    }

    fn fallback(&self, tag: &str) -> Result<Option<String>, Error> {
        Ok(match tag {
            "ring" => Some("<gnir>".to_owned()),
            "gnir" => Some("<ring>".to_owned()),
            "again-1" => Some("<again-<one>>".to_owned()),
            _ => tag.strip_prefix("fb-").map(str::to_owned),
        })
    }
}

fn substituted(options: &[(&str, &str)]) -> Result<String, Error> {
    let mut map = Ordered::default();
    for (name, value) in options {
        map.set(*name, Text { value: (*value).to_owned(), place: None });
    }
    substitute(&mut map, &Example, &Budget::new(32 << 20))?;
    Ok(map.get("x").expect("x is among them").value.clone())
}

/// What the option `x` comes to.
#[track_caller]
fn check(options: &[(&str, &str)], expected: &str) {
    assert_eq!(substituted(options).unwrap(), expected, "{options:?}");
}

#[track_caller]
fn refused(options: &[(&str, &str)], message: &str) {
    let error = substituted(options).unwrap_err().to_string();
    assert!(error.contains(message), "{error:?} does not say {message:?}");
}

#[test]
fn tags_stand_for_options() {
    check(&[("x", "a <b> <b> <c>"), ("b", "1"), ("c", "<b>2")], "a 1 1 12");
    check(&[("b", "<c>"), ("x", "<b>"), ("c", "end")], "end");
    check(&[("x", "<b>"), ("b", "")], "");
}

#[test]
fn what_stands_for_nothing_stays() {
    check(
        &[("x", "<HOST> <F-USER>\\S+</F-USER> <b"), ("b", "1")],
        "<HOST> <F-USER>\\S+</F-USER> <b",
    );
    check(&[("x", "< b> <> <<b>> <b >"), ("b", "1")], "< b> <> <1> <b >");
    check(&[("x", "<B>"), ("b", "1")], "<B>");
    check(
        &[("x", "(?P<q>\"?)(?P=q) <br\n> <b>"), ("b", "1"), ("q", "2")],
        "(?P2\"?)(?P=q) <br\n> 1",
    );
}

#[test]
fn the_lookup_is_asked_last() {
    check(&[("x", "<fb-1> <fb-b>"), ("fb-1", "own")], "own b");
    check(&[("x", "<fb-<b>>"), ("b", "2")], "2");
}

#[test]
fn tags_of_tags_are_resolved_from_within() {
    check(&[("x", "<mdre-<mode>>"), ("mode", "normal"), ("mdre-normal", "N")], "N");
    check(&[("x", "<a-<b-<c>>>"), ("c", "1"), ("b-1", "2"), ("a-2", "3")], "3");
    check(&[("x", "<lt_<b>/p>"), ("b", "file")], "<lt_file/p>");
}

#[test]
fn tags_that_come_about_before_another_are_replaced_with_it() {
    check(&[("x", "<b<e> <b>"), ("e", ">"), ("b", "€€")], "€€ €€");
    check(&[("x", "<bé<e> <bé>"), ("e", ">"), ("bé", "")], " ");
}

#[test]
fn ignored_tags_and_options_are_left() {
    check(&[("x", "<ignored> <b>"), ("ignored", "<b>"), ("b", "1")], "<ignored> 1");
    check(&[("x", "<<ignored>-b> <b>"), ("b", "1")], "<<ignored>-b> 1");
}

#[test]
fn what_leads_back_to_itself_is_refused() {
    refused(&[("x", "a <x>")], "x = a <x>: <x> leads back to itself; write the text itself");
    refused(&[("x", "<b>"), ("b", "<c>"), ("c", "<b>")], "leads back to itself");
    refused(&[("x", "<ring>")], "leads back to itself");
    refused(&[("x", "<again-<one>>"), ("one", "1")], "leads back to itself");
    refused(&[("x", "1"), ("b", "<b>")], "<b> leads back");
}

#[test]
fn a_bomb_goes_off_in_vain() {
    let level = |i: usize| (format!("b{i}"), format!("<b{}>", i + 1).repeat(10));
    let mut options: Vec<(String, String)> = (0..30).map(level).collect();
    options.push(("x".to_owned(), "<b0>".to_owned()));
    let options: Vec<_> = options.iter().map(|(name, value)| (&**name, &**value)).collect();
    refused(&options, "grows past 1048576 bytes");
}

#[test]
fn many_tags_in_a_long_value_cost_too_much() {
    let names: Vec<String> = (0..50_000).map(|i| format!("b{i}")).collect();
    let value: String = names.iter().map(|name| format!("<{name}>")).collect();
    let mut options: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "1")).collect();
    options.push(("x", &value));
    refused(&options, "have cost more than");
}

proptest! {
    #[test]
    fn no_text_is_too_odd(a in "[<>ab€/ -]{0,9}", b in "[<>ab€/ -]{0,9}", x in "[<>abx€/ -]{0,12}") {
        drop(substituted(&[("a", &a), ("b", &b), ("x", &x)]));
    }

    #[test]
    fn text_without_tags_is_left(x in "[^<]{0,20}") {
        prop_assert_eq!(substituted(&[("x", &x), ("b", "1")]).unwrap(), x);
    }
}
