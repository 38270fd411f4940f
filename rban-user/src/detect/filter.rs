//! Patterns compiled: is this message a failure, and whose?

use std::net::IpAddr;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::prefilter::Prefilter;
use super::tag;
use crate::addr::Offender;

/// What configuration asks of a filter.
///
/// Patterns are fail2ban's as far as they are regular expressions proper: no look-around, no back-references. They see
/// bytes, so `.` is any byte and `\w` ASCII. They see the line without its date.
#[derive(Clone, Debug)]
pub struct Spec {
    /// What every line of interest begins with; `<F-CONTENT>` is what `failregex` then looks at, `<F-MLFID>` tells
    /// sessions apart.
    pub prefregex: String,
    /// Each match is a failure of `<HOST>`. Within one session they are the kinds of lines of which one attempt
    /// writes at most one each.
    pub failregex: Vec<String>,
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not compile.
    #[error("{option} = {pattern}: not a usable pattern")]
    Pattern {
        /// Which option it stands in.
        option: &'static str,
        /// The pattern as it was written.
        pattern: String,
        /// What is wrong with it.
        #[source]
        source: regex::Error,
    },
    /// It lacks a tag without which a match would be of no use.
    #[error("{option} = {pattern}: no {tag} in it; write {tag} where it belongs")]
    NoTag {
        /// Which option it stands in.
        option: &'static str,
        /// The pattern as it was written.
        pattern: String,
        /// What it lacks.
        tag: &'static str,
    },
    /// The patterns together are too large.
    #[error("failregex: too many or too large patterns; remove some")]
    TooLarge(#[source] regex::Error),
}

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match<'a> {
    /// Who failed.
    pub(super) offender: Offender,
    /// Which pattern matched, counted from 0.
    pub(super) kind: usize,
    /// The session it happened in, if lines tell.
    pub(super) session: Option<&'a [u8]>,
}

/// A [`Spec`], compiled.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    prefilter: Prefilter,
    prefregex: Regex,
    /// All of `failregex` at once: most messages match none.
    any: RegexSet,
    failregex: Vec<Regex>,
}

impl Filter {
    pub(super) fn new(spec: &Spec) -> Result<Self, Error> {
        let prefregex = compile("prefregex", &spec.prefregex, tag::CONTENT, "<F-CONTENT>")?;
        let failregex = spec
            .failregex
            .iter()
            .map(|pattern| compile("failregex", pattern, tag::HOST, "<HOST>"))
            .collect::<Result<Vec<_>, _>>()?;
        let any = RegexSetBuilder::new(failregex.iter().map(Regex::as_str))
            .unicode(false)
            .build()
            .map_err(Error::TooLarge)?;
        let prefilter = Prefilter::new(failregex.iter().map(Regex::as_str));
        Ok(Self { prefilter, prefregex, any, failregex })
    }

    /// What a line without its date says; `None` also where what failed has no address, such as a host name.
    pub(super) fn find<'a>(&self, text: &'a [u8]) -> Option<Match<'a>> {
        if !self.prefilter.may_match(text) {
            return None;
        }
        let prefix = self.prefregex.captures(text)?;
        let content = prefix.name(tag::CONTENT)?.as_bytes();
        let kind = self.any.matches(content).iter().next()?;
        let host = self.failregex[kind].captures(content)?.name(tag::HOST)?.as_bytes();
        let addr: IpAddr = str::from_utf8(host).ok()?.parse().ok()?;
        let session = prefix.name(tag::SESSION).map(|session| session.as_bytes());
        Some(Match { offender: addr.into(), kind, session })
    }
}

fn compile(
    option: &'static str,
    pattern: &str,
    group: &str,
    tag: &'static str,
) -> Result<Regex, Error> {
    let regex = RegexBuilder::new(&tag::expand(pattern))
        .unicode(false)
        .build()
        .map_err(|source| Error::Pattern { option, pattern: pattern.to_owned(), source })?;
    if !regex.capture_names().flatten().any(|name| name == group) {
        return Err(Error::NoTag { option, pattern: pattern.to_owned(), tag });
    }
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(failregex: &[&str]) -> Spec {
        Spec {
            prefregex: r"^(?:(?P<x>\w+)|<F-MLFID>\w+\[\d+\]</F-MLFID>): <F-CONTENT>.+</F-CONTENT>$"
                .into(),
            failregex: failregex.iter().map(|pattern| (*pattern).to_owned()).collect(),
        }
    }

    #[track_caller]
    fn check(text: &[u8], found: Option<(&str, usize, Option<&[u8]>)>) {
        let filter = Filter::new(&spec(&["^bad .* from <HOST>$", "^worse <HOST>$"])).unwrap();
        let found = found.map(|(host, kind, session)| Match {
            offender: host.parse().unwrap(),
            kind,
            session,
        });
        assert_eq!(filter.find(text), found, "{}", text.escape_ascii());
    }

    #[test]
    fn a_match_says_who_and_in_which_session() {
        check(b"x: bad one from 192.0.2.7", Some(("192.0.2.7", 0, None)));
        check(b"x[5]: worse 2001:db8::7", Some(("2001:db8::7", 1, Some(b"x[5]"))));
        check(b"x: bad \xff\0 from ::ffff:192.0.2.7", Some(("192.0.2.7", 0, None)));
    }

    #[test]
    fn what_is_no_address_has_no_offender() {
        for host in ["192.030.0.6", "256.1.1.1", "fe80::1%eth0", "host.example", "UNKNOWN"] {
            check(format!("x: worse {host}").as_bytes(), None);
        }
    }

    #[test]
    fn the_last_address_counts_even_if_it_is_none() {
        check(b"x: bad a from 192.0.2.9 from 192.0.2.7", Some(("192.0.2.7", 0, None)));
        check(b"x: bad a from 192.0.2.9 from fe80::1%eth0", None);
    }

    #[test]
    fn other_lines_are_nothing() {
        for text in [&b""[..], b"x: good", b"worse 192.0.2.7", b"x[]: worse 192.0.2.7"] {
            check(text, None);
        }
    }

    #[track_caller]
    fn refused(failregex: &str, message: &str) {
        assert_eq!(Filter::new(&spec(&[failregex])).unwrap_err().to_string(), message);
    }

    #[test]
    fn a_useless_pattern_is_refused() {
        refused("^x <HOST", "failregex = ^x <HOST: no <HOST> in it; write <HOST> where it belongs");
        refused("^(x <HOST>", "failregex = ^(x <HOST>: not a usable pattern");
        refused("^(?!x)<HOST>", "failregex = ^(?!x)<HOST>: not a usable pattern");
    }
}
