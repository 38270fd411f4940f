//! rban at work, to be watched: a real sshd, a real guesser, and what becomes of him.
//!
//! `cargo xtask run --lab` runs it. Everything happens in two network namespaces, which are gone afterwards. Each
//! step is checked; what does not happen ends the lab with exit code 1.

use std::env;
use std::io::{IsTerminal, stdout};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::{Net, path, said};
use rban_tests::sshd::{Dates, Guess, Pam, Sshd, guess_password};
use rban_tests::traffic::{Flood, Receiver};
use rban_tests::wait::{wait_for, wait_for_some};

const MAXRETRY: usize = 5;
const BANTIME: &str = "15s";
const USAGE: &str = "usage: lab (it takes no arguments and under a minute)";

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        print(USAGE);
        return ExitCode::from(2);
    }
    match lab() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print(&format!("\nlab: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn lab() -> Result<()> {
    print(
        "rban lab: an SSH server and somebody who guesses its passwords, in two network namespaces.\n",
    );
    let lab = Lab::new()?;
    let daemon = lab.start()?;
    let outcome = lab.play();
    if outcome.is_err() {
        print(&format!("\nrban run said:\n{}", daemon.said()?));
    }
    outcome?;
    daemon.terminate()?;
    lab.leave()
}

/// The two hosts, and since when they exist.
struct Lab {
    since: Instant,
    sshd: Sshd,
    rban: Rban,
    net: Net,
}

/// When the ban was seen, and when it ends.
#[derive(Clone, Copy)]
struct Banned {
    at: Instant,
    ends: Instant,
}

impl Lab {
    fn new() -> Result<Self> {
        let since = Instant::now();
        let net = Net::pair()?;
        let sshd = Sshd::start(&net.server, Dates::Iso, Pam::No)?;
        let rban = Rban::new(&net.server)?;
        let lab = Self { since, sshd, rban, net };
        lab.tell("server", "192.0.2.1: OpenSSH, logging through rsyslog");
        lab.tell("client", "192.0.2.7 guesses passwords, 192.0.2.8 is innocent");
        Ok(lab)
    }

    /// `rban run` with its embedded default, but for a ban that is short enough to watch.
    fn start(&self) -> Result<Daemon> {
        let daemon = Daemon::start(&self.rban, &self.sshd.log(), &["--bantime", BANTIME])?.quiet();
        let status = self.rban.status()?;
        let mode =
            status["interfaces"][0]["mode"].as_str().context("no interface in rban status")?;
        self.tell(
            "rban run",
            &format!("ready on eth0 ({mode} mode), jail sshd, bantime {BANTIME}"),
        );
        let pins = self.rban.bpffs().display();
        self.tell("", &format!("pins in {pins}, for this lab only"));
        Ok(daemon)
    }

    fn play(&self) -> Result<()> {
        for n in 1..=MAXRETRY {
            self.attempt(n)?;
        }
        let banned = self.ban()?;
        self.check_vanished()?;
        self.first_drop()?;
        self.show_state()?;
        self.expiry(banned)
    }

    /// One password that is refused, and the line that sshd writes about it.
    fn attempt(&self, n: usize) -> Result<()> {
        let guess = self.guess()?;
        ensure!(guess == Guess::Denied, "attempt {n} was not answered");
        self.tell(&format!("attempt {n}"), "192.0.2.7 tries a password for root: denied");
        wait_for("the refusal in the log", || Ok(self.sshd.refusals()? >= n))?;
        let lines = self.sshd.lines()?;
        let line = lines.lines().rfind(|line| line.contains("Failed password"));
        self.tell("log", line.context("no such line")?);
        Ok(())
    }

    fn guess(&self) -> Result<Guess> {
        let (client, server) = (&self.net.client, &self.net.server);
        guess_password(client, client.v4(), server.v4(), "root")
    }

    fn ban(&self) -> Result<Banned> {
        let ban = wait_for_some("the ban", || self.rban.ban_of(self.net.client.v4()))?;
        let at = Instant::now();
        let expires_in = ban["expires_in"].as_f64().context("a ban without an end")?;
        self.tell("ban", &format!("192.0.2.7 for another {expires_in:.1} s, all traffic"));
        Ok(Banned { at, ends: at + Duration::from_secs_f64(expires_in) })
    }

    fn check_vanished(&self) -> Result<()> {
        let (client, server) = (&self.net.client, self.net.server.v4());
        ensure!(!client.ping(client.v4(), server, 3)?, "192.0.2.7 still gets answers to its pings");
        ensure!(client.ping("192.0.2.8".parse()?, server, 3)?, "192.0.2.8 gets no answer");
        self.tell("ping", "192.0.2.7 gets no answer; 192.0.2.8 does");
        ensure!(self.guess()? == Guess::Unanswered, "the server still talks to 192.0.2.7");
        self.tell(&format!("attempt {}", MAXRETRY + 1), "192.0.2.7 does not even get a connection");
        Ok(())
    }

    /// How long after the map write the first packet was dropped: the kernel's own note of it.
    fn first_drop(&self) -> Result<()> {
        let story = wait_for_some("the kernel's report of the first drop", || {
            let why = self.rban.why(self.net.client.v4())?;
            Ok(why["history"][0]["first_drop_ns"].is_u64().then_some(why))
        })?;
        let history = &story["history"][0];
        let ns =
            |name: &str| history[name].as_u64().with_context(|| format!("no {name}: {history}"));
        let (first_drop_ns, enforced_ns) = (ns("first_drop_ns")?, ns("enforced_ns")?);
        let after = first_drop_ns as i128 - enforced_ns as i128;
        self.tell("first drop", &format!("{} after the ban was in the map", shown(after)));
        let packets = self.rban.packets("drop", "v4")?;
        ensure!(packets > 0, "no drop was counted");
        self.tell("drops", &format!("{packets} packets so far"));
        Ok(())
    }

    fn show_state(&self) -> Result<()> {
        let map = self.rban.bpffs().join("bans_v4");
        let mut bpftool = Command::new("bpftool");
        bpftool.env("PATH", path()).args(["map", "dump", "pinned"]).arg(&map);
        let output = bpftool.output().context("running bpftool (package bpftool)")?;
        ensure!(output.status.success(), "bpftool: {}", said(&output));
        let dump = one_line(&String::from_utf8(output.stdout)?);
        ensure!(dump.contains("\"octets\": [192,0,2,7"), "the map does not name 192.0.2.7: {dump}");
        show(&format!("bpftool map dump pinned {}", map.display()), &dump);
        for args in [&["bans"][..], &["why", "192.0.2.7"]] {
            let text = self.rban.run(args)?;
            ensure!(text.contains("192.0.2.7"), "rban {}: {text}", args.join(" "));
            show(&format!("rban {}", args.join(" ")), &text);
        }
        print("");
        Ok(())
    }

    /// The guesser keeps sending; the kernel lets him through when the ban ends, and not before.
    fn expiry(&self, banned: Banned) -> Result<()> {
        let (client, server) = (&self.net.client, &self.net.server);
        let receiver = Receiver::start(server)?;
        let flood = Flood::start(client, client.v4(), server.v4())?;
        let left = banned.ends.saturating_duration_since(Instant::now());
        self.tell(
            "flood",
            &format!("192.0.2.7 sends without a pause; {:.1} s left", left.as_secs_f64()),
        );
        let through = || Ok(receiver.received(client.v4()) > 0);
        wait_for("the ban to end", through)?;
        let lasted = banned.at.elapsed();
        self.tell(
            "expiry",
            &format!("the kernel lets 192.0.2.7 pass, {:.1} s after the ban", lasted.as_secs_f64()),
        );
        let off = banned.ends.elapsed().max(banned.ends.saturating_duration_since(Instant::now()));
        ensure!(off < Duration::from_millis(1500), "that is {off:?} off");
        let sent = flood.end();
        let dropped = self.rban.packets("drop", "v4")?;
        self.tell("drops", &format!("{dropped} packets in all; the flood sent {sent}"));
        ensure!(client.ping(client.v4(), server.v4(), 3)?, "192.0.2.7 still gets no answer");
        ensure!(self.guess()? == Guess::Denied, "sshd still does not answer 192.0.2.7");
        self.tell("ping, ssh", "192.0.2.7 gets answers again, and its password is still wrong");
        Ok(())
    }

    /// Nothing may be left behind.
    fn leave(&self) -> Result<()> {
        self.rban.detach()?;
        ensure!(!self.rban.bpffs().exists(), "pins are left in {}", self.rban.bpffs().display());
        self.tell("detach", "rban has ended and left no pin behind");
        Ok(())
    }

    fn tell(&self, what: &str, text: &str) {
        let time = format!("{:7.3} s", self.since.elapsed().as_secs_f64());
        let (bold, plain) = if stdout().is_terminal() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        print(&format!("{time}  {bold}{what:<10}{plain}  {text}"));
    }
}

/// A command and what it printed, set in from the timeline.
fn show(command: &str, text: &str) {
    print(&format!("\n           $ {command}"));
    for line in text.trim_end().lines() {
        print(format!("             {line}").trim_end());
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace(" ]", "]")
}

/// A signed time in the unit that suits it.
fn shown(ns: i128) -> String {
    match ns.abs() {
        0..1_000_000 => format!("{} µs", ns / 1000),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

#[expect(clippy::print_stdout, reason = "its output is what the lab is for")]
fn print(line: &str) {
    println!("{line}");
}
