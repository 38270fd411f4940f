//! Prefix bans: the kernel looks up one hash for each prefix length in use, at most [`NET_LENS_MAX`] a family.

use std::collections::BTreeSet;

use ipnet::IpNet;
use rban_common::settings::NET_LENS_MAX;

/// At most so many entries may stand for one prefix whose own length is not to be had.
const EXPANSION_MAX: u32 = 4_096;

/// The prefix lengths in use in one family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lens(BTreeSet<u8>);

impl Lens {
    /// Those that the settings tell.
    pub(super) fn new(lens: &[u8; NET_LENS_MAX], count: u32) -> Self {
        Self(lens.iter().take(count as usize).copied().collect())
    }

    /// Those of these prefixes.
    pub(super) fn of(nets: impl Iterator<Item = u8>) -> Self {
        Self(nets.collect())
    }

    /// As the settings tell them: longest first, for an answer by a longer prefix is the more precise.
    pub(super) fn to_settings(&self) -> ([u8; NET_LENS_MAX], u32) {
        let mut lens = [0; NET_LENS_MAX];
        for (slot, len) in lens.iter_mut().zip(self.0.iter().rev()) {
            *slot = *len;
        }
        (lens, self.0.len() as u32)
    }

    /// The prefixes to write for this one: itself, where its length is in use or can be; else its parts of the next
    /// longer length in use. `None` where these would be too many, or there are none.
    pub(super) fn admit(&mut self, net: IpNet) -> Option<Vec<IpNet>> {
        let len = net.prefix_len();
        if self.0.len() < NET_LENS_MAX {
            self.0.insert(len);
        }
        if self.0.contains(&len) {
            return Some(vec![net]);
        }
        let longer = *self.0.range(len..).next()?;
        let parts =
            1u32.checked_shl(u32::from(longer - len)).filter(|parts| *parts <= EXPANSION_MAX);
        parts.and_then(|_| net.subnets(longer).ok()).map(Iterator::collect)
    }

    /// In words, for an error.
    pub(super) fn in_words(&self) -> String {
        self.0.iter().map(|len| format!("/{len}")).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Lens {
        Lens::of([8, 10, 12, 14, 16, 20, 22, 24].into_iter())
    }

    #[track_caller]
    fn check(mut lens: Lens, net: &str, parts: Option<usize>) {
        let net: IpNet = net.parse().unwrap();
        let admitted = lens.admit(net);
        assert_eq!(admitted.as_ref().map(Vec::len), parts);
        for part in admitted.into_iter().flatten() {
            assert!(net.contains(&part), "{part} is no part of {net}");
            assert!(lens.0.contains(&part.prefix_len()), "{part} would never be looked up");
        }
    }

    #[test]
    fn a_new_length_is_taken_in() {
        check(Lens::default(), "192.0.2.0/24", Some(1));
        check(full(), "192.0.2.0/24", Some(1));
    }

    #[test]
    fn the_ninth_length_is_expanded_to_the_next_longer() {
        check(full(), "10.0.0.0/11", Some(2));
        check(full(), "10.0.0.0/17", Some(8));
    }

    #[test]
    fn what_no_longer_length_can_stand_for_is_refused() {
        check(full(), "10.0.0.0/25", None);
        check(Lens::of([24, 25, 26, 27, 28, 29, 30, 31].into_iter()), "10.0.0.0/8", None);
    }

    #[test]
    fn the_settings_tell_the_longest_first() {
        let (lens, count) = Lens::of([8, 24, 16].into_iter()).to_settings();
        assert_eq!((&lens[..3], count), (&[24, 16, 8][..], 3));
        assert_eq!(Lens::new(&lens, count), Lens::of([8, 16, 24].into_iter()));
    }
}
