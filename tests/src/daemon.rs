//! rban as its users run it: commands, and the daemon.

use std::fs::{self, File};
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::program;
use crate::net::{Host, IFACE, ensure_bpffs, said, unique_bpffs_dir};
use crate::wait::{output, wait_for, wait_for_some};

/// rban on one host, with pins and a socket of its own. Clones are the same.
#[derive(Clone, Debug)]
pub struct Rban {
    host: Host,
    program: PathBuf,
    place: Arc<Place>,
}

/// Where an instance keeps its pins and its socket; gone on drop, and with the pins what they held.
#[derive(Debug)]
struct Place {
    bpffs: PathBuf,
    dir: TempDir,
}

/// A command that ended with an error.
#[derive(Debug)]
pub struct Refused {
    /// Its exit code.
    pub code: i32,
    /// What it said on stderr.
    pub message: String,
}

impl Rban {
    /// An instance on this host that has done nothing yet.
    ///
    /// # Errors
    ///
    /// Where the binary is missing, or bpffs.
    pub fn new(host: &Host) -> Result<Self> {
        ensure_bpffs()?;
        let dir = tempfile::Builder::new().prefix("rban-test-").tempdir()?;
        let place = Arc::new(Place { bpffs: unique_bpffs_dir(), dir });
        Ok(Self { host: host.clone(), program: program()?, place })
    }

    /// The host on which it runs.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The directory of its pins.
    #[must_use]
    pub fn bpffs(&self) -> &Path {
        &self.place.bpffs
    }

    /// The daemon's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir().join("rban.sock")
    }

    /// A directory for whatever belongs to this instance.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.place.dir.path()
    }

    /// The binary under test.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// `rban` with these arguments, on its host.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.host.command(&self.program);
        self.add_args(&mut command, args);
        command
    }

    fn add_args(&self, command: &mut Command, args: &[&str]) {
        command.args(args).stdin(Stdio::null());
        command.arg("--bpffs").arg(self.bpffs()).arg("--socket").arg(self.socket());
    }

    /// Runs `rban` with these arguments; what it printed.
    ///
    /// # Errors
    ///
    /// Where it fails, with what it said.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        let output = self.output(args)?;
        ensure!(output.status.success(), "rban {}: {}", args.join(" "), said(&output));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs `rban` with these arguments and `--json`; what it printed.
    ///
    /// # Errors
    ///
    /// Where it fails, or prints what is not one JSON value.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        let text = self.run(&[args, &["--json"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("rban {}: {text}", args.join(" ")))
    }

    /// Runs `rban` with arguments that it must refuse: one line on stderr, nothing on stdout.
    ///
    /// # Errors
    ///
    /// Where it does not, or not in that way.
    pub fn refused(&self, args: &[&str]) -> Result<Refused> {
        refused(self.command(args))
    }

    fn output(&self, args: &[&str]) -> Result<Output> {
        output(self.command(args))
    }

    /// Attaches to [`IFACE`], with maps small enough for many tests at a time.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json), like all that follow.
    pub fn attach(&self) -> Result<Value> {
        self.json(&["attach", IFACE, "--max-bans-v4", "1024", "--max-bans-v6", "1024"])
    }

    /// Detaches from [`IFACE`].
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn detach(&self) -> Result<Value> {
        self.json(&["detach", IFACE])
    }

    /// `rban ban OFFENDER ARGS…`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn ban(&self, offender: impl ToString, args: &[&str]) -> Result<Value> {
        self.json(&[&["ban", &offender.to_string()], args].concat())
    }

    /// `rban unban OFFENDER`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn unban(&self, offender: impl ToString) -> Result<Value> {
        self.json(&["unban", &offender.to_string()])
    }

    /// `rban bans`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json), or where it is no array.
    pub fn bans(&self) -> Result<Vec<Value>> {
        match self.json(&["bans"])? {
            Value::Array(bans) => Ok(bans),
            other => bail!("rban bans printed no array: {other}"),
        }
    }

    /// What `rban bans` says of one offender.
    ///
    /// # Errors
    ///
    /// As [`bans`](Self::bans).
    pub fn ban_of(&self, offender: impl ToString) -> Result<Option<Value>> {
        let offender = offender.to_string();
        Ok(self.bans()?.into_iter().find(|ban| ban["offender"] == *offender))
    }

    /// Whether `rban bans` lists this very address or prefix.
    ///
    /// # Errors
    ///
    /// As [`bans`](Self::bans).
    pub fn is_banned(&self, offender: impl ToString) -> Result<bool> {
        Ok(self.ban_of(offender)?.is_some())
    }

    /// `rban status`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn status(&self) -> Result<Value> {
        self.json(&["status"])
    }

    /// `rban why ADDR`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn why(&self, addr: IpAddr) -> Result<Value> {
        self.json(&["why", &addr.to_string()])
    }

    /// `rban panic on|off`
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json).
    pub fn panic(&self, on_or_off: &str) -> Result<Value> {
        self.json(&["panic", on_or_off])
    }

    /// Packets in one of the counters of `rban status`: `("drop", "v4")`.
    ///
    /// # Errors
    ///
    /// As [`json`](Self::json), or where there is no such counter.
    pub fn packets(&self, verdict: &str, family: &str) -> Result<u64> {
        let status = self.status()?;
        let packets = &status["counters"][verdict][family]["packets"];
        packets.as_u64().with_context(|| format!("no counter {verdict} {family} in {status}"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The last reference to the link goes with its pin, and with the link the attachment.
        drop(fs::remove_dir_all(&self.bpffs));
    }
}

/// Runs a command that must fail as rban's do: exit code 1 or 2, one line that starts with `rban: `.
///
/// # Errors
///
/// Where it does not, or not in that way.
pub fn refused(command: Command) -> Result<Refused> {
    let shown = format!("{command:?}");
    let output = output(command)?;
    let message = String::from_utf8(output.stderr)?.trim_end().to_owned();
    let code = output.status.code().with_context(|| format!("killed: {shown}"))?;
    let shown = format!("{shown}: exit {code}, stderr {message:?}");
    ensure!(code == 1 || code == 2, "should have failed with 1 or 2: {shown}");
    ensure!(output.stdout.is_empty(), "printed although it failed: {shown}");
    // Usage errors are clap's, which take several lines.
    if code == 1 {
        ensure!(message.lines().count() == 1, "should say one line: {shown}");
        ensure!(message.starts_with("rban: "), "should start with rban: {shown}");
    }
    ensure!(!message.is_empty() && !message.contains("panicked"), "{shown}");
    Ok(Refused { code, message })
}

/// What we ship as configuration, except that bans are of all traffic; made below `dir`.
///
/// # Errors
///
/// Where it cannot be written.
pub fn shipped(dir: &Path) -> Result<PathBuf> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let own = dir.join("etc");
    if !own.is_dir() {
        fs::create_dir(&own).context("making a configuration")?;
        for name in ["filter.d", "action.d", "jail.conf", "rban.conf"] {
            symlink(config.join(name), own.join(name)).context("linking what we ship")?;
        }
        let all_traffic = "[DEFAULT]\nbanaction = %(banaction_allports)s\n";
        fs::write(own.join("jail.local"), all_traffic).context("writing jail.local")?;
        // Else the memory of a fail2ban on this machine would be taken over.
        let nowhere = "[Definition]\ndbfile = :memory:\n";
        fs::write(own.join("fail2ban.conf"), nowhere).context("writing fail2ban.conf")?;
    }
    Ok(own)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// A running `rban run`; killed on drop.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    stderr: PathBuf,
    is_quiet: bool,
}

impl Daemon {
    /// Starts `rban run --iface eth0 --log LOG ARGS…` with what we ship as configuration, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// Where it ends instead, with what it said.
    pub fn start(rban: &Rban, log: &Path, args: &[&str]) -> Result<Self> {
        Self::spawn(rban, log, args)?.wait_until_ready()
    }

    /// Starts `rban run --iface eth0 -c DIR` and waits until it is ready.
    ///
    /// # Errors
    ///
    /// Where it ends instead, with what it said.
    pub fn configured(rban: &Rban, dir: &Path) -> Result<Self> {
        Self::run(rban, &["-c", text(dir)?])?.wait_until_ready()
    }

    /// As [`configured`](Self::configured), without waiting; it tells this socket when it is ready, as under systemd.
    ///
    /// # Errors
    ///
    /// Where it cannot be started at all.
    pub fn notifying(rban: &Rban, dir: &Path, socket: &Path) -> Result<Self> {
        Self::run_with(rban, &["-c", text(dir)?], |command| {
            command.env("NOTIFY_SOCKET", socket);
        })
    }

    /// Starts it without waiting.
    ///
    /// # Errors
    ///
    /// Where it cannot be started at all.
    pub fn spawn(rban: &Rban, log: &Path, args: &[&str]) -> Result<Self> {
        let config = shipped(rban.dir())?;
        Self::run(rban, &[&["-c", text(&config)?, "--log", text(log)?], args].concat())
    }

    fn run(rban: &Rban, args: &[&str]) -> Result<Self> {
        Self::run_with(rban, args, |_| {})
    }

    fn run_with(rban: &Rban, args: &[&str], with: impl FnOnce(&mut Command)) -> Result<Self> {
        let (file, stderr) = tempfile::Builder::new()
            .prefix("daemon-")
            .suffix(".stderr")
            .tempfile_in(rban.dir())?
            .keep()?;
        let mut command = rban.host.daemon(rban.program());
        let small = ["--max-bans-v4", "1024", "--max-bans-v6", "1024"];
        let small = if args.contains(&small[0]) { &small[2..] } else { &small[..] };
        let database = rban.dir().join("rban.sqlite3");
        let own = ["--logtarget", "STDERR", "--dbfile", text(&database)?];
        rban.add_args(&mut command, &[&["run", "--iface", IFACE], small, &own, args].concat());
        command.env("NO_COLOR", "1").stdout(File::create(rban.dir().join("stdout"))?).stderr(file);
        with(&mut command);
        let child = command.spawn().context("starting rban run")?;
        Ok(Self { child, stderr, is_quiet: false })
    }

    fn wait_until_ready(mut self) -> Result<Self> {
        wait_for("rban run to be ready", || {
            if let Some(status) = self.child.try_wait()? {
                bail!("rban run: {status}: {}", self.said()?);
            }
            Ok(self.said()?.contains("ready"))
        })
        .with_context(|| format!("rban run said: {}", self.said().unwrap_or_default()))?;
        Ok(self)
    }

    /// Keeps what it said to itself, where otherwise all is shown at the end (by the test harness: if the test fails).
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All that it wrote to stderr so far.
    ///
    /// # Errors
    ///
    /// Where that cannot be read.
    pub fn said(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.stderr)?).into_owned())
    }

    /// Ends it as a crash or the out-of-memory killer would.
    ///
    /// # Errors
    ///
    /// Where it had ended before.
    pub fn kill9(mut self) -> Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "rban run ended by itself: {}", self.said()?);
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end, as systemd does; how long that took.
    ///
    /// # Errors
    ///
    /// Where it does not end, or not with success.
    pub fn terminate(mut self) -> Result<Duration> {
        let start = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = wait_for_some("rban run to end on SIGTERM", || Ok(self.child.try_wait()?))?;
        ensure!(status.success(), "rban run ended with {status}: {}", self.said()?);
        Ok(start.elapsed())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if !self.is_quiet {
            show(&self.said().unwrap_or_default());
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test harness shows it beside a failure")]
fn show(said: &str) {
    eprintln!("rban run said:\n{said}");
}
