//! Sets of ports as bits of a mask: which bit means which ports stands in `port_scopes` alone.

use std::cell::OnceCell;

use rban_common::abi;
use rban_common::ban::{PORT_SCOPES_MAX, SCOPE_ALL, Transport, port_index};

use super::error::XdpError;
use super::pins::Pins;
use super::table::Table;
use crate::scope::{Ports, Scope};

/// Bit i stands for the ports at i; empty = the bit is free.
type Meanings = Vec<Ports>;

/// The pinned table, and what its bits mean as far as they are in use.
pub(super) struct Scopes {
    table: Table<u32, u64>,
    /// Read when first asked for, since that takes 30 ms and most bans are on all traffic.
    meanings: OnceCell<Meanings>,
}

impl Scopes {
    pub(super) fn open(pins: &Pins) -> Result<Self, XdpError> {
        Ok(Self { table: Table::open(pins, abi::PORT_SCOPES)?, meanings: OnceCell::new() })
    }

    fn meanings(&self) -> Result<&Meanings, XdpError> {
        match self.meanings.get() {
            Some(meanings) => Ok(meanings),
            None => {
                let meanings = self.read()?;
                Ok(self.meanings.get_or_init(|| meanings))
            }
        }
    }

    fn meanings_mut(&mut self) -> Result<&mut Meanings, XdpError> {
        self.meanings()?;
        Ok(self.meanings.get_mut().expect("just read"))
    }

    fn read(&self) -> Result<Meanings, XdpError> {
        let covered = self.table.all()?.into_iter().filter(|(_, mask)| *mask != 0);
        let covered: Vec<(u32, u64)> = covered.collect();
        let meaning = |bit: u32| {
            let ports = covered.iter().filter(|(_, mask)| mask & 1 << bit != 0);
            ports.map(|(index, _)| port_at(*index)).collect()
        };
        Ok((0..PORT_SCOPES_MAX).map(meaning).collect())
    }

    /// The mask of a scope. A set of ports that is new gets a bit, written before it is used; `in_use` tells which
    /// bits bans refer to, should none be free.
    pub(super) fn mask_of(
        &mut self,
        scope: &Scope,
        in_use: impl FnOnce() -> Result<u64, XdpError>,
    ) -> Result<u64, XdpError> {
        let Scope::Ports(ports) = scope else { return Ok(SCOPE_ALL) };
        if let Some(bit) = self.meanings()?.iter().position(|known| known == ports) {
            return Ok(1 << bit);
        }
        let bit = match self.meanings()?.iter().position(Ports::is_empty) {
            Some(bit) => bit,
            None => self.reclaim(in_use()?, scope)?,
        };
        self.write(ports, |mask| mask | 1 << bit)?;
        self.meanings_mut()?[bit].clone_from(ports);
        Ok(1 << bit)
    }

    /// Frees the bits that no ban refers to any more, and gives one of them.
    fn reclaim(&mut self, in_use: u64, wanted: &Scope) -> Result<usize, XdpError> {
        for bit in 0..PORT_SCOPES_MAX as usize {
            if in_use & 1 << bit == 0 {
                let ports = std::mem::take(&mut self.meanings_mut()?[bit]);
                self.write(&ports, |mask| mask & !(1 << bit))?;
            }
        }
        self.meanings()?
            .iter()
            .position(Ports::is_empty)
            .ok_or_else(|| XdpError::TooManyScopes { scope: wanted.to_string() })
    }

    fn write(&self, ports: &Ports, change: impl Fn(u64) -> u64) -> Result<(), XdpError> {
        let keys: Vec<u32> =
            ports.iter().map(|(transport, port)| port_index(transport, port)).collect();
        let masks: Result<Vec<u64>, XdpError> =
            keys.iter().map(|key| Ok(change(self.table.get(key)?.unwrap_or(0)))).collect();
        self.table.put(&keys, &masks?).map_err(|(error, _)| error)
    }

    /// The scope that a mask means.
    pub(super) fn scope_of(&self, mask: u64) -> Result<Scope, XdpError> {
        if mask & SCOPE_ALL != 0 {
            return Ok(Scope::All);
        }
        let bits = self.meanings()?.iter().enumerate().filter(|(bit, _)| mask & 1 << bit != 0);
        // By ranges, for this is asked of each ban, and most have all ports of TCP.
        let scopes = bits.map(|(_, ports)| Scope::Ports(ports.clone()));
        Ok(scopes.reduce(|a, b| a.union(&b)).unwrap_or(Scope::Ports(Ports::default())))
    }
}

fn port_at(index: u32) -> (Transport, u16) {
    let transport = if index < 65_536 { Transport::Tcp } else { Transport::Udp };
    (transport, index as u16)
}
