//! The kernel's word of drops, as it drops.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, RawFd};

use aya::maps::{Map, MapData, RingBuf};
use ipnet::IpNet;
use rban_common::abi;
use rban_common::event::DropEvent;

use super::error::XdpError;
use super::pins::Pins;
use crate::addr::Offender;
use crate::clock::MonoTime;

/// A drop: the first of its ban, or a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Exactly when.
    pub at: MonoTime,
    /// Where the packet came from.
    pub source: IpAddr,
    /// Whose ban it was.
    pub offender: Offender,
    /// Packets dropped so far on account of that ban; 1 = the first.
    pub dropped: u64,
}

/// The pinned ring. It has one reader: the daemon.
pub struct Events(RingBuf<MapData>);

impl Events {
    /// The pinned ring.
    ///
    /// # Errors
    /// Where the pins are absent, or the kernel refuses.
    pub fn open(pins: &Pins) -> Result<Self, XdpError> {
        Map::from_map_data(pins.map(abi::EVENTS)?)
            .and_then(RingBuf::try_from)
            .map(Self)
            .map_err(|source| XdpError::AyaMap { map: abi::EVENTS, source })
    }

    /// The next event, if there is one.
    pub fn pop(&mut self) -> Option<Event> {
        while let Some(item) = self.0.next() {
            if let Some(event) = decode(&item) {
                return Some(event);
            }
        }
        None
    }
}

impl AsRawFd for Events {
    /// Readable when there are events.
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// `None` for what is none of ours: of another length, family or prefix.
fn decode(bytes: &[u8]) -> Option<Event> {
    const _: () = assert!(size_of::<DropEvent>() == 48);
    let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let octets: [u8; 16] = bytes.get(16..32)?.try_into().ok()?;
    let source = match word(40)? {
        4 => IpAddr::from(Ipv4Addr::from_octets(octets[..4].try_into().ok()?)),
        6 => IpAddr::from(Ipv6Addr::from_octets(octets)),
        _ => return None,
    };
    let net = IpNet::new(source, u8::try_from(word(44)?).ok()?).ok()?;
    let offender = Offender::net(net);
    Some(Event { at: MonoTime::from_nanos(long(0)?), source, offender, dropped: long(8)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_the_ban_and_the_packet() {
        let mut bytes = Vec::new();
        bytes.extend(5u64.to_ne_bytes());
        bytes.extend(1u64.to_ne_bytes());
        bytes.extend([192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for word in [3u32, 60, 4, 24] {
            bytes.extend(word.to_ne_bytes());
        }
        let event = decode(&bytes).unwrap();
        assert_eq!(event.at, MonoTime::from_nanos(5));
        assert_eq!(event.source.to_string(), "192.0.2.7");
        assert_eq!(event.offender.to_string(), "192.0.2.0/24");
        assert_eq!(event.dropped, 1);
        assert_eq!(decode(&bytes[..47]), None);
    }
}
