//! A real OpenSSH server, its log by a real rsyslog, and those who knock.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::net::{Host, said};
use crate::wait::{wait_for, wait_for_some};

const SSHD: &str = "/usr/sbin/sshd";
/// Where sshd's children lock themselves in. Its packages make it when sshd starts as a service.
const PRIVSEP_DIR: &str = "/run/sshd";

/// Gives sshd a `/dev` of its own, in which `/dev/log` is our rsyslog's socket: the machine's is left alone.
const IN_OWN_DEV: &str = r#"
dir=$1 sshd=$2
mkdir "$dir/dev"
mount -t tmpfs -o mode=755 tmpfs "$dir/dev"
for device in null zero full random urandom tty; do
    [ -e "/dev/$device" ] || continue
    : > "$dir/dev/$device"
    mount --bind "/dev/$device" "$dir/dev/$device"
done
mkdir "$dir/dev/pts"
mount --rbind /dev/pts "$dir/dev/pts"
ln -s pts/ptmx "$dir/dev/ptmx"
ln -s /proc/self/fd "$dir/dev/fd"
ln -s "$dir/log.sock" "$dir/dev/log"
mount --move "$dir/dev" /dev
exec "$sshd" -D -f "$dir/sshd_config"
"#;

/// How the log writes its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// `Nov 21 09:52:00`, as syslog ever did.
    Traditional,
    /// `2026-11-21T09:52:00.123456+00:00`, as Debian does since version 12.
    Iso,
}

/// Whether sshd asks PAM about passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pam {
    /// As distributions configure it.
    Yes,
    /// As sshd does by itself: answers at once.
    No,
}

/// A server on one host, with a log of its own; both end on drop.
#[derive(Debug)]
pub struct Sshd {
    sshd: Child,
    rsyslogd: Child,
    dir: TempDir,
}

/// What became of one password guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// The server said no.
    Denied,
    /// The server did not answer at all, or no more.
    Unanswered,
}

impl Sshd {
    /// Starts both and waits until the log says that sshd listens.
    ///
    /// # Errors
    ///
    /// Where one of the programs is missing, or does not start.
    pub fn start(host: &Host, dates: Dates, pam: Pam) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("rban-sshd-").tempdir()?;
        fs::write(dir.path().join("rsyslog.conf"), rsyslog_conf(dir.path(), dates))?;
        make_keys(dir.path())?;
        fs::DirBuilder::new().recursive(true).mode(0o755).create(PRIVSEP_DIR)?;
        fs::write(dir.path().join("sshd_config"), sshd_config(dir.path(), pam)?)?;
        let rsyslogd = start_rsyslogd(host, dir.path())?;
        let sshd = start_sshd(host, dir.path());
        let sshd = match sshd {
            Ok(sshd) => sshd,
            Err(error) => {
                end(rsyslogd);
                return Err(error);
            }
        };
        let server = Self { sshd, rsyslogd, dir };
        wait_for("sshd to say in its log that it listens", || {
            Ok(server.lines().unwrap_or_default().contains("Server listening"))
        })
        .with_context(|| format!("the programs said: {}", server.errors()))?;
        Ok(server)
    }

    /// The log file that rban is to follow.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.path().join("auth.log")
    }

    /// The private key that may log in as root.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.dir.path().join("client_key")
    }

    /// All that the log holds now.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn lines(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(self.log())?).into_owned())
    }

    /// How many refused passwords the log holds now.
    ///
    /// # Errors
    ///
    /// Where it cannot be read.
    pub fn refusals(&self) -> Result<usize> {
        Ok(self.lines()?.lines().filter(|line| line.contains("Failed password")).count())
    }

    /// Has rsyslog open its files anew, as logrotate does after it has renamed them.
    ///
    /// # Errors
    ///
    /// Where rsyslog is gone.
    pub fn reopen_log(&self) -> Result<()> {
        kill_process(Pid::from_child(&self.rsyslogd), Signal::HUP)?;
        wait_for("rsyslog to open its log anew", || Ok(self.log().exists() || self.nudge()?))?;
        Ok(())
    }

    /// rsyslog opens a file only when it has a line to write.
    fn nudge(&self) -> Result<bool> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.send_to(b"<13>logger: nudge", self.dir.path().join("log.sock"))?;
        Ok(false)
    }

    fn errors(&self) -> String {
        let read = |name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        format!("sshd: {:?}, rsyslogd: {:?}", read("sshd.stderr"), read("rsyslogd.stderr"))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        for child in [&mut self.sshd, &mut self.rsyslogd] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn end(mut child: Child) {
    drop(child.kill());
    drop(child.wait());
}

fn start_rsyslogd(host: &Host, dir: &Path) -> Result<Child> {
    let mut command = host.daemon("rsyslogd");
    command.args(["-n", "-C", "-f"]).arg(dir.join("rsyslog.conf"));
    command.arg("-i").arg(dir.join("rsyslogd.pid"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(File::create(dir.join("rsyslogd.stderr"))?);
    let mut child = command.spawn().context("starting rsyslogd")?;
    let ready = wait_for("rsyslogd (package rsyslog) to make its socket", || {
        if let Some(status) = child.try_wait()? {
            let said = fs::read_to_string(dir.join("rsyslogd.stderr"))?;
            bail!("rsyslogd: {status}: {said}");
        }
        Ok(dir.join("log.sock").exists())
    });
    if let Err(error) = ready {
        end(child);
        return Err(error);
    }
    Ok(child)
}

fn start_sshd(host: &Host, dir: &Path) -> Result<Child> {
    let mut command = host.daemon("unshare");
    command.args(["--mount", "--", "sh", "-ec", IN_OWN_DEV, "sh"]).arg(dir).arg(SSHD);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(File::create(dir.join("sshd.stderr"))?);
    command.spawn().context("starting sshd")
}

fn rsyslog_conf(dir: &Path, dates: Dates) -> String {
    let dir = dir.display();
    let template = match dates {
        Dates::Traditional => "RSYSLOG_TraditionalFileFormat",
        Dates::Iso => "RSYSLOG_FileFormat",
    };
    format!(
        r#"global(workDirectory="{dir}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{dir}/log.sock")
action(type="omfile" file="{dir}/auth.log" template="{template}")
"#
    )
}

fn sshd_config(dir: &Path, pam: Pam) -> Result<String> {
    let pam = if pam == Pam::Yes { "yes" } else { "no" };
    let dir = dir.display();
    let mut config = format!(
        "Port 22
HostKey {dir}/host_key
PidFile none
UsePAM {pam}
UseDNS no
StrictModes no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
AuthorizedKeysFile {dir}/client_key.pub
MaxStartups 100
PrintMotd no
"
    );
    // Since 9.8, sshd itself turns away who fails too often. That is not what is tested here.
    if knows(dir.to_string().as_ref(), "PerSourcePenalties=no")? {
        config.push_str("PerSourcePenalties no\n");
    }
    Ok(config)
}

fn knows(dir: &Path, option: &str) -> Result<bool> {
    let mut command = Command::new(SSHD);
    command.args(["-t", "-f", "/dev/null", "-h"]).arg(dir.join("host_key")).args(["-o", option]);
    let output = command.output().context("running sshd (package openssh-server)")?;
    Ok(output.status.success())
}

fn make_keys(dir: &Path) -> Result<()> {
    for name in ["host_key", "client_key"] {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.join(name));
        let output = command.output().context("running ssh-keygen (package openssh-client)")?;
        ensure!(output.status.success(), "ssh-keygen: {}", said(&output));
    }
    Ok(())
}

const SSH_OPTIONS: [&str; 10] = [
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
    "-oGlobalKnownHostsFile=/dev/null",
    "-oLogLevel=ERROR",
    "-oNumberOfPasswordPrompts=1",
    "-oConnectTimeout=2",
    "-oServerAliveInterval=3",
    "-oServerAliveCountMax=2",
    "-oIdentityAgent=none",
    "-T",
];

/// Tries one wrong password for `user`, from the address `from` of this host.
///
/// # Errors
///
/// Where the programs are missing, or it is let in.
pub fn guess_password(host: &Host, from: IpAddr, to: IpAddr, user: &str) -> Result<Guess> {
    let mut command = host.command("sshpass");
    command.args(["-p", "not-the-password", "ssh", "-F", "none"]).args(SSH_OPTIONS);
    command.args(["-oPreferredAuthentications=password", "-oPubkeyAuthentication=no"]);
    command.args(["-b", &from.to_string(), "-l", user, &to.to_string(), "true"]);
    let output = command.stdin(Stdio::null()).output().context("running sshpass")?;
    let text = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(5 | 255) if text.contains("Permission denied") => Ok(Guess::Denied),
        Some(5 | 255) => Ok(Guess::Unanswered),
        _ => bail!("guessing a password (packages sshpass, openssh-client): {}", said(&output)),
    }
}

/// An open session as root, in which the server prints a line every 50 ms; closed on drop.
#[derive(Debug)]
pub struct Session {
    ssh: Child,
    output: PathBuf,
}

impl Session {
    /// Logs in from the address `from` of this host, and waits for the first lines.
    ///
    /// # Errors
    ///
    /// Where it is not let in.
    pub fn open(host: &Host, server: &Sshd, from: IpAddr, to: IpAddr) -> Result<Self> {
        let output = server.dir.path().join(format!("session-{from}"));
        let mut command = host.daemon("ssh");
        command.args(["-F", "none", "-i"]).arg(server.key()).args(SSH_OPTIONS);
        command.args(["-oIdentitiesOnly=yes", "-oPreferredAuthentications=publickey"]);
        command.args(["-b", &from.to_string(), "-l", "root", &to.to_string()]);
        command.arg("while echo tick; do sleep 0.05; done");
        command.stdin(Stdio::null()).stdout(File::create(&output)?);
        command.stderr(File::create(output.with_extension("stderr"))?);
        let ssh = command.spawn().context("running ssh")?;
        let mut session = Self { ssh, output };
        wait_for_some("an SSH session that prints lines", || {
            if let Some(status) = session.ssh.try_wait()? {
                bail!(
                    "ssh: {status}: {}",
                    fs::read_to_string(session.output.with_extension("stderr"))?
                );
            }
            Ok((session.ticks()? >= 3).then_some(()))
        })?;
        Ok(session)
    }

    /// How many lines arrived so far.
    ///
    /// # Errors
    ///
    /// Where the output cannot be read.
    pub fn ticks(&self) -> Result<usize> {
        Ok(fs::read_to_string(&self.output)?.lines().count())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.ssh.kill());
        drop(self.ssh.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Net;

    /// One guess and one login, as the log tells of them.
    fn check(dates: Dates, pam: Pam, starts_with: fn(&str) -> bool) -> Result<()> {
        let net = Net::pair()?;
        let sshd = Sshd::start(&net.server, dates, pam)?;
        let (from, to) = (net.client.v4(), net.server.v4());
        assert_eq!(guess_password(&net.client, from, to, "root")?, Guess::Denied);
        wait_for("the refusal in the log", || Ok(sshd.refusals()? == 1))?;
        let log = sshd.lines()?;
        let line = log.lines().find(|line| line.contains("Failed password")).context("a line")?;
        assert!(line.contains("Failed password for root from 192.0.2.7 port "), "{line}");
        assert!(starts_with(line), "{line}");
        drop(Session::open(&net.client, &sshd, net.client.v6(), net.server.v6())?);
        wait_for("the login in the log", || {
            Ok(sshd.lines()?.contains("Accepted publickey for root from 2001:db8::7"))
        })?;
        Ok(())
    }

    #[test]
    fn guesses_and_logins_are_logged_with_traditional_dates() -> Result<()> {
        check(Dates::Traditional, Pam::No, |line| line.as_bytes()[3] == b' ')
    }

    #[test]
    fn guesses_and_logins_are_logged_with_iso_dates_and_pam() -> Result<()> {
        check(Dates::Iso, Pam::Yes, |line| line.as_bytes()[10] == b'T')
    }
}
