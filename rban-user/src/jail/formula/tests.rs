//! Formulas as Python calculates them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

const KNOWN: Known = Known { time_secs: 600.0, count: 3, factor: 1.5 };

#[track_caller]
fn check(text: &str, value: f64) {
    assert_eq!(text.parse::<Formula>().unwrap().seconds(&KNOWN), Ok(value), "{text}");
}

#[track_caller]
fn refused(text: &str, why: &str) {
    let mistake = text.parse::<Formula>().unwrap_err().to_string();
    assert!(mistake.contains(why), "{text}: {mistake}");
}

#[track_caller]
fn fails(text: &str, why: Incalculable) {
    assert_eq!(text.parse::<Formula>().unwrap().seconds(&KNOWN), Err(why), "{text}");
}

#[test]
fn the_formulas_that_fail2ban_suggests_are_calculated() {
    check("ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor", 600.0 * 8.0 * 1.5);
    let exp = 600.0 * (4.0f64 * 1.5).exp() / 1.5f64.exp();
    check("ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)", exp);
}

#[test]
fn operators_bind_as_in_python() {
    check("-2 ** 2", -4.0);
    check("2 ** -1 ** 2", 0.5);
    check("2 ** 3 ** 2", 512.0);
    check("1 + 2 << 3", 24.0);
    check("7 // 2 * 2 % 4", 2.0);
    check("-7 // 2 + -7 % 3", -4.0 + 2.0);
    check("1 if 0 else 2 if 0 else 3", 3.0);
    check("not 1 == 2 and 5", 5.0);
    check("0 or 0.0 or 4", 4.0);
    check("1 < 2 < 3 != 4", 1.0);
    check("1 < 2 > 3", 0.0);
    check("round(2.5) + round(3.5) + round(2.675, 2)", 6.0 + 2.67);
    check("max(1, 2.5, 2) - min(3, 2,)", 0.5);
    check("1_000 + .5 + 1e1 + 00", 1010.5);
}

#[test]
fn large_whole_numbers_become_floating_point() {
    check("2 ** 200 / 2 ** 199", 2.0);
    check("(1 << 200) / (1 << 199)", 2.0);
    fails("10.0 ** 400", Incalculable::TooLarge);
    fails("1 << 5000", Incalculable::TooLarge);
}

#[test]
fn what_python_cannot_calculate_neither_can_we() {
    for text in ["1 / 0", "1 // 0.0", "1 % (ban.Count - 3)", "0 ** -1"] {
        fails(text, Incalculable::ByZero);
    }
    for text in ["math.sqrt(-1)", "math.log(-1)", "(-8) ** 0.5", "math.acos(2)"] {
        fails(text, Incalculable::Domain);
    }
    fails("math.exp(1000)", Incalculable::TooLarge);
    fails("1 << -1", Incalculable::Shift);
    fails("1 << 1.5", Incalculable::Shift);
}

#[test]
fn nothing_but_calculation_is_understood() {
    refused("__import__('os')", "\"__import__\" means nothing in a formula; write numbers,");
    refused("ban.Time.real", "\"ban.Time.real\" means nothing");
    refused("'a'", "\"'\" means nothing");
    refused("ban", "\"ban\" means nothing");
    refused("012", "\"012\" means nothing");
    refused("1 2", "\"2\" does not belong");
    refused("1 if 2", "stops in the middle");
    refused("(1", "stops in the middle");
    refused("", "stops in the middle");
    refused("min(1)", "min does not take 1 arguments; write between 2 and 16");
    refused("math.exp", "stops in the middle");
    refused("1 = 2", "\"=\" means nothing");
}

#[test]
fn a_formula_is_bounded() {
    for open in ["(", "-", "not ", "2**", "1 if 1 else ", "min(1,"] {
        refused(&open.repeat(49), "too large");
    }
    refused(&"1+".repeat(600), "too large");
    check(&format!("{}1", "1+".repeat(500)), 501.0);
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0u32..50).prop_map(|int| int.to_string()),
        (0u32..500).prop_map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
        Just("ban.Time".to_owned()),
        Just("ban.Count".to_owned()),
        Just("banFactor".to_owned()),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let operator =
            prop::sample::select(vec!["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", ">"]);
        let logic = prop::sample::select(vec!["and", "or"]);
        let one = prop::sample::select(vec![
            "float", "int", "round", "abs", "math.sqrt", "math.exp", "math.log", "math.floor",
            "math.ceil", "math.sin", "math.tanh",
        ]);
        let two = prop::sample::select(vec!["min", "max"]);
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            6 => (inner.clone(), operator, inner.clone()).prop_map(|(a, it, b)| format!("{a} {it} {b}")),
            1 => (inner.clone(), logic, inner.clone()).prop_map(|(a, it, b)| format!("{a} {it} {b}")),
            1 => (inner.clone(), 0u32..5).prop_map(|(a, b)| format!("({a}) ** {b}")),
            1 => (0u32..9, 0u32..40).prop_map(|(a, b)| format!("({a} << {b})")),
            1 => inner.clone().prop_map(|a| format!("-{a}")),
            1 => inner.clone().prop_map(|a| format!("not {a}")),
            2 => inner.clone().prop_map(|a| format!("({a})")),
            2 => (one, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            1 => (two, pair).prop_map(|(name, (a, b))| format!("{name}({a}, {b})")),
            1 => (inner.clone(), inner.clone(), inner).prop_map(|(a, c, b)| format!("{a} if {c} else {b}")),
        ]
    })
}

/// What Python makes of each line; `None` where it raises an error.
fn python(lines: &str) -> Vec<Option<f64>> {
    const PROGRAM: &str = "
import math, sys, types
ban, banFactor = types.SimpleNamespace(Time=600, Count=3), 1.5
for line in sys.stdin:
    try:
        value = float(eval(line))
        print(repr(value) if math.isfinite(value) else '-')
    except SyntaxError:
        print('syntax')
    except Exception:
        print('-')
";
    let mut child = Command::new("python3")
        .args(["-W", "ignore", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.lines().map(|line| line.parse().ok()).collect()
}

fn agree(ours: Option<f64>, theirs: Option<f64>) -> bool {
    match (ours, theirs) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_formula_has_the_value_that_python_gives_it(all in prop::collection::vec(expression(), 50)) {
        let theirs = python(&(all.join("\n") + "\n"));
        prop_assert_eq!(theirs.len(), all.len());
        for (text, theirs) in all.iter().zip(theirs) {
            match text.parse::<Formula>() {
                Ok(formula) => {
                    let ours = formula.seconds(&KNOWN).ok();
                    prop_assert!(agree(ours, theirs), "{}: {:?}, in Python {:?}", text, ours, theirs);
                }
                // Python's `not` may not stand behind an operator either.
                Err(mistake) => prop_assert!(theirs.is_none() || mistake == Mistake::TooLarge, "{}: {}", text, mistake),
            }
        }
    }
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in "[-+*/%<>=!(),.0-9a-z ]{0,80}") {
        if let Ok(formula) = text.parse::<Formula>() {
            prop_assert!(formula.seconds(&KNOWN).map_or(true, f64::is_finite));
        }
    }
}
