//! Who is flooded: a namespace whose interface is polled by one kernel thread, pinned to one CPU.
//!
//! The CPU time of that thread, divided by the packets it took off the wire, is what a packet costs; it is steady
//! where the machine is busy otherwise. Every peer has a target of its own, so that rounds can alternate.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rban_tests::insn::{Spread, redirect};
use rban_tests::net::{Host, IFACE, Net, said};
use rban_tests::rawprog::{DEVMAP, Map, Program};
use rustix::net::{AddressFamily, SocketType, netdevice::name_to_index, socket};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

/// The CPU of whoever sends.
pub(crate) const SENDER_CPU: usize = 0;
/// The CPU of the thread that receives.
pub(crate) const RECEIVER_CPU: usize = 1;

/// Frames in one call of the generator; a call cannot be interrupted.
const CALL_FRAMES: u32 = 200_000;
/// The ring between the two ends has 256 places: it is empty long before.
const DRAIN: Duration = Duration::from_millis(10);

/// A namespace to flood.
pub(crate) struct Target {
    pub(crate) net: Net,
    thread: Pid,
    one: Program,
    spread: Program,
    frame: Vec<u8>,
}

/// What one round took.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    /// CPU time a packet, nanoseconds.
    pub(crate) ns: f64,
    /// Share of the time in which the receiving thread slept, for want of packets.
    pub(crate) idle: f64,
    /// Packets that the thread took off the wire.
    pub(crate) packets: u64,
}

/// Where the packets come from.
#[derive(Clone, Copy)]
pub(crate) enum Sources {
    /// One address, always the same.
    One,
    /// All of those that were told to [`Target::new`], at random.
    Spread,
}

impl Target {
    /// A new one, to be flooded from this frame's source, or from `spread`.
    pub(crate) fn new(frame: Vec<u8>, spread: Spread) -> Result<Self> {
        let net = Net::pair()?;
        let thread = poll_in_a_thread(&net.server)?;
        pin(Some(thread), RECEIVER_CPU)?;
        let devmap = Map::create(DEVMAP, 4, 4, 1)?;
        net.client.inside(|| devmap.set_interface(0, ifindex()?))?;
        let load = |spread| Program::load(&redirect(spread, devmap.as_ref(), 0));
        Ok(Self { one: load(None)?, spread: load(Some(spread))?, thread, frame, net })
    }

    /// Floods it for as long.
    pub(crate) fn flood(&self, sources: Sources, length: Duration) -> Result<Round> {
        let program = match sources {
            Sources::One => &self.one,
            Sources::Spread => &self.spread,
        };
        let (packets, [ran, waited]) = (self.received()?, self.cpu_times()?);
        let start = Instant::now();
        on_cpu(SENDER_CPU, || {
            while start.elapsed() < length {
                program.send(&self.frame, CALL_FRAMES)?;
            }
            Ok(())
        })?;
        let elapsed = start.elapsed();
        thread::sleep(DRAIN);
        let (packets, now) = (self.received()? - packets, self.cpu_times()?);
        ensure!(packets > 0, "no packet of the flood arrived");
        let (ran, waited) = (now[0] - ran, now[1] - waited);
        let awake = (ran + waited) as f64 / elapsed.as_nanos() as f64;
        Ok(Round { ns: ran as f64 / packets as f64, idle: (1.0 - awake).max(0.0), packets })
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

    /// For how many nanoseconds the thread ran so far, and for how many it waited until it could.
    fn cpu_times(&self) -> Result<[u64; 2]> {
        let path = format!("/proc/{}/schedstat", self.thread.as_raw_nonzero());
        let text = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let mut words = text.split(' ').map(str::parse);
        match (words.next(), words.next()) {
            (Some(Ok(ran)), Some(Ok(waited))) => Ok([ran, waited]),
            _ => anyhow::bail!("{path}: {text}: not two times"),
        }
    }
}

/// Pins a thread, or the caller.
pub(crate) fn pin(thread: Option<Pid>, cpu: usize) -> Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(cpu);
    sched_setaffinity(thread, &cpus).with_context(|| format!("pinning a thread to CPU {cpu}"))
}

/// What `work` returns on a thread pinned to that CPU.
pub(crate) fn on_cpu<T: Send>(cpu: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pinned = || pin(None, cpu).and_then(|()| work());
    thread::scope(|scope| scope.spawn(pinned).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
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
