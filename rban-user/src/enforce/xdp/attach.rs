//! The dropper on and off interfaces, by pinned links that outlive this process.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::xdp::XdpLink;
use aya::programs::{ProgramError, Xdp, XdpMode};
use serde::Serialize;

use super::error::{XdpError, pin_error};
use super::host::{self, AttachedXdp, Interface};
use super::pins::{Pins, remove_file};
use super::{Allow, Limits, allow, program, sys};

/// Where in the kernel the program is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// In the driver, else behind it.
    #[default]
    Auto,
    /// In the driver, before a socket buffer is made; not every driver can.
    Native,
    /// Behind the driver, on socket buffers; slower, and every interface can.
    Generic,
}

/// What `attach` did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// The interface.
    pub interface: String,
    /// Its index.
    pub ifindex: u32,
    /// `native` or `generic`.
    pub mode: &'static str,
    /// Why it is not native, where that was tried first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_native: Option<String>,
    /// Whether a program of ours was there already, and was replaced without a packet passing between.
    pub replaced: bool,
}

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, mode, no_native, replaced, .. } = self;
        let done = if *replaced { "program replaced" } else { "attached" };
        write!(f, "{interface}: {done}, {mode} mode")?;
        no_native.iter().try_for_each(|why| write!(f, " (native refused: {why})"))
    }
}

/// Attaches the dropper to these interfaces, or replaces the program where it is attached already. What must never be
/// banned is allowed before anything can be dropped.
///
/// # Errors
/// Where one cannot be had; then none is attached that was not before, and pins that were not there before are gone.
pub fn attach(
    pins: &Pins,
    names: &[String],
    mode: Mode,
    limits: Limits,
) -> Result<Vec<Attached>, XdpError> {
    let mut interfaces = Vec::new();
    for name in names {
        let interface = host::interface_named(name)?;
        let occupant = occupant(pins, &interface)?;
        interfaces.push((interface, occupant));
    }
    let are_new = !pins.exist();
    let mut done = Vec::new();
    let result = attach_all(pins, &interfaces, mode, limits, &mut done);
    if result.is_err() {
        for attached in done.iter().filter(|attached: &&Attached| !attached.replaced) {
            remove_link(pins, attached.ifindex)?;
        }
        if are_new {
            pins.remove()?;
        }
    }
    result.map(|()| done)
}

fn attach_all(
    pins: &Pins,
    interfaces: &[(Interface, Occupant)],
    mode: Mode,
    limits: Limits,
    done: &mut Vec<Attached>,
) -> Result<(), XdpError> {
    let (mut program, lock) = pins.load(limits)?;
    Allow::open(pins)?.replace(&allow::lockout_guard()?, &lock)?;
    hand_over(pins, &mut program)?;
    for (interface, occupant) in interfaces {
        done.push(match occupant {
            Occupant::Ours { mode } => attached(interface, mode, None, Replaced::Yes),
            Occupant::Nobody => attach_one(pins, &mut program, interface, mode)?,
        });
    }
    Ok(())
}

/// Gives every link that is pinned the new program, in one step each. Links to interfaces that are gone go too.
fn hand_over(pins: &Pins, program: &mut Xdp) -> Result<(), XdpError> {
    for ifindex in pins.links()? {
        let path = pins.link(ifindex);
        if sys::pinned_link(&path).map_err(|source| pin_error(&path, source))?.is_dead {
            remove_file(&path)?;
            continue;
        }
        let pinned = PinnedLink::from_pin(&path).map_err(|error| pin_error(&path, other(error)))?;
        let link = XdpLink::try_from(FdLink::from(pinned))
            .map_err(|error| pin_error(&path, other(error)))?;
        let id = program.attach_to_link(link)?;
        drop(program.take_link(id)?); // the pin holds it
    }
    Ok(())
}

fn attach_one(
    pins: &Pins,
    program: &mut Xdp,
    interface: &Interface,
    mode: Mode,
) -> Result<Attached, XdpError> {
    let path = pins.link(interface.index);
    let mut no_native = None;
    if mode == Mode::Auto {
        match link(program, interface, XdpMode::Driver, &path) {
            Ok(()) => return Ok(attached(interface, "native", None, Replaced::No)),
            Err(error) => no_native = Some(cause(error).to_string()),
        }
    }
    let (xdp_mode, mode, remedy) = match mode {
        Mode::Native => (XdpMode::Driver, "native", "use --mode auto or generic"),
        Mode::Auto | Mode::Generic => {
            (XdpMode::Skb, "generic", "attach to the interface that carries its packets")
        }
    };
    link(program, interface, xdp_mode, &path).map_err(|error| match error {
        ProgramError::SyscallError(call) if call.io_error.raw_os_error() == Some(libc::EPERM) => {
            XdpError::NotPermitted
        }
        error => {
            let name = interface.name.clone();
            XdpError::NoXdp { name, mode, remedy, source: cause(error) }
        }
    })?;
    Ok(attached(interface, mode, no_native, Replaced::No))
}

/// Attaches by a `bpf_link` and pins it.
fn link(
    program: &mut Xdp,
    interface: &Interface,
    mode: XdpMode,
    path: &Path,
) -> Result<(), ProgramError> {
    let id = program.attach_to_if_index(interface.index, mode)?;
    let link = program.take_link(id)?;
    let link = FdLink::try_from(link).map_err(|error| io::Error::other(error.to_string()))?;
    link.pin(path).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(())
}

/// The error number within, which says more than aya's "call failed".
fn cause(error: ProgramError) -> io::Error {
    match error {
        ProgramError::SyscallError(call) => call.io_error,
        other => io::Error::other(other.to_string()),
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

/// Who sits on an interface before we attach.
enum Occupant {
    Nobody,
    /// The dropper; its link gets the new program with all others.
    Ours {
        mode: &'static str,
    },
}

/// Who sits on an interface; a pin that means another interface, or somebody else's program, is refused.
fn occupant(pins: &Pins, interface: &Interface) -> Result<Occupant, XdpError> {
    let Interface { name, index, xdp } = interface;
    let path = pins.link(*index);
    let pinned = match path.exists() {
        true => Some(sys::pinned_link(&path).map_err(|source| pin_error(&path, source))?),
        false => None,
    };
    match (pinned, xdp) {
        (Some(link), Some(xdp)) if link.prog_id == xdp.prog_id => {
            Ok(Occupant::Ours { mode: mode_name(*xdp) })
        }
        (Some(link), _) if !link.is_dead => {
            Err(XdpError::OtherNamespace { name: name.clone(), dir: pins.dir().to_owned() })
        }
        (_, Some(xdp)) => {
            let program = program::name_of(xdp.prog_id).unwrap_or_else(|| "unnamed".to_owned());
            Err(XdpError::Foreign { name: name.clone(), program, id: xdp.prog_id })
        }
        (_, None) => Ok(Occupant::Nobody),
    }
}

fn mode_name(xdp: AttachedXdp) -> &'static str {
    if xdp.is_native { "native" } else { "generic" }
}

/// Whether an own program was there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replaced {
    No,
    Yes,
}

fn attached(
    interface: &Interface,
    mode: &'static str,
    no_native: Option<String>,
    replaced: Replaced,
) -> Attached {
    let Interface { name, index, .. } = interface;
    let replaced = replaced == Replaced::Yes;
    Attached { interface: name.clone(), ifindex: *index, mode, no_native, replaced }
}

/// An interface that the dropper is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The interface.
    pub name: String,
    /// Its index.
    pub ifindex: u32,
    /// `native` or `generic`.
    pub mode: &'static str,
    /// Whether it takes frames that lie in many buffers.
    pub frags: bool,
    /// The kernel's id of the program.
    pub prog_id: u32,
    /// The kernel's id of the link.
    pub link_id: u32,
}

/// Where the dropper is attached.
///
/// # Errors
/// Where the pins cannot be read or the kernel does not answer.
pub fn places(pins: &Pins) -> Result<Vec<Place>, XdpError> {
    let interfaces = host::interfaces()?;
    let mut places = Vec::new();
    for ifindex in pins.links()? {
        let path = pins.link(ifindex);
        let link = sys::pinned_link(&path).map_err(|source| pin_error(&path, source))?;
        let here = interfaces.iter().find(|it| it.index == ifindex);
        let Some((interface, xdp)) = here.and_then(|it| Some((it, it.xdp?))) else { continue };
        if xdp.prog_id == link.prog_id {
            places.push(Place {
                name: interface.name.clone(),
                ifindex,
                mode: mode_name(xdp),
                frags: program::name_of(xdp.prog_id).as_deref() == Some(program::MULTI_BUFFER),
                prog_id: xdp.prog_id,
                link_id: link.link_id,
            });
        }
    }
    Ok(places)
}

/// Takes the dropper off an interface; with the last one, all pins go, and all bans with them.
///
/// # Errors
/// Where it is not there, or the kernel refuses.
pub fn detach(pins: &Pins, name: &str) -> Result<(), XdpError> {
    if !pins.exist() {
        return Err(XdpError::NotAttached { dir: pins.dir().to_owned() });
    }
    let _lock = pins.lock()?;
    let places = places(pins)?;
    let place = places.iter().find(|place| place.name == name);
    if let Some(place) = place {
        remove_link(pins, place.ifindex)?;
    }
    if !is_attached_anywhere(pins)? {
        return pins.remove(); // also where the interface itself is gone, and took the dropper with it
    }
    if place.is_some() {
        return Ok(());
    }
    let there = match places.as_slice() {
        [] => "an interface of another network namespace".to_owned(),
        some => some.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    Err(XdpError::NotHere { name: name.to_owned(), there })
}

fn is_attached_anywhere(pins: &Pins) -> Result<bool, XdpError> {
    for ifindex in pins.links()? {
        let path = pins.link(ifindex);
        if !sys::pinned_link(&path).map_err(|source| pin_error(&path, source))?.is_dead {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Detaches at once, then unpins.
fn remove_link(pins: &Pins, ifindex: u32) -> Result<(), XdpError> {
    let path = pins.link(ifindex);
    match sys::detach_pinned_link(&path) {
        Err(source) if source.raw_os_error() != Some(libc::ENOLINK) => {
            Err(pin_error(&path, source))
        }
        _ => fs::remove_file(&path).map_err(|source| pin_error(&path, source)),
    }
}
