//! Lines become failures (spec, filter).
//!
//! In: whole lines in chunks, and the time they were read. Out: who failed, and when by the log's clock. One detector
//! serves all jails whose logs overlap: what their filters can match is looked for in one pass over a chunk, and only
//! lines that may matter are looked at by patterns. Knows nothing of jails or files, and asks no name server: a host
//! name is found as a name.

pub mod date;
mod detector;
mod examine;
mod fields;
mod filter;
mod found;
mod group;
#[cfg(any(test, feature = "hostile"))]
pub mod hostile;
mod identity;
mod multiline;
mod pattern;
mod prefilter;
mod pyre;
mod required;
mod session;
mod spec;
mod tag;
mod text;
mod which;

pub(crate) use date::in_words;
pub use date::{Error as DateError, Odd, Used as DateTemplate};
pub use detector::{Detector, Error};
pub use examine::{Remark, Wrong, examine};
pub use fields::Value;
pub use filter::Patterns;
pub use found::{Found, Notice, Seen, Sink};
pub use identity::{Identity, Who};
pub use pattern::Error as PatternError;
pub use pyre::Error as SyntaxError;
pub use spec::{Entry, How, Reading, Spec, Style};
pub use tag::UseDns;
pub(crate) use tag::expand;
