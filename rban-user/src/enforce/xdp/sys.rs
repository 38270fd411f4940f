//! Raw `bpf(2)` calls on maps and links: aya has no wrapper for batches, nor for the detaching of a pinned link. The
//! only `unsafe` of this crate.
#![expect(
    unsafe_code,
    reason = "system calls; every other module goes through the safe functions below"
)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use aya::Pod;

const BPF_MAP_LOOKUP_ELEM: i64 = 1;
const BPF_MAP_UPDATE_ELEM: i64 = 2;
const BPF_MAP_DELETE_ELEM: i64 = 3;
const BPF_MAP_GET_NEXT_KEY: i64 = 4;
const BPF_OBJ_GET: i64 = 7;
const BPF_OBJ_GET_INFO_BY_FD: i64 = 15;
const BPF_MAP_LOOKUP_BATCH: i64 = 24;
const BPF_MAP_UPDATE_BATCH: i64 = 26;
const BPF_MAP_DELETE_BATCH: i64 = 27;
const BPF_LINK_DETACH: i64 = 34;

/// How many entries one call reads. At least as many as one hash bucket may hold.
const LOOKUP_BATCH: usize = 16_384;

/// The arm of `union bpf_attr` for single entries.
#[repr(C)]
#[derive(Default)]
struct ElementAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    /// Or the next key.
    value: u64,
    flags: u64,
}

/// The `batch` arm of `union bpf_attr`.
#[repr(C)]
#[derive(Default)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// The `BPF_OBJ_*` arm of `union bpf_attr`.
#[repr(C)]
struct ObjAttr {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// The `info` arm of `union bpf_attr`.
#[repr(C)]
struct InfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// `struct bpf_link_info` of an XDP link, as far as it is asked for.
#[repr(C)]
#[derive(Default)]
struct XdpLinkInfo {
    kind: u32,
    id: u32,
    prog_id: u32,
    padding: u32,
    ifindex: u32,
    padding_to_word: u32,
}

/// The `link_detach` arm of `union bpf_attr`.
#[repr(C)]
struct LinkDetachAttr {
    link_fd: u32,
}

/// The call itself. Gives what the kernel returned: a descriptor for some commands, 0 for others.
fn bpf<T>(command: i64, attr: &mut T) -> io::Result<RawFd> {
    // SAFETY: the kernel reads and writes `attr` within the size given, and what it points to within the counts in it,
    // for which each caller below vouches.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<T>()) };
    RawFd::try_from(result).ok().filter(|fd| *fd >= 0).ok_or_else(io::Error::last_os_error)
}

fn fd_of(fd: BorrowedFd<'_>) -> u32 {
    u32::try_from(fd.as_raw_fd()).expect("an open descriptor is not negative")
}

/// Whether a batch call failed because this kernel or this kind of map knows none (before 5.6, or `ENOTSUPP`).
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    const ENOTSUPP: i32 = 524; // the kernel's own, in no libc
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | ENOTSUPP))
}

fn element<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: *const K, value: *const V) -> ElementAttr {
    ElementAttr {
        map_fd: fd_of(map),
        key: key as u64,
        value: value as u64,
        ..ElementAttr::default()
    }
}

/// `None` where the kernel said that there is no such entry.
fn if_there(result: io::Result<RawFd>) -> io::Result<Option<()>> {
    match result {
        Ok(_) => Ok(Some(())),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The value under `key`.
///
/// # Errors
/// What the kernel said.
pub(super) fn lookup<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: &K) -> io::Result<Option<V>> {
    let mut value = MaybeUninit::<V>::uninit();
    let found = if_there(bpf(
        BPF_MAP_LOOKUP_ELEM,
        &mut element(map, key, value.as_mut_ptr().cast_const()),
    ))?;
    // SAFETY: the kernel filled it, and any bytes are a value of it (`Pod`).
    Ok(found.map(|()| unsafe { value.assume_init() }))
}

/// Writes `value` under `key`.
///
/// # Errors
/// What the kernel said; `E2BIG` when a hash map is full.
pub(super) fn update<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: &K, value: &V) -> io::Result<()> {
    bpf(BPF_MAP_UPDATE_ELEM, &mut element(map, key, value)).map(drop)
}

/// Removes what is under `key`; `None` where nothing was.
///
/// # Errors
/// What the kernel said.
pub(super) fn delete<K: Pod>(map: BorrowedFd<'_>, key: &K) -> io::Result<Option<()>> {
    if_there(bpf(BPF_MAP_DELETE_ELEM, &mut element::<K, u8>(map, key, ptr::null())))
}

/// The key that follows `key`, or the first.
///
/// # Errors
/// What the kernel said.
pub(super) fn next_key<K: Pod>(map: BorrowedFd<'_>, key: Option<&K>) -> io::Result<Option<K>> {
    let mut next = MaybeUninit::<K>::uninit();
    let key = key.map_or(ptr::null(), ptr::from_ref);
    let found = if_there(bpf(
        BPF_MAP_GET_NEXT_KEY,
        &mut element(map, key, next.as_mut_ptr().cast_const()),
    ))?;
    // SAFETY: as in `lookup`.
    Ok(found.map(|()| unsafe { next.assume_init() }))
}

/// Writes `values` under `keys`. On error the second number is how many of them had been written.
///
/// # Errors
/// What the kernel said; `E2BIG` when a hash map is full.
pub(super) fn update_batch<K: Pod, V: Pod>(
    map: BorrowedFd<'_>,
    keys: &[K],
    values: &[V],
) -> Result<(), (io::Error, usize)> {
    assert_eq!(keys.len(), values.len(), "as many values as keys");
    if keys.is_empty() {
        return Ok(());
    }
    let mut attr = BatchAttr {
        keys: keys.as_ptr() as u64,
        values: values.as_ptr() as u64,
        count: u32::try_from(keys.len()).expect("fewer than 2^32 entries"),
        map_fd: fd_of(map),
        ..BatchAttr::default()
    };
    match bpf(BPF_MAP_UPDATE_BATCH, &mut attr) {
        Ok(_) => Ok(()),
        Err(error) => Err((error, attr.count as usize)),
    }
}

/// Removes `keys` and tells how many of them were there.
///
/// # Errors
/// What the kernel said.
pub(super) fn delete_batch<K: Pod>(map: BorrowedFd<'_>, mut keys: &[K]) -> io::Result<usize> {
    let mut removed = 0;
    while !keys.is_empty() {
        let mut attr = BatchAttr {
            keys: keys.as_ptr() as u64,
            count: u32::try_from(keys.len()).expect("fewer than 2^32 entries"),
            map_fd: fd_of(map),
            ..BatchAttr::default()
        };
        let result = if_there(bpf(BPF_MAP_DELETE_BATCH, &mut attr))?;
        removed += attr.count as usize;
        if result.is_some() {
            break;
        }
        keys = keys.get(attr.count as usize + 1..).unwrap_or(&[]); // it stopped at one that is absent
    }
    Ok(removed)
}

/// All entries of a map, as they were at some moment during the call.
///
/// # Errors
/// What the kernel said.
pub(super) fn lookup_all<K: Pod, V: Pod>(map: BorrowedFd<'_>) -> io::Result<Vec<(K, V)>> {
    let mut entries = Vec::new();
    let mut keys: Vec<K> = Vec::with_capacity(LOOKUP_BATCH);
    let mut values: Vec<V> = Vec::with_capacity(LOOKUP_BATCH);
    // Where to go on. Hash maps write a u32 here, arrays a key, tries theirs: room for the longest.
    let mut cursor = [0u64; 4];
    let mut is_first = true;
    loop {
        let mut attr = BatchAttr {
            in_batch: if is_first { 0 } else { cursor.as_ptr() as u64 },
            out_batch: cursor.as_mut_ptr() as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: LOOKUP_BATCH as u32,
            map_fd: fd_of(map),
            ..BatchAttr::default()
        };
        let result = bpf(BPF_MAP_LOOKUP_BATCH, &mut attr);
        let is_last = match result {
            Ok(_) => false,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            Err(error) => return Err(error),
        };
        let read = (attr.count as usize).min(LOOKUP_BATCH);
        // SAFETY: the kernel filled this many keys and values, of types for which any bytes are a value (`Pod`), into
        // buffers with room for LOOKUP_BATCH of each.
        unsafe {
            keys.set_len(read);
            values.set_len(read);
        }
        entries.extend(keys.drain(..).zip(values.drain(..)));
        if is_last {
            return Ok(entries);
        }
        is_first = false;
    }
}

/// A pinned link, as the kernel tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PinnedXdp {
    /// The kernel's id of the link.
    pub(super) link_id: u32,
    /// The kernel's id of its program.
    pub(super) prog_id: u32,
    /// Whether its interface is gone, and the link has no effect any more.
    pub(super) is_dead: bool,
}

/// What a pinned link is.
///
/// # Errors
/// What the kernel said.
pub(super) fn pinned_link(pin: &Path) -> io::Result<PinnedXdp> {
    let link = open_pin(pin)?;
    let mut info = XdpLinkInfo::default();
    let mut attr = InfoAttr {
        bpf_fd: fd_of(link.as_fd()),
        info_len: size_of::<XdpLinkInfo>() as u32,
        info: (&raw mut info) as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attr)?;
    Ok(PinnedXdp { link_id: info.id, prog_id: info.prog_id, is_dead: info.ifindex == 0 })
}

/// Detaches a pinned link at once; the unlinking of its pin would do so too, but some time later.
///
/// # Errors
/// What the kernel said.
pub(super) fn detach_pinned_link(pin: &Path) -> io::Result<()> {
    let link = open_pin(pin)?;
    let mut attr = LinkDetachAttr { link_fd: fd_of(link.as_fd()) };
    bpf(BPF_LINK_DETACH, &mut attr)?;
    Ok(())
}

fn open_pin(pin: &Path) -> io::Result<OwnedFd> {
    let path = CString::new(pin.as_os_str().as_bytes())?;
    let mut attr = ObjAttr { pathname: path.as_ptr() as u64, bpf_fd: 0, file_flags: 0 };
    let fd = bpf(BPF_OBJ_GET, &mut attr)?;
    // SAFETY: the kernel just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
