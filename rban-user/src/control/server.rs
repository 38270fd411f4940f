//! The answering side: the socket, and what comes in on it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::umask;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::debug;

use super::client::Client;
use super::pickle;
use super::value::{Answer, Value};
use super::wire::{CLOSE, END, Incoming};

/// Clients at a time. Others wait until one leaves.
const CLIENTS_MAX: usize = 128;

/// How long clients have to take their last answers when the daemon leaves.
const FAREWELL: Duration = Duration::from_millis(500);

/// A request's words and the place for its answer.
pub type Request = (Vec<Value>, oneshot::Sender<Answer>);

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// A daemon runs already.
    #[error("already running (pid {pid}, {socket}); stop that one first")]
    AlreadyRunning {
        /// Its process.
        pid: u32,
        /// Its socket.
        socket: PathBuf,
    },
    /// The path cannot be had.
    #[error("{socket}: cannot listen; free that path or choose another with --socket")]
    Socket {
        /// The path.
        socket: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// The socket, removed when dropped.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Listens on a socket that only its owner may open. One that a dead daemon left is replaced.
    ///
    /// # Errors
    /// Where a daemon answers there already, or something else is in the way.
    pub fn listen(path: &Path) -> Result<Self, ListenError> {
        let failed = |source| ListenError::Socket { socket: path.to_owned(), source };
        match Client::connect(path) {
            Ok(None) => {}
            Ok(Some(mut running)) => {
                let pid = running.status().map_or(0, |status| status.pid);
                return Err(ListenError::AlreadyRunning { pid, socket: path.to_owned() });
            }
            Err(error) => return Err(failed(io::Error::other(error))),
        }
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(failed(source)),
            _ => {}
        }
        let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR); // 0600 from the first moment on
        let listener = UnixListener::bind(path);
        umask(before);
        Ok(Self { listener: listener.map_err(failed)?, path: path.to_owned() })
    }

    /// Hands every request to `requests` until nobody takes them any more; then clients get what was answered, and leave.
    pub async fn run(self, requests: mpsc::Sender<Request>) {
        let mut clients = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if clients.len() < CLIENTS_MAX => match accepted {
                    Ok((stream, _)) => drop(clients.spawn(serve(stream, requests.clone()))),
                    Err(error) => debug!(%error, "a client came and went"),
                },
                Some(_) = clients.join_next() => {}
                () = requests.closed() => break,
            }
        }
        let all_gone = async { while clients.join_next().await.is_some() {} };
        // Whoever has not taken his answer by then does not want it.
        drop(tokio::time::timeout(FAREWELL, all_gone).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Somebody may have removed it already, which is all that could go wrong.
        drop(fs::remove_file(&self.path));
    }
}

async fn serve(stream: UnixStream, requests: mpsc::Sender<Request>) {
    if let Err(error) = converse(stream, requests).await {
        debug!(%error, "a client left in the middle");
    }
}

/// Answers one client until it leaves, or the daemon does.
async fn converse(mut stream: UnixStream, requests: mpsc::Sender<Request>) -> io::Result<()> {
    let mut incoming = Incoming::default();
    loop {
        match incoming.next() {
            Ok(Some(message)) if message == CLOSE => return Ok(()),
            Ok(Some(message)) => {
                let answer = respond(&message, &requests).await;
                stream.write_all(&answer).await?;
                stream.write_all(END).await?;
            }
            Ok(None) => {
                let read = tokio::select! {
                    read = stream.read_buf(incoming.room()) => read?,
                    () = requests.closed() => return Ok(()),
                };
                if read == 0 {
                    return Ok(());
                }
            }
            Err(too_long) => {
                stream.write_all(&pickle::to_complaint(&too_long.to_string())).await?;
                return stream.write_all(END).await;
            }
        }
    }
}

/// The answer to one message.
async fn respond(message: &[u8], requests: &mpsc::Sender<Request>) -> Vec<u8> {
    let words = match pickle::request(message) {
        Ok(words) => words,
        Err(error) => return pickle::to_complaint(&error.to_string()),
    };
    let (reply, answer) = oneshot::channel();
    // If the daemon is leaving, nobody answers.
    drop(requests.send((words, reply)).await);
    match answer.await {
        Ok(answer) => pickle::to_answer(&answer),
        Err(_) => pickle::to_shutdown(),
    }
}

#[cfg(test)]
mod tests;
