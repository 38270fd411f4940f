//! The vectors of the specification, and what costs too much.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::ini;

/// Files laid over one another.
fn layered(files: &[&str]) -> Layered {
    let mut layered = Layered::default();
    for (number, text) in files.iter().enumerate() {
        let file = Path::new(&format!("file{number}")).into();
        layered.merge(&ini::parse(text, &file).unwrap());
    }
    layered
}

fn resolved(files: &[&str], option: &str) -> Result<String, Error> {
    let (layered, budget) = (layered(files), Budget::default());
    let found = Scope::new(&layered, "s", &budget).get(option)?;
    Ok(found.expect("the option is set").value)
}

/// What the option `x` of section `s` comes to.
#[track_caller]
fn check(files: &[&str], expected: &str) {
    assert_eq!(resolved(files, "x").unwrap(), expected, "{files:?}");
}

#[track_caller]
fn refused(files: &[&str], message: &str) {
    let error = resolved(files, "x").unwrap_err().to_string();
    assert!(error.contains(message), "{error:?} does not say {message:?}");
}

#[test]
fn a_percent_sign_is_written_twice() {
    check(&["[s]\nx = 100%%"], "100%");
    check(&["[s]\nx = %%(a)s %%%%"], "%(a)s %%");
    refused(&["[s]\nx = 100%"], "file0:2: x = 100%: a % that is neither %% nor %(name)s; write %%");
    refused(&["[s]\nx = %d"], "a % that is neither");
    for open in ["%(a", "%()s", "%(a)", "%(a)d"] {
        refused(&[&format!("[s]\na = 1\nx = {open}")], "%( is not closed");
    }
}

#[test]
fn names_are_looked_up_in_the_section_then_in_default() {
    let text =
        "[DEFAULT]\na = d\nb = d\n[s]\na = s\nx = %(a)s %(A)s %(b)s %(__name__)s %(__NAME__)s";
    check(&[text], "s s d s s");
    refused(&["[s]\nx = %(a)s"], "file0:2: x = %(a)s: there is no option a for %(a)s");
    check(&["[s]\n__name__ = written\nx = %(__name__)s"], "s");
}

#[test]
fn what_later_files_set_is_seen_by_values_of_earlier_ones() {
    check(&["[DEFAULT]\na = 1\n[s]\nx = %(a)s", "[DEFAULT]\na = 2"], "2");
}

#[test]
fn the_innermost_option_is_blamed() {
    refused(&["[DEFAULT]\nb = 5%\na = %(b)s", "[s]\nx = %(a)s"], "file0:2: b = 5%: a % that");
}

#[test]
fn vars_come_first_and_may_hide() {
    let layered = layered(&["[s]\nx = %(a)s\na = s\nb = s"]);
    let (budget, mut vars) = (Budget::default(), Vars::new());
    let text = |value: &str| Some(Text { value: value.to_owned(), place: None });
    vars.insert("a".to_owned(), text("v%(b)s"));
    vars.insert("b".to_owned(), None);
    let get = |vars: &Vars, name| {
        Scope::new(&layered, "s", &budget).with_vars([vars, &Vars::new()]).get(name)
    };
    assert!(get(&vars, "x").is_err());
    assert_eq!(get(&vars, "b").unwrap(), None);
    vars.remove("b");
    assert_eq!(get(&vars, "x").unwrap().unwrap().value, "vs");
}

#[test]
fn options_of_other_sections_are_resolved_in_this_one() {
    let rest = "[DEFAULT]\nz = def\n[t2]\ny = 2\nref = %(w)s\n[T]\na = 1\n[u-1]\na = dash\n[u.1]\na=1\n[s]\nw = local\n";
    let with = |expression: &str| format!("{rest}x = {expression}");
    check(&[&with("%(default/z)s %(known/z)s")], "def def");
    check(&[&with("%(t2/y)s %(t2/ref)s %(t2/z)s %(u-1/a)s")], "2 local def dash");
    for missing in ["T/a", "t2/Y", "DEFAULT/z", "none/z", "t2/none", "default/none", "u.1/a"] {
        refused(&[&with(&format!("%({missing})s"))], &format!("no option {missing}"));
    }
}

#[test]
fn known_is_the_layer_before() {
    check(&["[s]\nx = 1", "[s]\nx = %(known/x)s,2"], "1,2");
    check(&["[s]\nx = 1\ny = a", "[s]\ny = b", "[s]\nx = %(known/x)s,%(known/y)s"], "1,a");
    check(&["[DEFAULT]\nx = d", "[s]\nx = %(known/x)s,2"], "d,2");
    check(&["[s]\nknown/x = k\nx = 1", "[s]\nx = %(known/x)s"], "k");
    refused(&["[s]\ny = 1\nx = %(known/y)s"], "no option known/y");
}

#[test]
fn known_of_three_layers_leads_in_a_circle() {
    let more = "[s]\nx = %(known/x)s,2";
    refused(&["[s]\nx = 1", more, more], "nest deeper than 10, or in a circle");
}

#[test]
fn ten_levels_are_the_limit() {
    let chain: String = (0..12).map(|i| format!("a{i} = %(a{})s\n", i + 1)).collect();
    let text = format!("[s]\n{chain}a12 = end\n");
    assert_eq!(resolved(&[&text], "a2").unwrap(), "end");
    assert!(matches!(resolved(&[&text], "a1"), Err(Error::TooDeep { .. })));
    assert!(matches!(resolved(&[&text], "a0"), Err(Error::TooDeep { .. })));
    refused(&["[s]\nx = %(y)s\ny = %(x)s"], "in a circle");
}

#[test]
fn a_bomb_goes_off_in_vain() {
    let wide = |last: &str| {
        let level = |i: usize| format!("a{i} = {}\n", format!("%(a{})s", i + 1).repeat(1_000));
        format!("[s]\nx = %(a0)s\n{}a5 = {last}", (0..5).map(level).collect::<String>())
    };
    refused(&[&wide("boom")], "grows past 1048576 bytes");
    refused(&[&wide("")], "grows past 1048576 bytes");
}

#[test]
fn a_load_has_a_budget() {
    let layered = layered(&["[s]\nx = 1"]);
    let budget = Budget::new(10 * (OPTION_COST as u64 + 1));
    let scope = Scope::new(&layered, "s", &budget);
    assert!((0..10).all(|_| scope.get("x").is_ok()));
    assert!(matches!(scope.get("x"), Err(Error::TooMuchWork { .. })));
}

/// Options `a`, `b`, `c`: each a list of texts and references to options that come later.
fn options() -> impl Strategy<Value = Vec<Vec<Result<char, usize>>>> {
    let piece = prop_oneof![prop::char::range('0', '9').prop_map(Ok), (0..9_usize).prop_map(Err)];
    prop::collection::vec(prop::collection::vec(piece, 0..5), 1..9)
}

proptest! {
    #[test]
    fn references_are_replaced_as_a_child_would(options in options()) {
        let (mut text, mut values) = ("[s]\n".to_owned(), vec![String::new(); options.len()]);
        for (number, pieces) in options.iter().enumerate().rev() {
            let later = |other: usize| number + 1 + other % 9;
            let (mut raw, mut value) = (String::new(), String::new());
            for piece in pieces {
                match piece {
                    Ok(c) => { raw.push(*c); value.push(*c); }
                    Err(other) if later(*other) < options.len() => {
                        raw.push_str(&format!("%(o{})s", later(*other)));
                        value.push_str(&values[later(*other)]);
                    }
                    Err(_) => { raw.push_str("%%"); value.push('%'); }
                }
            }
            text.push_str(&format!("o{number} = {raw}\n"));
            values[number] = value;
        }
        prop_assert_eq!(resolved(&[&text], "o0").unwrap(), values[0].as_str(), "{}", text);
    }

    #[test]
    fn no_text_is_too_odd(text in "[%()sax/ ]{0,30}") {
        drop(resolved(&[&format!("[s]\na = %(x)s\nx = {text}")], "x"));
    }
}
