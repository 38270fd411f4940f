//! The two ban maps of one address family: single addresses, and prefixes.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use aya::Pod;
use ipnet::IpNet;
use rban_common::abi::NETS_ENTRIES;
use rban_common::ban::{Addr4, Addr6, BanEntry, Net4, Net6};

use super::bans::Standing;
use super::error::XdpError;
use super::nets::Lens;
use super::pins::Pins;
use super::table::Table;
use crate::addr::Offender;
use crate::clock::MonoTime;

/// A ban under its key, written as a prefix in either map.
pub(super) type Slot = (IpNet, BanEntry);

/// In which of the two maps something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among single addresses.
    Exact,
    /// Among prefixes.
    Net,
}

/// What is to be written into one family's maps.
#[derive(Default)]
pub(super) struct Shelf {
    pub(super) exact: Vec<Slot>,
    pub(super) nets: Vec<Slot>,
}

/// A key of a ban map.
pub(super) trait Key: Pod + Eq + Hash {
    fn of(net: IpNet) -> Self;
    fn net(&self, exact_len: u8) -> IpNet;
}

/// What the names of a family are.
pub(super) struct Names {
    pub(super) family: &'static str,
    pub(super) option: &'static str,
}

/// One family's maps.
pub(super) struct Family<A, N> {
    exact: Table<A, BanEntry>,
    nets: Table<N, BanEntry>,
    names: Names,
    /// How many bits of an address an exact ban tells.
    exact_len: u8,
    limit: usize,
    /// How many exact bans there are. Ours to count: whoever else writes the maps is gone by then.
    count: usize,
}

impl<A: Key, N: Key> Family<A, N> {
    /// The pinned maps, and what they hold.
    pub(super) fn open(
        pins: &Pins,
        [exact, nets]: [&'static str; 2],
        names: Names,
        exact_len: u8,
        limit: u32,
    ) -> Result<(Self, Vec<Slot>), XdpError> {
        let (exact, nets) = (Table::open(pins, exact)?, Table::open(pins, nets)?);
        let mut family = Self { exact, nets, names, exact_len, limit: limit as usize, count: 0 };
        let mut all = family.all_exact()?;
        family.count = all.len();
        all.extend(family.all_nets()?);
        Ok((family, all))
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Makes sure that all that is new has room, by removing what has ended if need be.
    pub(super) fn make_room(&mut self, wanted: &Shelf, now: MonoTime) -> Result<(), XdpError> {
        let nets = wanted.nets.len();
        if nets > 0 && self.nets.all()?.len() + nets > NETS_ENTRIES {
            return Err(XdpError::NetsFull { family: self.names.family });
        }
        if self.count + wanted.exact.len() <= self.limit {
            return Ok(());
        }
        let standing: HashMap<A, BanEntry> = self.exact.all()?.into_iter().collect();
        let (ended, live): (Vec<_>, Vec<_>) =
            standing.into_iter().partition(|(_, entry)| entry.expires_ns <= now.as_nanos());
        self.exact.remove(&ended.into_iter().map(|(key, _)| key).collect::<Vec<_>>())?;
        self.count = live.len();
        let live: HashMap<A, BanEntry> = live.into_iter().collect();
        let mut fresh = wanted.exact.iter().filter(|(net, _)| !live.contains_key(&A::of(*net)));
        match fresh.nth(self.limit - self.count.min(self.limit)) {
            None => Ok(()),
            Some((net, _)) => Err(XdpError::Full {
                offender: Offender::net(*net),
                limit: self.limit,
                family: self.names.family,
                option: self.names.option,
            }),
        }
    }

    /// Writes all of it, or leaves each map as it was; what the kernel counted of a ban that stands already is kept.
    pub(super) fn put(
        &mut self,
        shelf: Shelf,
        standing: Standing,
        now: MonoTime,
    ) -> Result<(), XdpError> {
        let exact = if self.count == 0 { Standing::None } else { standing };
        self.count += put_into(&self.exact, shelf.exact, exact, now)?;
        put_into(&self.nets, shelf.nets, standing, now)?;
        Ok(())
    }

    /// Removes one; whether it was there.
    pub(super) fn remove(&mut self, place: Place, net: IpNet) -> Result<bool, XdpError> {
        let removed = match place {
            Place::Exact => self.exact.remove(&[A::of(net)])?,
            Place::Net => self.nets.remove(&[N::of(net)])?,
        };
        if place == Place::Exact {
            self.count = self.count.saturating_sub(removed);
        }
        Ok(removed > 0)
    }

    /// Removes all within a prefix, and tells which they were.
    pub(super) fn remove_within(&mut self, net: IpNet) -> Result<Vec<Offender>, XdpError> {
        let mut removed = Vec::new();
        for (place, found) in [(Place::Exact, self.all_exact()?), (Place::Net, self.all_nets()?)] {
            for (within, _) in found.into_iter().filter(|(found, _)| net.contains(found)) {
                self.remove(place, within)?;
                removed.push(Offender::net(within));
            }
        }
        Ok(removed)
    }

    /// Removes all, and tells which they were.
    pub(super) fn clear(&mut self) -> Result<Vec<Offender>, XdpError> {
        let (exact, nets) = (self.all_exact()?, self.all_nets()?);
        let keys: Vec<A> = exact.iter().map(|(net, _)| A::of(*net)).collect();
        self.exact.remove(&keys)?;
        self.count = 0;
        let keys: Vec<N> = nets.iter().map(|(net, _)| N::of(*net)).collect();
        self.nets.remove(&keys)?;
        Ok(exact.into_iter().chain(nets).map(|(net, _)| Offender::net(net)).collect())
    }

    pub(super) fn get(&self, place: Place, net: IpNet) -> Result<Option<BanEntry>, XdpError> {
        match place {
            Place::Exact => self.exact.get(&A::of(net)),
            Place::Net => self.nets.get(&N::of(net)),
        }
    }

    pub(super) fn all_exact(&self) -> Result<Vec<Slot>, XdpError> {
        let all = self.exact.all()?.into_iter();
        Ok(all.map(|(key, entry)| (key.net(self.exact_len), entry)).collect())
    }

    pub(super) fn all_nets(&self) -> Result<Vec<Slot>, XdpError> {
        let all = self.nets.all()?.into_iter();
        Ok(all.map(|(key, entry)| (key.net(self.exact_len), entry)).collect())
    }

    pub(super) fn all(&self) -> Result<Vec<Slot>, XdpError> {
        let mut all = self.all_exact()?;
        all.extend(self.all_nets()?);
        Ok(all)
    }

    /// The prefix lengths that bans have.
    pub(super) fn lens(&self) -> Result<Lens, XdpError> {
        Ok(Lens::of(self.all_nets()?.into_iter().map(|(net, _)| net.prefix_len())))
    }

    /// The scope bits that bans have.
    pub(super) fn scopes_in_use(&self) -> Result<u64, XdpError> {
        Ok(self.all()?.into_iter().fold(0, |bits, (_, entry)| bits | entry.scopes))
    }
}

/// Writes entries into one map; how many of them are new there.
fn put_into<K: Key>(
    table: &Table<K, BanEntry>,
    slots: Vec<Slot>,
    standing: Standing,
    now: MonoTime,
) -> Result<usize, XdpError> {
    let mut keys = Vec::with_capacity(slots.len());
    let mut entries = Vec::with_capacity(slots.len());
    let mut seen = HashMap::new();
    for (net, entry) in slots {
        let key = K::of(net);
        // The same one twice in one request, as lists have them.
        if let Some(at) = seen.insert(key, keys.len()) {
            let earlier: &mut BanEntry = &mut entries[at];
            *earlier = widened(*earlier, entry, now);
            seen.insert(key, at);
            continue;
        }
        keys.push(key);
        entries.push(entry);
    }
    let mut before = vec![None; keys.len()];
    if standing != Standing::None {
        for ((key, entry), before) in keys.iter().zip(&mut entries).zip(&mut before) {
            *before = table.get(key)?;
            if let Some(old) = *before {
                let BanEntry { dropped, last_drop_ns, .. } = old;
                let wanted = match standing {
                    Standing::Widen => widened(old, *entry, now),
                    Standing::Replace | Standing::None => *entry,
                };
                *entry = BanEntry { dropped, last_drop_ns, allow_seen: 0, ..wanted };
            }
        }
    }
    match table.put(&keys, &entries) {
        Ok(()) => Ok(before.iter().filter(|before| before.is_none()).count()),
        Err((error, written)) => {
            undo(table, &keys[..written], &before)?;
            Err(error)
        }
    }
}

/// Puts back what stood under these keys, and removes what did not.
fn undo<K: Key>(
    table: &Table<K, BanEntry>,
    keys: &[K],
    before: &[Option<BanEntry>],
) -> Result<(), XdpError> {
    for (key, before) in keys.iter().zip(before) {
        match before {
            Some(entry) => table.put(&[*key], &[*entry]).map_err(|(error, _)| error)?,
            None => drop(table.remove(&[*key])?),
        }
    }
    Ok(())
}

/// Both bans as one, of which an ended one wants nothing any more.
fn widened(old: BanEntry, new: BanEntry, now: MonoTime) -> BanEntry {
    if old.expires_ns <= now.as_nanos() {
        return new;
    }
    BanEntry {
        expires_ns: old.expires_ns.max(new.expires_ns),
        scopes: old.scopes | new.scopes,
        ..new
    }
}

impl Key for Addr4 {
    fn of(net: IpNet) -> Self {
        Self { octets: v4_octets(net) }
    }

    fn net(&self, exact_len: u8) -> IpNet {
        prefix(self.octets.into(), exact_len.into())
    }
}

impl Key for Addr6 {
    fn of(net: IpNet) -> Self {
        Self { octets: v6_octets(net) }
    }

    fn net(&self, exact_len: u8) -> IpNet {
        prefix(self.octets.into(), exact_len.into())
    }
}

impl Key for Net4 {
    fn of(net: IpNet) -> Self {
        Self { prefix_len: net.prefix_len().into(), octets: v4_octets(net) }
    }

    fn net(&self, _: u8) -> IpNet {
        prefix(self.octets.into(), self.prefix_len)
    }
}

impl Key for Net6 {
    fn of(net: IpNet) -> Self {
        Self { prefix_len: net.prefix_len().into(), octets: v6_octets(net) }
    }

    fn net(&self, _: u8) -> IpNet {
        prefix(self.octets.into(), self.prefix_len)
    }
}

fn v4_octets(net: IpNet) -> [u8; 4] {
    match net.network() {
        IpAddr::V4(addr) => addr.octets(),
        IpAddr::V6(_) => unreachable!("IPv6 has maps of its own"),
    }
}

fn v6_octets(net: IpNet) -> [u8; 16] {
    match net.network() {
        IpAddr::V6(addr) => addr.octets(),
        IpAddr::V4(_) => unreachable!("IPv4 has maps of its own"),
    }
}

/// What a key in a map says; a length that no family has was never written by us and counts as the longest.
fn prefix(addr: IpAddr, len: u32) -> IpNet {
    u8::try_from(len).ok().and_then(|len| IpNet::new(addr, len).ok()).unwrap_or(addr.into())
}
