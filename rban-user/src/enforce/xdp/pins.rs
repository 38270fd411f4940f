//! The directory of pins: what outlives this process.
//!
//! It appears whole or not at all: maps are made and pinned in a directory of another name, which is then renamed.
//! Whoever changes more of it than a single ban holds its lock.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use aya::maps::{Array, Map, MapData};
use aya::programs::Xdp;
use rban_common::abi;
use rban_common::settings::Settings;
use rustix::fs::{FlockOperation, flock, statfs};
use rustix::process::geteuid;

use super::Limits;
use super::error::{XdpError, aya_error, pin_error};
use super::program::{self, Jiffies};

/// Where pins go unless told otherwise.
pub const DEFAULT_DIR: &str = "/sys/fs/bpf/rban";

/// Each attached interface's pinned link, before its index. Bpffs allows no dots, which names of interfaces may have.
const LINK: &str = "link_";

/// `f_type` of bpffs, as in the kernel's `magic.h`.
const BPF_FS_MAGIC: u32 = 0xcafe_4a11;

/// So long between two sampled drops.
const SAMPLE_INTERVAL_NS: u64 = 100_000_000;

/// The directory in which everything is pinned.
#[derive(Clone, Debug)]
pub struct Pins {
    dir: PathBuf,
}

/// Held by whoever changes what is pinned.
#[derive(Debug)]
pub(super) struct Lock {
    _dir: File,
}

impl Pins {
    /// Pins in this directory, which need not exist yet.
    ///
    /// # Errors
    /// Where it does not lie on a bpf file system, or may not be looked at.
    pub fn at(dir: &Path) -> Result<Self, XdpError> {
        let existing = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
        let found = statfs(existing).map_err(|errno| pin_error(existing, errno.into()))?;
        if found.f_type as u32 != BPF_FS_MAGIC {
            return Err(XdpError::NoBpffs { dir: dir.to_owned() });
        }
        if dir.file_name().is_some_and(|name| name.as_bytes().contains(&b'.')) {
            return Err(XdpError::Dots { dir: dir.to_owned() });
        }
        // What may not even be looked for is not taken for absent.
        dir.try_exists().map_err(|source| pin_error(dir, source))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Where they are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether anything is pinned.
    #[must_use]
    pub fn exist(&self) -> bool {
        self.dir.is_dir()
    }

    /// Waits for whoever is changing these pins.
    pub(super) fn lock(&self) -> Result<Lock, XdpError> {
        self.lock_existing()?.ok_or_else(|| XdpError::NotAttached { dir: self.dir.clone() })
    }

    /// Locks the directory, which is ours alone to open, so that nobody else can hold us up; `None` where there is none.
    fn lock_existing(&self) -> Result<Option<Lock>, XdpError> {
        while self.exist() {
            let file = File::open(&self.dir).map_err(|source| pin_error(&self.dir, source))?;
            let opened = file.metadata().map_err(|source| pin_error(&self.dir, source))?;
            if opened.uid() != geteuid().as_raw() {
                return Err(XdpError::NotOurs { dir: self.dir.clone() });
            }
            flock(&file, FlockOperation::LockExclusive)
                .map_err(|errno| pin_error(&self.dir, errno.into()))?;
            // It may have been removed, and made anew, while we waited.
            if fs::metadata(&self.dir).is_ok_and(|now| now.ino() == opened.ino()) {
                return Ok(Some(Lock { _dir: file }));
            }
        }
        Ok(None)
    }

    pub(super) fn map(&self, name: &'static str) -> Result<MapData, XdpError> {
        let path = self.dir.join(name);
        if !path.try_exists().map_err(|source| pin_error(&path, source))? {
            let missing = name.to_owned();
            return Err(XdpError::Incomplete { dir: self.dir.clone(), missing });
        }
        MapData::from_pin(&path).map_err(|source| aya_error(name, source))
    }

    pub(super) fn link(&self, ifindex: u32) -> PathBuf {
        self.dir.join(format!("{LINK}{ifindex}"))
    }

    /// Indices of the interfaces that have a pinned link.
    pub(super) fn links(&self) -> Result<Vec<u32>, XdpError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(|source| pin_error(&self.dir, source))? {
            let name = entry.map_err(|source| pin_error(&self.dir, source))?.file_name();
            let index: Option<u32> =
                name.to_str().and_then(|name| name.strip_prefix(LINK)?.parse().ok());
            found.extend(index);
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The settings, if this version of rban may trust what is pinned beside them.
    pub(super) fn settings(&self) -> Result<Array<MapData, Settings>, XdpError> {
        if !self.exist() {
            return Err(XdpError::NotAttached { dir: self.dir.clone() });
        }
        let data = self.map(abi::SETTINGS)?;
        let other = |found: String| XdpError::OtherAbi { dir: self.dir.clone(), found };
        let settings: Array<MapData, Settings> = Map::from_map_data(data)
            .and_then(Array::try_from)
            .map_err(|_| other("settings of another size".to_owned()))?;
        match settings.get(&0, 0) {
            Ok(Settings { abi: abi::ABI, .. }) => {}
            Ok(Settings { abi, .. }) => return Err(other(format!("ABI {abi}"))),
            Err(source) => return Err(aya_error(abi::SETTINGS, source)),
        }
        if let Some(missing) = abi::MAPS.iter().find(|name| !self.dir.join(name).exists()) {
            let missing = (*missing).to_owned();
            return Err(XdpError::Incomplete { dir: self.dir.clone(), missing });
        }
        Ok(settings)
    }

    /// Loads the program onto the pinned maps, which are made first where there are none. The clock is calibrated anew.
    pub(super) fn load(&self, limits: Limits) -> Result<(Xdp, Lock), XdpError> {
        loop {
            if let Some(lock) = self.lock_existing()? {
                return Ok((self.reload(limits)?, lock));
            }
            if let Some(program) = self.create(limits)?
                && let Some(lock) = self.lock_existing()?
            {
                return Ok((program, lock));
            }
        }
    }

    fn reload(&self, limits: Limits) -> Result<Xdp, XdpError> {
        let mut settings = self.settings()?;
        let (program, jiffies) = program::load_onto(&self.dir, limits)?;
        let now = settings.get(&0, 0).map_err(|source| aya_error(abi::SETTINGS, source))?;
        let Jiffies { tick_ns, epoch_ns } = jiffies;
        set(&mut settings, Settings { tick_ns, jiffies_epoch_ns: epoch_ns, ..now })?;
        Ok(program)
    }

    /// Makes everything in a directory of its own, which then takes this one's name in one step. `None` where somebody
    /// else was faster.
    fn create(&self, limits: Limits) -> Result<Option<Xdp>, XdpError> {
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        name.push(format!("_new_{}", std::process::id()));
        let making = Self { dir: self.dir.with_file_name(name) };
        making.remove()?; // of a predecessor that died at it and had our number
        let made = making.fill(limits);
        let renamed = made.and_then(|program| match fs::rename(&making.dir, &self.dir) {
            Ok(()) => Ok(Some(program)),
            Err(_) if self.exist() => Ok(None),
            Err(source) => Err(pin_error(&self.dir, source)),
        });
        if !matches!(renamed, Ok(Some(_))) {
            making.remove()?;
        }
        renamed
    }

    fn fill(&self, limits: Limits) -> Result<Xdp, XdpError> {
        let mut builder = DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
            .map_err(|source| pin_error(&self.dir, source))?;
        let (program, jiffies) = program::load_onto(&self.dir, limits)?;
        let mut settings: Array<MapData, Settings> = Map::from_map_data(self.map(abi::SETTINGS)?)
            .and_then(Array::try_from)
            .map_err(|source| aya_error(abi::SETTINGS, source))?;
        let first = Settings {
            abi: abi::ABI,
            monitor: 0,
            panic: 0,
            v6_prefix: 128,
            nets_v4_count: 0,
            nets_v6_count: 0,
            nets_v4_lens: [0; 8],
            nets_v6_lens: [0; 8],
            allow_generation: 0,
            tick_ns: jiffies.tick_ns,
            jiffies_epoch_ns: jiffies.epoch_ns,
            sample_interval_ns: SAMPLE_INTERVAL_NS,
            max_bans_v4: limits.max_bans_v4,
            max_bans_v6: limits.max_bans_v6,
        };
        set(&mut settings, first)?;
        Ok(program)
    }

    /// Removes every pin and the directory. What is attached is detached by that, unless someone else holds it.
    pub(super) fn remove(&self) -> Result<(), XdpError> {
        match fs::remove_dir_all(&self.dir) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(pin_error(&self.dir, source))
            }
            _ => Ok(()),
        }
    }
}

fn set(settings: &mut Array<MapData, Settings>, to: Settings) -> Result<(), XdpError> {
    settings.set(0, to, 0).map_err(|source| aya_error(abi::SETTINGS, source))
}

pub(super) fn remove_file(path: &Path) -> Result<(), XdpError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(pin_error(path, source)),
        _ => Ok(()),
    }
}
