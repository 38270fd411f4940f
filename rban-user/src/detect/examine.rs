//! What is wrong with a filter's patterns, or had better not be so.
//!
//! For those who write filters; the detector takes every pattern that compiles.

use super::filter::Patterns;
use super::pyre::{self, Flags, Lines, lint};
use super::tag;

/// The groups that an address is taken from.
const ADDRESS_GROUPS: [&str; 3] = ["ip4", "ip6", "dns"];

/// One of a filter's patterns, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// `prefregex`, `failregex` or `ignoreregex`.
    pub option: &'static str,
    /// The pattern as it was written.
    pub pattern: String,
    /// What is wrong, and what to write.
    pub wrong: Wrong,
}

/// What is wrong with a pattern, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It does not compile.
    #[error("{0}")]
    Unusable(String),
    /// A client can have another's address taken for its own.
    #[error("{0}")]
    Forgeable(String),
    /// Some line takes fail2ban very long.
    #[error("{0}")]
    Slow(String),
}

/// Looks at every pattern of a filter.
#[must_use]
pub fn examine(patterns: &Patterns) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut look = |option, pattern: &String, wrongs: Vec<Wrong>| {
        let remark = |wrong| Remark { option, pattern: pattern.clone(), wrong };
        remarks.extend(wrongs.into_iter().map(remark));
    };
    if let Some(pattern) = &patterns.prefregex {
        look("prefregex", pattern, of_pattern(pattern, patterns, Forging::Prefix));
    }
    for pattern in &patterns.failregex {
        look("failregex", pattern, of_pattern(pattern, patterns, Forging::Failure));
    }
    for pattern in &patterns.ignoreregex {
        look("ignoreregex", pattern, of_pattern(pattern, patterns, Forging::Not));
    }
    remarks
}

/// How a client could profit from a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forging {
    /// By having it match elsewhere, or take its own text for an address.
    Prefix,
    /// By having it take its own text for the address.
    Failure,
    /// It names nobody.
    Not,
}

fn of_pattern(source: &str, patterns: &Patterns, forging: Forging) -> Vec<Wrong> {
    let several = forging == Forging::Failure && patterns.maxlines.get() > 1;
    let flags = Flags { lines: if several { Lines::Many } else { Lines::One } };
    let ast = match pyre::parse(&tag::expand(source, patterns.usedns), flags) {
        Ok(ast) => ast,
        Err(error) => return vec![Wrong::Unusable(error.to_string())],
    };
    let slow = lint::catastrophic(&ast).map(|it| Wrong::Slow(it.to_string()));
    let forged = match forging {
        Forging::Not => None,
        Forging::Failure => lint::client_can_name_address(&ast, &ADDRESS_GROUPS),
        Forging::Prefix => lint::client_can_name_address(&ast, &ADDRESS_GROUPS)
            .or_else(|| lint::begins_anywhere(&ast).then_some(lint::Forgery::BeginsAnywhere)),
    };
    let forged = forged.map(|it| Wrong::Forgeable(it.to_string()));
    slow.into_iter().chain(forged).collect()
}
