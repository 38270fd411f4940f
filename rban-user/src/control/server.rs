//! The answering side: the socket, and what comes in on it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::client::Client;
use super::{Command, MESSAGE_MAX_BYTES, Reply};

/// A request and the place for its answer.
pub type Request = (Command, oneshot::Sender<Reply>);

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

    /// Hands every request to `requests` until nobody takes them any more.
    pub async fn run(self, requests: mpsc::Sender<Request>) {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let requests = requests.clone();
                        tokio::spawn(async move {
                            if let Err(error) = converse(stream, requests).await {
                                debug!(%error, "a client left in the middle");
                            }
                        });
                    }
                    Err(error) => debug!(%error, "a client came and went"),
                },
                () = requests.closed() => return,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Somebody may have removed it already, which is all that could go wrong.
        drop(fs::remove_file(&self.path));
    }
}

/// Answers one client until it leaves.
async fn converse(mut stream: UnixStream, requests: mpsc::Sender<Request>) -> io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(MESSAGE_MAX_BYTES).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let reply = match serde_json::from_slice(&line) {
            Ok(command) => answer(command, &requests).await,
            Err(error) => Reply::Error(format!("not a request: {error}")),
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        writer.write_all(&text).await?;
    }
}

async fn answer(command: Command, requests: &mpsc::Sender<Request>) -> Reply {
    let (sender, receiver) = oneshot::channel();
    let sent = requests.send((command, sender)).await.is_ok();
    match receiver.await {
        Ok(reply) if sent => reply,
        _ => Reply::Error("the daemon is stopping".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_question_is_answered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/rban.sock");
        let server = Server::listen(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (sender, mut requests) = mpsc::channel(1);
        let serving = tokio::spawn(server.run(sender));
        let socket = path.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let mut client = Client::connect(&socket).unwrap().unwrap();
            (client.ask(&Command::UnbanAll), client.ask(&Command::Owners))
        });
        for _ in 0..2 {
            let (command, reply) = requests.recv().await.unwrap();
            let answer = match command {
                Command::UnbanAll => Reply::Unbanned(Vec::new()),
                other => Reply::Error(format!("{other:?} refused")),
            };
            reply.send(answer).unwrap();
        }
        let (first, second) = asking.await.unwrap();
        assert_eq!(first.unwrap(), Reply::Unbanned(Vec::new()));
        assert_eq!(second.unwrap_err().to_string(), "Owners refused");
        drop(requests);
        serving.await.unwrap();
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_dead_daemons_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rban.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        Server::listen(&path).unwrap();
    }
}
