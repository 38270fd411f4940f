//! What can go wrong on the way to the kernel, and what the admin can do about it.

use std::io;
use std::path::PathBuf;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;

use crate::addr::Offender;

/// An operation on the dropper failed; nothing was left half-done.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    /// Neither root nor the capabilities.
    #[error("permission denied; run it as root (or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON)")]
    NotPermitted,
    /// The pins would lie on an ordinary file system.
    #[error("{dir}: not on a bpf file system; run: mount -t bpf bpf /sys/fs/bpf")]
    NoBpffs {
        /// The directory asked for.
        dir: PathBuf,
    },
    /// Nothing is attached.
    #[error("{dir}: the dropper is not attached to any interface; run: rban attach IF")]
    NotAttached {
        /// Where its pins would be.
        dir: PathBuf,
    },
    /// The pins were made by a binary with another idea of their contents.
    #[error(
        "{dir}: pinned by another version of rban ({found}, this one has ABI {}); detach with that version first, or run: rm -r {dir}",
        rban_common::abi::ABI
    )]
    OtherAbi {
        /// The directory of the pins.
        dir: PathBuf,
        /// What they say of themselves.
        found: String,
    },
    /// The directory was made by someone else, who may do as he likes with it.
    #[error("{dir}: made by another user; see what it is, and run: rm -r {dir}")]
    NotOurs {
        /// The directory of the pins.
        dir: PathBuf,
    },
    /// The directory holds some of the pins, but not all.
    #[error(
        "{dir}: incomplete, {missing} is missing; bans in it cannot be trusted, run: rm -r {dir}"
    )]
    Incomplete {
        /// The directory of the pins.
        dir: PathBuf,
        /// The first pin that is not there.
        missing: String,
    },
    /// No interface has this name.
    #[error("{name}: no such interface; there are {there}")]
    NoInterface {
        /// The name asked for.
        name: String,
        /// The names there are.
        there: String,
    },
    /// Somebody else's program sits on the interface.
    #[error(
        "{name}: another XDP program is attached, {program} (id {id}); remove it first: ip link set dev {name} xdp off"
    )]
    Foreign {
        /// The interface.
        name: String,
        /// The program's name.
        program: String,
        /// The program's id.
        id: u32,
    },
    /// The pin for this interface's index is of another one.
    #[error(
        "{name}: {dir} belongs to another network namespace; give this one its own with --bpffs DIR"
    )]
    OtherNamespace {
        /// The interface.
        name: String,
        /// The directory of the pins.
        dir: PathBuf,
    },
    /// This interface has no dropper.
    #[error("{name}: the dropper is not attached here; it is on {there}")]
    NotHere {
        /// The interface asked for.
        name: String,
        /// Where it is.
        there: String,
    },
    /// The driver takes no XDP program in the mode asked for.
    #[error("{name}: no {mode} XDP here; {remedy}")]
    NoXdp {
        /// The interface.
        name: String,
        /// `native` or `generic`.
        mode: &'static str,
        /// What to do instead.
        remedy: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The limit on bans is reached.
    #[error(
        "{offender}: the limit of {limit} {family} bans is reached; unban some, or detach and attach with a larger --max-bans-{option}"
    )]
    Full {
        /// The first that found no room.
        offender: Offender,
        /// The limit.
        limit: usize,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// `v4` or `v6`.
        option: &'static str,
    },
    /// The map of prefixes is full.
    #[error(
        "{family} prefixes: the map holds {}, which are not enough; unban some, or ban wider prefixes",
        rban_common::abi::NETS_ENTRIES
    )]
    NetsFull {
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// Bpffs takes no such name.
    #[error("{dir}: a bpf file system takes no dots in names; choose another directory")]
    Dots {
        /// The directory asked for.
        dir: PathBuf,
    },
    /// All lengths are taken, and expansion to one in use would take too many entries.
    #[error(
        "{offender}: the kernel looks up {} prefix lengths a family, in use are {in_use}; ban it as prefixes of one of these",
        rban_common::settings::NET_LENS_MAX
    )]
    TooManyLengths {
        /// The prefix.
        offender: Offender,
        /// The lengths in use.
        in_use: String,
    },
    /// All bits are taken.
    #[error(
        "{scope}: {} different sets of ports are in use already; ban with one of these, or with all ports",
        rban_common::ban::PORT_SCOPES_MAX
    )]
    TooManyScopes {
        /// The set that found no room.
        scope: String,
    },
    /// A map could not be read or written.
    #[error("{map}: cannot {doing} it")]
    Map {
        /// Its name.
        map: &'static str,
        /// What was tried.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A map refused in aya's words.
    #[error("{map}")]
    AyaMap {
        /// Its name.
        map: &'static str,
        /// What aya said.
        source: MapError,
    },
    /// The program could not be loaded.
    #[error("loading the XDP program")]
    Load(#[source] EbpfError),
    /// The program could not be loaded or attached.
    #[error("the XDP program")]
    Program(#[source] ProgramError),
    /// The file system of the pins refused.
    #[error("{path}")]
    Pin {
        /// What was touched.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The kernel did not tell about its interfaces.
    #[error("asking the kernel for its interfaces: {0}")]
    Netlink(String),
}

impl From<EbpfError> for XdpError {
    fn from(error: EbpfError) -> Self {
        if is_forbidden(&error) { Self::NotPermitted } else { Self::Load(error) }
    }
}

impl From<ProgramError> for XdpError {
    fn from(error: ProgramError) -> Self {
        if is_forbidden(&error) { Self::NotPermitted } else { Self::Program(error) }
    }
}

/// Whether a lack of permission is at the bottom of an error.
fn is_forbidden(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    })
}

/// A map call failed. Out of place errors of permission become the one that tells what to do.
pub(super) fn map_error(map: &'static str, doing: &'static str, source: io::Error) -> XdpError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => XdpError::NotPermitted,
        _ => XdpError::Map { map, doing, source },
    }
}

/// aya could not use a map.
pub(super) fn aya_error(map: &'static str, source: MapError) -> XdpError {
    if is_forbidden(&source) { XdpError::NotPermitted } else { XdpError::AyaMap { map, source } }
}

/// A pin could not be touched.
pub(super) fn pin_error(path: impl Into<PathBuf>, source: io::Error) -> XdpError {
    match source.kind() {
        io::ErrorKind::PermissionDenied => XdpError::NotPermitted,
        _ => XdpError::Pin { path: path.into(), source },
    }
}
