//! Python's pickle, as far as fail2ban's protocol needs it (spec, client 2).
//!
//! Requests may be of any protocol from 0 to 5, but hold data only: what would call anything is refused. Answers of a
//! reference server also hold the few calls that it makes: texts made by `str`, and exceptions. Whatever the bytes, the
//! work is in proportion to them: values that are referred to again and again are counted each time they are copied.

mod decode;
mod encode;
mod input;
mod text;

pub use decode::{Answered, answer, request};
pub use encode::{to_answer, to_complaint, to_request, to_shutdown};

/// No request nests deeper than a list of lists of pairs; no answer deeper than the status of all jails.
const DEPTH_MAX: usize = 32;

/// The stream of a large configuration has some hundred thousand values.
const VALUES_OF_REQUEST_MAX: usize = 1 << 20;

/// An answer that lists a million addresses, each made by a call, has some four million values.
const VALUES_OF_ANSWER_MAX: usize = 16 << 20;

/// Text that values may have together once all references are followed.
const TEXT_MAX_BYTES: usize = 256 << 20;

/// Bytes that are no pickle that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// It breaks off.
    #[error("byte {at}: the pickle breaks off; send all of it")]
    Ends {
        /// Where.
        at: usize,
    },
    /// An instruction that is unknown, or is not for this.
    #[error(
        "byte {at}: instruction {opcode:#04x} is not allowed here; send texts, numbers, lists, tuples, dicts and sets only"
    )]
    Opcode {
        /// Where.
        at: usize,
        /// The instruction.
        opcode: u8,
    },
    /// An instruction that does not fit what came before.
    #[error("byte {at}: {what} was expected; send what a pickler writes")]
    Expected {
        /// Where.
        at: usize,
        /// What should have been there.
        what: &'static str,
    },
    /// More than anybody means.
    #[error("more than {max} {what}; send less at a time")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
}

#[cfg(test)]
mod tests;
