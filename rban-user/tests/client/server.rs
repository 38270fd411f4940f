//! A server with canned answers.

use std::path::Path;
use std::thread::{self, JoinHandle};

use rban::control::server::{self, Request};
use rban::control::value::{Answer, Class, Exception, Value};
use tokio::sync::{mpsc, oneshot};

/// Answers until it is stopped or dropped.
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Vec<Vec<Value>>>>,
}

impl Server {
    /// Words, joined by blanks, have these answers; all others are no command.
    pub(crate) fn start(socket: &Path, answers: Vec<(&'static str, Answer)>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entered = runtime.enter();
        let server = server::Server::listen(socket).unwrap();
        drop(entered);
        let (stop, stopped) = oneshot::channel();
        let running = thread::spawn(move || runtime.block_on(serve(server, answers, stopped)));
        Self { stop: Some(stop), running: Some(running) }
    }

    /// The requests that came.
    pub(crate) fn stop(mut self) -> Vec<Vec<Value>> {
        drop(self.stop.take());
        self.running.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            drop(running.join());
        }
    }
}

async fn serve(
    server: server::Server,
    answers: Vec<(&'static str, Answer)>,
    mut stopped: oneshot::Receiver<()>,
) -> Vec<Vec<Value>> {
    let (sender, mut requests) = mpsc::channel::<Request>(1);
    let serving = tokio::spawn(server.run(sender));
    let mut came = Vec::new();
    loop {
        tokio::select! {
            Some((words, reply)) = requests.recv() => {
                let joined: Vec<&str> = words.iter().map(text).collect();
                let joined = joined.join(" ");
                let answer = answers.iter().find(|(known, _)| *known == joined);
                let invalid = || Err(Exception::new(Class::Other, "Invalid command"));
                drop(reply.send(answer.map_or_else(invalid, |(_, answer)| answer.clone())));
                came.push(words);
            }
            _ = &mut stopped => break,
        }
    }
    drop(requests);
    serving.await.unwrap();
    came
}

fn text(word: &Value) -> &str {
    match word {
        Value::Text(text) => text,
        _ => "",
    }
}
