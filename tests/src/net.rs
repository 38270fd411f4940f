//! Networks of our own: two namespaces, joined by a veth, gone on drop.
//!
//! Nothing here touches the network of the machine that runs the tests. Addresses come from the ranges reserved for
//! documentation: whatever escapes leads nowhere.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use rustix::mount::{MountFlags, mount};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The name that the one interface of each host has, in its namespace.
pub const IFACE: &str = "eth0";
/// Where the kernel's BPF file system belongs.
pub const BPFFS: &str = "/sys/fs/bpf";

const SERVER_MAC: &str = "02:00:00:00:00:01";
const CLIENT_MAC: &str = "02:00:00:00:00:07";
const NETNS_DIR: &str = "/run/netns";
/// Every namespace of ours starts with it; the process id follows, so that the leftovers of killed tests are known.
const PREFIX: &str = "rbant";

/// Two hosts on one wire.
#[derive(Debug)]
pub struct Net {
    /// The host to defend: 192.0.2.1 and 2001:db8::1.
    pub server: Host,
    /// Where the packets come from: 192.0.2.7 and 2001:db8::7, banned; 192.0.2.8 and 2001:db8::8, innocent.
    pub client: Host,
}

/// A network namespace of its own, with an interface [`IFACE`]. Clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    namespace: Arc<Namespace>,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
}

/// A named network namespace, which is removed with the last who holds it.
#[derive(Debug)]
struct Namespace {
    name: String,
}

impl Net {
    /// Two namespaces of names that no other test has, joined by a veth that is up, both families configured.
    ///
    /// # Errors
    ///
    /// Where `ip` is missing or refuses: not root, no veth in this kernel.
    pub fn pair() -> Result<Self> {
        sweep();
        let server = Host::new("server", 1)?;
        let client = Host::new("client", 7)?;
        let (s, c) = (server.name(), client.name());
        ip(&format!("link add {IFACE} netns {s} type veth peer name {IFACE} netns {c}"))?;
        server.up(SERVER_MAC)?;
        client.up(CLIENT_MAC)?;
        client.add_addr("192.0.2.8".parse()?)?;
        client.add_addr("2001:db8::8".parse()?)?;
        server.knows(&["192.0.2.7", "192.0.2.8", "2001:db8::7", "2001:db8::8"], CLIENT_MAC)?;
        client.knows(&["192.0.2.1", "2001:db8::1"], SERVER_MAC)?;
        Ok(Self { server, client })
    }
}

impl Host {
    /// An empty namespace; `last` is the last part of both its addresses.
    fn new(role: &str, last: u8) -> Result<Self> {
        let (v4, v6) = (Ipv4Addr::new(192, 0, 2, last), documentation_v6(last));
        let namespace = Arc::new(Namespace { name: unique(role) });
        ip(&format!("netns add {}", namespace.name))?;
        Ok(Self { namespace, v4, v6 })
    }

    fn up(&self, mac: &str) -> Result<()> {
        // Addresses are usable at once: nobody else is on this wire to own them already.
        self.inside(|| fs::write(format!("/proc/sys/net/ipv6/conf/{IFACE}/accept_dad"), "0"))
            .context("switching IPv6 duplicate address detection off")?;
        self.ip("link set lo up")?;
        self.ip(&format!("link set {IFACE} address {mac} up"))?;
        self.add_addr(self.v4.into())?;
        self.add_addr(self.v6.into())
    }

    /// Enters neighbours by hand. Dropping all of a source drops its neighbour discovery too, on which here other
    /// sources depend: the client has one cache for the banned and the innocent.
    fn knows(&self, neighbours: &[&str], mac: &str) -> Result<()> {
        neighbours.iter().try_for_each(|neighbour| {
            self.ip(&format!("neigh add {neighbour} lladdr {mac} nud permanent dev {IFACE}"))
        })
    }

    /// Name of the namespace, as `ip netns` lists it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.namespace.name
    }

    /// The file by which the namespace is entered.
    #[must_use]
    pub fn netns(&self) -> PathBuf {
        Path::new(NETNS_DIR).join(self.name())
    }

    /// Its first IPv4 address.
    #[must_use]
    pub fn v4(&self) -> IpAddr {
        self.v4.into()
    }

    /// Its first IPv6 address.
    #[must_use]
    pub fn v6(&self) -> IpAddr {
        self.v6.into()
    }

    /// Gives it one more address, of the network on the wire.
    ///
    /// # Errors
    ///
    /// Where `ip` refuses.
    pub fn add_addr(&self, addr: IpAddr) -> Result<()> {
        match addr {
            IpAddr::V4(addr) => self.ip(&format!("addr add {addr}/24 dev {IFACE}")),
            IpAddr::V6(addr) => self.ip(&format!("addr add {addr}/64 dev {IFACE} nodad")),
        }
    }

    /// `ip` with these arguments, in this namespace.
    ///
    /// # Errors
    ///
    /// Where it fails, with what it said.
    pub fn ip(&self, args: &str) -> Result<()> {
        ip(&format!("-n {} {args}", self.name()))
    }

    /// A command that will run in this namespace. By `nsenter`, for `ip netns exec` mounts a fresh `/sys`, which
    /// hides bpffs.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.netns().display())).arg("--").arg(program);
        command.env("PATH", path());
        command
    }

    /// As [`command`](Self::command), for what runs on: it is killed when the thread that started it ends, so that
    /// a test that is killed leaves nothing behind.
    pub fn daemon(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// What `work` returns on a thread that has entered this namespace. Sockets made there stay there.
    ///
    /// # Panics
    ///
    /// Where the namespace is gone, or `work` panics.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                self.enter();
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// A thread of its own in this namespace.
    ///
    /// # Panics
    ///
    /// Its thread does, where the namespace is gone.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let netns = self.netns();
        thread::spawn(move || {
            enter(&netns);
            work()
        })
    }

    fn enter(&self) {
        enter(&self.netns());
    }

    /// Does `to` answer one of `count` echo requests sent from the address `from` of this host?
    ///
    /// # Errors
    ///
    /// Where `ping` cannot be run.
    pub fn ping(&self, from: IpAddr, to: IpAddr, count: u32) -> Result<bool> {
        let mut command = self.command("ping");
        command.args(["-q", "-i", "0.02", "-W", "1", "-c", &count.to_string()]);
        command.args(["-I", &from.to_string(), &to.to_string()]);
        let output = command.output().context("running ping (package iputils-ping)")?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!("ping {to}: {}", said(&output)),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Also takes the veth along, which is in no other namespace.
        drop(ip(&format!("netns del {}", self.name)));
    }
}

/// A directory for pins that only this test uses. Not made: rban does that.
#[must_use]
pub fn unique_bpffs_dir() -> PathBuf {
    let (pid, n) = (std::process::id(), next());
    Path::new(BPFFS).join(format!("rban_test_{pid}_{n}"))
}

/// Mounts the BPF file system where it is missing.
///
/// # Errors
///
/// Where it is missing and cannot be mounted: not root.
pub fn ensure_bpffs() -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("reading the mounts")?;
    let mounted = mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(1);
        words.next() == Some(BPFFS) && words.next() == Some("bpf")
    });
    if mounted {
        return Ok(());
    }
    mount("bpf", BPFFS, "bpf", MountFlags::empty(), c"mode=0700")
        .with_context(|| format!("mounting bpffs on {BPFFS}"))
}

/// Where programs are looked for: also where Debian keeps those for administrators.
#[must_use]
pub fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default())
}

/// What a program that failed said, on both its outputs, in one line.
#[must_use]
pub fn said(output: &Output) -> String {
    let text = [&output.stderr[..], &output.stdout[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    format!("{}: {}", output.status, lines.join(" | "))
}

fn ip(args: &str) -> Result<()> {
    let mut command = Command::new("ip");
    command.env("PATH", path()).args(args.split_whitespace()).stdin(Stdio::null());
    let output = command.output().context("running ip (package iproute2)")?;
    ensure!(output.status.success(), "ip {args}: {}", said(&output));
    Ok(())
}

fn enter(netns: &Path) {
    let file = fs::File::open(netns)
        .unwrap_or_else(|error| panic!("opening the namespace {}: {error}", netns.display()));
    let network = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), network)
        .unwrap_or_else(|error| panic!("entering the namespace {}: {error}", netns.display()));
}

fn documentation_v6(last: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())
}

fn unique(role: &str) -> String {
    format!("{PREFIX}-{}-{}-{role}", std::process::id(), next())
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Removes, once a process, the namespaces of test processes that were killed before they could.
fn sweep() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Ok(dir) = fs::read_dir(NETNS_DIR) else { return };
        for entry in dir.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let mut parts = name.split('-');
            let ours = parts.next() == Some(PREFIX);
            let pid = parts.next().unwrap_or_default();
            if ours && !Path::new("/proc").join(pid).exists() {
                drop(ip(&format!("netns del {name}")));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_reach_each_other_on_both_families() -> Result<()> {
        let net = Net::pair()?;
        assert!(net.client.ping(net.client.v4(), net.server.v4(), 1)?);
        assert!(net.client.ping(net.client.v6(), net.server.v6(), 1)?);
        assert!(!net.client.ping(net.client.v4(), "192.0.2.99".parse()?, 1)?);
        Ok(())
    }

    #[test]
    fn the_namespaces_are_gone_afterwards() -> Result<()> {
        let net = Net::pair()?;
        let netns = net.server.netns();
        assert!(netns.exists());
        drop(net);
        assert!(!netns.exists());
        Ok(())
    }
}
