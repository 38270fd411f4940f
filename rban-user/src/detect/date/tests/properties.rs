//! The default templates by hand against the same as patterns, and what no text and no pattern may do.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::cores::{CORES, Core};
use super::super::engine::Workspace;
use super::super::reader::Decades;
use super::super::search::{Begin, Line};
use super::super::template::Template;
use super::*;

const BEGINS: [Begin; 4] = [Begin::Word, Begin::Line, Begin::Start, Begin::Bracket];

/// Dates of every format, to begin with.
const DATES: [&str; 26] = [
    "2025-11-21 05:00:00",
    "2025/1/2T05:00:00,123456 +0100",
    "2025.11.21  5:00:00Z",
    "2025-11-21T05:00:00.5-03:30",
    "Nov 21 05:00:00",
    "Fri Nov  1  5:00:00.25 2025",
    "fri nov 1 2025 05:00:00",
    "21/11/25 05:00:00",
    " 1-11-2025 05:00:00",
    "21/Nov/2025:05:00:00 +0100",
    "21-Nov-2025 05:00:00.5 utc",
    " 1/Nov/202505:00:00",
    "11/21/2025:05:00:00",
    "11-21-2025  5:00:00.11",
    "1763697600.123",
    "audit(1763697600.123:45)",
    "05:00:00",
    "<11/21/25@05:00:00>",
    "251121  5:00:00",
    "Nov 21, 2025 5:00:00 AM",
    "Nov-21-25 05:00:00",
    "20251121T050000.1 +01",
    "20251121-05:00:00Z",
    "PDT Fri Nov 21 05:00:00",
    "+01:00 Fri Nov 21 05:00:00.1 2025",
    "@40000000691fe38b00000000",
];

/// What is put into a date.
const PUT: [&str; 24] = [
    "", "", "0", "1", "3", "9", ":", "-", "/", ".", " ", "  ", "T", "Z", "x", "_", "+", "[", "(",
    "é", "\u{661}", "\u{a0}", "ſ", "«",
];
/// What stands around it.
const AROUND: [&str; 18] = [
    "", "", "", " ", "[", "((", "]", "x", " x ", "_", "é", "«", ": ", "x [", "\u{661}", ".5",
    " 2025", "Z",
];

/// Something to change a date by: a place, how much is cut out there, and what is put in.
fn change() -> impl Strategy<Value = (Index, usize, &'static str)> {
    (any::<Index>(), 0..3usize, select(&PUT))
}

fn dated_text() -> impl Strategy<Value = String> {
    let parts = (
        select(&AROUND),
        select(&DATES),
        prop::collection::vec(change(), 0..3),
        select(&AROUND),
        prop::option::weighted(0.2, select(&DATES)),
    );
    parts.prop_map(|(before, date, changes, behind, second)| {
        let mut date = String::from(date);
        for (place, cut, put) in changes {
            let places: Vec<usize> =
                date.char_indices().map(|(at, _)| at).chain([date.len()]).collect();
            let at = place.index(places.len());
            let end = places[(at + cut).min(places.len() - 1)];
            date.replace_range(places[at]..end, put);
        }
        format!("{before}{date}{behind}{}", second.unwrap_or_default())
    })
}

/// Every default template with each begin it can have.
fn templates() -> Vec<Template> {
    let dates = CORES.into_iter().filter(|core| !core.is_count());
    let of_core = |(core, begin)| Template::of_core(core, begin, Decades::new(2026), 1.0);
    dates.flat_map(|core| BEGINS.map(|begin| of_core((core, begin)))).collect()
}

/// The counts of seconds, each with a pattern that means the same.
fn counts() -> Vec<(Template, Template)> {
    let of_core = |core, begin| Template::of_core(core, begin, Decades::new(2026), 1.0);
    let of_epoch = |pattern| Template::of_epoch_pattern(pattern).unwrap();
    vec![
        (of_core(Core::Epoch, Begin::Line), of_epoch("{^LN-BEG}{EPOCH}")),
        (of_core(Core::LongEpoch, Begin::Line), of_epoch("{^LN-BEG}{LEPOCH}")),
        (of_core(Core::Epoch, Begin::Word), of_epoch(r"(?:^|(?<=^\[)|(?<=\baudit\()){EPOCH}")),
        (of_core(Core::LongEpoch, Begin::Word), of_epoch(r"(?:^|(?<=^\[)|(?<=\baudit\()){LEPOCH}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn by_hand_and_by_pattern_the_same_is_found(text in dated_text()) {
        thread_local!(static TEMPLATES: Vec<Template> = templates());
        let line = Line::new(&text);
        let mut work = Workspace::default();
        TEMPLATES.with(|templates| {
            for template in templates {
                let by_pattern = template.pattern().unwrap().find(&text, 0..text.len(), &mut work);
                prop_assert!(by_pattern.is_none() || template.may_match(&line), "{}", template.name());
                prop_assert_eq!(template.find(&line, &mut work), by_pattern, "{}", template.name());
            }
            Ok(())
        })?;
    }

    #[test]
    fn so_it_is_in_a_part_of_the_line(text in dated_text(), start in any::<Index>(), end in any::<Index>()) {
        thread_local!(static TEMPLATES: Vec<Template> = templates());
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (start, end) = (places[start.index(places.len())], places[end.index(places.len())]);
        let part = start.min(end)..start.max(end);
        let line = Line::new(&text);
        let mut work = Workspace::default();
        TEMPLATES.with(|templates| {
            for template in templates.iter().filter(|template| !template.is_anchored()) {
                let by_pattern = template.pattern().unwrap().find(&text, part.clone(), &mut work);
                prop_assert_eq!(template.find_in(part.clone(), &line, &mut work), by_pattern, "{}", template.name());
            }
            Ok(())
        })?;
    }

    #[test]
    fn counts_of_seconds_are_found_like_their_patterns(text in dated_text()) {
        thread_local!(static TEMPLATES: Vec<(Template, Template)> = counts());
        let line = Line::new(&text);
        let mut work = Workspace::default();
        TEMPLATES.with(|templates| {
            for (count, pattern) in templates {
                prop_assert_eq!(count.find(&line, &mut work), pattern.find(&line, &mut work), "{}", pattern.name());
            }
            Ok(())
        })?;
    }

    #[test]
    fn whatever_the_lines_a_date_is_a_part_of_its_line(
        lines in prop::collection::vec(prop_oneof![dated_text(), ".{0,60}"], 1..20),
    ) {
        let mut detector = detector(&[], None).unwrap();
        for line in &lines {
            if let Some(found) = detector.find(line, WallTime::from_secs(NOW)) {
                prop_assert!(line.get(found.cut).is_some());
                // There may be no such time, but always an answer.
                let _ = detector.time(found.stamp, WallTime::from_secs(NOW));
            }
        }
    }

    #[test]
    fn whatever_the_pattern_it_is_a_template_or_an_error(
        parts in prop::collection::vec(select(&PARTS), 0..12),
        line in dated_text(),
    ) {
        let pattern = parts.concat();
        if let Ok(mut detector) = detector(&[&pattern], None)
            && let Some(found) = detector.find(&line, WallTime::from_secs(NOW))
        {
            prop_assert!(line.get(found.cut).is_some());
        }
    }
}

/// What patterns are made of.
const PARTS: [&str; 40] = [
    "%Y",
    "%ExY",
    "%m",
    "%b",
    "%d",
    "%H",
    "%M",
    "%S",
    "%k",
    "%z",
    "%Exz",
    "%Z",
    "%p",
    "%j",
    "%c",
    "%%",
    "%",
    "%Q",
    "^",
    "$",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?P<Y>",
    "[",
    "]",
    "**",
    "*",
    "?",
    "|",
    "\\",
    " ",
    "-",
    "{UNB}",
    "{^LN-BEG}",
    "{DATE}",
    "{EPOCH}",
    "{NONE}",
    "é",
];
