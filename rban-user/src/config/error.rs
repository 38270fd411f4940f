//! Where something was written, what is wrong with it, and what to write.

use std::fmt::{self, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::NotASpec;

/// Where something was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// Its line, from 1.
    pub line: u32,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// An option's text, with where it stands: in the last layer that set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The text, resolved as far as its holder says.
    pub value: String,
    /// Where it was written; `None` for what the program itself put in.
    pub place: Option<Place>,
}

/// An option and what stood there, as messages quote it: its name, its text and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted(Box<Quote>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Quote {
    place: Option<Place>,
    option: String,
    found: String,
}

/// Messages quote no more of a value than this.
const QUOTE_MAX_CHARS: usize = 120;

impl Quoted {
    pub(super) fn new(place: Option<Place>, option: &str, found: &str) -> Self {
        Self(Box::new(Quote { place, option: shortened(option), found: shortened(found) }))
    }

    pub(super) fn of(option: &str, text: &Text) -> Self {
        Self::new(text.place.clone(), option, &text.value)
    }

    /// Where it was written.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }
}

impl Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Quote { place, option, found } = &*self.0;
        if let Some(place) = place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{option} = {found}")
    }
}

/// As much of a text as a message quotes, on one line and without control characters.
pub(super) fn shortened(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let mut chars = text.chars().map(shown);
    let mut short: String = chars.by_ref().take(QUOTE_MAX_CHARS).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// Text that cannot be read as configuration.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The base directory is missing.
    #[error("{dir}: no such directory; name one that holds jail.conf with -c DIR")]
    NoDirectory {
        /// The directory.
        dir: PathBuf,
    },
    /// None of a configuration's files exists.
    #[error("found no accessible config files for '{name}' under {dir}; make {name}.conf there")]
    NoFiles {
        /// Such as `filter.d/sshd`.
        name: String,
        /// The base directory.
        dir: PathBuf,
    },
    /// A file is there, but cannot be read.
    #[error("{file}: cannot be read; let this user read it, or remove it")]
    Unreadable {
        /// The file.
        file: Arc<Path>,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// A file is no UTF-8.
    #[error("{place}: a byte that is no UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The line with the byte.
        place: Place,
    },
    /// A file is larger than any configuration.
    #[error("{file}: more than {max} bytes; split it")]
    FileTooLong {
        /// The file.
        file: Arc<Path>,
        /// The limit.
        max: usize,
    },
    /// More files than any configuration has.
    #[error(
        "{file}: is one file too many, {max} were read already; do not include files in a loop"
    )]
    TooManyFiles {
        /// The file that was not read.
        file: Arc<Path>,
        /// The limit.
        max: usize,
    },
    /// More sections and options than any configuration has.
    #[error("{file}: with it, more than {max} sections and options were read; remove some")]
    TooManyEntries {
        /// The file at which the limit was passed.
        file: Arc<Path>,
        /// The limit.
        max: usize,
    },
    /// Includes within includes.
    #[error("{quoted}: includes nest deeper than {max}; do not include files in a loop")]
    IncludesTooDeep {
        /// The option `before` or `after`.
        quoted: Quoted,
        /// The limit.
        max: usize,
    },
    /// An option before the first section.
    #[error(
        "{place}: {found}: stands before any section; write [Definition], or the name of a jail in brackets, above it"
    )]
    NoSectionHeader {
        /// The line.
        place: Place,
        /// What stands there.
        found: String,
    },
    /// A line that is neither section nor option.
    #[error(
        "{place}: {found}: neither [section] nor option; write option = value, or indent it to continue the line above"
    )]
    NotAnOption {
        /// The line.
        place: Place,
        /// What stands there.
        found: String,
    },
    /// The same section twice in a file.
    #[error("{place}: [{section}]: is in this file already, in line {first}; join the two")]
    DuplicateSection {
        /// The second.
        place: Place,
        /// Its name.
        section: String,
        /// The line of the first.
        first: u32,
    },
    /// The same option twice in a section of a file.
    #[error("{quoted}: is in this section already, in line {first}; keep one of the two")]
    DuplicateOption {
        /// The second.
        quoted: Quoted,
        /// The line of the first.
        first: u32,
    },
    /// A `%` that begins nothing.
    #[error("{quoted}: a % that is neither %% nor %(name)s; write %% for a percent sign")]
    PercentSign {
        /// The option.
        quoted: Quoted,
    },
    /// A `%(` without its end.
    #[error("{quoted}: %( is not closed; write %(name)s, or %% for a percent sign")]
    OpenReference {
        /// The option.
        quoted: Quoted,
    },
    /// A `%(name)s` that is nowhere.
    #[error(
        "{quoted}: there is no option {name} for %({name})s; set it in this section or in [DEFAULT]"
    )]
    NoSuchName {
        /// The option.
        quoted: Quoted,
        /// The missing name.
        name: String,
    },
    /// References within references, or a circle of them.
    #[error("{quoted}: %(name)s nest deeper than {max}, or in a circle; write the text itself")]
    TooDeep {
        /// The option.
        quoted: Quoted,
        /// The limit.
        max: usize,
    },
    /// A value has grown too long.
    #[error(
        "{quoted}: grows past {max} bytes as its %(name)s and <name> are replaced; refer to less"
    )]
    TooLong {
        /// The option.
        quoted: Quoted,
        /// The limit.
        max: usize,
    },
    /// All values together have grown too long.
    #[error(
        "{quoted}: with it, %(name)s and <name> have cost more than {max} bytes in all; refer to less"
    )]
    TooMuchWork {
        /// The option at which the budget ran out.
        quoted: Quoted,
        /// The limit.
        max: u64,
    },
    /// A tag that leads back to itself.
    #[error("{quoted}: <{tag}> leads back to itself; write the text itself")]
    SelfReference {
        /// The option.
        quoted: Quoted,
        /// The tag.
        tag: String,
    },
    /// A jail's `filter` that is no `name[option=value, …]`.
    #[error("{quoted}: not a filter with its options")]
    FilterSpec {
        /// The jail's `filter`.
        quoted: Quoted,
        /// The text.
        spec: String,
        /// Where it goes wrong.
        source: NotASpec,
    },
    /// An entry of a jail's `action` that is no `name[option=value, …]`.
    #[error("{quoted}: not an action with its options")]
    ActionSpec {
        /// The entry.
        quoted: Quoted,
        /// The text.
        spec: String,
        /// Where it goes wrong.
        source: NotASpec,
    },
    /// More actions than a jail has.
    #[error("{quoted}: one action too many, {max} were read already; remove some")]
    TooManyActions {
        /// The action that was not read.
        quoted: Quoted,
        /// The limit.
        max: usize,
    },
    /// More logs than a jail has.
    #[error("{quoted}: more than {max} files with those before; write a narrower pattern")]
    TooManyLogs {
        /// The line of `logpath`.
        quoted: Quoted,
        /// The limit.
        max: usize,
    },
    /// No log, and the jail is to be skipped then.
    #[error("{quoted}: no such file, and skip_if_nologs is set; correct the path")]
    NoLogs {
        /// The jail's `logpath`.
        quoted: Quoted,
        /// The jail.
        jail: String,
    },
    /// A log level that is none.
    #[error("{quoted}: not a log level; write ERROR, WARNING, NOTICE, INFO or DEBUG")]
    NoLevel {
        /// The option `loglevel`.
        quoted: Quoted,
    },
    /// Shell words with an open quote.
    #[error("{quoted}: a quote is not closed; write FIELD=value, or FIELD=\"value with blanks\"")]
    OpenQuote {
        /// The option.
        quoted: Quoted,
    },
    /// A filter that is not there.
    #[error(
        "{quoted}: there is no filter {name}; make filter.d/{name}.conf, or name one that is there"
    )]
    NoFilter {
        /// The jail's `filter`.
        quoted: Quoted,
        /// The filter's name.
        name: String,
    },
    /// An action that is not there.
    #[error(
        "{quoted}: there is no action {name}; make action.d/{name}.conf, or name one that is there"
    )]
    NoAction {
        /// The jail's `action`.
        quoted: Quoted,
        /// The action's name.
        name: String,
    },
}

impl Error {
    /// With which reason fail2ban would skip a jail; `None` where it starts nothing at all.
    pub(super) fn reason_in_fail2ban(&self) -> Option<String> {
        let wrong = |what: String| Some(format!("wrong configuration: {what}"));
        match self {
            Self::NoFilter { name, .. } => {
                wrong(format!("Unable to read the filter {}", python_repr(name)))
            }
            Self::NoAction { name, .. } => {
                wrong(format!("Unable to read action {}", python_repr(name)))
            }
            Self::FilterSpec { spec, source, .. } => {
                let (spec, source) = (python_repr(spec), source.in_fail2ban());
                wrong(format!("Invalid filter definition {spec}: {source}"))
            }
            Self::ActionSpec { spec, source, .. } => {
                let (spec, source) = (python_repr(spec), source.in_fail2ban());
                wrong(format!("Invalid action definition {spec}: {source}"))
            }
            Self::NoLogs { .. } => Some("missing log files.".to_owned()),
            _ => None,
        }
    }
}

/// A text as Python prints it in quotes.
fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            c if c == quote => shown.extend(['\\', c]),
            c if c.is_control() => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown.push(quote);
    shown
}
