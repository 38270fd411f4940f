//! Ethernet and VLAN tags.

use aya_ebpf::programs::XdpContext;
use network_types::eth::{EthHdr, EtherType};
use network_types::vlan::VlanHdr;

use crate::packet::read;

/// How many VLAN tags are looked through: 802.1ad around 802.1Q.
const VLAN_TAGS_MAX: usize = 2;

const VLAN: u16 = EtherType::Ieee8021q as u16;
const QINQ: u16 = EtherType::Ieee8021ad as u16;
const IPV4: u16 = EtherType::Ipv4 as u16;
const IPV6: u16 = EtherType::Ipv6 as u16;

/// What a frame carries, and where that starts.
pub(crate) enum Payload {
    V4(usize),
    V6(usize),
    Other,
}

/// What the frame carries below at most two VLAN tags; `None` where it ends before telling.
#[inline(always)]
pub(crate) fn payload(ctx: &XdpContext) -> Option<Payload> {
    let mut ether_type = read::<EthHdr>(ctx, 0)?.ether_type;
    let mut offset = EthHdr::LEN;
    for _ in 0..VLAN_TAGS_MAX {
        if ether_type != VLAN && ether_type != QINQ {
            break;
        }
        ether_type = read::<VlanHdr>(ctx, offset)?.ether_type;
        offset += VlanHdr::LEN;
    }
    Some(match ether_type {
        IPV4 => Payload::V4(offset),
        IPV6 => Payload::V6(offset),
        _ => Payload::Other,
    })
}
