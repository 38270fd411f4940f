//! Bytes as they stand in a log → bytes of UTF-8 (`logencoding`).
//!
//! Decoding comes before cutting into lines: in UTF-16 a character may hold the byte of a newline. Text that is UTF-8
//! already passes as it is, what is broken in it too; elsewhere what means nothing becomes U+FFFD (spec, filter 2).
//! Knows nothing of files and lines.

mod encoding;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use encoding::{Bits, Order};
pub use encoding::{Encoding, UnknownEncoding};
use encoding_rs::{CoderResult, UTF_16BE, UTF_16LE};

/// Turns one stream of bytes into UTF-8.
pub(super) struct Decoder {
    encoding: Encoding,
    state: State,
    malformed: bool,
}

/// How far it has come, and what it remembers.
enum State {
    /// Nothing to do.
    AsIs,
    /// A character for each byte from 0x80 on.
    Table(Box<[char; 128]>),
    /// UTF-16 whose byte order is still to be told; the first byte, if it has come.
    Unordered(Option<u8>),
    /// Characters of several bytes.
    Stream(Box<encoding_rs::Decoder>),
}

impl Decoder {
    /// For a stream from its beginning on.
    pub(super) fn new(encoding: Encoding) -> Self {
        let state = match encoding.bits() {
            Bits::Utf8 => State::AsIs,
            Bits::Single(table) => State::Table(table),
            Bits::Utf16(Order::Told) => State::Unordered(None),
            Bits::Utf16(Order::Big) => stream(UTF_16BE),
            Bits::Utf16(Order::Little) => stream(UTF_16LE),
            Bits::Multi(encoding) => stream(encoding),
        };
        Self { encoding, state, malformed: false }
    }

    /// For what follows in a stream that begins with `head`.
    pub(super) fn within(encoding: Encoding, head: &[u8]) -> Self {
        let mut decoder = Self::new(encoding);
        if let (State::Unordered(_), [first, second, ..]) = (&decoder.state, head) {
            decoder.state = stream(order(*first, *second).unwrap_or(UTF_16LE));
        }
        decoder
    }

    /// Whether what comes in is UTF-8 already.
    pub(super) fn passes_as_is(&self) -> bool {
        matches!(self.state, State::AsIs)
    }

    /// The encoding of what comes in.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The next bytes, as far as they make whole characters.
    pub(super) fn decode(&mut self, chunk: &[u8]) -> Bytes {
        match &mut self.state {
            State::AsIs => Bytes::copy_from_slice(chunk),
            State::Table(_) if chunk.is_ascii() => Bytes::copy_from_slice(chunk),
            State::Table(table) => {
                let decoded: String = chunk.iter().map(|byte| character(table, *byte)).collect();
                self.malformed |= decoded.contains(char::REPLACEMENT_CHARACTER);
                decoded.into()
            }
            State::Unordered(first) => {
                let mut start = first.take().into_iter().collect::<Vec<u8>>();
                start.extend_from_slice(chunk);
                let [one, two, ..] = start[..] else {
                    *first = start.pop();
                    return Bytes::new();
                };
                let told = order(one, two);
                self.state = stream(told.unwrap_or(UTF_16LE));
                self.decode(if told.is_some() { &start[2..] } else { &start })
            }
            State::Stream(_) => self.run(chunk, Last::No),
        }
    }

    /// What is left of a character whose end will not come any more. Then the stream begins anew.
    pub(super) fn finish(&mut self) -> Bytes {
        let left = match &mut self.state {
            State::AsIs | State::Table(_) | State::Unordered(None) => Bytes::new(),
            State::Unordered(Some(_)) => {
                self.malformed = true;
                Bytes::from_static("\u{fffd}".as_bytes())
            }
            State::Stream(_) => self.run(&[], Last::Yes),
        };
        if !matches!(self.state, State::AsIs | State::Table(_)) {
            self.state = Self::new(self.encoding).state;
        }
        left
    }

    /// Whether anything meant nothing in this encoding since the last time this was asked.
    pub(super) fn was_malformed(&mut self) -> bool {
        std::mem::take(&mut self.malformed)
    }

    fn run(&mut self, chunk: &[u8], last: Last) -> Bytes {
        let State::Stream(decoder) = &mut self.state else { return Bytes::new() };
        let room = decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(chunk.len() * 3);
        let (mut decoded, mut rest) = (String::with_capacity(room), chunk);
        loop {
            let (result, read, replaced) =
                decoder.decode_to_string(rest, &mut decoded, last == Last::Yes);
            self.malformed |= replaced;
            rest = &rest[read..];
            match result {
                CoderResult::InputEmpty => return decoded.into(),
                CoderResult::OutputFull => decoded.reserve(rest.len().max(16)),
            }
        }
    }
}

/// Whether the stream ends here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

/// The byte order that a mark at the beginning tells.
fn order(first: u8, second: u8) -> Option<&'static encoding_rs::Encoding> {
    match [first, second] {
        [0xff, 0xfe] => Some(UTF_16LE),
        [0xfe, 0xff] => Some(UTF_16BE),
        _ => None,
    }
}

fn stream(encoding: &'static encoding_rs::Encoding) -> State {
    State::Stream(Box::new(encoding.new_decoder_without_bom_handling()))
}

fn character(table: &[char; 128], byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(high) => table[usize::from(high)],
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}
