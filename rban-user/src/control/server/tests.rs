use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use super::*;
use crate::control::client::ControlError;
use crate::control::value::{Class, Exception};
use crate::control::{Command, OURS, Reply};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A daemon that answers each request by this, and a client who asks it.
async fn check<T: Send + 'static>(
    answer: impl Fn(Vec<Value>) -> Answer + Send + 'static,
    ask: impl FnOnce(&Path) -> T + Send + 'static,
) -> T {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/rban.sock");
    let server = Server::listen(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (sender, mut requests) = mpsc::channel(1);
    let serving = tokio::spawn(server.run(sender));
    let answering = tokio::spawn(async move {
        while let Some((words, reply)) = requests.recv().await {
            drop(reply.send(answer(words)));
        }
    });
    let socket = path.clone();
    let outcome = tokio::task::spawn_blocking(move || ask(&socket)).await.unwrap();
    answering.abort();
    serving.await.unwrap();
    assert!(!path.exists());
    outcome
}

#[tokio::test]
async fn a_question_is_answered() {
    let ours = |words: Vec<Value>| {
        assert_eq!(words[0], text(OURS));
        let Value::Text(json) = &words[1] else { panic!("{words:?}") };
        let reply = match serde_json::from_str(json).unwrap() {
            Command::UnbanAll => Reply::Unbanned(Vec::new()),
            other => Reply::Error(format!("{other:?} refused")),
        };
        Ok(Value::Text(serde_json::to_string(&reply).unwrap()))
    };
    let (first, second) = check(ours, |socket| {
        let mut client = Client::connect(socket).unwrap().unwrap();
        (client.ask(&Command::UnbanAll), client.ask(&Command::Owners))
    })
    .await;
    assert_eq!(first.unwrap(), Reply::Unbanned(Vec::new()));
    assert_eq!(second.unwrap_err().to_string(), "Owners refused");
}

#[tokio::test]
async fn words_are_answered_by_values_or_exceptions() {
    let echo = |words: Vec<Value>| match &words[..] {
        [Value::Text(first), ..] if first == "foo" => {
            Err(Exception::new(Class::Other, "Invalid command"))
        }
        _ => Ok(Value::List(words)),
    };
    let (first, second) = check(echo, |socket| {
        let mut client = Client::connect(socket).unwrap().unwrap();
        (client.ask_words(&[text("echo"), Value::Int(1)]), client.ask_words(&[text("foo")]))
    })
    .await;
    assert_eq!(first.unwrap(), Ok(Value::List(vec![text("echo"), Value::Int(1)])));
    assert_eq!(second.unwrap(), Err(Exception::new(Class::Other, "Invalid command")));
}

#[tokio::test]
async fn bytes_that_are_no_request_are_complained_of_and_the_next_is_answered() {
    let received = check(
        |_| Ok(text("pong")),
        |socket| {
            let mut stream = UnixStream::connect(socket).unwrap();
            let ping = pickle::to_request(&[text("ping")]);
            // The end of the first comes in two pieces.
            stream.write_all(b"cos\nsystem\n.<F2B_END_").unwrap();
            stream.write_all(b"COMMAND>").unwrap();
            stream.write_all(&[&ping[..], END, CLOSE, END].concat()).unwrap();
            let mut received = Vec::new();
            stream.read_to_end(&mut received).unwrap();
            received
        },
    )
    .await;
    let at = memchr::memmem::find(&received, END).unwrap();
    let Ok(pickle::Answered::Unreadable(reason)) = pickle::answer(&received[..at]) else {
        panic!("{received:?}");
    };
    assert!(reason.starts_with("ERROR: byte 0: instruction 0x63"), "{reason}");
    let rest = &received[at + END.len()..];
    let answered = pickle::answer(rest.strip_suffix(END).unwrap());
    assert_eq!(answered, Ok(pickle::Answered::Answer(Ok(text("pong")))));
}

#[tokio::test]
async fn who_asks_a_leaving_daemon_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sock");
    let server = Server::listen(&path).unwrap();
    let (sender, mut requests) = mpsc::channel(1);
    let serving = tokio::spawn(server.run(sender));
    let asking = tokio::task::spawn_blocking(move || {
        let mut client = Client::connect(&path).unwrap().unwrap();
        client.ask_words(&[text("ping")])
    });
    let (_, reply) = requests.recv().await.unwrap();
    drop(reply);
    drop(requests);
    assert!(matches!(asking.await.unwrap(), Err(ControlError::Stopping { .. })));
    serving.await.unwrap();
}

#[tokio::test]
async fn a_dead_daemons_socket_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rban.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    Server::listen(&path).unwrap();
}
