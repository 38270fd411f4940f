//! The journal's export format → entries: `NAME=value` lines, or a name, a length and so many bytes; a blank line
//! ends an entry.

use std::mem;

use memchr::memchr;

use super::entry::Fields;
use crate::source::lines::LINE_MAX_BYTES;

/// So much of a field is kept, its name included; the rest is dropped.
const FIELD_MAX_BYTES: usize = LINE_MAX_BYTES + 128;

/// Cuts one stream of bytes into entries.
#[derive(Debug, Default)]
pub(super) struct Parser {
    state: State,
    /// What has come of the line, the length or the value.
    partial: Vec<u8>,
    entry: Fields,
}

/// What the next byte belongs to.
#[derive(Debug, Default)]
enum State {
    /// A line: a field, a name, or the end of an entry.
    #[default]
    Line,
    /// The length of this field's value.
    Length(Vec<u8>),
    /// This field's value, of which so many bytes are still to come, and then its newline.
    Value(Vec<u8>, u64),
}

impl Parser {
    /// Takes the next bytes and appends the entries that they complete.
    pub(super) fn push(&mut self, mut bytes: &[u8], entries: &mut Vec<Fields>) {
        while !bytes.is_empty() {
            bytes = match mem::take(&mut self.state) {
                State::Line => self.line(bytes, entries),
                State::Length(name) => self.length(name, bytes),
                State::Value(name, left) => self.value(name, left, bytes),
            };
        }
    }

    fn line<'a>(&mut self, bytes: &'a [u8], entries: &mut Vec<Fields>) -> &'a [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.hold(bytes);
            return &[];
        };
        self.hold(&bytes[..end]);
        let line = mem::take(&mut self.partial);
        match memchr(b'=', &line) {
            Some(at) => self.entry.set(&line[..at], &line[at + 1..]),
            None if line.is_empty() => {
                let entry = mem::take(&mut self.entry);
                entries.extend((!entry.is_empty()).then_some(entry));
            }
            None => self.state = State::Length(line),
        }
        &bytes[end + 1..]
    }

    fn length<'a>(&mut self, name: Vec<u8>, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(bytes.len().min(8 - self.partial.len()));
        self.partial.extend_from_slice(taken);
        match <[u8; 8]>::try_from(&self.partial[..]) {
            Ok(length) => {
                self.partial.clear();
                self.state = State::Value(name, u64::from_le_bytes(length));
            }
            Err(_) => self.state = State::Length(name),
        }
        rest
    }

    fn value<'a>(&mut self, name: Vec<u8>, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (taken, rest) = bytes.split_at(take);
        self.hold(taken);
        let left = left - take as u64;
        match rest.split_first() {
            // Its newline.
            Some((_, rest)) => {
                let value = mem::take(&mut self.partial);
                self.entry.set(&name, &value);
                rest
            }
            None => {
                self.state = State::Value(name, left);
                rest
            }
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = FIELD_MAX_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<Fields> {
        let (mut parser, mut entries) = (Parser::default(), Vec::new());
        pieces.iter().for_each(|piece| parser.push(piece, &mut entries));
        entries
    }

    fn binary(name: &str, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u64).to_le_bytes();
        [name.as_bytes(), b"\n", &length, value, b"\n"].concat()
    }

    fn with_message(message: &[u8]) -> Fields {
        let mut fields = Fields::default();
        fields.set(b"MESSAGE", message);
        fields
    }

    #[test]
    fn fields_come_as_lines_or_with_their_length() {
        assert_eq!(parse(&[b"MESSAGE=a=b\n\n\n"]), [with_message(b"a=b")]);
        let two = [binary("MESSAGE", b"a\n\nb"), b"\nMESSAGE=c\n\n".to_vec()].concat();
        assert_eq!(parse(&[&two]), [with_message(b"a\n\nb"), with_message(b"c")]);
        assert_eq!(parse(&[b"MESSAGE=not yet ended\n"]), []);
    }

    #[test]
    fn long_fields_are_cut() {
        let long = vec![b'x'; 3 * FIELD_MAX_BYTES];
        let text = [b"MESSAGE=", &long[..], b"\n\n"].concat();
        let bytes = [binary("MESSAGE", &long), b"\n".to_vec()].concat();
        for stream in [text, bytes] {
            let [entry] = &parse(&[&stream])[..] else { panic!() };
            assert!(entry.text().len() <= FIELD_MAX_BYTES && entry.text().len() > LINE_MAX_BYTES);
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
            at_once in 1usize..30,
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|it| [binary("MESSAGE", it), b"\n".to_vec()].concat()).collect();
            let pieces: Vec<&[u8]> = stream.chunks(at_once).collect();
            let expected: Vec<Fields> = messages.iter().map(|it| with_message(it)).collect();
            prop_assert_eq!(parse(&pieces), expected);
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse(&[&bytes]);
        }
    }
}
