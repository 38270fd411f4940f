//! The files of one configuration, one over the other: `.conf`, `.d/*.conf`, `.local`, `.d/*.local`, each with what
//! it includes (spec, config 1, 3 and 4).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use super::error::{Error, Place, Quoted};
use super::files::{FILE_MAX_BYTES, Files};
use super::ini::{self, DEFAULT, Parsed, Raw};
use super::interpolate::{Budget, Scope};
use super::ordered::Ordered;

/// In one load so many files are read, or found missing; a stock fail2ban has 200.
const FILES_MAX: usize = 20_000;
/// All files of one load have so many sections and options; a stock fail2ban has 3,000.
const ENTRIES_MAX: usize = 200_000;
/// So many files one configuration may consist of, one read twice counting twice.
const PARTS_MAX: usize = 1_000;
/// What laying one option over others costs, of what resolving values may cost.
const MERGE_COST: usize = 64;
/// Files include files that include files, and so on, so often.
const INCLUDES_MAX_DEPTH: usize = 32;

/// The section that names the files to include.
pub(super) const INCLUDES: &str = "INCLUDES";
/// How the names of sections begin that are nobody's.
pub(super) const HIDDEN: &str = "KNOWN/";

/// Options as they are written, by their names in lower case.
pub(super) type Options = Ordered<Raw>;

/// A section as the layers together have it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: Arc<str>,
    /// Where it began first.
    pub(super) place: Place,
    pub(super) options: Options,
}

/// All layers of a configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Layered {
    pub(super) defaults: Options,
    sections: Vec<Section>,
    index: HashMap<Arc<str>, usize>,
}

impl Layered {
    /// A section; [`DEFAULT`] is none.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.index.get(name).map(|at| &self.sections[*at])
    }

    /// The sections, in the order in which they first appeared.
    pub(super) fn sections(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter()
    }

    /// Lays a file over what is there.
    pub(super) fn merge(&mut self, file: &Parsed) {
        for section in file {
            if *section.name == *DEFAULT {
                for (name, raw) in &section.options {
                    self.defaults.set(name.clone(), raw.clone());
                }
                continue;
            }
            let (target, condition) = conditional(&section.name);
            let existed = self.index.contains_key(target);
            let into = self.section_mut(target, &section.place);
            let mut replaced = Vec::new();
            for (name, raw) in &section.options {
                let name = match condition {
                    Some(condition) => format!("{name}{condition}").into(),
                    None => name.clone(),
                };
                let before = into.options.set(name.clone(), raw.clone());
                replaced.extend(before.map(|before| (name, before)));
            }
            if existed {
                let known = self.section_mut(&known_of(target), &section.place);
                replaced.into_iter().for_each(|(name, raw)| drop(known.options.set(name, raw)));
            }
        }
    }

    fn section_mut(&mut self, name: &str, place: &Place) -> &mut Section {
        let at = match self.index.get(name) {
            Some(at) => *at,
            None => {
                let name: Arc<str> = name.into();
                self.index.insert(name.clone(), self.sections.len());
                let options = Options::default();
                self.sections.push(Section { name, place: place.clone(), options });
                self.sections.len() - 1
            }
        };
        &mut self.sections[at]
    }
}

/// The section that holds what each option of a section was in the layer before the last that set it. There is one as
/// soon as two files have the section.
pub(super) fn known_of(section: &str) -> String {
    format!("{HIDDEN}{section}")
}

/// How many sections and options a file has.
fn entries(file: &Parsed) -> usize {
    file.iter().map(|section| 1 + section.options.len()).sum()
}

/// `Init?family=inet6` is the section `Init`, with the condition `?family=inet6` on each of its options.
fn conditional(name: &str) -> (&str, Option<&str>) {
    let Some(at) = name.find('?') else { return (name, None) };
    let (word, condition) = name.split_at(at);
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    if is_word && condition.len() > 1 { (word, Some(condition)) } else { (name, None) }
}

/// Why a configuration could not be loaded.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    /// There is no such configuration.
    Absent,
    /// Its files are wrong.
    Wrong(Rc<Vec<Error>>),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Wrong(Rc::new(vec![error]))
    }
}

type Loaded<T> = Result<Rc<T>, Failed>;

/// Loads configurations; every file is parsed once.
pub(super) struct Loader<'a> {
    files: &'a dyn Files,
    base: &'a Path,
    parsed: RefCell<HashMap<PathBuf, Loaded<Parsed>>>,
    layered: RefCell<HashMap<String, Loaded<Layered>>>,
    files_read: Cell<usize>,
    entries_read: Cell<usize>,
    /// Files that are there but cannot be read, and so count for nothing.
    ignored: RefCell<Vec<Error>>,
    pub(super) budget: Budget,
}

impl<'a> Loader<'a> {
    pub(super) fn new(files: &'a dyn Files, base: &'a Path, budget: Budget) -> Self {
        let (parsed, layered, files_read, entries_read, ignored) = Default::default();
        Self { files, base, parsed, layered, files_read, entries_read, ignored, budget }
    }

    pub(super) fn base(&self) -> &'a Path {
        self.base
    }

    pub(super) fn files(&self) -> &'a dyn Files {
        self.files
    }

    /// Notes a file that counts for nothing.
    fn ignore(&self, error: Error) -> Failed {
        self.ignored.borrow_mut().push(error);
        Failed::Absent
    }

    /// The files that were there but could not be read.
    pub(super) fn into_ignored(self) -> Vec<Error> {
        self.ignored.into_inner()
    }

    /// The configuration of this name, such as `jail` or `filter.d/sshd`.
    pub(super) fn load(&self, name: &str) -> Loaded<Layered> {
        if let Some(loaded) = self.layered.borrow().get(name) {
            return loaded.clone();
        }
        let loaded = self.load_anew(name);
        self.layered.borrow_mut().insert(name.to_owned(), loaded.clone());
        loaded
    }

    fn load_anew(&self, name: &str) -> Loaded<Layered> {
        let mut parts = Vec::new();
        let mut errors = Vec::new();
        for path in self.layers(name) {
            let file: Arc<Path> = path.into();
            match self.expand(&file, &mut Vec::new(), &mut parts) {
                Ok(()) => {}
                Err(Failed::Absent) => {}
                Err(Failed::Wrong(wrong)) => errors.extend(wrong.iter().cloned()),
            }
        }
        if !errors.is_empty() {
            return Err(Failed::Wrong(Rc::new(errors)));
        }
        if parts.is_empty() {
            return Err(Failed::Absent);
        }
        let mut layered = Layered::default();
        for part in parts {
            let cost = MERGE_COST * entries(&part);
            self.budget.spend(cost, || Quoted::new(None, name, "all its files together"))?;
            layered.merge(&part);
        }
        Ok(Rc::new(layered))
    }

    /// The files that this name stands for, without what they include; those that are there, and perhaps others.
    fn layers(&self, name: &str) -> Vec<PathBuf> {
        let stem = match name.strip_prefix("./") {
            Some(_) => PathBuf::from(name),
            None => self.base.join(name),
        };
        let with = |suffix: &str| {
            let mut path = stem.clone().into_os_string();
            path.push(suffix);
            PathBuf::from(path)
        };
        let mut layers = vec![with(".conf")];
        let mut listed = self.files.list(&with(".d"));
        listed.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
        let of = |extension: &'static str| {
            let is_it = move |path: &&PathBuf| {
                let hidden = path.file_name().is_some_and(|it| it.as_encoded_bytes()[0] == b'.');
                !hidden && path.extension().is_some_and(|it| it == extension)
            };
            listed.iter().filter(is_it).cloned()
        };
        layers.extend(of("conf"));
        layers.push(with(".local"));
        layers.extend(of("local"));
        layers
    }

    /// Adds a file with all it includes.
    fn expand(
        &self,
        file: &Arc<Path>,
        chain: &mut Vec<Arc<Path>>,
        parts: &mut Vec<Rc<Parsed>>,
    ) -> Result<(), Failed> {
        let parsed = self.parse(file)?;
        chain.push(file.clone());
        self.expand_included("before", file, &parsed, chain, parts)?;
        if parts.len() >= PARTS_MAX {
            return Err(Error::TooManyFiles { file: file.clone(), max: PARTS_MAX }.into());
        }
        parts.push(parsed.clone());
        self.expand_included("after", file, &parsed, chain, parts)?;
        chain.pop();
        Ok(())
    }

    fn expand_included(
        &self,
        option: &str,
        file: &Arc<Path>,
        parsed: &Rc<Parsed>,
        chain: &mut Vec<Arc<Path>>,
        parts: &mut Vec<Rc<Parsed>>,
    ) -> Result<(), Failed> {
        if !parsed.iter().any(|section| *section.name == *INCLUDES) {
            return Ok(());
        }
        let mut alone = Layered::default();
        alone.merge(parsed);
        let scope = Scope::new(&alone, INCLUDES, &self.budget);
        let Some(list) = scope.get(option)? else { return Ok(()) };
        let dir = file.parent().unwrap_or(Path::new(""));
        for name in list.value.split('\n').map(ini::strip).filter(|name| !name.is_empty()) {
            let path = dir.join(name);
            for path in [path.with_extension("local"), path].into_iter().rev() {
                if chain.iter().any(|it| **it == *path) {
                    continue;
                }
                if chain.len() >= INCLUDES_MAX_DEPTH {
                    let place = list.place.clone();
                    return Err(Error::IncludesTooDeep {
                        quoted: Quoted::new(place, option, name),
                        max: INCLUDES_MAX_DEPTH,
                    }
                    .into());
                }
                match self.expand(&path.into(), chain, parts) {
                    Err(Failed::Wrong(wrong)) => return Err(Failed::Wrong(wrong)),
                    Ok(()) | Err(Failed::Absent) => {}
                }
            }
        }
        Ok(())
    }

    fn parse(&self, file: &Arc<Path>) -> Loaded<Parsed> {
        if let Some(parsed) = self.parsed.borrow().get(&**file) {
            return parsed.clone();
        }
        let parsed = self.parse_anew(file);
        self.parsed.borrow_mut().insert(file.to_path_buf(), parsed.clone());
        parsed
    }

    fn parse_anew(&self, file: &Arc<Path>) -> Loaded<Parsed> {
        self.files_read.update(|read| read + 1);
        if self.files_read.get() > FILES_MAX {
            return Err(Error::TooManyFiles { file: file.clone(), max: FILES_MAX }.into());
        }
        let bytes = match self.files.read(file) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(Failed::Absent),
            Err(source) => {
                let (file, source) = (file.clone(), Arc::new(source));
                return Err(self.ignore(Error::Unreadable { file, source }));
            }
        };
        if bytes.len() > FILE_MAX_BYTES {
            return Err(Error::FileTooLong { file: file.clone(), max: FILE_MAX_BYTES }.into());
        }
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text,
            Err(error) => {
                let before = bytes[..error.valid_up_to()].iter();
                let line = 1 + before.filter(|byte| **byte == b'\n').count();
                let line = u32::try_from(line).expect("no more lines than FILE_MAX_BYTES");
                let place = Place { file: file.clone(), line };
                return Err(self.ignore(Error::NotUtf8 { place }));
            }
        };
        let parsed = ini::parse(text, file).map_err(|errors| Failed::Wrong(Rc::new(errors)))?;
        self.entries_read.update(|read| read + entries(&parsed));
        if self.entries_read.get() > ENTRIES_MAX {
            return Err(Error::TooManyEntries { file: file.clone(), max: ENTRIES_MAX }.into());
        }
        Ok(Rc::new(parsed))
    }
}
