//! Whether a filter can be used, before a jail has it.

use jiff::tz::TimeZone;

use super::words::wrong;
use crate::control::value::Exception;
use crate::detect::{self, Detector};

/// Which year it is matters for what dates mean, not for whether their patterns can be used.
const SOME_YEAR: i16 = 2_026;

/// An error that names the first pattern that cannot be used.
pub(super) fn check(filter: &detect::Spec) -> Result<(), Exception> {
    let compiled = Detector::new(std::slice::from_ref(filter), &[], &TimeZone::UTC, SOME_YEAR);
    compiled.map(drop).map_err(|(_, error)| wrong(chain(&error)))
}

/// An error where a pattern has several lines: lists of patterns have one a line.
pub(super) fn one_line(option: &str, pattern: &str) -> Result<(), Exception> {
    if !pattern.contains('\n') {
        return Ok(());
    }
    Err(wrong(format!(r"{option}: a pattern of several lines; write \n for a line's end")))
}

/// The pattern of dates, and what it is called; without templates of its own, or with more than two, a jail has the
/// default ones.
pub(super) fn date_pattern(filter: &detect::Spec) -> (Option<String>, String) {
    let dates = detect::Spec {
        patterns: detect::Patterns {
            prefregex: None,
            failregex: Vec::new(),
            ignoreregex: Vec::new(),
            ..filter.patterns.clone()
        },
        ..filter.clone()
    };
    let compiled = Detector::new(&[dates], &[], &TimeZone::UTC, SOME_YEAR);
    let default = || (None, "Default Detectors".to_owned());
    let Ok(detector) = compiled else { return default() };
    let mut templates = detector.date_templates(0);
    let (Some(first), None) = (templates.next(), templates.nth(1)) else { return default() };
    let name = detect::in_words(first.pattern());
    let written = match filter.datepattern.first().map(|it| it.trim()) {
        Some(it) if it.eq_ignore_ascii_case("{NONE}") => "{UNB}^",
        Some(written) => written,
        None => first.pattern(),
    };
    (first.regex().map(|_| written.to_owned()), name)
}

fn chain(error: &detect::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
