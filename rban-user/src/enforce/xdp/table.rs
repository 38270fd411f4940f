//! A pinned map as a table of typed entries, many at a call where the kernel can.

use std::os::fd::{AsFd, BorrowedFd};
use std::{io, marker::PhantomData};

use aya::Pod;
use aya::maps::MapData;

use super::error::{XdpError, map_error};
use super::pins::Pins;
use super::sys;

/// A map from `K` to `V`.
pub(super) struct Table<K, V> {
    name: &'static str,
    data: MapData,
    entries: PhantomData<(K, V)>,
}

impl<K: Pod, V: Pod> Table<K, V> {
    /// The pinned map of this name, whose layout the ABI number vouches for.
    pub(super) fn open(pins: &Pins, name: &'static str) -> Result<Self, XdpError> {
        Ok(Self { name, data: pins.map(name)?, entries: PhantomData })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.data.fd().as_fd()
    }

    fn error(&self, doing: &'static str) -> impl FnOnce(io::Error) -> XdpError {
        let name = self.name;
        move |source| map_error(name, doing, source)
    }

    pub(super) fn get(&self, key: &K) -> Result<Option<V>, XdpError> {
        sys::lookup(self.fd(), key).map_err(self.error("look up"))
    }

    /// Writes all of them. On error the number is how many of them had been written, and stand.
    pub(super) fn put(&self, keys: &[K], values: &[V]) -> Result<(), (XdpError, usize)> {
        let result = match sys::update_batch(self.fd(), keys, values) {
            Err((error, _)) if sys::is_unsupported(&error) => self.put_singly(keys, values),
            result => result,
        };
        result.map_err(|(error, written)| (self.error("write")(error), written))
    }

    fn put_singly(&self, keys: &[K], values: &[V]) -> Result<(), (io::Error, usize)> {
        for (at, (key, value)) in keys.iter().zip(values).enumerate() {
            sys::update(self.fd(), key, value).map_err(|error| (error, at))?;
        }
        Ok(())
    }

    /// Removes those that are there, and tells how many these were.
    pub(super) fn remove(&self, keys: &[K]) -> Result<usize, XdpError> {
        match sys::delete_batch(self.fd(), keys) {
            Err(error) if sys::is_unsupported(&error) => self.remove_singly(keys),
            result => result.map_err(self.error("remove")),
        }
    }

    fn remove_singly(&self, keys: &[K]) -> Result<usize, XdpError> {
        let mut removed = 0;
        for key in keys {
            let found = sys::delete(self.fd(), key).map_err(self.error("remove"))?;
            removed += usize::from(found.is_some());
        }
        Ok(removed)
    }

    /// All entries.
    pub(super) fn all(&self) -> Result<Vec<(K, V)>, XdpError> {
        match sys::lookup_all(self.fd()) {
            Err(error) if sys::is_unsupported(&error) => self.all_singly(),
            result => result.map_err(self.error("read")),
        }
    }

    fn all_singly(&self) -> Result<Vec<(K, V)>, XdpError> {
        let mut entries = Vec::new();
        let mut next = sys::next_key(self.fd(), None).map_err(self.error("read"))?;
        while let Some(key) = next {
            entries.extend(self.get(&key)?.map(|value| (key, value)));
            next = sys::next_key(self.fd(), Some(&key)).map_err(self.error("read"))?;
        }
        Ok(entries)
    }
}
