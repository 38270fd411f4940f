//! A map that keeps the order in which its names were first set.

use std::collections::HashMap;
use std::sync::Arc;

/// Values by name, in the order in which the names were first set.
#[derive(Clone, Debug)]
pub(super) struct Ordered<T> {
    entries: Vec<(Arc<str>, T)>,
    index: HashMap<Arc<str>, usize>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: HashMap::new() }
    }
}

impl<T> Ordered<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.index.get(name).map(|at| &self.entries[*at].1)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// Sets a value; returns what it was before.
    pub(super) fn set(&mut self, name: impl Into<Arc<str>>, value: T) -> Option<T> {
        let name = name.into();
        if let Some(at) = self.index.get(&name) {
            return Some(std::mem::replace(&mut self.entries[*at].1, value));
        }
        self.index.insert(name.clone(), self.entries.len());
        self.entries.push((name, value));
        None
    }

    /// The name and value at this position.
    pub(super) fn at(&self, position: usize) -> (&Arc<str>, &T) {
        let (name, value) = &self.entries[position];
        (name, value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &T)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }
}
