//! What the dropper does with a packet: single frames through the loaded program, by `BPF_PROG_TEST_RUN`.
//!
//! The kernel takes no test frame shorter than an Ethernet header, so that much is always there.

mod allow;
mod events;
mod expiry;
mod extensions;
mod fragments;
mod frames;
mod libbpf;
mod nets;
mod oracle;
mod random;
mod scopes;
mod switches;
mod truncated;
mod verdicts;

use std::ops::{Deref, DerefMut};

use anyhow::Result;

use rban_common::verdict::{Family, Verdict};
use rban_tests::daemon::Rban;
use rban_tests::net::{IFACE, Net};
use rban_tests::packet::{Packet, QINQ, VLAN};
use rban_tests::xdp::Dropper;

/// A banned source of each family, unless a test says otherwise.
const BANNED: [&str; 2] = ["192.0.2.7", "2001:db8::7"];
/// A source of each family that nobody banned.
const INNOCENT: [&str; 2] = ["192.0.2.8", "2001:db8::8"];

/// A dropper, attached where no packet ever comes by itself: what is counted, the test sent.
struct Quiet {
    xdp: Dropper,
    rban: Rban,
    _net: Net,
}

impl Quiet {
    /// With empty maps: nobody banned, nobody allowed.
    fn new() -> Result<Self> {
        let net = Net::pair()?;
        net.client.ip(&format!("link set {IFACE} down"))?;
        let rban = Rban::new(&net.server)?;
        rban.attach()?;
        let mut xdp = Dropper::open(rban.bpffs())?;
        xdp.allow_nobody()?;
        Ok(Self { xdp, rban, _net: net })
    }
}

impl Deref for Quiet {
    type Target = Dropper;

    fn deref(&self) -> &Dropper {
        &self.xdp
    }
}

impl DerefMut for Quiet {
    fn deref_mut(&mut self) -> &mut Dropper {
        &mut self.xdp
    }
}

/// Bare, tagged once or tagged twice, the packet gets this verdict, and is counted under its family.
#[track_caller]
fn check(xdp: &Dropper, packet: &Packet, expected: Verdict) {
    for tags in [&[][..], &[VLAN], &[QINQ], &[QINQ, VLAN], &[VLAN, VLAN]] {
        let packet = packet.clone().tags(tags);
        check_frame(xdp, &packet.bytes(), expected, packet.family(), &packet);
    }
}

/// This very frame gets this verdict, and is counted under this family.
#[track_caller]
fn check_frame(
    xdp: &Dropper,
    frame: &[u8],
    verdict: Verdict,
    family: Family,
    what: &impl std::fmt::Debug,
) {
    match xdp.judge(frame) {
        Ok(found) => assert_eq!(found, (verdict, family), "{what:?}: {} bytes", frame.len()),
        Err(error) => panic!("{what:?}: {error:#}"),
    }
}
