//! Logs as hosts have them that somebody attacks: generated, the same for the same seed.
//!
//! Messages are written from what the services write; names, paths and other text of clients are hostile now and then.

mod date;
mod hostile;
mod message;

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan as _};

pub use date::Date;
pub use message::Service;

use crate::random::Random;

/// So many sessions of a service are open at any time.
const SESSIONS: usize = 20;

/// Begins shortly before the clocks go forward in Europe.
const START: DateTime = DateTime::constant(2026, 3, 29, 0, 30, 0, 0);

/// Writes logs.
#[derive(Clone, Debug)]
pub struct Mill {
    random: Random,
    now: DateTime,
    /// Lines of others, of which some are mixed in, changed.
    samples: Vec<Vec<u8>>,
    open: Vec<Session>,
}

/// What is still to be written of a session.
#[derive(Clone, Debug)]
struct Session {
    service: Service,
    client: Client,
    /// Last message first.
    messages: Vec<&'static str>,
}

/// Who talks to a service.
#[derive(Clone, Debug)]
struct Client {
    addr: String,
    user: String,
    port: usize,
    pid: usize,
}

impl Mill {
    /// Begins at a seed; `samples` are lines of other logs, of which some are mixed in, changed.
    #[must_use]
    pub fn new(seed: u64, samples: Vec<Vec<u8>>) -> Self {
        Self { random: Random::new(seed), now: START, samples, open: Vec::new() }
    }

    /// A log of so many lines: mostly of one service, some of others, some hostile.
    pub fn mixed(&mut self, service: Service, lines: usize) -> Vec<u8> {
        let mut log = Vec::new();
        for _ in 0..lines {
            let mut line = if self.samples.is_empty() || !self.random.one_in(4) {
                let service =
                    if self.random.one_in(8) { self.random.of(&Service::ALL) } else { service };
                self.line(service, Tone::Hostile).into_bytes()
            } else {
                self.sample()
            };
            if self.random.one_in(12) {
                hostile::mutate(&mut line, &mut self.random);
            }
            line.retain(|byte| *byte != b'\n');
            log.extend_from_slice(&line);
            log.push(b'\n');
        }
        log
    }

    /// A log of so many lines of sshd's, nearly all of which a filter looks at closely, sessions and all.
    pub fn sshd(&mut self, lines: usize) -> Vec<u8> {
        let mut log = Vec::new();
        for _ in 0..lines {
            log.extend_from_slice(self.line(Service::Sshd, Tone::Plain).as_bytes());
            log.push(b'\n');
        }
        log
    }

    /// An access log of so many lines, one in 200 of which asks for what robots look for.
    pub fn access(&mut self, lines: usize) -> Vec<u8> {
        let mut log = Vec::new();
        for number in 0..lines {
            let service = if number % 200 == 100 { Service::Probe } else { Service::Access };
            log.extend_from_slice(self.line(service, Tone::Plain).as_bytes());
            log.push(b'\n');
        }
        log
    }

    /// The next line of some session of the service.
    fn line(&mut self, service: Service, tone: Tone) -> String {
        let of_service = self.open.iter().filter(|it| it.service == service).count();
        if of_service < SESSIONS {
            let session = self.session(service, tone);
            self.open.push(session);
        }
        let of_service = self.open.iter().enumerate().filter(|(_, it)| it.service == service);
        let of_service: Vec<usize> = of_service.map(|(at, _)| at).collect();
        let at = self.random.of(&of_service);
        let session = &mut self.open[at];
        let message = session.messages.pop().expect("sessions without messages are removed");
        let client = session.client.clone();
        if session.messages.is_empty() {
            self.open.swap_remove(at);
        }
        if self.random.one_in(3) {
            let gap_max = if self.random.one_in(500) { 7_200 } else { 4 };
            let gap = self.random.below(gap_max);
            self.now =
                self.now.checked_add((gap as i64).seconds()).expect("years away from the end");
        }
        let form = match tone {
            Tone::Hostile if self.random.one_in(10) => self.random.of(&Date::ALL),
            _ => service.date(),
        };
        let micros = SignedDuration::from_micros(self.random.below(1_000_000) as i64);
        let date = form.written(self.now.checked_add(micros).expect("years away from the end"));
        let mut line = String::new();
        let (before, after) = service.around_date();
        write!(line, "{before}{date}{after}").expect("strings take all");
        line.push_str(message);
        self.filled(&line, &client)
    }

    fn session(&mut self, service: Service, tone: Tone) -> Session {
        let scripts = service.scripts();
        let mut messages = self.random.of(scripts).to_vec();
        messages.reverse();
        let random = &mut self.random;
        let hostile = tone == Tone::Hostile && random.one_in(4);
        let client = Client {
            addr: if hostile { hostile::address(random) } else { hostile::plain_address(random) },
            user: if hostile { hostile::text(random) } else { random.of(&USERS).to_owned() },
            port: 1_024 + random.below(60_000),
            pid: 300 + random.below(30_000),
        };
        Session { service, client, messages }
    }

    /// A message with its places filled in, each once: what a client wrote is not looked at again.
    fn filled(&mut self, message: &str, client: &Client) -> String {
        let mut line = String::with_capacity(message.len() + 64);
        let mut rest = message;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').expect("messages close what they open");
            line.push_str(before);
            match place {
                "addr" => line.push_str(&client.addr),
                "user" => line.push_str(&client.user),
                "port" => write!(line, "{}", client.port).expect("strings take all"),
                "pid" => write!(line, "{}", client.pid).expect("strings take all"),
                "path" => line.push_str(self.random.of(&PATHS)),
                "agent" => line.push_str(self.random.of(&AGENTS)),
                "size" => {
                    write!(line, "{}", self.random.below(90_000)).expect("strings take all");
                }
                place => unreachable!("{place}: no such place in a message"),
            }
            rest = after;
        }
        line.push_str(rest);
        line
    }

    /// A line of another log, perhaps at another date, of another address, or with another's end.
    fn sample(&mut self) -> Vec<u8> {
        let random = &mut self.random;
        let at = random.below(self.samples.len());
        let mut line = self.samples[at].clone();
        if random.one_in(3) {
            let other = &self.samples[random.below(self.samples.len())];
            hostile::splice(&mut line, other, random);
        }
        if random.one_in(2) {
            hostile::readdress(&mut line, random);
        }
        line
    }
}

/// How clients talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Hostile,
}

const USERS: [&str; 12] = [
    "root",
    "admin",
    "test",
    "oracle",
    "ubuntu",
    "postgres",
    "git",
    "ftpuser",
    "pi",
    "user@example.com",
    "alice",
    "bob",
];

const PATHS: [&str; 8] = [
    "/",
    "/index.html",
    "/img/logo.png",
    "/css/site.css?v=3",
    "/api/v1/items?id=17",
    "/blog/2026/03/",
    "/favicon.ico",
    "/robots.txt",
];

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    "curl/8.5.0",
    "-",
];
