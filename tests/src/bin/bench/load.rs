//! How fast bans get into the map, beside the kernel's limit: one batch call on a map of the same kind and size.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rban_common::ban::{Addr4, BanEntry, FOREVER_NS, SCOPE_ALL};
use rban_tests::net::Net;
use rban_tests::rawprog::{LRU_HASH, Map};

use crate::rban::{attach, ban_file, file_of};
use crate::report::{Aim, Peer, Report, Row, Summary, Unit};
use crate::sizes::{Sizes, grouped};

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
/// Aim, bans a second.
const PER_SECOND: f64 = 1e6;

/// Loads the many bans, by rban and by hand in turn, each time into a new map.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let addresses = (0..sizes.many).map(|i| Ipv4Addr::from(FIRST.to_bits() + i));
    let file = file_of(addresses.clone().map(IpAddr::V4))?;
    let keys: Vec<_> = addresses.map(|address| Addr4 { octets: address.octets() }).collect();
    let [mut map_write, mut command, mut limit] = [const { Vec::new() }; 3];
    for _ in 0..sizes.loads {
        let (seconds, whole) = by_rban(file.path(), sizes)?;
        map_write.push(f64::from(sizes.many) / seconds);
        command.push(f64::from(sizes.many) / whole);
        limit.push(f64::from(sizes.many) / by_hand(&keys, 2 * sizes.room)?);
    }
    let value = Summary::of(&limit);
    for (what, rates, has_aim) in
        [("writing the map", &map_write, true), ("the whole command", &command, false)]
    {
        let rban = Summary::of(rates);
        report.rows.push(Row {
            measure: format!("load: {} bans, {what}", grouped(sizes.many)),
            unit: Unit::BansPerSecond,
            rban,
            peer: Some(Peer { name: "one raw batch call".into(), value }),
            ratio: Some(rban.median / value.median),
            aim: has_aim.then_some(Aim { text: "rban > 1 M/s", met: rban.median > PER_SECOND }),
        });
    }
    Ok(())
}

/// Seconds for writing the map, as rban reports them, and for the whole command.
fn by_rban(file: &Path, sizes: &Sizes) -> Result<(f64, f64)> {
    let net = Net::pair()?;
    let rban = attach(&net.server, sizes.room)?;
    let start = Instant::now();
    let answer = ban_file(&rban, file, &[])?;
    let whole = start.elapsed().as_secs_f64();
    let millis = answer["map_write_ms"].as_f64().context("rban ban does not say map_write_ms")?;
    let status = rban.status()?;
    let loaded = status["bans"]["v4"].as_u64().context("rban status does not count bans")?;
    ensure!(loaded == u64::from(sizes.many), "{loaded} of {} bans are in the map", sizes.many);
    Ok((millis / 1e3, whole))
}

/// Seconds for one batch call on a map with so many entries, twice the bans, as rban has it.
fn by_hand(keys: &[Addr4], entries: u32) -> Result<f64> {
    let entry = BanEntry {
        expires_ns: FOREVER_NS,
        scopes: SCOPE_ALL,
        dropped: 0,
        last_drop_ns: 0,
        allow_seen: 0,
    };
    let values = vec![entry; keys.len()];
    let map =
        Map::create(LRU_HASH, size_of::<Addr4>() as u32, size_of::<BanEntry>() as u32, entries)?;
    let start = Instant::now();
    map.update_batch(keys, &values)?;
    Ok(start.elapsed().as_secs_f64())
}
