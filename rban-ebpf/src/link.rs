//! Ethernet and VLAN tags.

use core::mem::offset_of;

use aya_ebpf::programs::XdpContext;
use network_types::eth::{EthHdr, EtherType};
use network_types::vlan::VlanHdr;

use crate::packet::window;

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
    let ethernet = window::<{ EthHdr::LEN }>(ctx, 0)?;
    let mut ether_type = ethernet.u16::<{ offset_of!(EthHdr, ether_type) }>();
    let mut offset = EthHdr::LEN;
    for tags in 0..=VLAN_TAGS_MAX {
        match ether_type {
            IPV4 => return Some(Payload::V4(offset)),
            IPV6 => return Some(Payload::V6(offset)),
            VLAN | QINQ if tags < VLAN_TAGS_MAX => {
                let tag = window::<{ VlanHdr::LEN }>(ctx, offset)?;
                ether_type = tag.u16::<{ offset_of!(VlanHdr, ether_type) }>();
                offset += VlanHdr::LEN;
            }
            _ => break,
        }
    }
    Some(Payload::Other)
}
