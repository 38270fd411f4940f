//! Who is never dropped: the tries that the kernel asks before it drops, whatever the bans say.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::Duration;

use ipnet::IpNet;
use rban_common::abi;
use rban_common::ban::{Net4, Net6};

use super::error::XdpError;
use super::host;
use super::pins::{Lock, Pins};
use super::settings::SettingsMap;
use super::table::Table;

/// The names of resolvers stand here.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Longer than any packet takes.
const REORDERING: Duration = Duration::from_millis(1);

/// What must never be banned on this host: loopback, its own addresses, its gateways and its resolvers.
///
/// # Errors
/// Where the kernel does not tell all of it: who goes by a part would take the rest off the list.
pub(super) fn lockout_guard() -> Result<BTreeSet<IpNet>, XdpError> {
    let mut nets = BTreeSet::from([
        IpNet::new(Ipv4Addr::new(127, 0, 0, 0).into(), 8).expect("8 bits"),
        IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST)),
    ]);
    nets.extend(host::own_addresses()?.into_iter().map(IpNet::from));
    nets.extend(host::gateways()?.into_iter().map(IpNet::from));
    nets.extend(resolvers().into_iter().map(IpNet::from));
    Ok(nets)
}

fn resolvers() -> Vec<IpAddr> {
    let Ok(text) = fs::read_to_string(RESOLV_CONF) else { return Vec::new() };
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok())
        .collect()
}

/// The two tries.
pub struct Allow {
    v4: Table<Net4, u8>,
    v6: Table<Net6, u8>,
    settings: SettingsMap,
}

impl Allow {
    /// The pinned tries.
    ///
    /// # Errors
    /// Where the pins are absent or not ours.
    pub fn open(pins: &Pins) -> Result<Self, XdpError> {
        let settings = SettingsMap::open(pins)?;
        let v4 = Table::open(pins, abi::ALLOW_V4)?;
        let v6 = Table::open(pins, abi::ALLOW_V6)?;
        Ok(Self { v4, v6, settings })
    }

    /// Makes these the only ones that are never dropped. Bans on them lose their effect at once.
    ///
    /// # Errors
    /// Where the kernel refuses; what was allowed before is allowed still.
    pub(super) fn replace(&mut self, nets: &BTreeSet<IpNet>, lock: &Lock) -> Result<(), XdpError> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match net {
                IpNet::V4(net) => v4.push(Net4 {
                    prefix_len: net.prefix_len().into(),
                    octets: net.network().octets(),
                }),
                IpNet::V6(net) => v6.push(Net6 {
                    prefix_len: net.prefix_len().into(),
                    octets: net.network().octets(),
                }),
            }
        }
        // Those that were written before an error stay: allowing too many locks nobody out.
        self.v4.put(&v4, &vec![1; v4.len()]).map_err(|(error, _)| error)?;
        self.v6.put(&v6, &vec![1; v6.len()]).map_err(|(error, _)| error)?;
        let old_v4: Vec<_> = self.v4.all()?.into_iter().map(|(net, _)| net).collect();
        let old_v6: Vec<_> = self.v6.all()?.into_iter().map(|(net, _)| net).collect();
        self.v4.remove(&old_v4.into_iter().filter(|net| !v4.contains(net)).collect::<Vec<_>>())?;
        self.v6.remove(&old_v6.into_iter().filter(|net| !v6.contains(net)).collect::<Vec<_>>())?;
        self.raise_generation(lock)?;
        // A CPU that reorders reads may have paired the old tries with the new number just now. It is through with that
        // packet within microseconds, and a second number voids what it noted.
        thread::sleep(REORDERING);
        self.raise_generation(lock)
    }

    /// Makes this host's own addresses, gateways and resolvers the only ones that are never dropped; tells which these
    /// are.
    ///
    /// # Errors
    /// Where the kernel does not tell who they are, or refuses; then the list stays as it was.
    pub fn guard(&mut self, pins: &Pins) -> Result<BTreeSet<IpNet>, XdpError> {
        let nets = lockout_guard()?;
        if self.all()? != nets {
            self.replace(&nets, &pins.lock()?)?;
        }
        Ok(nets)
    }

    /// Has the kernel ask the tries anew for every ban. Never 0 again, which would mean that they were always empty;
    /// the mark in an entry holds 32 bits.
    fn raise_generation(&mut self, lock: &Lock) -> Result<(), XdpError> {
        self.settings.change(lock, |settings| {
            let next = (settings.allow_generation + 1) & u64::from(u32::MAX);
            settings.allow_generation = next.max(1);
        })
    }

    /// The longest of them that covers this address.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn covering(&self, addr: IpAddr) -> Result<Option<IpNet>, XdpError> {
        let all = self.all()?;
        Ok(all.into_iter().filter(|net| net.contains(&addr)).max_by_key(IpNet::prefix_len))
    }

    /// All of them.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn all(&self) -> Result<BTreeSet<IpNet>, XdpError> {
        let v4 =
            self.v4.all()?.into_iter().map(|(net, _)| (IpAddr::from(net.octets), net.prefix_len));
        let v6 =
            self.v6.all()?.into_iter().map(|(net, _)| (IpAddr::from(net.octets), net.prefix_len));
        Ok(v4.chain(v6).filter_map(|(addr, len)| IpNet::new(addr, len as u8).ok()).collect())
    }
}
