//! The embedded XDP program, loaded onto pinned maps.

use std::path::{Path, PathBuf};
use std::{fs, io};

use aya::programs::{ProgramError, TestRun, TestRunOptions, Xdp, loaded_programs};
use aya::util::nr_cpus;
use aya::{Ebpf, EbpfLoader};
use aya_obj::programs::XdpAttachType;
use rban_common::abi;
use rustix::time::{ClockId, clock_getres};
use tracing::{debug, warn};

use super::Limits;
use super::error::{XdpError, pin_error};
use super::pins::remove_file;

/// The object that build.rs built.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/rban"));

/// The program for kernels that hand over frames in many buffers.
pub(super) const MULTI_BUFFER: &str = "rban";
/// The program for kernels before 5.18.
const LINEAR: &str = "rban_linear";

/// The program that tells the kernel's clocks.
const CLOCK: &str = "rban_clock";

/// The pin of the program.
const PROG: &str = "prog";

/// At least so many entries per CPU in an LRU map: each CPU keeps up to 128 of them to itself.
const LRU_ENTRIES_PER_CPU: u32 = 128 * 4;

/// Loads the program onto the maps pinned in `dir`; those that are missing there are made and pinned.
pub(super) fn load_onto(dir: &Path, limits: Limits) -> Result<(Xdp, Jiffies), XdpError> {
    let mut loader = EbpfLoader::new();
    let paths: Vec<(&str, PathBuf)> = abi::MAPS.map(|name| (name, dir.join(name))).into();
    for (name, path) in &paths {
        loader.map_pin_path(name, path.as_path());
    }
    loader.map_max_entries(abi::BANS_V4, lru_entries(limits.max_bans_v4));
    loader.map_max_entries(abi::BANS_V6, lru_entries(limits.max_bans_v6));
    let mut object = loader.load(OBJECT)?;

    let mut refused = None;
    for name in [MULTI_BUFFER, LINEAR] {
        let program: &mut Xdp = object
            .program_mut(name)
            .ok_or_else(|| ProgramError::InvalidName { name: name.to_owned() })?
            .try_into()?;
        match program.load() {
            Ok(()) => {
                pin(program, dir)?;
                let jiffies = calibrate(&mut object).unwrap_or_else(|error| {
                    warn!(%error, "jiffies not calibrated; drops cost some nanoseconds more");
                    Jiffies::default()
                });
                return Ok((open(dir)?, jiffies));
            }
            Err(error) => {
                debug!(program = name, %error, "not loaded");
                refused.get_or_insert(error);
            }
        }
    }
    Err(refused.expect("every program was refused").into())
}

/// Pins the program in place of its predecessor, which serves until its links are handed over.
fn pin(program: &mut Xdp, dir: &Path) -> Result<(), XdpError> {
    let new = dir.join("prog_new");
    remove_file(&new)?;
    program.pin(&new).map_err(|error| pin_error(&new, io::Error::other(error)))?;
    fs::rename(&new, dir.join(PROG)).map_err(|source| pin_error(dir, source))
}

/// The pinned program.
pub(super) fn open(dir: &Path) -> Result<Xdp, XdpError> {
    Ok(Xdp::from_pin(dir.join(PROG), XdpAttachType::Interface)?)
}

/// The name of a loaded program.
pub(super) fn name_of(prog_id: u32) -> Option<String> {
    let program = loaded_programs().filter_map(Result::ok).find(|it| it.id() == prog_id)?;
    program.name_as_str().map(str::to_owned)
}

/// Entries of an LRU map that is to hold this many bans without evicting any: twice as many, for it evicts before it is
/// full (measured: 24 of 1,000 when filled to the last), and never fewer than the CPUs keep to themselves.
fn lru_entries(max_bans: u32) -> u32 {
    let cpus = u32::try_from(nr_cpus().unwrap_or(1)).unwrap_or(1);
    max_bans.saturating_mul(2).max(cpus.saturating_mul(LRU_ENTRIES_PER_CPU))
}

/// How to make `CLOCK_MONOTONIC` of jiffies. The default has the kernel side read the coarse clock instead.
#[derive(Clone, Copy, Default)]
pub(super) struct Jiffies {
    /// Nanoseconds per jiffy.
    pub(super) tick_ns: u64,
    /// The moment of jiffy 0, wrapping.
    pub(super) epoch_ns: u64,
}

/// The length of a jiffy is the resolution of the coarse clock; when jiffy 0 was follows from a program of ours that
/// reads both clocks at once.
fn calibrate(object: &mut Ebpf) -> Result<Jiffies, XdpError> {
    let program: &mut Xdp = object
        .program_mut(CLOCK)
        .ok_or_else(|| ProgramError::InvalidName { name: CLOCK.to_owned() })?
        .try_into()?;
    program.load()?;
    let (frame, mut clocks) = ([0; 64], [0; 64]);
    let mut run = TestRunOptions::new();
    run.data_in = Some(&frame);
    run.data_out = Some(&mut clocks);
    program.test_run(run)?;
    let word = |at: usize| u64::from_ne_bytes(clocks[at..at + 8].try_into().expect("eight bytes"));
    let (jiffies, now_ns) = (word(0), word(8));
    let tick_ns = clock_getres(ClockId::MonotonicCoarse).tv_nsec as u64;
    Ok(Jiffies { tick_ns, epoch_ns: now_ns.wrapping_sub(jiffies.wrapping_mul(tick_ns)) })
}
