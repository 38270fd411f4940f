//! The asking side: of rban's daemon, or of any server that speaks fail2ban's protocol.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::pickle::{self, Answered, PickleError};
use super::value::{Answer, Value};
use super::wire::{CLOSE, END, Incoming};
use super::{Command, OURS, Reply, Status};

/// How long an answer may take: lifting a million bans takes seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// As much as is read at a time.
const PIECE_BYTES: usize = 64 << 10;

/// The daemon did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket does not work.
    #[error("{socket}")]
    Socket {
        /// Its path.
        socket: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// What came back is no message of fail2ban's protocol.
    #[error(
        "{socket}: not an answer; stop what listens there, or name another socket with --socket"
    )]
    Message {
        /// Its path.
        socket: PathBuf,
        /// What is wrong with it.
        source: PickleError,
    },
    /// What came back is no answer of rban.
    #[error("{socket}: not an answer of this version of rban; restart the daemon")]
    Answer {
        /// Its path.
        socket: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The daemon answered something else.
    #[error("{socket}: the daemon answered another question; restart it")]
    OtherAnswer {
        /// Its path.
        socket: PathBuf,
    },
    /// The daemon is about to leave.
    #[error("{socket}: the daemon is stopping; ask again once it runs")]
    Stopping {
        /// Its path.
        socket: PathBuf,
    },
    /// The daemon refused.
    #[error("{0}")]
    Refused(String),
}

/// A server that answers.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    stream: UnixStream,
}

impl Client {
    /// The server behind this socket; `None` where none runs: no socket, or nobody behind it.
    ///
    /// # Errors
    /// Where there is one that may not be talked to.
    pub fn connect(socket: &Path) -> Result<Option<Self>, ControlError> {
        match Self::open(socket) {
            Ok(client) => Ok(Some(client)),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(ControlError::Socket { socket: socket.to_owned(), source }),
        }
    }

    /// The server behind this socket.
    ///
    /// # Errors
    /// Where there is none, or it may not be talked to.
    pub fn open(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self { socket: socket.to_owned(), stream })
    }

    /// How long an answer may take from now on; `None` = as long as it takes.
    ///
    /// # Errors
    /// A time of zero.
    pub fn wait_at_most(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)
    }

    /// Asks a question of fail2ban's protocol.
    ///
    /// # Errors
    /// Where no answer comes. A refusal is an answer.
    pub fn ask_words(&mut self, words: &[Value]) -> Result<Answer, ControlError> {
        let message = self.exchange(&pickle::to_request(words));
        let message = message.map_err(|source| self.failed(source))?;
        match pickle::answer(&message) {
            Ok(Answered::Answer(answer)) => Ok(answer),
            Ok(Answered::ShuttingDown) => {
                Err(ControlError::Stopping { socket: self.socket.clone() })
            }
            Ok(Answered::Unreadable(reason)) => Err(ControlError::Refused(reason)),
            Err(source) => Err(ControlError::Message { socket: self.socket.clone(), source }),
        }
    }

    /// Asks one question of rban's own.
    ///
    /// # Errors
    /// Where no answer comes, or the answer is a refusal.
    pub fn ask(&mut self, command: &Command) -> Result<Reply, ControlError> {
        let malformed = |source| ControlError::Answer { socket: self.socket.clone(), source };
        let json = serde_json::to_string(command).map_err(malformed)?;
        let json = match self.ask_words(&[Value::Text(OURS.to_owned()), Value::Text(json)])? {
            Ok(Value::Text(json)) => json,
            Ok(_) => return Err(self.other_answer()),
            Err(error) => return Err(ControlError::Refused(error.to_string())),
        };
        match serde_json::from_str(&json) {
            Ok(Reply::Error(text)) => Err(ControlError::Refused(text)),
            Ok(reply) => Ok(reply),
            Err(source) => Err(ControlError::Answer { socket: self.socket.clone(), source }),
        }
    }

    /// Asks for the daemon's status.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn status(&mut self) -> Result<Status, ControlError> {
        match self.ask(&Command::Status)? {
            Reply::Status(status) => Ok(status),
            _ => Err(self.other_answer()),
        }
    }

    /// The error that the answer does not fit the question.
    #[must_use]
    pub fn other_answer(&self) -> ControlError {
        ControlError::OtherAnswer { socket: self.socket.clone() }
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.write_all(request)?;
        self.stream.write_all(END)?;
        let mut incoming = Incoming::default();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match self.stream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => incoming.room().extend(&piece[..read]),
            }
            if let Some(message) = incoming.next().map_err(io::Error::other)? {
                return Ok(message);
            }
        }
    }

    fn failed(&self, source: io::Error) -> ControlError {
        ControlError::Socket { socket: self.socket.clone(), source }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server that is gone needs no farewell.
        drop(self.stream.write_all(&[CLOSE, END].concat()));
    }
}
