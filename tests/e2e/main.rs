//! Real daemons, real packets, a real OpenSSH server: what an admin sees.
//!
//! Every test makes its own hosts, server, pins and socket, so that all can run at a time.

mod bans_a_guesser;
mod by_hand;
mod cli;
mod cli_errors;
mod client_bans;
mod client_commands;
mod client_effects;
mod client_log;
mod client_memory;
mod client_newer;
mod client_programs;
mod client_reload;
mod client_wire;
mod client_world;
mod commands;
mod configured;
mod detaches;
mod drops_everything;
mod firewalls;
mod journal;
mod kills;
mod lifecycle;
mod modes;
mod rotation;
mod safety;
mod servers;
mod sources;
mod survives_kill;
mod takes_over;
mod with_daemon;

use std::net::IpAddr;

use anyhow::{Result, ensure};

use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::Net;
use rban_tests::sshd::{Dates, Guess, Pam, Sshd, guess_password};
use rban_tests::traffic::{By, Echo, answers};
use rban_tests::wait::wait_for;

/// Who gets banned here, and who never does.
const BANNED: [&str; 2] = ["192.0.2.7", "2001:db8::7"];
const INNOCENT: [&str; 2] = ["192.0.2.8", "2001:db8::8"];

/// A server with rban on it that has done nothing yet, and a client.
struct World {
    rban: Rban,
    net: Net,
}

impl World {
    fn new() -> Result<Self> {
        let net = Net::pair()?;
        let rban = Rban::new(&net.server)?;
        Ok(Self { rban, net })
    }

    /// With the dropper attached, without a daemon, and somebody to answer.
    fn attached() -> Result<(Self, Echo)> {
        let world = Self::new()?;
        world.rban.attach()?;
        let echo = Echo::start(&world.net.server)?;
        Ok((world, echo))
    }

    /// The server's address of the same family.
    fn server(&self, like: IpAddr) -> IpAddr {
        if like.is_ipv4() { self.net.server.v4() } else { self.net.server.v6() }
    }

    fn answers(&self, by: By, from: IpAddr) -> Result<bool> {
        answers(&self.net.client, by, from, self.server(from))
    }

    /// Fails unless the server answers this source by every means.
    fn check_flows(&self, from: &str) -> Result<()> {
        for by in By::ALL {
            ensure!(self.answers(by, from.parse()?)?, "{from} gets no answer by {by:?}");
        }
        Ok(())
    }

    /// Fails unless the server answers this source by no means.
    fn check_vanishes(&self, from: &str) -> Result<()> {
        for by in By::ALL {
            ensure!(!self.answers(by, from.parse()?)?, "{from} gets an answer by {by:?}");
        }
        Ok(())
    }

    /// A server whose sshd logs to a file that `rban run` follows.
    fn guarded(self, dates: Dates, pam: Pam, args: &[&str]) -> Result<Guarded> {
        let sshd = Sshd::start(&self.net.server, dates, pam)?;
        let daemon = Daemon::start(&self.rban, &sshd.log(), args)?;
        Ok(Guarded { daemon: Some(daemon), sshd, world: self })
    }
}

/// A world with an SSH server that rban guards.
struct Guarded {
    daemon: Option<Daemon>,
    sshd: Sshd,
    world: World,
}

impl Guarded {
    /// With maxretry 5 and nothing else out of the ordinary.
    fn new(args: &[&str]) -> Result<Self> {
        World::new()?.guarded(Dates::Traditional, Pam::No, args)
    }

    fn rban(&self) -> &Rban {
        &self.world.rban
    }

    fn daemon(&mut self) -> Daemon {
        self.daemon.take().expect("a daemon that was not taken before")
    }

    /// Starts `rban run` again, on the same log.
    fn restart(&mut self, args: &[&str]) -> Result<()> {
        self.daemon = Some(Daemon::start(&self.world.rban, &self.sshd.log(), args)?);
        Ok(())
    }

    fn guess(&self, from: &str, user: &str) -> Result<Guess> {
        let from = from.parse()?;
        guess_password(&self.world.net.client, from, self.world.server(from), user)
    }

    /// So many wrong passwords for root, all of them refused by the server.
    fn fail(&self, from: &str, times: u32) -> Result<()> {
        for time in 1..=times {
            let guess = self.guess(from, "root")?;
            ensure!(guess == Guess::Denied, "guess {time} of {times} from {from}: {guess:?}");
        }
        Ok(())
    }

    /// Waits until the daemon has counted so many failures.
    fn wait_for_failures(&self, total: u64) -> Result<()> {
        wait_for(&format!("rban to count {total} failures"), || Ok(self.failures()? >= total))?;
        let found = self.failures()?;
        ensure!(found == total, "{found} failures counted instead of {total}");
        Ok(())
    }

    fn failures(&self) -> Result<u64> {
        let status = self.rban().status()?;
        let total = status["daemon"]["jails"][0]["total_failed"].as_u64();
        total.ok_or_else(|| anyhow::anyhow!("no jail in {status}"))
    }

    fn wait_for_ban(&self, of: &str) -> Result<()> {
        wait_for(&format!("the ban of {of}"), || self.rban().is_banned(of))?;
        Ok(())
    }
}
