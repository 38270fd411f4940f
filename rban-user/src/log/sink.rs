//! An open target: takes lines, in as few writes as it can.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::target::{Place, Target};
use crate::said::{Level, LoggerName, Said};

/// Nobody but its owner reads a log that we make; whoever made it otherwise may keep it so.
const FILE_MODE: u32 = 0o600;
/// Lines wait for one another up to so many bytes.
const WAITING_MAX: usize = 64 * 1024;
/// A line is lost that syslog or the journal do not take for so long.
const DATAGRAM_PATIENCE: Duration = Duration::from_millis(200);
/// Under which syslog and the journal know us; filters look for it.
const IDENTIFIER: &str = "fail2ban";

/// A target that cannot be opened, in fail2ban's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotOpened {
    /// The file, or the journal's socket.
    #[error("Unable to log to '{name}'")]
    Target {
        /// As configured.
        name: String,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// The socket of syslog.
    #[error("Syslog socket file: {} does not exists or is not a socket", path.display())]
    Syslog {
        /// Where it should be.
        path: PathBuf,
        /// What was found.
        #[source]
        error: io::Error,
    },
}

/// An open target.
pub(super) enum Sink {
    Stream(Stream),
    Syslog { datagrams: Datagrams, facility: u8 },
    Journal(Datagrams),
}

impl Sink {
    pub(super) fn open(target: &Target) -> Result<Self, NotOpened> {
        let refused = |error| NotOpened::Target { name: target.name.clone(), error };
        Ok(match &target.place {
            Place::Stdout => Self::Stream(Stream::new(Box::new(io::stdout()))),
            Place::Stderr => Self::Stream(Stream::new(Box::new(io::stderr()))),
            Place::File(path) => {
                Self::Stream(Stream::new(Box::new(append_to(path).map_err(refused)?)))
            }
            Place::Syslog { socket, facility } => {
                let refused = |error| NotOpened::Syslog { path: socket.clone(), error };
                let datagrams = Datagrams::open(socket).map_err(refused)?;
                Self::Syslog { datagrams, facility: *facility }
            }
            Place::Journal { socket } => Self::Journal(Datagrams::open(socket).map_err(refused)?),
        })
    }

    /// Takes a line; says how many are lost, it among them or before it.
    pub(super) fn put(&mut self, said: &Said, line: &[u8]) -> u64 {
        match self {
            Self::Stream(stream) => stream.put(line),
            Self::Syslog { datagrams, facility } => {
                let priority = u32::from(*facility) * 8 + u32::from(severity(said.level));
                let mut bytes = format!("<{priority}>").into_bytes();
                bytes.extend_from_slice(line);
                bytes.push(0);
                u64::from(datagrams.send(&bytes).is_err())
            }
            Self::Journal(datagrams) => {
                u64::from(datagrams.send(&journal_entry(said, line)).is_err())
            }
        }
    }

    /// Writes what waits; says how many lines are lost.
    pub(super) fn flush(&mut self) -> u64 {
        match self {
            Self::Stream(stream) => stream.flush(),
            Self::Syslog { .. } | Self::Journal(_) => 0,
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)
}

/// A file or a standard stream.
pub(super) struct Stream {
    out: Box<dyn Write + Send>,
    waiting: Vec<u8>,
    lines: u64,
    /// Whether the last write ended within a line, as on a full disk.
    is_torn: bool,
}

impl Stream {
    fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, waiting: Vec::new(), lines: 0, is_torn: false }
    }

    fn put(&mut self, line: &[u8]) -> u64 {
        let lost = if self.waiting.len() >= WAITING_MAX { self.flush() } else { 0 };
        if self.waiting.is_empty() && self.is_torn {
            self.waiting.push(b'\n');
        }
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        self.lines += 1;
        lost
    }

    fn flush(&mut self) -> u64 {
        let lines = std::mem::take(&mut self.lines);
        let written = write(&mut self.out, &self.waiting);
        let lost = match written {
            Ok(()) => 0,
            // Of a torn write, the lines that are whole may be there; they count as lost nevertheless.
            Err(_) => lines,
        };
        self.is_torn = written.is_err();
        self.waiting.clear();
        self.waiting.shrink_to(WAITING_MAX);
        lost
    }
}

fn write(out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    out.flush()
}

/// A socket that takes each line by itself.
pub(super) struct Datagrams {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Datagrams {
    fn open(path: &Path) -> io::Result<Self> {
        if !path.metadata()?.file_type().is_socket() {
            return Err(io::Error::other("it is no socket"));
        }
        Ok(Self { socket: connect(path)?, path: path.to_owned() })
    }

    /// Connects anew once: whoever listens may have been restarted.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Err(error) = self.socket.send(bytes) else { return Ok(()) };
        match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::NotConnected => {
                self.socket = connect(&self.path)?;
                self.socket.send(bytes).map(drop)
            }
            _ => Err(error),
        }
    }
}

fn connect(path: &Path) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(path)?;
    socket.set_write_timeout(Some(DATAGRAM_PATIENCE))?;
    Ok(socket)
}

/// The journal's own protocol: a field a line, as long as none holds a line end; ours do not.
fn journal_entry(said: &Said, line: &[u8]) -> Vec<u8> {
    let logger = LoggerName(said.logger);
    let severity = severity(said.level);
    let mut entry =
        format!("SYSLOG_IDENTIFIER={IDENTIFIER}\nPRIORITY={severity}\nLOGGER={logger}\nMESSAGE=")
            .into_bytes();
    entry.extend_from_slice(line);
    entry.push(b'\n');
    entry
}

/// As syslog counts, most urgent first.
fn severity(level: Level) -> u8 {
    match level {
        Level::Critical => 2,
        Level::Error => 3,
        Level::Warning => 4,
        Level::Notice => 5,
        Level::Info | Level::Msg => 6,
        Level::Debug | Level::TraceDebug | Level::HeavyDebug => 7,
    }
}
