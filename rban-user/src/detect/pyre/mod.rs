//! Python's `re`, exact in meaning and safe in time.
#![expect(dead_code, unused_imports, reason = "wired in by the detector")]

mod ast;
mod class;
pub(crate) mod lint;
mod syntax;
mod unicode;

pub(crate) use ast::Ast;
pub(crate) use syntax::{Error, Flags, Lines, parse};
