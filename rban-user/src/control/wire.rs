//! Where a message ends: fail2ban's protocol has no lengths, only a mark behind each message (spec, client 2).

use super::MESSAGE_MAX_BYTES;

/// Stands behind every message.
pub(super) const END: &[u8] = b"<F2B_END_COMMAND>";

/// The message of a client that has no more to ask.
pub(super) const CLOSE: &[u8] = b"<F2B_CLOSE_COMMAND>";

/// Bytes as they come in, and the messages in them.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// No mark begins before this.
    searched: usize,
}

/// A message longer than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("longer than {max} bytes; send less at a time", max = MESSAGE_MAX_BYTES)]
pub(super) struct TooLong;

impl Incoming {
    /// Where to put what comes next.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The next message, if all of it is there.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let found = memchr::memmem::find(&self.bytes[self.searched..], END);
        let Some(len) = found.map(|at| self.searched + at) else {
            self.searched = self.bytes.len().saturating_sub(END.len() - 1);
            return if self.bytes.len() > MESSAGE_MAX_BYTES { Err(TooLong) } else { Ok(None) };
        };
        let rest = self.bytes.split_off(len + END.len());
        let mut message = std::mem::replace(&mut self.bytes, rest);
        message.truncate(len);
        self.searched = 0;
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn messages_are_whole_however_they_come(
            messages in prop::collection::vec("[<F2B_END>x]{0,30}", 0..5),
            step in 1..40_usize,
        ) {
            let messages: Vec<Vec<u8>> = messages.into_iter().map(String::into_bytes).collect();
            prop_assume!(messages.iter().all(|it| memchr::memmem::find(it, END).is_none()));
            let sent: Vec<u8> =
                messages.iter().flat_map(|it| it.iter().chain(END)).copied().collect();
            let mut incoming = Incoming::default();
            let mut received = Vec::new();
            for piece in sent.chunks(step) {
                incoming.room().extend(piece);
                while let Some(message) = incoming.next().unwrap() {
                    received.push(message);
                }
            }
            // A message that ends as the mark begins is none of those that come.
            prop_assert_eq!(received.concat().len() + received.len() * END.len(), sent.len());
            prop_assert_eq!(received.first(), messages.first());
        }
    }
}
