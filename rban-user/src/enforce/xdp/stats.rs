//! What the kernel counted.

use std::collections::BTreeMap;

use aya::maps::{Map, PerCpuArray};
use rban_common::abi;
use rban_common::verdict::{Count, Family, Verdict, index};
use serde::Serialize;

use super::error::{XdpError, aya_error};
use super::pins::Pins;

/// Packets and bytes, over all CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Packets.
    pub packets: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// Totals by verdict, then by family, under the names that JSON and people see.
pub type Counters = BTreeMap<&'static str, BTreeMap<&'static str, Total>>;

/// Reads all counters.
///
/// # Errors
/// Where the pins are absent, or the kernel refuses.
pub fn read(pins: &Pins) -> Result<Counters, XdpError> {
    let error = |source| aya_error(abi::COUNTERS, source);
    let map: PerCpuArray<_, Count> = Map::from_map_data(pins.map(abi::COUNTERS)?)
        .and_then(PerCpuArray::try_from)
        .map_err(error)?;
    let mut counters = Counters::new();
    for verdict in Verdict::ALL {
        for family in Family::ALL {
            let counts = map.get(&index(verdict, family), 0).map_err(error)?;
            let mut total = Total::default();
            for count in counts.iter() {
                total.packets += count.packets;
                total.bytes += count.bytes;
            }
            counters.entry(verdict_name(verdict)).or_default().insert(family_name(family), total);
        }
    }
    Ok(counters)
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Drop => "drop",
        Verdict::Monitored => "monitored",
        Verdict::Expired => "expired",
        Verdict::Allowed => "allowed",
        Verdict::OutOfScope => "out_of_scope",
        Verdict::Unparsed => "unparsed",
        Verdict::Panic => "panic",
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Other => "other",
        Family::V4 => "v4",
        Family::V6 => "v6",
    }
}
