//! One file: sections of options, as Python's strict configparser reads them (spec, config 2).
//!
//! In: the text of a file. Out: its sections and options in order, each value still with its `%(…)s` and `<…>`, and
//! with the line that it stands in. Includes and layers are not known here.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::error::{Error, Place, Quoted, shortened};

/// The section whose options all sections have.
pub(super) const DEFAULT: &str = "DEFAULT";

/// An option's value as written, comments and indents aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Raw {
    /// The text.
    pub(super) text: Arc<str>,
    /// The line of its key; `None` for what the program itself put in.
    pub(super) place: Option<Place>,
}

/// A section's options, their keys in lower case, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: Arc<str>,
    pub(super) place: Place,
    pub(super) options: Vec<(Arc<str>, Raw)>,
}

/// The sections of a file, in order; [`DEFAULT`] may come more than once.
pub(super) type Parsed = Vec<Section>;

/// Reads a file's text.
///
/// # Errors
/// All that is wrong with it, in the order of its lines.
pub(super) fn parse(text: &str, file: &Arc<Path>) -> Result<Parsed, Vec<Error>> {
    let mut parser = Parser {
        file,
        sections: Vec::new(),
        first_lines: HashMap::new(),
        in_default: HashMap::new(),
        in_section: HashMap::new(),
        value: None,
        indent: 0,
        errors: Vec::new(),
    };
    for (number, line) in (1_u32..).zip(lines(text)) {
        if parser.line(number, line).is_none() {
            break;
        }
    }
    parser.end_value();
    if parser.errors.is_empty() { Ok(parser.sections) } else { Err(parser.errors) }
}

/// What Python takes for a blank.
pub(super) fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Without blanks at its ends.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// Lines end in `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

struct Parser<'a> {
    file: &'a Arc<Path>,
    sections: Parsed,
    /// In which line each section began first.
    first_lines: HashMap<Arc<str>, u32>,
    /// In which line each option of `DEFAULT` stands, which may be taken up again.
    in_default: HashMap<Arc<str>, u32>,
    /// In which line each option of the current section stands.
    in_section: HashMap<Arc<str>, u32>,
    /// The value that lines may continue: its text so far.
    value: Option<String>,
    /// The indent of the option that [`Self::value`] belongs to.
    indent: usize,
    errors: Vec<Error>,
}

impl Parser<'_> {
    /// Reads a line; `None` if it makes no sense to read on.
    fn line(&mut self, number: u32, line: &str) -> Option<()> {
        let comment = comment_start(line);
        let text = strip(comment.map_or(line, |at| &line[..at]));
        if text.is_empty() {
            if comment.is_none()
                && let Some(value) = &mut self.value
            {
                value.push('\n');
            }
            return Some(());
        }
        let indent = line.chars().take_while(|c| is_blank(*c)).count();
        if let Some(value) = &mut self.value
            && indent > self.indent
        {
            value.push('\n');
            value.push_str(text);
            return Some(());
        }
        self.end_value();
        self.indent = indent;
        let place = Place { file: self.file.clone(), line: number };
        if let Some(name) = section_name(text) {
            self.begin_section(name, place);
            return Some(());
        }
        if self.sections.is_empty() {
            self.errors.push(Error::NoSectionHeader { place, found: shortened(text) });
            return None;
        }
        match text.split_once(['=', ':']) {
            Some((key, value)) if !strip(key).is_empty() => {
                self.begin_option(strip(key), strip(value), place);
            }
            _ => self.errors.push(Error::NotAnOption { place, found: shortened(text) }),
        }
        Some(())
    }

    fn begin_section(&mut self, name: &str, place: Place) {
        let name: Arc<str> = name.into();
        self.in_section = HashMap::new();
        if *name != *DEFAULT
            && let Some(first) = self.first_lines.insert(name.clone(), place.line)
        {
            let section = shortened(&name);
            self.errors.push(Error::DuplicateSection { place: place.clone(), section, first });
        }
        self.sections.push(Section { name, place, options: Vec::new() });
    }

    fn begin_option(&mut self, key: &str, value: &str, place: Place) {
        let key: Arc<str> = key.to_lowercase().into();
        let Some(section) = self.sections.last_mut() else { return };
        let seen = if *section.name == *DEFAULT { &mut self.in_default } else { &mut self.in_section };
        if let Some(first) = seen.insert(key.clone(), place.line) {
            let quoted = Quoted::new(Some(place.clone()), &key, value);
            self.errors.push(Error::DuplicateOption { quoted, first });
        }
        section.options.push((key, Raw { text: "".into(), place: Some(place) }));
        self.value = Some(value.to_owned());
    }

    /// Nothing continues the current value any more.
    fn end_value(&mut self) {
        let Some(value) = self.value.take() else { return };
        let option = self.sections.last_mut().and_then(|section| section.options.last_mut());
        if let Some((_, raw)) = option {
            raw.text = value.trim_end_matches(is_blank).into();
        }
    }
}

/// Where a line's comment starts: `#` or `;` as its first character, or `;` after a blank.
fn comment_start(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let found = line.match_indices(';').map(|(at, _)| at);
    found.into_iter().find(|at| line[..*at].chars().next_back().is_none_or(is_blank))
}

/// The name in `[name]`; whatever follows the bracket is ignored.
fn section_name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.split_once(']')?;
    (!name.is_empty()).then_some(name)
}
