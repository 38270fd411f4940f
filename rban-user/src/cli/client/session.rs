//! Questions to a server, and their answers on standard output.

use std::io;
use std::time::Duration;

use super::Setup;
use super::beautify;
use super::repr;
use super::{Outcome, print};
use crate::control::client::{Client, ControlError};
use crate::control::value::{Answer, Value};

/// How long a command may take; `sleep` and a reload of many jails are slow.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);

/// How long a server that runs may take to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The server was not reached, or left; in fail2ban's words.
#[derive(Debug)]
pub(super) struct Unreached {
    /// Just the error.
    pub(super) cause: String,
    /// The error, and what to do.
    pub(super) advice: String,
}

/// Asks, and prints the answer.
pub(super) fn ask(setup: &Setup, words: &[&str]) -> Outcome {
    let values: Vec<Value> = words.iter().map(|word| Value::Text((*word).to_owned())).collect();
    match send(setup, &values, COMMAND_TIMEOUT) {
        Ok(answer) => show(setup, words, &answer),
        Err(unreached) => fail(setup, &unreached.advice),
    }
}

/// Asks whether the server answers in time.
pub(super) fn ping(setup: &Setup, timeout: Option<&str>) -> Outcome {
    let mut words = vec![Value::Text("ping".to_owned())];
    let timeout = match timeout.map(str::parse) {
        None => COMMAND_TIMEOUT,
        Some(Ok(seconds)) if seconds > 0.0 => {
            words.push(Value::Float(seconds));
            Duration::try_from_secs_f64(seconds).unwrap_or(COMMAND_TIMEOUT)
        }
        Some(_) => {
            let found = repr::quoted(timeout.unwrap_or_default());
            return fail(setup, &format!("could not convert string to float: {found}"));
        }
    };
    match send(setup, &words, timeout) {
        Ok(answer) => show(setup, &["ping"], &answer),
        Err(unreached) => fail(setup, &unreached.cause),
    }
}

/// Whether a server answers at all.
pub(super) fn answers(setup: &Setup) -> Result<(), Unreached> {
    send(setup, &[Value::Text("ping".to_owned())], PING_TIMEOUT).map(drop)
}

/// Prints an answer; a refusal is told on standard error as well.
pub(super) fn show(setup: &Setup, words: &[&str], answer: &Answer) -> Outcome {
    match answer {
        Ok(value) => print(&beautify::value(words, value, setup.lines)),
        Err(error) => {
            setup.says.error(&format!("NOK: {}", repr::args(error)));
            print(&beautify::error(error));
            Outcome::Failed
        }
    }
}

/// One question, one answer.
pub(super) fn send(setup: &Setup, words: &[Value], timeout: Duration) -> Result<Answer, Unreached> {
    let mut client = Client::open(&setup.socket).map_err(|error| of_socket(setup, &error))?;
    client.wait_at_most(Some(timeout)).map_err(|error| of_socket(setup, &error))?;
    client.ask_words(words).map_err(|error| match error {
        ControlError::Socket { source, .. } => of_socket(setup, &source),
        other => {
            let text = crate::cli::render::chain(&other);
            Unreached { cause: text.clone(), advice: text }
        }
    })
}

fn of_socket(setup: &Setup, error: &io::Error) -> Unreached {
    let socket = setup.socket.display();
    let number = error.raw_os_error().map(|number| format!("[Errno {number}] "));
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let cause = format!("{}{text}", number.unwrap_or_default());
    match error.kind() {
        io::ErrorKind::NotFound => {
            let text = format!("Failed to access socket path: {socket}. Is fail2ban running?");
            Unreached { cause: text.clone(), advice: text }
        }
        io::ErrorKind::PermissionDenied => {
            let text = format!("Permission denied to socket: {socket}, (you must be root)");
            Unreached { cause: text.clone(), advice: text }
        }
        _ => {
            let advice = format!("[{cause}] Unable to contact server. Is it running?");
            Unreached { cause, advice }
        }
    }
}

/// Tells of an error.
pub(super) fn fail(setup: &Setup, text: &str) -> Outcome {
    setup.says.error(text);
    Outcome::Failed
}
