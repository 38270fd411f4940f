//! The one entry of `settings`.

use aya::maps::{Array, MapData};
use rban_common::abi;
use rban_common::settings::Settings;

use super::error::{XdpError, aya_error};
use super::pins::{Lock, Pins};

/// The pinned settings, known to be of this version.
pub(super) struct SettingsMap(Array<MapData, Settings>);

impl SettingsMap {
    pub(super) fn open(pins: &Pins) -> Result<Self, XdpError> {
        pins.settings().map(Self)
    }

    pub(super) fn read(&self) -> Result<Settings, XdpError> {
        self.0.get(&0, 0).map_err(|source| aya_error(abi::SETTINGS, source))
    }

    /// Reads, changes and writes them, under the lock, so that no two processes undo each other's change.
    pub(super) fn change(
        &mut self,
        _: &Lock,
        change: impl FnOnce(&mut Settings),
    ) -> Result<(), XdpError> {
        let mut settings = self.read()?;
        change(&mut settings);
        self.0.set(0, settings, 0).map_err(|source| aya_error(abi::SETTINGS, source))
    }
}

/// Whether the dropper only counts what it would drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Monitor {
    /// It drops.
    Off,
    /// It counts and passes.
    On,
}

/// Whether all dropping is stopped, all state kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panic {
    /// It drops.
    Off,
    /// It passes everything.
    On,
}

/// Sets the panic switch.
///
/// # Errors
/// Where the pins are absent or not ours.
pub fn set_panic(pins: &Pins, panic: Panic) -> Result<(), XdpError> {
    let lock = pins.lock()?;
    SettingsMap::open(pins)?.change(&lock, |it| it.panic = u32::from(panic == Panic::On))
}

/// Sets the monitor switch.
///
/// # Errors
/// Where the pins are absent or not ours.
pub fn set_monitor(pins: &Pins, monitor: Monitor) -> Result<(), XdpError> {
    let lock = pins.lock()?;
    SettingsMap::open(pins)?.change(&lock, |it| it.monitor = u32::from(monitor == Monitor::On))
}

/// The settings as they are.
///
/// # Errors
/// Where the pins are absent or not ours.
pub fn read(pins: &Pins) -> Result<Settings, XdpError> {
    SettingsMap::open(pins)?.read()
}
