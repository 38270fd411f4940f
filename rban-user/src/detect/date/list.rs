//! The values of `datepattern` → the templates of a detector (spec, filter 3.3 and 3.4).

use super::Error;
use super::cores::{CORES, Core};
use super::pattern::{LINE_BEGIN, UNBOUND};
use super::reader::Decades;
use super::search::Begin;
use super::template::{Template, replace_ignoring_case};

/// A detector of more templates than this would be slow on every line; the longest list of defaults is 31.
const TEMPLATES_MAX: usize = 1_000;
/// The weight of templates that begin the line.
const LINE_BEGIN_WEIGHT: f64 = 100.0;

const DATE: &str = "{DATE}";
/// The pattern of access logs, which has a fast way.
const BEHIND_BRACKET: &str = r"^[^\[]*\[({DATE})";

/// The templates that these patterns mean, in order. Without any, the default ones.
pub(super) fn of_patterns(patterns: &[String], decades: Decades) -> Result<Vec<Template>, Error> {
    let mut list = List { templates: Vec::new(), decades };
    for pattern in patterns {
        list.add(pattern)?;
    }
    if list.templates.is_empty() {
        list.add_line_begins();
        for core in CORES {
            list.default(core, begin_of(core), 1.0);
        }
    }
    Ok(list.templates)
}

struct List {
    templates: Vec<Template>,
    decades: Decades,
}

impl List {
    fn add(&mut self, pattern: &str) -> Result<(), Error> {
        if self.templates.len() > TEMPLATES_MAX {
            return Err(Error::TooMany { max: TEMPLATES_MAX });
        }
        // A pattern with tokens is what it says; the words below can be written in small letters.
        let key = if pattern.contains('%') { pattern.into() } else { pattern.to_ascii_uppercase() };
        match key.trim() {
            "{DEFAULT}" => {}
            "{NONE}" => self.push(Template::of_pattern(&format!("{UNBOUND}^"), self.decades)?)?,
            LINE_BEGIN => {
                self.add_line_begins();
                for core in CORES.into_iter().filter(|core| is_never_copied(*core)) {
                    self.default(core, begin_of(core), 1.0);
                }
            }
            DATE => self.add_each(Begin::Word),
            "^{DATE}" => self.add_each(Begin::Start),
            "{^LN-BEG}{DATE}" => self.add_each(Begin::Line),
            key if key.contains(DATE) => self.add_around(pattern.trim())?,
            key if key.contains("{EPOCH}") || key.contains("{LEPOCH}") => {
                self.push(Template::of_epoch_pattern(pattern)?)?;
            }
            key => match count(key) {
                Some((core, begin)) => {
                    self.push(Template::of_core(core, begin, self.decades, 1.0))?;
                }
                None => self.push(Template::of_pattern(pattern, self.decades)?)?,
            },
        }
        Ok(())
    }

    /// A template of the user's. Another of its name is a mistake.
    fn push(&mut self, template: Template) -> Result<(), Error> {
        if self.has(&template) {
            return Err(Error::Twice { name: template.name().into() });
        }
        self.templates.push(template);
        Ok(())
    }

    /// A default template, unless there is one of its name.
    fn default(&mut self, core: Core, begin: Begin, weight: f64) {
        let template = Template::of_core(core, begin, self.decades, weight);
        if !self.has(&template) {
            self.templates.push(template);
        }
    }

    fn has(&self, template: &Template) -> bool {
        self.templates.iter().any(|known| known.name() == template.name())
    }

    /// The copies of default templates that begin the line.
    fn add_line_begins(&mut self) {
        for core in CORES.into_iter().filter(|core| !is_never_copied(*core)) {
            self.default(core, Begin::Line, LINE_BEGIN_WEIGHT);
        }
    }

    /// Every default template, where something else says how it begins.
    fn add_each(&mut self, begin: Begin) {
        for core in CORES {
            // A count of seconds has but two ways to begin.
            let begin = if core.is_count() && begin == Begin::Start { Begin::Line } else { begin };
            self.default(core, begin, 1.0);
        }
    }

    /// Every default template in something else.
    fn add_around(&mut self, pattern: &str) -> Result<(), Error> {
        for core in CORES {
            // The words of which the counts' patterns consist are then only words, as in fail2ban.
            let template = if pattern == BEHIND_BRACKET && !core.is_count() {
                Template::of_core(core, Begin::Bracket, self.decades, 1.0)
            } else {
                let pattern = replace_ignoring_case(pattern, DATE, core.pattern());
                Template::of_pattern(&pattern, self.decades)?
            };
            if !self.has(&template) {
                self.templates.push(template);
            }
        }
        Ok(())
    }
}

/// Whether a default template has no copy that begins the line: it begins it already.
fn is_never_copied(core: Core) -> bool {
    core == Core::TimeOnly || core.is_line_begin()
}

/// How a default template begins where nothing else is said.
fn begin_of(core: Core) -> Begin {
    if is_never_copied(core) { Begin::Line } else { Begin::Word }
}

/// A count of seconds that is asked for by its name.
fn count(key: &str) -> Option<(Core, Begin)> {
    let (begin, name) = match key.strip_prefix(LINE_BEGIN).or_else(|| key.strip_prefix('^')) {
        Some(name) => (Begin::Line, name),
        None => (Begin::Word, key),
    };
    let core = match name {
        "EPOCH" => Core::Epoch,
        "LEPOCH" => Core::LongEpoch,
        "TAI64N" => Core::Tai64n,
        _ => return None,
    };
    Some((core, begin))
}
