//! A pickle's bytes, read from the front.

use std::str::FromStr;

use super::PickleError;

/// What is left of them.
pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// So many were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        let ends = PickleError::Ends { at: self.bytes.len() };
        let (array, _) = self.bytes[self.at..].split_first_chunk().ok_or(ends)?;
        self.at += N;
        Ok(*array)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], PickleError> {
        let ends = PickleError::Ends { at: self.bytes.len() };
        let taken = self.bytes[self.at..].get(..len).ok_or(ends)?;
        self.at += len;
        Ok(taken)
    }

    /// A length of so many bytes, the lowest first.
    pub(super) fn len(&mut self, size: usize) -> Result<usize, PickleError> {
        let bytes = self.take(size)?;
        let len = bytes.iter().rev().fold(0, |len: u64, byte| len << 8 | u64::from(*byte));
        usize::try_from(len).map_err(|_| PickleError::Ends { at: self.bytes.len() })
    }

    /// Up to the end of the line, which is taken too.
    pub(super) fn line(&mut self) -> Result<&'a [u8], PickleError> {
        let ends = PickleError::Ends { at: self.bytes.len() };
        let rest = &self.bytes[self.at..];
        let len = memchr::memchr(b'\n', rest).ok_or(ends)?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    pub(super) fn parsed<T: FromStr>(
        &self,
        digits: &[u8],
        what: &'static str,
    ) -> Result<T, PickleError> {
        let text = str::from_utf8(digits).ok();
        text.and_then(|text| text.parse().ok()).ok_or_else(|| self.expected(what))
    }

    pub(super) fn expected(&self, what: &'static str) -> PickleError {
        PickleError::Expected { at: self.at, what }
    }
}
