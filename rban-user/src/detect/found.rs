//! What a filter found.

use super::fields::{Fields, Name, Names, Value};
use super::identity::Identity;
use crate::clock::WallTime;
use crate::event::Line;

/// A failure, or with [`Style::Every`](super::Style) anything that a failregex matched.
#[derive(Debug)]
pub struct Found<'a> {
    /// Which failregex, counted from 0.
    pub failregex: usize,
    /// Who failed; `None` where the session has not told yet.
    pub identity: Option<&'a Identity>,
    /// When; `None` if no date is known.
    pub time: Option<WallTime>,
    /// The lines that led to it, oldest first.
    pub matches: &'a [Line],
    pub(super) fields: &'a Fields,
    pub(super) names: &'a Names,
}

impl Found<'_> {
    /// Whether it only is part of a failure, or none (`<F-NOFAIL>`).
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.identity.is_some() && self.fields.text(Name::NOFAIL).is_none()
    }

    /// Everything captured, by name.
    pub fn captures(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.fields.iter().map(|(name, value)| (self.names.text(*name), value))
    }
}
