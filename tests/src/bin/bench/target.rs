//! Who is flooded: a namespace whose interface is polled by one kernel thread, pinned to one CPU.
//!
//! The CPU time of that thread, divided by the packets it took off the wire, is what a packet costs; it is steady
//! where the machine is busy otherwise. Every peer has a target of its own, so that rounds can alternate.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rban_tests::insn::redirect;
use rban_tests::net::{Host, IFACE, Net, said};
use rban_tests::rawprog::{DEVMAP, Map, Program};
use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};
use rustix::process::Pid;

use crate::cpu::{RECEIVER_CPU, Rank, pin, prefer, undisturbed};
use crate::frame;

/// The ring between the two ends has 256 places: it is empty long before.
const DRAIN: Duration = Duration::from_millis(10);

/// A namespace to flood.
pub(crate) struct Target {
    pub(crate) net: Net,
    thread: Pid,
    /// Leads to its interface.
    devmap: Map,
}

/// What one round took.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// CPU time a packet, nanoseconds.
    pub(crate) ns: f64,
    /// Packets that the thread took off the wire; the rest found it full.
    pub(crate) packets: u64,
}

impl Target {
    /// A new one, that drops nothing yet.
    pub(crate) fn new() -> Result<Self> {
        let net = Net::pair()?;
        let thread = poll_in_a_thread(&net.server)?;
        pin(thread, RECEIVER_CPU)?;
        prefer(thread, Rank::Receiver)?;
        let devmap = Map::create(DEVMAP, 4, 4, 1)?;
        net.client.inside(|| devmap.set_interface(0, ifindex()?))?;
        Ok(Self { net, thread, devmap })
    }

    /// Sends it so many frames as fast as it goes, each from one of these sources at random.
    ///
    /// Sent by another CPU than [`RECEIVER_CPU`], each packet has to be fetched from that one's cache; sent by the
    /// same, it takes turns with the receiver, a few hundred packets each.
    pub(crate) fn flood(&self, sources: Range<Ipv4Addr>, cpu: usize, frames: u32) -> Result<Round> {
        let frame = frame::udp4(sources.start);
        let count = sources.end.to_bits() - sources.start.to_bits();
        let spread = (count > 1).then(|| frame::spread4(&frame, sources.start, count));
        let generator = Program::load(&redirect(spread, self.devmap.as_ref(), 0))?;
        let (packets, ran_ns) = (self.received()?, self.ran_ns()?);
        undisturbed(cpu, || generator.send(&frame, frames))?;
        thread::sleep(DRAIN);
        let (packets, ran_ns) = (self.received()? - packets, self.ran_ns()? - ran_ns);
        ensure!(packets > 0, "no packet of the flood arrived");
        Ok(Round { ns: ran_ns as f64 / packets as f64, packets })
    }

    /// How many IPv4 packets its stack has let through to UDP and its like so far: those that nobody dropped.
    pub(crate) fn delivered(&self) -> Result<u64> {
        let snmp = self.net.server.inside(|| fs::read_to_string("/proc/thread-self/net/snmp"));
        let snmp = snmp.context("reading the counters of the stack")?;
        let mut lines = snmp.lines().filter(|line| line.starts_with("Ip: "));
        let (names, values) = (lines.next(), lines.next());
        let mut pairs = names
            .into_iter()
            .flat_map(str::split_whitespace)
            .zip(values.into_iter().flat_map(str::split_whitespace));
        let value = pairs.find(|(name, _)| *name == "InDelivers").context("no InDelivers")?.1;
        value.parse().context("InDelivers")
    }

    fn received(&self) -> Result<u64> {
        let output = run(self.net.server.command("ethtool").args(["-S", IFACE]))?;
        let line =
            output.lines().find_map(|line| line.trim().strip_prefix("rx_queue_0_xdp_packets:"));
        line.context("veth does not count packets")?
            .trim()
            .parse()
            .context("rx_queue_0_xdp_packets")
    }

    /// CPU time of the thread so far.
    fn ran_ns(&self) -> Result<u64> {
        let path = format!("/proc/{}/schedstat", self.thread.as_raw_nonzero());
        let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let first = text.split(' ').next().unwrap_or_default();
        first.parse().with_context(|| format!("{path} starts with {first:?}, not with a time"))
    }
}

/// The index of [`IFACE`] in the namespace of the caller.
pub(crate) fn ifindex() -> Result<u32> {
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    name_to_index(socket, IFACE).with_context(|| format!("looking for {IFACE}"))
}

/// What it prints on its standard output, or what it said as it failed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("running {:?}", command.get_program()))?;
    ensure!(output.status.success(), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} did not print text"))
}

/// Makes the kernel poll the interface in a thread, with or without an XDP program, and finds that thread.
fn poll_in_a_thread(host: &Host) -> Result<Pid> {
    // Without an XDP program, veth polls only where it may merge packets.
    run(host.command("ethtool").args(["-K", IFACE, "gro", "on"]))?;
    let before = polling_threads()?;
    // The namespace's own /sys shows its interfaces; ours shows those of the machine.
    let script = format!("mount -t sysfs sysfs /sys && echo 1 > /sys/class/net/{IFACE}/threaded");
    run(host.command("unshare").args(["--mount", "sh", "-c", &script]))?;
    let after = polling_threads()?;
    let mut new = after.difference(&before);
    match (new.next(), new.next()) {
        (Some(&thread), None) => Pid::from_raw(thread).context("a thread with the id 0"),
        (None, _) => anyhow::bail!("the kernel started no thread to poll {IFACE}"),
        _ => anyhow::bail!("another test started polling at the same moment: try again"),
    }
}

fn polling_threads() -> Result<BTreeSet<i32>> {
    let mut threads = BTreeSet::new();
    for entry in fs::read_dir("/proc").context("listing processes")?.flatten() {
        let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if comm.starts_with(&format!("napi/{IFACE}-")) {
            threads.extend(entry.file_name().to_str().and_then(|pid| pid.parse::<i32>().ok()));
        }
    }
    Ok(threads)
}
