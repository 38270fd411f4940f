//! The programs themselves: their options, and starting a server in the background.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rban_tests::peer;
use rban_tests::wait::{output, wait_for};

use crate::client_world::{JAILS, Servers};

const USAGE: &str = "rban's client says in its own words how it is used";

#[test]
fn options_of_the_client() -> Result<()> {
    let servers = Servers::start(JAILS)?;
    servers.compare(
        &[
            "",
            "-t",
            "--test",
            "-d",
            "--dp",
            "-d -t",
            "-t status",
            "-t nonsense",
            "--str2sec 1d12h",
            "--str2sec soon",
            "--str 10m",
            "-V",
            "--version",
            "-h",
            "--help",
            "-q status door",
            "-v ping",
            "-x ping",
            "--nonsense",
            "-Z",
            "-s",
            "--timeout 5 ping",
            "--loglevel DEBUG status",
            "status -x",
            "start",
            "-s /nowhere/sock ping",
            "-s /nowhere/sock status",
        ],
        &[
            ("", USAGE),
            ("-h", USAGE),
            ("--help", USAGE),
            ("--nonsense", USAGE),
            ("-Z", USAGE),
            ("-s", USAGE),
            ("-V", "versions differ"),
            ("--version", "versions differ"),
            ("-v ping", "rban reads no more than it needs"),
            ("--str2sec soon", "rban refuses in its own words"),
        ],
    )
}

/// `rban client` and `fail2ban-server` of these words, on its host, with a configuration that leaves nothing elsewhere.
struct Own {
    servers: Servers,
}

impl Own {
    fn new() -> Result<Self> {
        let servers = Servers::prepare(JAILS)?;
        let dir = servers.directory(1);
        let shown = dir.display();
        fs::write(
            dir.join("rban.conf"),
            format!(
                "[Definition]\ndbfile = {shown}/rban.sqlite3\n[xdp]\ninterfaces = eth0\nmax_bans_v4 = 1024\nmax_bans_v6 = 1024\n"
            ),
        )?;
        symlink(servers.rbans[0].program(), dir.join("fail2ban-server"))?;
        Ok(Self { servers })
    }

    fn command(&self, program: &str, words: &[&str]) -> Command {
        let (rban, dir) = (&self.servers.rbans[0], self.servers.directory(1));
        let mut command = match program {
            "rban" => rban.host().command(rban.program()),
            other => rban.host().command(dir.join(other)),
        };
        if program == "rban" {
            command.arg("client");
        }
        command.arg("-c").arg(&dir).arg("-s").arg(dir.join("sock")).arg("-p").arg(dir.join("pid"));
        command.env("RBAN_BPFFS", rban.bpffs()).args(words);
        command
    }

    fn say(&self, words: &[&str]) -> Result<String> {
        let output = output(self.command("rban", words))?;
        let text = String::from_utf8([output.stdout, output.stderr].concat())?;
        ensure!(output.status.success(), "{words:?}: {text}");
        Ok(text)
    }

    /// What the packaged client is told.
    fn ask(&self, words: &[&str]) -> Result<String> {
        let dir = self.servers.directory(1);
        let mut command = peer::client(&dir, &dir.join("sock"));
        command.args(words);
        Ok(String::from_utf8(output(command)?.stdout)?)
    }
}

#[test]
fn a_server_started_in_the_background() -> Result<()> {
    let own = Own::new()?;
    assert_eq!(own.say(&["start"])?, "Server ready\n");
    let pid = fs::read_to_string(own.servers.directory(1).join("pid"))?;
    ensure!(own.ask(&["status"])?.contains("door, gate"));
    assert_eq!(own.ask(&["set", "door", "banip", "192.0.2.60"])?, "1\n");
    ensure!(own.say(&["restart"])?.contains("Server ready"));
    let again = fs::read_to_string(own.servers.directory(1).join("pid"))?;
    ensure!(pid != again, "the same process {pid}");
    assert_eq!(own.ask(&["get", "door", "banned"])?, "['192.0.2.60']\n");
    assert_eq!(own.say(&["stop"])?, "Shutdown successful\n");
    wait_for("the end", || Ok(!own.servers.directory(1).join("pid").exists()))?;
    Ok(())
}

#[test]
fn a_server_as_systemd_starts_it() -> Result<()> {
    let own = Own::new()?;
    let mut command = own.command("fail2ban-server", &["-xf", "start"]);
    let mut server = command.spawn().context("starting fail2ban-server")?;
    let ready = wait_for("the server", || Ok(own.ask(&["ping"])? == "Server replied: pong\n"));
    let status = own.ask(&["status"]);
    let stopped = own.ask(&["stop"]);
    if ready.is_err() {
        server.kill()?;
    }
    let ended = server.wait()?;
    ready?;
    ensure!(status?.contains("door, gate") && stopped?.contains("Shutdown successful"));
    ensure!(ended.success(), "{ended}");
    Ok(())
}
