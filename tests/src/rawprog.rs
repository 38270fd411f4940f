//! XDP programs and maps made by hand, with no loader between us and bpf(2): what a bench compares rban with.
//!
//! A program is a few instructions: one that decides nothing, one that rewrites the source of each packet and jumps
//! on, one that floods a veth. Knows no rban.

use std::io;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

use crate::insn::Insn;

/// `XDP_DROP`, what a program returns.
pub const XDP_DROP: u32 = 1;
/// `XDP_PASS`.
pub const XDP_PASS: u32 = 2;

/// `BPF_MAP_TYPE_PROG_ARRAY`: where a tail call finds its target.
pub const PROG_ARRAY: u32 = 3;
/// `BPF_MAP_TYPE_LRU_HASH`.
pub const LRU_HASH: u32 = 9;
/// `BPF_MAP_TYPE_DEVMAP`: where a redirect finds its interface.
pub const DEVMAP: u32 = 14;

const PROG_TYPE_XDP: u32 = 6;
const ATTACH_XDP: u32 = 37;
const XDP_HAS_FRAGS: u32 = 1 << 5;
const TEST_LIVE_FRAMES: u32 = 1 << 1;
/// As many as the kernel takes: the fewer wake-ups the receiver needs.
const LIVE_BATCH: u32 = 256;
const LOG_BYTES: usize = 1 << 16;

#[derive(Clone, Copy)]
#[repr(u32)]
enum Cmd {
    MapCreate = 0,
    MapLookup = 1,
    MapUpdate = 2,
    ProgLoad = 5,
    ObjGet = 7,
    ProgTestRun = 10,
    MapUpdateBatch = 26,
    LinkCreate = 28,
}

/// A map of ours, or one that was pinned.
#[derive(Debug)]
pub struct Map {
    fd: OwnedFd,
}

/// A loaded XDP program, ours or one that was pinned.
#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
}

/// An attachment, as long as it lives.
#[derive(Debug)]
pub struct Link {
    _fd: OwnedFd,
}

/// What many runs of a program over one frame cost and returned.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// CPU time of this thread, nanoseconds a run; what others took of the CPU is not in it.
    pub ns: f64,
    /// What the last run returned.
    pub verdict: u32,
}

#[repr(C)]
#[derive(Default)]
struct MapCreateAttr {
    map_type: u32,
    key_bytes: u32,
    value_bytes: u32,
    max_entries: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct MapUpdateAttr {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct MapBatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoadAttr {
    prog_type: u32,
    insn_count: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_bytes: u32,
    log: u64,
    kern_version: u32,
    flags: u32,
    name: [u8; 16],
    ifindex: u32,
    expected_attach_type: u32,
}

#[repr(C)]
#[derive(Default)]
struct ObjGetAttr {
    path: u64,
    fd: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct TestRunAttr {
    prog_fd: u32,
    retval: u32,
    data_in_bytes: u32,
    data_out_bytes: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_in_bytes: u32,
    ctx_out_bytes: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch: u32,
    pad: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkCreateAttr {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
}

impl Map {
    /// An empty map.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses: not root, no memory.
    pub fn create(
        map_type: u32,
        key_bytes: u32,
        value_bytes: u32,
        max_entries: u32,
    ) -> Result<Self> {
        let mut attr =
            MapCreateAttr { map_type, key_bytes, value_bytes, max_entries, ..Default::default() };
        let fd = bpf_fd(Cmd::MapCreate, &mut attr).context("making a map")?;
        Ok(Self { fd })
    }

    /// The map that was pinned there.
    ///
    /// # Errors
    ///
    /// Where nothing is.
    pub fn from_pin(path: &Path) -> Result<Self> {
        Ok(Self { fd: open_pin(path)? })
    }

    /// Whether it has this key; its values must be as large as a `V`.
    #[must_use]
    pub fn holds<K: Copy, V: Copy>(&self, key: &K, mut value: V) -> bool {
        let mut attr = MapUpdateAttr {
            map_fd: fd_of(&self.fd),
            key: address(key),
            value: address(&value),
            ..Default::default()
        };
        bpf(Cmd::MapLookup, &mut attr).is_ok()
    }

    /// Makes the program the target of tail calls to `index`.
    ///
    /// # Errors
    ///
    /// Where the two programs are not of one kind (multi-buffer frames or not).
    pub fn set_program(&self, index: u32, program: &Program) -> Result<()> {
        self.update(index, fd_of(&program.fd)).context("putting a program into a prog array")
    }

    /// Makes an interface of the caller's namespace the target of redirects to `index`.
    ///
    /// # Errors
    ///
    /// Where there is no such interface.
    pub fn set_interface(&self, index: u32, ifindex: u32) -> Result<()> {
        self.update(index, ifindex).context("putting an interface into a devmap")
    }

    fn update(&self, key: u32, value: u32) -> io::Result<()> {
        let mut attr = MapUpdateAttr {
            map_fd: fd_of(&self.fd),
            key: address(&key),
            value: address(&value),
            ..Default::default()
        };
        bpf(Cmd::MapUpdate, &mut attr).map(drop)
    }

    /// Writes all of these with as few calls as the kernel allows: one.
    ///
    /// # Errors
    ///
    /// Where the lengths differ, or the kernel took fewer.
    pub fn update_batch<K: Copy, V: Copy>(&self, keys: &[K], values: &[V]) -> Result<()> {
        ensure!(keys.len() == values.len(), "{} keys, {} values", keys.len(), values.len());
        let count = u32::try_from(keys.len()).context("counting the batch")?;
        let mut attr = MapBatchAttr {
            keys: keys.as_ptr().addr() as u64,
            values: values.as_ptr().addr() as u64,
            count,
            map_fd: fd_of(&self.fd),
            ..Default::default()
        };
        bpf(Cmd::MapUpdateBatch, &mut attr).context("writing a batch")?;
        ensure!(attr.count == count, "of a batch of {count} only {} were written", attr.count);
        Ok(())
    }
}

impl Program {
    /// Loads an XDP program of these instructions.
    ///
    /// # Errors
    ///
    /// Where the verifier refuses it, with what it said.
    pub fn load(insns: &[Insn]) -> Result<Self> {
        let mut log = vec![0_u8; LOG_BYTES];
        let license = c"Dual MIT/GPL";
        let mut attr = ProgLoadAttr {
            prog_type: PROG_TYPE_XDP,
            insn_count: u32::try_from(insns.len()).context("counting instructions")?,
            insns: insns.as_ptr().addr() as u64,
            license: license.as_ptr().addr() as u64,
            log_level: 1,
            log_bytes: u32::try_from(log.len()).context("the log's size")?,
            log: log.as_mut_ptr().addr() as u64,
            // As aya loads rban: a tail call goes to a program of the same kind only.
            flags: XDP_HAS_FRAGS,
            expected_attach_type: ATTACH_XDP,
            name: *b"rban_bench\0\0\0\0\0\0",
            ..Default::default()
        };
        let fd = bpf_fd(Cmd::ProgLoad, &mut attr).with_context(|| {
            format!("loading a program: {}", String::from_utf8_lossy(&log).trim_matches('\0'))
        })?;
        Ok(Self { fd })
    }

    /// The program that was pinned there.
    ///
    /// # Errors
    ///
    /// Where nothing is.
    pub fn from_pin(path: &Path) -> Result<Self> {
        Ok(Self { fd: open_pin(path)? })
    }

    /// Attaches it to an interface of the caller's namespace.
    ///
    /// # Errors
    ///
    /// Where there is no such interface, or it has a program already.
    pub fn attach(&self, ifindex: u32) -> Result<Link> {
        let mut attr = LinkCreateAttr {
            prog_fd: fd_of(&self.fd),
            target_ifindex: ifindex,
            attach_type: ATTACH_XDP,
            flags: 0,
        };
        let fd = bpf_fd(Cmd::LinkCreate, &mut attr).context("attaching a program")?;
        Ok(Link { _fd: fd })
    }

    /// Runs it `repeat` times over this frame, by `BPF_PROG_TEST_RUN`.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses the frame, or a signal interrupts.
    pub fn run(&self, frame: &[u8], repeat: u32) -> Result<Run> {
        let mut attr = TestRunAttr { repeat, ..self.test(frame)? };
        let before = thread_time();
        bpf(Cmd::ProgTestRun, &mut attr).context("running a program")?;
        let spent = thread_time().saturating_sub(before);
        Ok(Run { ns: nanos(spent) / f64::from(repeat), verdict: attr.retval })
    }

    /// Sends `count` live frames through it: what it redirects really arrives.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn send(&self, frame: &[u8], count: u32) -> Result<()> {
        let mut attr = TestRunAttr {
            repeat: count,
            flags: TEST_LIVE_FRAMES,
            batch: LIVE_BATCH.min(count),
            ..self.test(frame)?
        };
        bpf(Cmd::ProgTestRun, &mut attr).context("sending live frames").map(drop)
    }

    fn test(&self, frame: &[u8]) -> Result<TestRunAttr> {
        Ok(TestRunAttr {
            prog_fd: fd_of(&self.fd),
            data_in_bytes: u32::try_from(frame.len()).context("the frame's length")?,
            data_in: frame.as_ptr().addr() as u64,
            ..Default::default()
        })
    }
}

/// The descriptor as an instruction or an attribute carries it.
#[must_use]
pub fn fd_of(fd: &OwnedFd) -> u32 {
    fd.as_raw_fd().cast_unsigned()
}

impl AsRef<OwnedFd> for Map {
    fn as_ref(&self) -> &OwnedFd {
        &self.fd
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn open_pin(path: &Path) -> Result<OwnedFd> {
    let c_path = std::ffi::CString::new(path.as_os_str().as_encoded_bytes())
        .context("a path without zero bytes")?;
    let mut attr = ObjGetAttr { path: c_path.as_ptr().addr() as u64, ..Default::default() };
    bpf_fd(Cmd::ObjGet, &mut attr).with_context(|| format!("opening the pin {}", path.display()))
}

/// A duration as a fraction can be made of it.
#[must_use]
pub fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

fn address<T>(value: &T) -> u64 {
    std::ptr::from_ref(value).addr() as u64
}

fn bpf_fd<T>(cmd: Cmd, attr: &mut T) -> io::Result<OwnedFd> {
    let fd = bpf(cmd, attr)?;
    // SAFETY: these commands return a new descriptor, which nobody else knows, let alone closes.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn bpf<T>(cmd: Cmd, attr: &mut T) -> io::Result<i32> {
    // SAFETY: each attribute type above is the head of the kernel's `union bpf_attr` for its command, without
    // padding; the kernel takes what is missing as zero. Whatever it points to outlives the call, for it is borrowed
    // by the caller, and is as long as the lengths beside it say.
    let result = unsafe {
        libc::syscall(libc::SYS_bpf, cmd as u32, std::ptr::from_mut(attr), size_of_val(attr))
    };
    match i32::try_from(result) {
        Ok(value @ 0..) => Ok(value),
        _ => Err(io::Error::last_os_error()),
    }
}

const _: () = assert!(size_of::<MapUpdateAttr>() == 32);
const _: () = assert!(size_of::<MapBatchAttr>() == 56);
const _: () = assert!(size_of::<ProgLoadAttr>() == 72);
const _: () = assert!(size_of::<TestRunAttr>() == 80);
