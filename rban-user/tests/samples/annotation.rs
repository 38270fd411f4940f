//! A file of sample lines, each with what must be found in it (spec, filter, appendix A).

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::condition;

/// Options of a filter; those that begin with `test.` are for the runner.
pub(crate) type Options = Map<String, Value>;

/// One line, and what must be found in it.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Where it stands.
    pub(crate) file: PathBuf,
    pub(crate) number: usize,
    pub(crate) line: Vec<u8>,
    /// With which options of its filter it is to be looked at.
    pub(crate) options: Vec<Options>,
    pub(crate) expected: Map<String, Value>,
}

impl Sample {
    pub(crate) fn is_failure(&self) -> bool {
        self.expected.get("match").is_some_and(|it| it == true)
    }

    /// Whether it counts with these options.
    pub(crate) fn counts(&self, filter: &str, options: &Options) -> bool {
        let constraint = self.expected.get("constraint").and_then(Value::as_str);
        constraint.is_none_or(|it| condition::holds(it, filter, options))
    }
}

/// Reads the samples of a filter, with those of the files that its file names.
pub(crate) fn read(directory: &Path, filter: &str) -> Vec<Sample> {
    let mut reader = Reader {
        filter,
        files: VecDeque::from([file_of(directory, filter)]),
        common: Options::new(),
        options: vec![Options::new()],
        samples: Vec::new(),
    };
    while let Some(file) = reader.files.pop_front() {
        reader.file(&file);
    }
    reader.samples
}

/// Ours end in `.log`, the package's do not.
fn file_of(directory: &Path, filter: &str) -> PathBuf {
    let ours = directory.join(format!("{filter}.log"));
    if ours.exists() { ours } else { directory.join(filter) }
}

struct Reader<'a> {
    filter: &'a str,
    files: VecDeque<PathBuf>,
    /// What all options of these files have in common.
    common: Options,
    options: Vec<Options>,
    samples: Vec<Sample>,
}

impl Reader<'_> {
    fn file(&mut self, file: &Path) {
        let text = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut expected = Map::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            if let Some((name, json)) = directive(line) {
                let json: Value = serde_json::from_str(json)
                    .unwrap_or_else(|error| panic!("{}:{number}: {error}", file.display()));
                match (name, json) {
                    ("failJSON", Value::Object(json)) => expected = json,
                    (_, json) => self.directive(name, json, file),
                }
                continue;
            }
            let expected = std::mem::take(&mut expected);
            if line.is_empty() || (expected.is_empty() && line.starts_with(b"#")) {
                continue;
            }
            self.samples.push(Sample {
                file: file.to_owned(),
                number,
                line: line.to_vec(),
                options: self.options.clone(),
                expected,
            });
        }
    }

    fn directive(&mut self, name: &str, json: Value, file: &Path) {
        match (name, json) {
            ("fileOptions", Value::Object(json)) => self.common.extend(json),
            ("filterOptions", Value::Object(json)) => self.filter_options([Value::Object(json)]),
            ("filterOptions", Value::Array(all)) => self.filter_options(all),
            ("addFILE", Value::String(name)) => {
                self.files.push_back(file.parent().expect("a file's").join(name));
            }
            (name, json) => panic!("{}: {name}: {json}", file.display()),
        }
    }

    fn filter_options(&mut self, all: impl IntoIterator<Item = Value>) {
        let merged = all.into_iter().map(|given| {
            let mut options = self.common.clone();
            options.extend(given.as_object().expect("options are objects").clone());
            options
        });
        let counts = |options: &Options| {
            let condition = options.get("test.condition").and_then(Value::as_str);
            condition.is_none_or(|it| condition::holds(it, self.filter, options))
        };
        self.options = merged.filter(counts).collect();
    }
}

/// `# failJSON: {…}` as its name and its JSON.
fn directive(line: &[u8]) -> Option<(&str, &str)> {
    let text = str::from_utf8(line).ok()?.strip_prefix('#')?.trim_start_matches('#');
    let (name, json) = text.strip_prefix(' ').unwrap_or(text).split_once(':')?;
    let known = ["failJSON", "fileOptions", "filterOptions", "addFILE"];
    known.contains(&name).then_some((name, json))
}
