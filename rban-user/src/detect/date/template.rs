//! A way to find and read a date: one entry of a detector's list.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Error;
use super::cores::Core;
use super::engine::{EPOCH_GROUP, Engine, Workspace};
use super::pattern::{self, Anchor, LINE_BEGIN, Prepared, UNBOUND};
use super::reader::Decades;
use super::search::{self, Begin, Hit, Line};

/// Ten or eleven digits, and perhaps a fraction.
const EPOCH: &str = r"\d{10,11}\b(?:\.\d{3,6})?";
/// The same or three to seven digits more.
const LONG_EPOCH: &str = r"\d{10,11}(?:\d{3}(?:\.\d{1,6})?|\d{6})?";

/// A template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// By this two templates are the same.
    name: String,
    anchor: Anchor,
    /// Counts in the order of templates.
    weight: f64,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// One of the default templates. `pattern` is compiled when a line needs it.
    Core { core: Core, begin: Begin, decades: Decades, pattern: Arc<OnceLock<Option<Engine>>> },
    /// What a user wrote.
    Pattern(Box<Engine>),
}

impl Template {
    /// A default template.
    pub(super) fn of_core(core: Core, begin: Begin, decades: Decades, weight: f64) -> Self {
        let begin = match begin {
            Begin::Word | Begin::Line if core.is_line_begin() => Begin::Start,
            begin => begin,
        };
        let anchor = if begin == Begin::Word { Anchor::None } else { Anchor::Line };
        let matcher = Matcher::Core { core, begin, decades, pattern: Arc::default() };
        Self { name: pattern_of_core(core, begin), anchor, weight, matcher }
    }

    /// The template that a pattern is, by tokens and regular expression.
    pub(super) fn of_pattern(pattern: &str, decades: Decades) -> Result<Self, Error> {
        Self::of_prepared(pattern, pattern::prepare(pattern, decades)?)
    }

    /// The template of a pattern with a count of seconds in it.
    pub(super) fn of_epoch_pattern(pattern: &str) -> Result<Self, Error> {
        let group = |accepts| format!("(?P<{EPOCH_GROUP}>{accepts})");
        let with_epoch = replace_ignoring_case(pattern, "{EPOCH}", &group(EPOCH));
        let with_epoch = replace_ignoring_case(&with_epoch, "{LEPOCH}", &group(LONG_EPOCH));
        Self::of_prepared(pattern, pattern::prepare_plain(&with_epoch))
    }

    fn of_prepared(pattern: &str, Prepared { regex, anchor }: Prepared) -> Result<Self, Error> {
        let engine = Engine::new(&regex)
            .map_err(|source| Error::Regex { pattern: pattern.into(), source: Box::new(source) })?;
        let name = pattern.strip_prefix(UNBOUND).unwrap_or(pattern).into();
        Ok(Self { name, anchor, weight: 1.0, matcher: Matcher::Pattern(Box::new(engine)) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The regular expression that it is, unless it is a count of seconds.
    pub(super) fn regex(&self) -> Option<&str> {
        match &self.matcher {
            Matcher::Core { core, .. } if core.is_count() => None,
            _ => Some(self.pattern()?.as_str()),
        }
    }

    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    /// Whether a match is trusted because it begins or ends the line.
    pub(super) fn is_anchored(&self) -> bool {
        self.anchor == Anchor::Line
    }

    /// Whether a match is possible, going by the looks of the line; cheap, and not always right when it says so.
    #[inline]
    pub(super) fn may_match(&self, line: &Line<'_>) -> bool {
        match &self.matcher {
            Matcher::Core { core, begin, .. } if line.is_plain_for(*core) => {
                line.may_hold(*core, *begin)
            }
            _ => true,
        }
    }

    /// The first match in the line.
    #[inline(always)]
    pub(super) fn find(&self, line: &Line<'_>, work: &mut Workspace) -> Option<Hit> {
        match &self.matcher {
            Matcher::Core { core, begin, decades, .. } if line.is_plain_for(*core) => {
                search::find(*core, *begin, line, *decades)
            }
            _ => self.find_by_pattern(line, 0..line.text.len(), work),
        }
    }

    /// The first match in a part of the line: what precedes it is seen, what follows it is not.
    pub(super) fn find_in(
        &self,
        part: Range<usize>,
        line: &Line<'_>,
        work: &mut Workspace,
    ) -> Option<Hit> {
        match &self.matcher {
            Matcher::Core { core, begin: Begin::Word, decades, .. } if line.is_plain_for(*core) => {
                search::find_in(*core, part, line, *decades)
            }
            _ => self.find_by_pattern(line, part, work),
        }
    }

    #[inline(never)]
    fn find_by_pattern(
        &self,
        line: &Line<'_>,
        part: Range<usize>,
        work: &mut Workspace,
    ) -> Option<Hit> {
        self.pattern()?.find(line.text, part, work)
    }

    /// The template as a regular expression.
    pub(super) fn pattern(&self) -> Option<&Engine> {
        match &self.matcher {
            Matcher::Pattern(engine) => Some(engine),
            Matcher::Core { core, begin, decades, pattern } => {
                let engine = pattern.get_or_init(|| {
                    let pattern = pattern_of_core(*core, *begin);
                    let prepared = pattern::prepare(&pattern, *decades).ok()?;
                    Engine::new(&prepared.regex).ok()
                });
                engine.as_ref()
            }
        }
    }
}

/// A default template as a user would write it.
fn pattern_of_core(core: Core, begin: Begin) -> String {
    let pattern = core.pattern();
    match begin {
        Begin::Word => pattern.into(),
        Begin::Line => format!("{LINE_BEGIN}{pattern}"),
        Begin::Start if core.is_line_begin() => pattern.into(),
        Begin::Start => format!("^{pattern}"),
        Begin::Bracket => format!(r"^[^\[]*\[({pattern})"),
    }
}

/// Replaces a word that is written in small or capital letters.
pub(super) fn replace_ignoring_case(text: &str, word: &str, by: &str) -> String {
    let capitals = text.to_ascii_uppercase();
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for (start, _) in capitals.match_indices(word) {
        replaced.push_str(&text[end..start]);
        replaced.push_str(by);
        end = start + word.len();
    }
    replaced.push_str(&text[end..]);
    replaced
}
