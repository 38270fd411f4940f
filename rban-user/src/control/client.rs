//! The asking side.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Command, MESSAGE_MAX_BYTES, Reply, Status};

/// How long an answer may take: lifting a million bans takes seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

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
    /// What came back is no answer.
    #[error("{socket}: not an answer of this version of rban")]
    Answer {
        /// Its path.
        socket: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The daemon answered something else.
    #[error("{socket}: the daemon answered another question")]
    OtherAnswer {
        /// Its path.
        socket: PathBuf,
    },
    /// The daemon refused.
    #[error("{0}")]
    Refused(String),
}

/// A daemon that answers.
pub struct Client {
    socket: PathBuf,
    stream: BufReader<UnixStream>,
}

impl Client {
    /// The daemon behind this socket; `None` where none runs: no socket, or nobody behind it.
    ///
    /// # Errors
    /// Where there is one that may not be talked to.
    pub fn connect(socket: &Path) -> Result<Option<Self>, ControlError> {
        let failed = |source| ControlError::Socket { socket: socket.to_owned(), source };
        let stream = match UnixStream::connect(socket) {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(source) => return Err(failed(source)),
        };
        stream.set_read_timeout(Some(ANSWER_TIMEOUT)).map_err(failed)?;
        Ok(Some(Self { socket: socket.to_owned(), stream: BufReader::new(stream) }))
    }

    /// Asks one question.
    ///
    /// # Errors
    /// Where no answer comes, or the answer is a refusal.
    pub fn ask(&mut self, command: &Command) -> Result<Reply, ControlError> {
        let line = self.exchange(command).map_err(|source| self.failed(source))?;
        match serde_json::from_slice(&line) {
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

    fn exchange(&mut self, command: &Command) -> io::Result<Vec<u8>> {
        let mut request = serde_json::to_vec(command)?;
        request.push(b'\n');
        self.stream.get_mut().write_all(&request)?;
        let mut line = Vec::new();
        (&mut self.stream).take(MESSAGE_MAX_BYTES).read_until(b'\n', &mut line)?;
        if line.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    }

    fn failed(&self, source: io::Error) -> ControlError {
        ControlError::Socket { socket: self.socket.clone(), source }
    }
}
