//! What is to be tried: the filter that was named, or the pattern, and what the options change of it.

use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::anyhow;

use super::Regex;
use super::log::Log;
use super::python;
use crate::cli::{Failure, config, render};
use crate::config::{Directory, Named, Origin, lookup};
use crate::detect::{self, Detector, PatternError, Patterns, UseDns, in_words};
use crate::source::Encoding;

/// What is to be tried.
pub(super) struct Asked {
    pub(super) filter: detect::Spec,
    pub(super) encoding: Encoding,
    /// As it is shown.
    encoding_name: String,
    /// `None`: a pattern was given.
    named: Option<Named>,
    /// What was given.
    text: String,
    ignoreregex: Option<String>,
}

impl Asked {
    pub(super) fn of(args: &Regex) -> Result<Self, Failure> {
        let directory = Directory::choose(args.config.as_deref());
        let named = lookup(&directory, &args.regex).map_err(config::unusable)?;
        let mut filter = match &named {
            Some(named) => named.filter.clone(),
            None => of_pattern(&args.regex),
        };
        if let Some(ignoreregex) = &args.ignoreregex {
            filter.patterns.ignoreregex = vec![ignoreregex.clone()];
        }
        if let Some(maxlines) = args.maxlines {
            filter.patterns.maxlines =
                NonZeroUsize::new(usize::from(maxlines)).unwrap_or(NonZeroUsize::MIN);
        }
        if let Some(datepattern) = &args.datepattern {
            let lines = datepattern.split('\n').filter(|line| !line.is_empty());
            filter.datepattern = lines.map(str::to_owned).collect();
        }
        if let Some(timezone) = &args.timezone {
            filter.logtimezone = Some(timezone.clone());
        }
        if let Some(usedns) = args.usedns {
            filter.patterns.usedns = usedns.into();
        }
        if args.raw {
            filter.patterns.usedns = UseDns::Raw;
        }
        let encoding_name = args.encoding.clone();
        let encoding_name =
            encoding_name.or_else(|| named.as_ref().and_then(|named| named.logencoding.clone()));
        let encoding = encoding_name.as_deref().map(str::parse::<Encoding>).transpose();
        let is_told = |name: &String| !name.eq_ignore_ascii_case("auto");
        Ok(Self {
            filter,
            encoding: encoding.map_err(|error| anyhow!("encoding = {error}"))?.unwrap_or_default(),
            encoding_name: encoding_name.filter(is_told).unwrap_or_else(|| "UTF-8".to_owned()),
            named,
            text: args.regex.clone(),
            ignoreregex: args.ignoreregex.clone(),
        })
    }

    /// The patterns that captures come from.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &str> {
        let Patterns { prefregex, failregex, .. } = &self.filter.patterns;
        prefregex.iter().chain(failregex).map(String::as_str)
    }

    /// Why the filter cannot be used; where a name was meant, that it was not found.
    pub(super) fn explained(&self, error: detect::Error) -> Failure {
        let text = &self.text;
        let is_name = text.chars().all(|c| c.is_alphanumeric() || "_/-.".contains(c));
        match error {
            detect::Error::Pattern(PatternError::Nobody { .. })
                if self.named.is_none() && is_name =>
            {
                Failure::Usage(format!(
                    "{text}: neither a jail nor a filter, and no pattern that tells of anybody; write the name of one \
                     that is there, or a pattern with <HOST> in it"
                ))
            }
            error => Failure::Usage(render::chain(&error)),
        }
    }

    /// What is used for what.
    pub(super) fn heading(&self, args: &Regex, log: &Log, detector: &Detector) -> String {
        let mut text = "\nRunning tests\n=============\n\n".to_owned();
        let mut uses = |label: &str, what: &str| {
            text.push_str(&format!("Use {label:>16} : {what}\n"));
        };
        let maxlines = self.filter.patterns.maxlines.to_string();
        if args.maxlines.is_some() {
            uses("maxlines", &maxlines);
        }
        if args.datepattern.is_some() {
            uses("datepattern", &self.dates(detector));
        }
        match &self.named {
            None => uses("failregex line", &shortened(&self.text)),
            Some(named) => {
                let options = options(&named.options);
                let (label, name) = match &named.origin {
                    Origin::Jail(name) => ("jail", name.clone()),
                    Origin::Filter { name, directory } => {
                        ("filter file", format!("{name}, basedir: {}", directory.display()))
                    }
                    Origin::File(path) => ("filter file", path.display().to_string()),
                };
                uses(label, &name);
                if !named.options.is_empty() {
                    let is_jail = matches!(named.origin, Origin::Jail(_));
                    uses(if is_jail { "jail/flt options" } else { "filter options" }, &options);
                }
                if args.maxlines.is_none() && named.maxlines.is_some() {
                    uses("maxlines", &maxlines);
                }
                if args.datepattern.is_none() && !self.filter.datepattern.is_empty() {
                    uses("datepattern", &self.dates(detector));
                }
            }
        }
        if let Some(ignoreregex) = &self.ignoreregex {
            uses("ignoreregex line", &shortened(ignoreregex));
        }
        match log {
            Log::File(path) => uses("log file", &path.display().to_string()),
            Log::Stdin => uses("log file", "-"),
            Log::Text(lines) if lines.len() == 1 && self.filter.patterns.maxlines.get() == 1 => {
                uses("single line", &shortened(&String::from_utf8_lossy(&lines[0])));
            }
            Log::Text(lines) => {
                text.push_str(&format!("Use      multi line : {} line(s)\n", lines.len()));
                for (number, line) in lines.iter().enumerate() {
                    let line = shortened(&String::from_utf8_lossy(line));
                    text.push_str(&format!("|{:3}: {line}\n", number + 1));
                }
                text.push_str("`-\n");
            }
        }
        if !matches!(log, Log::Text(_)) {
            text.push_str(&format!("Use {:>16} : {}\n", "encoding", self.encoding_name));
        }
        text.push('\n');
        text
    }

    /// The date pattern and what it is called.
    fn dates(&self, detector: &Detector) -> String {
        let pattern = self.filter.datepattern.join("\n");
        let mut templates = detector.date_templates(0).map(|template| template.pattern());
        let name = match (templates.next(), templates.nth(1)) {
            (Some(only), None) => in_words(only),
            _ => "Default Detectors".to_owned(),
        };
        format!("{pattern} : {name}")
    }
}

/// A filter of one pattern, with everything else as fail2ban has it.
fn of_pattern(failregex: &str) -> detect::Spec {
    detect::Spec {
        patterns: Patterns {
            prefregex: None,
            failregex: vec![failregex.to_owned()],
            ignoreregex: Vec::new(),
            maxlines: NonZeroUsize::MIN,
            usedns: UseDns::default(),
        },
        datepattern: Vec::new(),
        logtimezone: None,
        findtime: Duration::MAX,
    }
}

/// As much of a text as fits on a line.
fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 53;
    const DOTS: &str = "...";
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CHARS_MAX - DOTS.len()).chain(DOTS.chars()).collect()
}

/// Options as Python prints a dict.
fn options(options: &[(String, String)]) -> String {
    let mut shown = Vec::new();
    for (number, (name, value)) in options.iter().enumerate() {
        shown.extend_from_slice(if number > 0 { b", " } else { b"" });
        python::quoted(&mut shown, name).expect("writing to memory cannot fail");
        shown.extend_from_slice(b": ");
        python::quoted(&mut shown, value).expect("writing to memory cannot fail");
    }
    format!("{{{}}}", String::from_utf8_lossy(&shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(shortened(&"é".repeat(53)), "é".repeat(53));
        assert_eq!(shortened(&"x".repeat(54)), "x".repeat(50) + "...");
    }

    #[test]
    fn options_are_shown_as_python_does() {
        let given = [("mode".to_owned(), "ddos".to_owned()), ("x".to_owned(), "it's".to_owned())];
        assert_eq!(options(&given), "{'mode': 'ddos', 'x': \"it's\"}");
    }
}
