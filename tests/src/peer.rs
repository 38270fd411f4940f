//! Debian's `fail2ban-server`, with a socket, a process id file and a database of its own; and its client.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::net::Host;
use crate::wait::{wait_for, wait_for_some};

const SERVER: &str = "/usr/bin/fail2ban-server";
const CLIENT: &str = "/usr/bin/fail2ban-client";

/// A running server; ended on drop.
#[derive(Debug)]
pub struct Fail2ban {
    child: Child,
    directory: PathBuf,
}

impl Fail2ban {
    /// Starts it with this directory of configuration, where also its socket is to be.
    ///
    /// # Errors
    ///
    /// Where it is not installed, or does not answer.
    pub fn start(host: &Host, directory: &Path) -> Result<Self> {
        let mut command = host.daemon(SERVER);
        command.args(own(directory)).args(["-xf", "start"]).stdin(Stdio::null());
        let said = File::create(directory.join("said"))?;
        command.stdout(said.try_clone()?).stderr(said);
        let child = command.spawn().context("starting fail2ban-server (package fail2ban)")?;
        let mut server = Self { child, directory: directory.to_owned() };
        // It says so once its jails are started.
        wait_for("fail2ban-server to be ready", || {
            if let Some(status) = server.child.try_wait()? {
                bail!("fail2ban-server: {status}");
            }
            Ok(fs::read_to_string(directory.join("said"))?.contains("Server ready"))
        })?;
        Ok(server)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.directory)
    }

    /// Ends it as a crash would.
    ///
    /// # Errors
    ///
    /// Where it cannot be killed.
    pub fn kill9(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    ///
    /// Where it does not end.
    pub fn terminate(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        wait_for_some("fail2ban-server to end", || Ok(self.child.try_wait()?))?;
        Ok(())
    }
}

impl Drop for Fail2ban {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `fail2ban-client` that reads this directory and asks at this socket; the command is to follow.
#[must_use]
pub fn client(directory: &Path, socket: &Path) -> Command {
    let mut command = Command::new(CLIENT);
    command.arg("-c").arg(directory).arg("-s").arg(socket);
    command.arg("-p").arg(directory.join("pid")).stdin(Stdio::null());
    command
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("sock")
}

fn own(directory: &Path) -> [PathBuf; 6] {
    let path = |name: &str| PathBuf::from(name);
    let pid = directory.join("pid");
    [path("-c"), directory.to_owned(), path("-s"), socket(directory), path("-p"), pid]
}
