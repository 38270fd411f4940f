//! The packaged fail2ban as a peer: a server of its own, with one jail that watches a log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rban_tests::wait::wait_for;
use tempfile::TempDir;

/// A running server; killed on drop.
pub(crate) struct Fail2ban {
    dir: TempDir,
    child: Child,
}

const JAIL: &str = "[sshd]
enabled = true
backend = pyinotify
filter = tries
maxretry = 1
findtime = 600
bantime = 86400
logencoding = utf-8
";

impl Fail2ban {
    /// Starts it. Its action only notes in a file who is banned, which costs less than any firewall.
    pub(crate) fn start() -> Result<Self> {
        let dir = TempDir::new().context("making a directory for fail2ban")?;
        let at = dir.path().display();
        let server = format!(
            "[Definition]\nloglevel = INFO\nlogtarget = {at}/log\nsyslogsocket = auto\nsocket = {at}/sock\n\
             pidfile = {at}/pid\ndbfile = {at}/db.sqlite3\ndbpurgeage = 1d\n"
        );
        let jail = format!("{JAIL}logpath = {at}/auth.log\naction = note\n");
        let action = format!("[Definition]\nactionban = echo <ip> >> {at}/banned\n");
        let filter = "[Definition]\nfailregex = Failed password for root from <HOST> port\n";
        for folder in ["filter.d", "action.d"] {
            fs::create_dir(dir.path().join(folder)).context("making a configuration")?;
        }
        let files = [
            ("fail2ban.conf", server.as_str()),
            ("jail.conf", &jail),
            ("action.d/note.conf", &action),
            ("filter.d/tries.conf", filter),
            ("auth.log", ""),
            ("banned", ""),
        ];
        for (name, text) in files {
            fs::write(dir.path().join(name), text).context("writing a configuration")?;
        }
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "fail2ban-server", "-c"]).arg(dir.path());
        command.arg("-s").arg(dir.path().join("sock")).arg("-p").arg(dir.path().join("pid"));
        let child = command.args(["-f", "start"]).stdout(Stdio::null()).spawn();
        let started = Self { child: child.context("starting fail2ban-server")?, dir };
        wait_for("fail2ban to run its jail", || {
            Ok(client(Path::new("fail2ban-client"), &started.socket(), &["status", "sshd"]).is_ok())
        })?;
        Ok(started)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("sock")
    }

    /// Its log, to be written on.
    pub(crate) fn log(&self) -> Result<File> {
        let path = self.dir.path().join("auth.log");
        File::options().append(true).open(path).context("opening a log")
    }

    /// Whose bans its action has noted.
    pub(crate) fn banned(&self) -> Result<String> {
        fs::read_to_string(self.dir.path().join("banned")).context("reading who is banned")
    }
}

impl Drop for Fail2ban {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Asks a server by fail2ban's client, or what goes by its name.
pub(crate) fn client(program: &Path, socket: &Path, words: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.arg("-s").arg(socket).args(words);
    let output = command.stdin(Stdio::null()).output().context("running a client")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let asked = &words[..words.len().min(3)];
    ensure!(output.status.success(), "{}…: {}", asked.join(" "), said.trim());
    Ok(())
}
