//! How long from the write of the deciding log line to the first dropped packet.
//!
//! A daemon follows a log; every line bans another source, which has been sending a packet each few microseconds. The
//! kernel's event tells when it dropped the first. Beside it, the limit: how long until a thread that waits for the
//! same kind of event on a file merely wakes up. Between bans, daemon and CPU are idle.

use std::fs::File;
use std::io::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jiff::Zoned;
use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::{IFACE, Net};
use rban_tests::wait::wait_for_some;
use rustix::fs::inotify;
use rustix::thread::gettid;
use tempfile::TempDir;

use crate::busy;
use crate::cpu::{RECEIVER_CPU, Rank, SENDER_CPU, on_cpu, pin, prefer};
use crate::guarded::now_ns;
use crate::report::{Aim, Peer, Report, Row, Summary, Unit, quantile};
use crate::sizes::{Sizes, grouped};

/// The network of the sources: each bans one.
const SOURCES: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 0);
/// Between two packets of a source; as exact as the answer can be.
const PACKET_EVERY: Duration = Duration::from_micros(10);
/// A source sends for so long before its line is written, and after.
const BEFORE: Duration = Duration::from_millis(3);
const AFTER: Duration = Duration::from_millis(12);
/// Nothing happens.
const IDLE: Duration = Duration::from_millis(20);
const WAKES_WITHIN: Duration = Duration::from_secs(10);

/// Aims, microseconds.
const FIRST_DROP_US: f64 = 1_000.0;
const ENFORCED_P50_US: f64 = 200.0;
const ENFORCED_P99_US: f64 = 1_000.0;

/// A thread that sends from whatever source it is told.
struct Sender {
    source: Arc<AtomicU32>,
}

/// A thread that waits for a file to be written, and says when it woke.
struct Waiter {
    file: File,
    woke_ns: mpsc::Receiver<u64>,
}

/// Microseconds from the write, of each ban.
#[derive(Default)]
struct Latencies {
    enforced: Vec<f64>,
    first_drop: Vec<f64>,
    wake_up: Vec<f64>,
}

/// Bans one source after another by a line in a log.
pub(crate) fn measure(sizes: &Sizes, report: &mut Report) -> Result<()> {
    let latencies = on_cpu(RECEIVER_CPU, || latencies(sizes.latencies))?;
    let bans = grouped(sizes.latencies);
    for (what, of) in [("enforced", &latencies.enforced), ("first drop", &latencies.first_drop)] {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let at =
                |rounds: &[f64]| Summary { median: quantile(rounds, share), ..Summary::of(rounds) };
            let (rban, value) = (at(of), at(&latencies.wake_up));
            let aim = match (what, name) {
                ("enforced", "p50") => Some(("< 0.2 ms, at least 1", ENFORCED_P50_US)),
                ("enforced", _) => Some(("< 1 ms, at least 5", ENFORCED_P99_US)),
                (_, "p99") => Some(("rban < 1 ms", FIRST_DROP_US)),
                _ => None,
            };
            report.rows.push(Row {
                measure: format!("latency: line to {what}, {name} of {bans} bans"),
                unit: Unit::Micros,
                rban,
                peer: Some(Peer { name: format!("inotify wake-up alone, {name}"), value }),
                ratio: Some(rban.median / value.median),
                aim: aim.map(|(text, most)| Aim { text, met: rban.median < most }),
            });
        }
    }
    beside_fail2ban(&latencies.enforced, sizes, report)
}

/// The same beside fail2ban.
fn beside_fail2ban(enforced: &[f64], sizes: &Sizes, report: &mut Report) -> Result<()> {
    let theirs = busy::by_fail2ban(sizes.peer_latencies)?;
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let at =
            |rounds: &[f64]| Summary { median: quantile(rounds, share), ..Summary::of(rounds) };
        let (rban, value) = (at(enforced), at(&theirs));
        report.rows.push(Row {
            measure: format!("latency: line to enforced, {name}, beside fail2ban"),
            unit: Unit::Micros,
            rban,
            peer: Some(Peer { name: "fail2ban, until its action has run".into(), value }),
            ratio: Some(value.median / rban.median),
            aim: None,
        });
    }
    Ok(())
}

fn latencies(bans: u32) -> Result<Latencies> {
    let (net, dir) = (Net::pair()?, TempDir::new().context("making a directory for a log")?);
    let log_path = dir.path().join("auth.log");
    let mut log = File::create(&log_path).context("making a log")?;
    let rban = Rban::new(&net.server)?;
    let _daemon =
        Daemon::start(&rban, &log_path, &["--mode", "native", "--maxretry", "1"])?.quiet();
    let sender = Sender::start(&net)?;
    let mut waiter = Waiter::start(&dir.path().join("other.log"))?;
    let mut latencies = Latencies::default();
    for nth in 1..=bans {
        let source = Ipv4Addr::from(SOURCES.to_bits() + nth);
        sender.send_from(Some(source));
        sleep(BEFORE);
        let line = line(source);
        let wrote_ns = now_ns();
        log.write_all(line.as_bytes()).context("writing a line")?;
        sleep(AFTER);
        // Where that was not enough: late is a figure too.
        let (enforced_ns, first_drop_ns) =
            wait_for_some("a ban and its first drop", || times(&rban, source))?;
        sender.send_from(None);
        latencies.enforced.push(micros(wrote_ns, enforced_ns));
        latencies.first_drop.push(micros(wrote_ns, first_drop_ns));
        sleep(IDLE);
        latencies.wake_up.push(waiter.wake(&line)?);
        sleep(IDLE);
    }
    Ok(latencies)
}

/// When the map write returned and when the kernel dropped the first packet, as rban tells, if it does already.
fn times(rban: &Rban, source: Ipv4Addr) -> Result<Option<(u64, u64)>> {
    let why = rban.why(source.into())?;
    let Some(last) = why["history"].as_array().and_then(|history| history.last()) else {
        return Ok(None);
    };
    Ok(last["enforced_ns"].as_u64().zip(last["first_drop_ns"].as_u64()))
}

/// What an sshd would have written just now.
fn line(source: Ipv4Addr) -> String {
    let date = Zoned::now().strftime("%b %e %H:%M:%S").to_string();
    format!("{date} bench sshd[1]: Failed password for root from {source} port 1 ssh2\n")
}

impl Sender {
    /// What `source` holds when nothing is to be sent, and when the thread is to end.
    const SILENT: u32 = 0;
    const STOP: u32 = u32::MAX;

    fn start(net: &Net) -> Result<Self> {
        // Every address of the network is the client's own, so that it can send from it.
        net.client.ip(&format!("route add local {SOURCES}/16 dev lo"))?;
        let mac = "02:00:00:00:00:01";
        net.client.ip(&format!(
            "neigh replace {} lladdr {mac} dev {IFACE} nud permanent",
            net.server.v4()
        ))?;
        let source = Arc::new(AtomicU32::new(Self::SILENT));
        let (told, server) = (Arc::clone(&source), net.server.v4());
        net.client.spawn(move || {
            pin(gettid(), SENDER_CPU)?;
            prefer(gettid(), Rank::Sender)?;
            loop {
                match told.load(Ordering::Acquire) {
                    Self::STOP => return anyhow::Ok(()),
                    Self::SILENT => sleep(Duration::from_micros(200)),
                    source => {
                        let socket = UdpSocket::bind((Ipv4Addr::from(source), 0))?;
                        socket.connect((server, 22))?;
                        while told.load(Ordering::Acquire) == source {
                            // Until the ban, the server answers that nobody listens; we do.
                            drop(socket.send(&[0; 18]));
                            spin(PACKET_EVERY);
                        }
                    }
                }
            }
        });
        Ok(Self { source })
    }

    fn send_from(&self, source: Option<Ipv4Addr>) {
        self.source.store(source.map_or(Self::SILENT, Ipv4Addr::to_bits), Ordering::Release);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.source.store(Self::STOP, Ordering::Release);
    }
}

impl Waiter {
    fn start(path: &Path) -> Result<Self> {
        let file = File::create(path).context("making a file to wait for")?;
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC).context("making an inotify")?;
        inotify::add_watch(&watch, path, inotify::WatchFlags::MODIFY).context("watching a file")?;
        let (woke, woke_ns) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let mut events = [0; 4096];
            // Ends when nobody asks any more: with the write that finds the channel closed, or with the process.
            while rustix::io::read(&watch, &mut events).is_ok() && woke.send(now_ns()).is_ok() {}
        });
        Ok(Self { file, woke_ns })
    }

    /// Microseconds from a write to the wake-up.
    fn wake(&mut self, line: &str) -> Result<f64> {
        let wrote_ns = now_ns();
        self.file.write_all(line.as_bytes()).context("writing a line")?;
        let woke_ns = self.woke_ns.recv_timeout(WAKES_WITHIN).context("nobody woke up")?;
        ensure!(woke_ns >= wrote_ns, "woken before the write");
        Ok(micros(wrote_ns, woke_ns))
    }
}

fn micros(from_ns: u64, to_ns: u64) -> f64 {
    (to_ns as f64 - from_ns as f64) / 1e3
}

fn spin(length: Duration) {
    let start = Instant::now();
    while start.elapsed() < length {
        std::hint::spin_loop();
    }
}
