//! The dropper itself, by its pins: single frames through the loaded program, and the maps that it judges by.
//!
//! Writes the maps directly, so that what the kernel does is tested apart from what user space asks of it.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use aya::TestRunOptions;
use aya::maps::lpm_trie::Key;
use aya::maps::{Array, HashMap, LpmTrie, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::{TestRun, Xdp};
use aya_obj::programs::XdpAttachType;
use rban_common::abi;
use rban_common::ban::{
    Addr4, Addr6, BanEntry, FOREVER_NS, Net4, Net6, SCOPE_ALL, Transport, port_index,
};
use rban_common::event::DropEvent;
use rban_common::settings::Settings;
use rban_common::verdict::{COUNTERS_ENTRIES, Count, Family, Verdict, index};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// A loaded program and its maps.
pub struct Dropper {
    program: Xdp,
    bans_v4: HashMap<MapData, Addr4, BanEntry>,
    bans_v6: HashMap<MapData, Addr6, BanEntry>,
    nets_v4: HashMap<MapData, Net4, BanEntry>,
    nets_v6: HashMap<MapData, Net6, BanEntry>,
    allow_v4: LpmTrie<MapData, Addr4, u8>,
    allow_v6: LpmTrie<MapData, Addr6, u8>,
    port_scopes: Array<MapData, u64>,
    settings: Array<MapData, Settings>,
    counters: PerCpuArray<MapData, Count>,
    events: RingBuf<MapData>,
}

/// All counters, summed over the CPUs.
pub type Counters = [Count; COUNTERS_ENTRIES];

impl Dropper {
    /// Opens what rban pinned in this directory.
    ///
    /// # Errors
    ///
    /// Where a pin is missing, or of another layout.
    pub fn open(dir: &Path) -> Result<Self> {
        let map = |name: &str| {
            MapData::from_pin(dir.join(name)).with_context(|| format!("opening the pin {name}"))
        };
        let lru = |name| Ok::<_, anyhow::Error>(Map::LruHashMap(map(name)?));
        let hash = |name| Ok::<_, anyhow::Error>(Map::HashMap(map(name)?));
        let trie = |name| Ok::<_, anyhow::Error>(Map::LpmTrie(map(name)?));
        let array = |name| Ok::<_, anyhow::Error>(Map::Array(map(name)?));
        Ok(Self {
            program: Xdp::from_pin(dir.join("prog"), XdpAttachType::Interface)
                .context("opening the pin prog")?,
            bans_v4: lru(abi::BANS_V4)?.try_into()?,
            bans_v6: lru(abi::BANS_V6)?.try_into()?,
            nets_v4: hash(abi::NETS_V4)?.try_into()?,
            nets_v6: hash(abi::NETS_V6)?.try_into()?,
            allow_v4: trie(abi::ALLOW_V4)?.try_into()?,
            allow_v6: trie(abi::ALLOW_V6)?.try_into()?,
            port_scopes: array(abi::PORT_SCOPES)?.try_into()?,
            settings: array(abi::SETTINGS)?.try_into()?,
            counters: Map::PerCpuArray(map(abi::COUNTERS)?).try_into()?,
            events: Map::RingBuf(map(abi::EVENTS)?).try_into()?,
        })
    }

    /// Runs one frame through the program and says what became of it, having checked that exactly this was counted:
    /// one packet of one verdict and family, with the bytes of the frame.
    ///
    /// # Errors
    ///
    /// Where the counters or the action say otherwise.
    pub fn judge(&self, frame: &[u8]) -> Result<(Verdict, Family)> {
        let before = self.counters()?;
        let dropped = self.is_dropped(frame)?;
        let after = self.counters()?;
        let mut found = None;
        for verdict in Verdict::ALL {
            for family in Family::ALL {
                let i = index(verdict, family) as usize;
                let packets = after[i].packets - before[i].packets;
                let bytes = after[i].bytes - before[i].bytes;
                if packets == 0 && bytes == 0 {
                    continue;
                }
                let counted = format!("{packets} packets, {bytes} bytes: {verdict:?} {family:?}");
                ensure!(found.is_none(), "counted twice; the second: {counted}");
                ensure!(packets == 1, "one frame was counted as {counted}");
                ensure!(bytes == frame.len() as u64, "{} bytes counted as {counted}", frame.len());
                found = Some((verdict, family));
            }
        }
        let (verdict, family) = found.context("not counted")?;
        ensure!(dropped == (verdict == Verdict::Drop), "dropped: {dropped}, counted: {verdict:?}");
        Ok((verdict, family))
    }

    /// Whether the program drops this frame.
    ///
    /// # Errors
    ///
    /// Where it does anything but drop or pass, or cannot be run.
    pub fn is_dropped(&self, frame: &[u8]) -> Result<bool> {
        let options = TestRunOptions { data_in: Some(frame), ..TestRunOptions::new() };
        let result = self.program.test_run(options).context("running the program on a frame")?;
        let action = result.return_value;
        ensure!(action == XDP_DROP || action == XDP_PASS, "XDP action {action}: {frame:02x?}");
        Ok(action == XDP_DROP)
    }

    /// All counters.
    ///
    /// # Errors
    ///
    /// Where the map cannot be read.
    pub fn counters(&self) -> Result<Counters> {
        let mut counters = [Count::default(); COUNTERS_ENTRIES];
        for (i, sum) in counters.iter_mut().enumerate() {
            for cpu in self.counters.get(&u32::try_from(i)?, 0)?.iter() {
                sum.packets += cpu.packets;
                sum.bytes += cpu.bytes;
            }
        }
        Ok(counters)
    }

    /// Bans an address or a prefix (`192.0.2.0/24`).
    ///
    /// # Errors
    ///
    /// Where the map refuses.
    ///
    /// # Panics
    ///
    /// Where `offender` is neither.
    pub fn ban(&mut self, offender: &str, entry: BanEntry) -> Result<()> {
        let Some((addr, len)) = offender.split_once('/') else {
            return match address(offender) {
                IpAddr::V4(a) => Ok(self.bans_v4.insert(addr4(a.octets()), entry, 0)?),
                IpAddr::V6(a) => Ok(self.bans_v6.insert(addr6(a.octets()), entry, 0)?),
            };
        };
        let prefix_len: u32 = len.parse()?;
        let len = u8::try_from(prefix_len)?;
        match address(addr) {
            IpAddr::V4(a) => {
                self.nets_v4.insert(Net4 { prefix_len, octets: a.octets() }, entry, 0)?;
                self.set(|s| use_len(&mut s.nets_v4_lens, &mut s.nets_v4_count, len))
            }
            IpAddr::V6(a) => {
                self.nets_v6.insert(Net6 { prefix_len, octets: a.octets() }, entry, 0)?;
                self.set(|s| use_len(&mut s.nets_v6_lens, &mut s.nets_v6_count, len))
            }
        }
    }

    /// Lifts the ban of one address.
    ///
    /// # Errors
    ///
    /// Where there was none.
    pub fn unban(&mut self, addr: &str) -> Result<()> {
        match address(addr) {
            IpAddr::V4(a) => Ok(self.bans_v4.remove(&addr4(a.octets()))?),
            IpAddr::V6(a) => Ok(self.bans_v6.remove(&addr6(a.octets()))?),
        }
    }

    /// The entry of an exact ban, or of a prefix.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn entry(&self, offender: &str) -> Result<BanEntry> {
        let Some((addr, len)) = offender.split_once('/') else {
            return match address(offender) {
                IpAddr::V4(a) => Ok(self.bans_v4.get(&addr4(a.octets()), 0)?),
                IpAddr::V6(a) => Ok(self.bans_v6.get(&addr6(a.octets()), 0)?),
            };
        };
        let prefix_len = len.parse()?;
        match address(addr) {
            IpAddr::V4(a) => Ok(self.nets_v4.get(&Net4 { prefix_len, octets: a.octets() }, 0)?),
            IpAddr::V6(a) => Ok(self.nets_v6.get(&Net6 { prefix_len, octets: a.octets() }, 0)?),
        }
    }

    /// Adds a prefix to those that are never dropped, and says so in the settings.
    ///
    /// # Errors
    ///
    /// Where the map refuses.
    pub fn allow(&mut self, prefix: &str) -> Result<()> {
        match prefix_key(prefix)? {
            PrefixKey::V4(key) => self.allow_v4.insert(&key, 1, 0)?,
            PrefixKey::V6(key) => self.allow_v6.insert(&key, 1, 0)?,
        }
        self.set(|settings| settings.allow_generation += 1)
    }

    /// Removes what [`allow`](Self::allow) added.
    ///
    /// # Errors
    ///
    /// Where it is not there.
    pub fn disallow(&mut self, prefix: &str) -> Result<()> {
        match prefix_key(prefix)? {
            PrefixKey::V4(key) => self.allow_v4.remove(&key)?,
            PrefixKey::V6(key) => self.allow_v6.remove(&key)?,
        }
        self.set(|settings| settings.allow_generation += 1)
    }

    /// Empties `allow_*`, which rban filled with the host's own addresses.
    ///
    /// # Errors
    ///
    /// Where the maps refuse.
    pub fn allow_nobody(&mut self) -> Result<()> {
        for key in self.allow_v4.keys().collect::<Result<Vec<_>, _>>()? {
            self.allow_v4.remove(&key)?;
        }
        for key in self.allow_v6.keys().collect::<Result<Vec<_>, _>>()? {
            self.allow_v6.remove(&key)?;
        }
        self.set(|settings| settings.allow_generation = 0)
    }

    /// Has the port scope of this number cover a port, besides what it covers.
    ///
    /// # Errors
    ///
    /// Where the map refuses.
    pub fn cover(&mut self, scope: u32, transport: Transport, port: u16) -> Result<()> {
        let i = port_index(transport, port);
        let scopes = self.port_scopes.get(&i, 0)?;
        Ok(self.port_scopes.set(i, scopes | 1 << scope, 0)?)
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// Where the map cannot be read.
    pub fn settings(&self) -> Result<Settings> {
        Ok(self.settings.get(&0, 0)?)
    }

    /// Changes the settings.
    ///
    /// # Errors
    ///
    /// Where the map cannot be written.
    pub fn set(&mut self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        let mut settings = self.settings()?;
        change(&mut settings);
        Ok(self.settings.set(0, settings, 0)?)
    }

    /// What the program reported since this was last asked.
    ///
    /// # Errors
    ///
    /// Where an event is of another size than ours.
    pub fn events(&mut self) -> Result<Vec<DropEvent>> {
        let mut events = Vec::new();
        while let Some(item) = self.events.next() {
            events.push(event(&item)?);
        }
        Ok(events)
    }
}

/// A ban of these scopes until this time.
#[must_use]
pub fn entry(scopes: u64, expires_ns: u64) -> BanEntry {
    BanEntry { expires_ns, scopes, dropped: 0, last_drop_ns: 0, allow_seen: 0 }
}

/// A ban of all traffic without end.
#[must_use]
pub fn forever() -> BanEntry {
    entry(SCOPE_ALL, FOREVER_NS)
}

/// A prefix as a key of the allow tries.
enum PrefixKey {
    V4(Key<Addr4>),
    V6(Key<Addr6>),
}

fn prefix_key(prefix: &str) -> Result<PrefixKey> {
    let (addr, len) = prefix.split_once('/').context("a prefix has a /")?;
    Ok(match address(addr) {
        IpAddr::V4(a) => PrefixKey::V4(Key::new(len.parse()?, addr4(a.octets()))),
        IpAddr::V6(a) => PrefixKey::V6(Key::new(len.parse()?, addr6(a.octets()))),
    })
}

#[track_caller]
fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn addr4(octets: [u8; 4]) -> Addr4 {
    Addr4 { octets }
}

fn addr6(octets: [u8; 16]) -> Addr6 {
    Addr6 { octets }
}

/// Puts a prefix length among those in use, longest first.
fn use_len(lens: &mut [u8; 8], count: &mut u32, len: u8) {
    let n = *count as usize;
    if lens[..n].contains(&len) {
        return;
    }
    assert!(n < lens.len(), "more prefix lengths than the kernel looks at");
    lens[n] = len;
    *count += 1;
    lens[..=n].sort_unstable_by(|a, b| b.cmp(a));
}

fn event(bytes: &[u8]) -> Result<DropEvent> {
    ensure!(bytes.len() == size_of::<DropEvent>(), "an event of {} bytes", bytes.len());
    let u64_at = |at: usize| u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let u32_at = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
    Ok(DropEvent {
        at_ns: u64_at(0),
        dropped: u64_at(8),
        source: bytes[16..32].try_into().expect("16 bytes"),
        ifindex: u32_at(32),
        frame_bytes: u32_at(36),
        family: u32_at(40),
        prefix_len: u32_at(44),
    })
}
