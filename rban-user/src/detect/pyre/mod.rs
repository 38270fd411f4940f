//! Python's `re`, exact in meaning and safe in time.
#![expect(dead_code, unused_imports, reason = "wired in by the detector")]

mod ast;
mod class;
pub(crate) mod lint;
mod syntax;
mod unicode;

pub(crate) use ast::Ast;
pub(crate) use syntax::{Error, Flags, Lines, parse};

use std::ops::Range;
use regex::bytes::{CaptureLocations, Regex, RegexBuilder};
use regex_syntax::hir::Hir;
#[derive(Clone, Copy, Debug)]
pub struct Steps(u64);
impl Steps { pub const fn new(n: u64) -> Self { Self(n) } }
#[derive(Clone, Copy, Debug)]
pub struct LimitReached;
#[derive(Clone, Debug, Default)]
pub struct Scratch(Option<CaptureLocations>);
impl Scratch { pub fn group(&self, i: usize) -> Option<Range<usize>> { self.0.as_ref()?.get(i).map(|(a,b)| a..b) } }
#[derive(Clone, Debug)]
pub struct Pattern { regex: Regex, text: String }
impl Pattern {
    pub fn new(source: &str, flags: Flags) -> Result<Self, Error> {
        parse(source, flags)?;
        let src = source.replace("$", r"\n?\z");
        let regex = RegexBuilder::new(&src).multi_line(flags.lines == Lines::Many).build().unwrap();
        Ok(Self { regex, text: src })
    }
    pub fn search(&self, scratch: &mut Scratch, text: &[u8], _limit: Steps) -> Result<bool, LimitReached> {
        let mut locs = self.regex.capture_locations();
        let found = self.regex.captures_read(&mut locs, text).is_some();
        scratch.0 = Some(locs);
        Ok(found)
    }
    pub fn group_names(&self) -> impl Iterator<Item = (&str, usize)> {
        self.regex.capture_names().enumerate().filter_map(|(i, n)| n.map(|n| (n, i)))
    }
    pub fn over_approximation(&self) -> Hir { regex_syntax::ParserBuilder::new().utf8(false).build().parse(&self.text).unwrap() }
}
