//! A map that keeps the order in which its names were first set.

use std::collections::HashMap;
use std::sync::Arc;

/// So few names are found sooner by looking at each than by hashing.
const FEW: usize = 12;

/// Values by name, in the order in which the names were first set.
#[derive(Clone, Debug)]
pub(super) struct Ordered<T> {
    entries: Vec<(Arc<str>, T)>,
    /// Where each name stands, once there are more than a [`FEW`].
    index: HashMap<Arc<str>, usize>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), index: HashMap::new() }
    }
}

impl<T> Ordered<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.position(name).map(|at| &self.entries[at].1)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// The name's position: how many others were set before it.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        if self.entries.len() > FEW {
            return self.index.get(name).copied();
        }
        self.entries.iter().position(|(it, _)| **it == *name)
    }

    /// Sets a value; returns what it was before.
    pub(super) fn set(&mut self, name: impl AsRef<str> + Into<Arc<str>>, value: T) -> Option<T> {
        if let Some(at) = self.position(name.as_ref()) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        self.entries.push((name.into(), value));
        let last = self.entries.len() - 1;
        if last == FEW {
            let names = self.entries.iter().enumerate();
            self.index = names.map(|(at, (name, _))| (name.clone(), at)).collect();
        } else if last > FEW {
            self.index.insert(self.entries[last].0.clone(), last);
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_keep_their_places_and_have_their_last_values(
            sets in prop::collection::vec((0..30_u32, any::<u8>()), 0..60)
        ) {
            let (mut map, mut model) = (Ordered::default(), Vec::<(String, u8)>::new());
            for (name, value) in sets {
                let name = name.to_string();
                let before = map.set(&*name, value);
                match model.iter_mut().find(|(it, _)| *it == name) {
                    Some((_, it)) => prop_assert_eq!(before, Some(std::mem::replace(it, value))),
                    None => {
                        prop_assert_eq!(before, None);
                        model.push((name, value));
                    }
                }
            }
            let all = map.iter().map(|(name, value)| (name.to_string(), *value));
            prop_assert_eq!(all.collect::<Vec<_>>(), model.clone());
            for (name, value) in model {
                prop_assert_eq!(map.get(&name), Some(&value));
            }
            prop_assert!(!map.contains("x"));
        }
    }
}
