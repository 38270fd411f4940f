//! Commands from standard input, one a line.

use std::io::{self, BufRead, Write};

use super::{Outcome, Setup, obey, print, session, usage};
use crate::config::shell_words;

const PROMPT: &str = "fail2ban> ";

/// Until `exit`, or the end of the input, which counts as a failure.
pub(super) fn run(setup: &Setup) -> Outcome {
    print("rban, in the words of fail2ban's client: help lists them, exit leaves\n");
    let mut lines = io::stdin().lock().lines();
    loop {
        let mut out = io::stdout().lock();
        // If nobody sees the prompt, nobody misses it.
        drop(out.write_all(PROMPT.as_bytes()).and_then(|()| out.flush()));
        drop(out);
        let line = match lines.next() {
            Some(Ok(line)) => line,
            Some(Err(error)) => return session::fail(setup, &error.to_string()),
            None => {
                print("");
                return session::fail(setup, "EOF when reading a line");
            }
        };
        let Some(words) = shell_words(&line) else {
            session::fail(setup, "No closing quotation");
            continue;
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words[..] {
            [] => {}
            ["exit" | "quit"] => return Outcome::Done,
            ["help"] => drop(print(&usage::usage(setup.program.name()))),
            _ => drop(obey(setup, &words)),
        }
    }
}
