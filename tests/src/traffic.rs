//! Packets that mean something: connections, datagrams, floods, and those who answer or count them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{self, AddressFamily, SocketType, bind, socket};

use crate::net::Host;

/// Where [`Echo`] answers, over TCP and UDP.
pub const ECHO_PORT: u16 = 7;
/// Where [`Receiver`] counts.
pub const COUNT_PORT: u16 = 9;

/// An answer that has not come by then was not let through.
const ANSWER_WITHIN: Duration = Duration::from_millis(700);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// Between two packets of a flood: some thousands a second, which a small machine can still count.
const FLOOD_INTERVAL: Duration = Duration::from_micros(100);

/// How to ask for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A connection to [`ECHO_PORT`].
    Tcp,
    /// A datagram to [`ECHO_PORT`].
    Udp,
    /// An echo request.
    Icmp,
}

impl By {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Icmp];
}

/// Threads that go on until dropped.
#[derive(Debug)]
struct Threads<T> {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<T>>,
}

impl<T: Send + 'static> Threads<T> {
    fn new() -> Self {
        Self { stop: Arc::default(), threads: Vec::new() }
    }

    /// A thread in the namespace of `host`, which is to end soon after the flag it gets is set.
    fn add(&mut self, host: &Host, work: impl FnOnce(&AtomicBool) -> T + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(host.spawn(move || work(&stop)));
    }

    fn end(&mut self) -> Vec<T> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).filter_map(|thread| thread.join().ok()).collect()
    }
}

impl<T> Drop for Threads<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Answers whoever asks, with what was asked, on [`ECHO_PORT`] of both families; until dropped.
#[derive(Debug)]
pub struct Echo {
    _threads: Threads<()>,
}

impl Echo {
    /// Listens on this host.
    ///
    /// # Errors
    ///
    /// Where somebody else does already.
    pub fn start(host: &Host) -> Result<Self> {
        let any: SocketAddr = ([0u16; 8], ECHO_PORT).into();
        let sockets = host.inside(|| -> io::Result<_> {
            let udp = UdpSocket::bind(any)?;
            udp.set_read_timeout(Some(POLL_INTERVAL))?;
            let tcp = TcpListener::bind(any)?;
            tcp.set_nonblocking(true)?;
            Ok((udp, tcp))
        });
        let (udp, tcp) = sockets.context("listening on the echo port")?;
        let mut threads = Threads::new();
        threads.add(host, move |stop| echo_udp(&udp, stop));
        threads.add(host, move |stop| echo_tcp(&tcp, stop));
        Ok(Self { _threads: threads })
    }
}

fn echo_udp(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            // Who cannot be answered will notice.
            drop(socket.send_to(&buffer[..len], from));
        }
    }
}

fn echo_tcp(listener: &TcpListener, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => drop(echo_once(stream)),
            Err(_) => thread::sleep(POLL_INTERVAL),
        }
    }
}

fn echo_once(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    stream.write_all(&byte)
}

/// Does `to` answer a packet that `host` sends from its address `from`? Where it does not, this takes a second.
///
/// # Errors
///
/// Where the question could not even be asked.
pub fn answers(host: &Host, by: By, from: IpAddr, to: IpAddr) -> Result<bool> {
    match by {
        By::Icmp => host.ping(from, to, 1),
        By::Udp => host.inside(|| udp_answers(from, to)).context("asking by UDP"),
        By::Tcp => host.inside(|| tcp_answers(from, to)).context("asking by TCP"),
    }
}

/// A connection from an address of this host; `None` where nobody takes it.
///
/// # Errors
///
/// Where that address is none of the host's.
pub fn connect(host: &Host, from: IpAddr, to: IpAddr, port: u16) -> Result<Option<TcpStream>> {
    let connected = host.inside(|| connect_from(from, (to, port).into()));
    Ok(connected.context("connecting")?.ok())
}

fn udp_answers(from: IpAddr, to: IpAddr) -> io::Result<bool> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.set_read_timeout(Some(ANSWER_WITHIN))?;
    socket.send_to(b"?", (to, ECHO_PORT))?;
    Ok(matches!(socket.recv_from(&mut [0]), Ok((1, _))))
}

fn tcp_answers(from: IpAddr, to: IpAddr) -> io::Result<bool> {
    let Ok(mut stream) = connect_from(from, (to, ECHO_PORT).into())? else { return Ok(false) };
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    Ok(stream.write_all(b"?").and_then(|()| stream.read_exact(&mut [0])).is_ok())
}

/// A connection from this address of the calling thread's namespace; the inner error says that nobody took it.
fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<io::Result<TcpStream>> {
    let family = if from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(from, 0))?;
    // On Linux it bounds how long connecting takes as well.
    set_socket_timeout(&socket, Timeout::Send, Some(ANSWER_WITHIN))?;
    Ok(net::connect(&socket, &to).map(|()| TcpStream::from(socket)).map_err(io::Error::from))
}

/// Counts datagrams to [`COUNT_PORT`] by their source, until dropped.
#[derive(Debug)]
pub struct Receiver {
    received: Arc<Mutex<BTreeMap<IpAddr, u64>>>,
    _threads: Threads<()>,
}

impl Receiver {
    /// Listens on this host.
    ///
    /// # Errors
    ///
    /// Where somebody else does already.
    pub fn start(host: &Host) -> Result<Self> {
        let any: SocketAddr = ([0u16; 8], COUNT_PORT).into();
        let socket = host.inside(|| UdpSocket::bind(any)).context("listening on the count port")?;
        socket.set_read_timeout(Some(POLL_INTERVAL))?;
        let received = Arc::<Mutex<BTreeMap<IpAddr, u64>>>::default();
        let counts = Arc::clone(&received);
        let mut threads = Threads::new();
        threads.add(host, move |stop| {
            while !stop.load(Ordering::Relaxed) {
                if let Ok((_, from)) = socket.recv_from(&mut [0; 2048]) {
                    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                    *counts.entry(from.ip().to_canonical()).or_default() += 1;
                }
            }
        });
        Ok(Self { received, _threads: threads })
    }

    /// How many came from this address so far.
    #[must_use]
    pub fn received(&self, from: IpAddr) -> u64 {
        let counts = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&from).copied().unwrap_or(0)
    }
}

/// Sends datagrams to [`COUNT_PORT`] without a pause, until ended or dropped.
#[derive(Debug)]
pub struct Flood {
    threads: Threads<u64>,
}

impl Flood {
    /// From the address `from` of this host.
    ///
    /// # Errors
    ///
    /// Where the host has no such address.
    pub fn start(host: &Host, from: IpAddr, to: IpAddr) -> Result<Self> {
        let socket = host.inside(|| UdpSocket::bind((from, 0))).context("binding for a flood")?;
        let mut threads = Threads::new();
        threads.add(host, move |stop| {
            let mut sent = 0;
            while !stop.load(Ordering::Relaxed) {
                sent += u64::from(socket.send_to(b"flood", (to, COUNT_PORT)).is_ok());
                thread::sleep(FLOOD_INTERVAL);
            }
            sent
        });
        Ok(Self { threads })
    }

    /// Ends it; how many were sent.
    #[must_use]
    pub fn end(mut self) -> u64 {
        self.threads.end().into_iter().sum()
    }
}
