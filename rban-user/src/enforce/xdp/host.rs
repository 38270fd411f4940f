//! What the kernel tells of this host's interfaces, addresses and gateways (rtnetlink).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, RawFd};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkMessage, LinkXdp};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use tracing::warn;

use super::error::XdpError;

/// Room for one answer of the kernel's, which sends at most 32 KiB at once.
const ANSWER_BYTES: usize = 65_536;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// Its name.
    pub(super) name: String,
    /// Its index, unique in its network namespace.
    pub(super) index: u32,
    /// The XDP program on it.
    pub(super) xdp: Option<AttachedXdp>,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AttachedXdp {
    /// The kernel's id of the program.
    pub(super) prog_id: u32,
    /// Whether it runs in the driver, or behind it on socket buffers.
    pub(super) is_native: bool,
}

/// All interfaces.
///
/// # Errors
/// Where the kernel does not answer.
pub(super) fn interfaces() -> Result<Vec<Interface>, XdpError> {
    let answers = dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    Ok(answers
        .into_iter()
        .filter_map(|answer| match answer {
            RouteNetlinkMessage::NewLink(link) => interface(link),
            _ => None,
        })
        .collect())
}

fn interface(link: LinkMessage) -> Option<Interface> {
    let mut name = None;
    let mut xdp = None;
    for attribute in link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text),
            LinkAttribute::Xdp(state) => xdp = attached(&state),
            _ => {}
        }
    }
    Some(Interface { name: name?, index: link.header.index, xdp })
}

fn attached(state: &[LinkXdp]) -> Option<AttachedXdp> {
    state.iter().find_map(|attribute| match *attribute {
        LinkXdp::DrvProgId(prog_id) | LinkXdp::HwProgId(prog_id) => {
            Some(AttachedXdp { prog_id, is_native: true })
        }
        LinkXdp::SkbProgId(prog_id) => Some(AttachedXdp { prog_id, is_native: false }),
        _ => None,
    })
}

/// The interface of this name.
///
/// # Errors
/// Where there is none, or the kernel does not answer.
pub(super) fn interface_named(name: &str) -> Result<Interface, XdpError> {
    let all = interfaces()?;
    let there = || all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ");
    match all.iter().find(|it| it.name == name) {
        Some(found) => Ok(found.clone()),
        None => Err(XdpError::NoInterface { name: name.to_owned(), there: there() }),
    }
}

/// Every address that this host answers to.
///
/// # Errors
/// Where the kernel does not answer.
pub(super) fn own_addresses() -> Result<BTreeSet<IpAddr>, XdpError> {
    let answers = dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))?;
    let mut own = BTreeSet::new();
    for answer in answers {
        let RouteNetlinkMessage::NewAddress(message) = answer else { continue };
        for attribute in message.attributes {
            // On a point-to-point interface `Address` is the peer and `Local` our own.
            if let AddressAttribute::Address(addr) | AddressAttribute::Local(addr) = attribute {
                own.insert(addr);
            }
        }
    }
    Ok(own)
}

/// Every gateway in any routing table.
///
/// # Errors
/// Where the kernel does not answer.
pub(super) fn gateways() -> Result<BTreeSet<IpAddr>, XdpError> {
    Ok(routes()?.iter().flat_map(|route| &route.attributes).flat_map(gateways_of).collect())
}

/// Every route of both families.
fn routes() -> Result<Vec<RouteMessage>, XdpError> {
    let mut found = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let answers = dump(RouteNetlinkMessage::GetRoute(request))?.into_iter();
        found.extend(answers.filter_map(|answer| match answer {
            RouteNetlinkMessage::NewRoute(route) => Some(route),
            _ => None,
        }));
    }
    Ok(found)
}

/// The interfaces that default routes of either family go out by.
///
/// # Errors
/// Where the kernel does not answer.
pub fn default_interfaces() -> Result<Vec<String>, XdpError> {
    let mut indices = BTreeSet::new();
    for route in routes()? {
        if route.header.destination_prefix_length == 0 && route.header.kind == RouteType::Unicast {
            indices.extend(route.attributes.iter().flat_map(|attribute| match attribute {
                RouteAttribute::Oif(index) => vec![*index],
                RouteAttribute::MultiPath(hops) => {
                    hops.iter().map(|hop| hop.interface_index).collect()
                }
                _ => Vec::new(),
            }));
        }
    }
    let interfaces = interfaces()?.into_iter();
    Ok(interfaces.filter(|it| indices.contains(&it.index)).map(|it| it.name).collect())
}

fn gateways_of(attribute: &RouteAttribute) -> Vec<IpAddr> {
    match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(addr)) => vec![(*addr).into()],
        RouteAttribute::Gateway(RouteAddress::Inet6(addr)) => vec![(*addr).into()],
        RouteAttribute::MultiPath(hops) => {
            hops.iter().flat_map(|hop| &hop.attributes).flat_map(gateways_of).collect()
        }
        _ => Vec::new(),
    }
}

/// Groups of `rtnetlink` that tell of addresses and routes coming and going, both families: `RTMGRP_*` of the
/// kernel's `rtnetlink.h`.
const ADDRESSES_AND_ROUTES: u32 = 0x10 | 0x40 | 0x100 | 0x400;

/// Tells when addresses or routes change; what they are then has to be asked.
pub struct Changes(Socket);

impl Changes {
    /// Listens from now on.
    ///
    /// # Errors
    /// Where the kernel refuses.
    pub fn listen() -> Result<Self, XdpError> {
        let failed = |error: std::io::Error| XdpError::Netlink(error.to_string());
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(failed)?;
        socket.bind(&SocketAddr::new(0, ADDRESSES_AND_ROUTES)).map_err(failed)?;
        socket.set_non_blocking(true).map_err(failed)?;
        Ok(Self(socket))
    }

    /// Forgets all that was told so far. An overrun is no loss: it, too, says that something changed.
    pub fn drain(&self) {
        let mut buffer = Vec::with_capacity(ANSWER_BYTES);
        while match self.0.recv(&mut buffer, 0) {
            Ok(_) => true,
            Err(error) => error.raw_os_error() == Some(libc::ENOBUFS),
        } {
            buffer.clear();
        }
    }
}

impl AsRawFd for Changes {
    /// Readable when something changed.
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Asks one question and collects all answers.
fn dump(question: RouteNetlinkMessage) -> Result<Vec<RouteNetlinkMessage>, XdpError> {
    let failed = |error: &dyn std::fmt::Display| XdpError::Netlink(error.to_string());
    let mut socket = Socket::new(NETLINK_ROUTE).map_err(|error| failed(&error))?;
    socket.bind_auto().map_err(|error| failed(&error))?;
    socket.connect(&SocketAddr::new(0, 0)).map_err(|error| failed(&error))?;

    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(question));
    packet.finalize();
    let mut bytes = vec![0; packet.header.length as usize];
    packet.serialize(&mut bytes);
    socket.send(&bytes, 0).map_err(|error| failed(&error))?;

    let mut answers = Vec::new();
    let mut buffer = Vec::with_capacity(ANSWER_BYTES);
    loop {
        buffer.clear();
        socket.recv(&mut buffer, 0).map_err(|error| failed(&error))?;
        let mut rest = buffer.as_slice();
        while !rest.is_empty() {
            let length = NetlinkBuffer::new_checked(rest).map_err(|error| failed(&error))?.length();
            match NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest).map(|it| it.payload) {
                Ok(NetlinkPayload::Done(_)) => return Ok(answers),
                Ok(NetlinkPayload::Error(error)) => return Err(failed(&error.to_io())),
                Ok(NetlinkPayload::InnerMessage(answer)) => answers.push(answer),
                Ok(_) => {}
                // One exotic route must not keep the daemon from starting.
                Err(error) => warn!(%error, "the kernel tells of something unknown; passed over"),
            }
            let length = (length as usize).next_multiple_of(4);
            rest = rest.get(length..).unwrap_or(&[]);
        }
    }
}
