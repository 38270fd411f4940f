//! Bans in the pinned maps: written, removed, read.

use std::net::IpAddr;

use ipnet::IpNet;
use rban_common::abi;
use rban_common::ban::{Addr4, Addr6, BanEntry, FOREVER_NS, Net4, Net6};
use rban_common::settings::Settings;

use super::error::XdpError;
use super::family::{Family, Names, Place, Shelf, Slot};
use super::nets::Lens;
use super::pins::{Lock, Pins};
use super::scopes::Scopes;
use super::settings::SettingsMap;
use crate::addr::Offender;
use crate::clock::MonoTime;
use crate::scope::Scope;

/// Who is to be dropped, until when, and which of their packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub offender: Offender,
    /// Until when; `None` = for ever.
    pub until: Option<MonoTime>,
    /// Which packets.
    pub scope: Scope,
}

/// What becomes of a ban that stands already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is widened: the later end, and both scopes.
    Widen,
    /// It is replaced: the caller knows all who want it.
    Replace,
    /// There is none: the caller knows. It spares a look at each.
    None,
}

/// A ban as the kernel has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who.
    pub offender: Offender,
    /// Until when; `None` = for ever.
    pub until: Option<MonoTime>,
    /// Which packets.
    pub scope: Scope,
    /// Packets dropped so far.
    pub dropped: u64,
    /// When the last of them came, true to a timer tick.
    pub last_drop: Option<MonoTime>,
}

/// How many bans there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sizes {
    /// IPv4 addresses.
    pub v4: usize,
    /// IPv6 addresses (or prefixes of the length by which IPv6 is banned).
    pub v6: usize,
    /// IPv4 prefixes.
    pub nets_v4: usize,
    /// IPv6 prefixes.
    pub nets_v6: usize,
}

const V4: Names = Names { family: "IPv4", option: "v4" };
const V6: Names = Names { family: "IPv6", option: "v6" };

/// The ban maps and all that belongs to them.
pub struct Bans {
    pins: Pins,
    v4: Family<Addr4, Net4>,
    v6: Family<Addr6, Net6>,
    scopes: Scopes,
    settings: SettingsMap,
    v6_prefix: u8,
}

impl Bans {
    /// The pinned maps. Reads how full they are, which takes some milliseconds.
    ///
    /// # Errors
    /// Where the pins are absent or not ours.
    pub fn open(pins: &Pins) -> Result<Self, XdpError> {
        Ok(Self::open_and_read(pins)?.0)
    }

    /// The same, and every ban in the maps, ended ones included.
    ///
    /// # Errors
    /// Where the pins are absent or not ours.
    pub fn open_and_read(pins: &Pins) -> Result<(Self, Vec<Record>), XdpError> {
        let settings = SettingsMap::open(pins)?;
        let now = settings.read()?;
        let v6_prefix = now.v6_prefix as u8;
        let (v4, mut all) =
            Family::open(pins, [abi::BANS_V4, abi::NETS_V4], V4, 32, now.max_bans_v4)?;
        let (v6, all_v6) =
            Family::open(pins, [abi::BANS_V6, abi::NETS_V6], V6, v6_prefix, now.max_bans_v6)?;
        all.extend(all_v6);
        let (scopes, pins) = (Scopes::open(pins)?, pins.clone());
        let bans = Self { v4, v6, scopes, settings, v6_prefix, pins };
        let records = all.into_iter().map(|found| bans.record(found)).collect::<Result<_, _>>()?;
        Ok((bans, records))
    }

    /// Bans them all, or none: whether there is room is settled first. Expired bans make room.
    ///
    /// # Errors
    /// Where a limit is reached or the kernel refuses.
    pub fn ban(
        &mut self,
        requests: &[Request],
        standing: Standing,
        now: MonoTime,
    ) -> Result<(), XdpError> {
        // All traffic of single addresses touches nothing but their own entries, and waits for nobody.
        let is_plain = |it: &Request| {
            it.scope == Scope::All && self.place(self.keyed(it.offender.as_net())) == Place::Exact
        };
        let lock = match requests.iter().all(is_plain) {
            true => None,
            false => Some(self.pins.lock()?),
        };
        let settings = self.settings.read()?;
        let (mut v4, mut v6) = (Shelf::default(), Shelf::default());
        let mut lens_v4 = Lens::new(&settings.nets_v4_lens, settings.nets_v4_count);
        let mut lens_v6 = Lens::new(&settings.nets_v6_lens, settings.nets_v6_count);
        for request in requests {
            let entry = self.entry(request)?;
            let net = self.keyed(request.offender.as_net());
            match (self.place(net), net) {
                (Place::Exact, IpNet::V4(_)) => v4.exact.push((net, entry)),
                (Place::Exact, IpNet::V6(_)) => v6.exact.push((net, entry)),
                (Place::Net, IpNet::V4(_)) => v4.nets.extend(parts(&mut lens_v4, net, entry)?),
                (Place::Net, IpNet::V6(_)) => v6.nets.extend(parts(&mut lens_v6, net, entry)?),
            }
        }
        self.v4.make_room(&v4, now)?;
        self.v6.make_room(&v6, now)?;
        self.v4.put(v4, standing, now)?;
        self.v6.put(v6, standing, now)?;
        lock.map_or(Ok(()), |lock| self.set_lens(&lock, &settings, &lens_v4, &lens_v6))
    }

    /// Lifts these bans. A prefix that is not itself banned lifts all bans within it. Tells which were lifted.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn unban(&mut self, offenders: &[Offender]) -> Result<Vec<Offender>, XdpError> {
        let mut lifted = Vec::new();
        for offender in offenders {
            let net = self.keyed(offender.as_net());
            let was_there = match net {
                IpNet::V4(_) => self.v4.remove(self.place(net), net)?,
                IpNet::V6(_) => self.v6.remove(self.place(net), net)?,
            };
            if was_there {
                lifted.push(Offender::net(net));
            } else if offender.as_addr().is_none() {
                lifted.extend(match net {
                    IpNet::V4(_) => self.v4.remove_within(net)?,
                    IpNet::V6(_) => self.v6.remove_within(net)?,
                });
            }
        }
        if lifted.iter().any(|offender| matches!(self.place(offender.as_net()), Place::Net)) {
            let lock = self.pins.lock()?;
            let (v4, v6) = (self.v4.lens()?, self.v6.lens()?);
            self.set_lens(&lock, &self.settings.read()?, &v4, &v6)?;
        }
        Ok(lifted)
    }

    /// Lifts every ban, and tells which they were.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn clear(&mut self) -> Result<Vec<Offender>, XdpError> {
        let lock = self.pins.lock()?;
        let mut lifted = self.v4.clear()?;
        lifted.extend(self.v6.clear()?);
        self.set_lens(&lock, &self.settings.read()?, &Lens::default(), &Lens::default())?;
        Ok(lifted)
    }

    /// The ban of exactly this offender, ended ones included.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn get(&self, offender: Offender) -> Result<Option<Record>, XdpError> {
        let net = self.keyed(offender.as_net());
        let entry = match net {
            IpNet::V4(_) => self.v4.get(self.place(net), net)?,
            IpNet::V6(_) => self.v6.get(self.place(net), net)?,
        };
        entry.map(|entry| self.record((net, entry))).transpose()
    }

    /// The bans that cover this address, ended ones included, the most precise first.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn covering(&self, addr: IpAddr) -> Result<Vec<Record>, XdpError> {
        let mut found: Vec<Record> = self.get(addr.into())?.into_iter().collect();
        let nets = match addr {
            IpAddr::V4(_) => self.v4.all_nets()?,
            IpAddr::V6(_) => self.v6.all_nets()?,
        };
        let covering = nets.into_iter().filter(|(net, _)| net.contains(&addr));
        let mut wider = covering.map(|found| self.record(found)).collect::<Result<Vec<_>, _>>()?;
        wider.sort_by_key(|record| std::cmp::Reverse(record.offender.as_net().prefix_len()));
        found.extend(wider);
        Ok(found)
    }

    /// How many bans the maps hold, ended ones included.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn sizes(&self) -> Result<Sizes, XdpError> {
        let (nets_v4, nets_v6) = (self.v4.all_nets()?.len(), self.v6.all_nets()?.len());
        Ok(Sizes { v4: self.v4.count(), v6: self.v6.count(), nets_v4, nets_v6 })
    }

    /// Every ban in the maps, ended ones included.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn all(&self) -> Result<Vec<Record>, XdpError> {
        let mut found = self.v4.all()?;
        found.extend(self.v6.all()?);
        found.into_iter().map(|found| self.record(found)).collect()
    }

    fn record(&self, (net, entry): Slot) -> Result<Record, XdpError> {
        Ok(Record {
            offender: Offender::net(net),
            until: (entry.expires_ns != FOREVER_NS).then(|| MonoTime::from_nanos(entry.expires_ns)),
            scope: self.scopes.scope_of(entry.scopes)?,
            dropped: entry.dropped,
            last_drop: (entry.last_drop_ns != 0).then(|| MonoTime::from_nanos(entry.last_drop_ns)),
        })
    }

    fn entry(&mut self, request: &Request) -> Result<BanEntry, XdpError> {
        let (v4, v6) = (&self.v4, &self.v6);
        let in_use = || Ok(v4.scopes_in_use()? | v6.scopes_in_use()?);
        Ok(BanEntry {
            expires_ns: request.until.map_or(FOREVER_NS, MonoTime::as_nanos),
            scopes: self.scopes.mask_of(&request.scope, in_use)?,
            dropped: 0,
            last_drop_ns: 0,
            allow_seen: 0,
        })
    }

    /// Under what a prefix is kept: a single IPv6 address under the prefix by which IPv6 is banned.
    fn keyed(&self, net: IpNet) -> IpNet {
        Offender::net(net).widened(self.v6_prefix).as_net()
    }

    fn place(&self, net: IpNet) -> Place {
        let exact_len = match net {
            IpNet::V4(_) => 32,
            IpNet::V6(_) => self.v6_prefix,
        };
        if net.prefix_len() == exact_len { Place::Exact } else { Place::Net }
    }

    /// Has the kernel look up these lengths, where they are not what it does already.
    fn set_lens(
        &mut self,
        lock: &Lock,
        settings: &Settings,
        v4: &Lens,
        v6: &Lens,
    ) -> Result<(), XdpError> {
        let (nets_v4_lens, nets_v4_count) = v4.to_settings();
        let (nets_v6_lens, nets_v6_count) = v6.to_settings();
        let wanted =
            Settings { nets_v4_lens, nets_v4_count, nets_v6_lens, nets_v6_count, ..*settings };
        if wanted == *settings {
            return Ok(());
        }
        self.settings.change(lock, |settings| {
            settings.nets_v4_lens = nets_v4_lens;
            settings.nets_v4_count = nets_v4_count;
            settings.nets_v6_lens = nets_v6_lens;
            settings.nets_v6_count = nets_v6_count;
        })
    }
}

/// The prefixes that are written for one.
fn parts(lens: &mut Lens, net: IpNet, entry: BanEntry) -> Result<Vec<Slot>, XdpError> {
    let parts = lens.admit(net).ok_or_else(|| XdpError::TooManyLengths {
        offender: Offender::net(net),
        in_use: lens.in_words(),
    })?;
    Ok(parts.into_iter().map(|part| (part, entry)).collect())
}
