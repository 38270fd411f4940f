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
        let seen =
            if *section.name == *DEFAULT { &mut self.in_default } else { &mut self.in_section };
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

/// The name in `[name]`, up to the last bracket; whatever follows that is ignored.
fn section_name(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('[')?.rsplit_once(']')?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file as one line: `[section] key=value`, a line feed within a value as `⏎`.
    fn shown(text: &str) -> Result<String, String> {
        let show = |section: Section| {
            let options = section.options.iter();
            let options = options.map(|(key, raw)| format!(" {key}={}", raw.text));
            format!("[{}]{}", section.name, options.collect::<String>().replace('\n', "⏎"))
        };
        match parse(text, &Path::new("f").into()) {
            Ok(sections) => Ok(sections.into_iter().map(show).collect::<Vec<_>>().join(" ")),
            Err(errors) => Err(errors[0].to_string()),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text).as_deref(), Ok(expected), "{text:?}");
    }

    #[track_caller]
    fn refused(text: &str, message: &str) {
        let error = shown(text).expect_err(text);
        assert!(error.contains(message), "{error:?} does not say {message:?}");
    }

    #[test]
    fn comments_go() {
        check("# c\n; c\n  # c\n[s] ; c\na = 1 ; c\nb = 2;c\nc = 3 # c\n", "[s] a=1 b=2;c c=3 # c");
        check("[s]\na = 1\n  # c\n    ; c\n  2", "[s] a=1⏎2");
        check("[s]\na =;c\nb = ; c\nc = 1\t;c", "[s] a=;c b= c=1");
        check("[s]\na = 1 2;3 ;4 5", "[s] a=1 2;3");
    }

    #[test]
    fn a_value_goes_on_while_lines_are_indented_deeper_than_its_key() {
        check("[s]\na = 1\n 2\n\t3\nb = 4", "[s] a=1⏎2⏎3 b=4");
        check("[s]\n  a = 1\n   b = 2\n c = 3\n  d = 4", "[s] a=1⏎b = 2 c=3⏎d = 4");
        check("[s]\na =\n  1", "[s] a=⏎1");
        check("[s]\na = 1\n [t]\n", "[s] a=1⏎[t]");
        check("[s]\n [t]\na = 1", "[s] [t] a=1");
        check("[s]\na = 1\n  ;\n b ; c\n  2", "[s] a=1⏎b⏎2");
    }

    #[test]
    fn blank_lines_are_kept_only_within_a_value() {
        check("[s]\na = 1\n\n  2\n\n\nb = 3\n\n", "[s] a=1⏎⏎2 b=3");
        check("[s]\na =\n\n  1", "[s] a=⏎⏎1");
    }

    #[test]
    fn the_first_sign_divides_key_and_value() {
        check("[s]\na=b=c\nd : e = f\ng:h", "[s] a=b=c d=e = f g=h");
        check("[s]\nopt?family=inet6 = x", "[s] opt?family=inet6 = x");
        check("[s]\nMy Key = V", "[s] my key=V");
        check("[s]\nÄ = 'q' \"r\"", "[s] ä='q' \"r\"");
    }

    #[test]
    fn a_sections_name_is_what_stands_between_the_brackets() {
        check("[ T ]\n[t]# c\n[a]b] c\n[x=y]", "[ T ] [t] [a]b] [x=y]");
        check("  [indented]\na=1", "[indented] a=1");
        check("[DEFAULT]\na=1\n[s]\n[DEFAULT]\nb=2", "[DEFAULT] a=1 [s] [DEFAULT] b=2");
    }

    #[test]
    fn lines_end_in_any_way_and_blanks_are_pythons() {
        check("[s]\r\na = 1\r\n 2\rb = 3", "[s] a=1⏎2 b=3");
        check("[s]\na\x1c=\x1f1\u{a0}\u{2003}", "[s] a=1");
        check("[s]\na = 1\u{2028}\x0b2", "[s] a=1\u{2028}\x0b2");
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        refused("[s]\nnonsense", "f:2: nonsense: neither [section] nor option");
        refused("[s]\n = 1", "f:2: = 1: neither");
        refused("\na = 1\n[s]", "f:2: a = 1: stands before any section");
        refused("[]", "f:1: []: stands before any section");
        refused("[a ; b]", "f:1: [a: stands before any section");
        refused("\u{feff}[s]", "f:1: \u{feff}[s]: stands before any section");
        refused("[s]\nAb = 1\n\naB = 2", "f:4: ab = 2: is in this section already, in line 2");
        refused("[s]\n[S]\n[s]", "f:3: [s]: is in this file already, in line 1");
        refused("[DEFAULT]\na=1\n[s]\na=2\n[DEFAULT]\na=3", "f:6: a = 3: is in this section");
    }

    #[test]
    fn every_error_of_a_file_is_told() {
        let errors = parse("[s]\nx\na=1\na=2\n[s]\n", &Path::new("f").into()).unwrap_err();
        assert_eq!(errors.len(), 3, "{errors:?}");
    }

    #[test]
    fn places_are_the_lines_of_keys() {
        let sections = parse("\n[s]\na =\n  1\n\nb = 2", &Path::new("f").into()).unwrap();
        let lines = sections[0].options.iter().map(|(_, raw)| raw.place.as_ref().unwrap().line);
        assert_eq!((sections[0].place.line, lines.collect::<Vec<_>>()), (2, vec![3, 6]));
    }

    #[test]
    fn many_sections_and_options_take_time_in_proportion() {
        let many = |what: fn(usize) -> String| (0..50_000).map(what).collect::<String>();
        let defaults = format!("[DEFAULT]\n{}", many(|i| format!("o{i}=\n")));
        let sections = many(|i| format!("[{i}]\na=1\n"));
        assert!(shown(&(defaults + &sections)).is_ok());
        assert!(shown(&format!("[s]\na=1\n{}", many(|_| " x\n".to_owned()))).is_ok());
        assert!(shown(&format!("[s]\na=1\n{}", many(|_| " ;;;; ;\n".to_owned()))).is_ok());
    }

    proptest! {
        #[test]
        fn what_was_read_reads_the_same_when_written_out(
            text in r"(\[[a-cA-C ]{1,3}\]\n([a-cA-C]{1,2} ?[=:] ?[a-c;#=% \]\[]{0,6}\n( {1,3}[a-c;#= ]{0,5}\n){0,3}){0,4}){0,3}"
        ) {
            let file: Arc<Path> = Path::new("f").into();
            let Ok(sections) = parse(&text, &file) else { return Ok(()) };
            let mut written = String::new();
            for section in &sections {
                written.push_str(&format!("[{}]\n", section.name));
                for (key, raw) in &section.options {
                    written.push_str(&format!("{key}={}\n", raw.text.replace('\n', "\n  ")));
                }
            }
            let strip = |sections: &Parsed| -> Vec<_> {
                let options = |it: &Section| -> Vec<_> {
                    it.options.iter().map(|(key, raw)| (key.clone(), raw.text.clone())).collect()
                };
                sections.iter().map(|it| (it.name.clone(), options(it))).collect()
            };
            let again = parse(&written, &file);
            prop_assert_eq!(again.as_ref().ok().map(strip), Some(strip(&sections)), "{}", written);
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>()) {
            drop(shown(&text));
        }
    }
}
