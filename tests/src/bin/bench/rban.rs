//! rban, as its users have it: the release binary, told what to do by arguments.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use rban_tests::net::{BPFFS, Host, IFACE, unique_bpffs_dir};
use rban_tests::rawprog::Program;
use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use crate::target::run;

/// How [`unique_bpffs_dir`] names its directories.
const PINS_PREFIX: &str = "rban_test_";

/// Where rban keeps what it pins, for as long as this lives.
pub(crate) struct Rban {
    bin: PathBuf,
    bpffs: PathBuf,
    dir: TempDir,
}

impl Rban {
    /// None of it running or attached yet.
    pub(crate) fn new(bin: &Path) -> Result<Self> {
        let dir = TempDir::new().context("making a directory for a socket")?;
        Ok(Self { bin: bin.to_owned(), bpffs: unique_bpffs_dir(), dir })
    }

    /// The binary with the options that keep it apart from others.
    pub(crate) fn options(&self) -> [std::ffi::OsString; 4] {
        ["--bpffs".into(), self.bpffs.clone().into(), "--socket".into(), self.socket().into()]
    }

    /// The binary.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// Attaches natively, with room for so many bans of each family.
    pub(crate) fn attach(&self, host: &Host, room: u32) -> Result<()> {
        let room = room.to_string();
        let limits = ["--max-bans-v4", &room, "--max-bans-v6", &room];
        self.ask(host, &[&["attach", IFACE, "--mode", "native"], &limits[..]].concat()).map(drop)
    }

    /// Bans what the file lists, for good unless the options say otherwise.
    pub(crate) fn ban_file(&self, host: &Host, file: &Path, options: &[&str]) -> Result<Value> {
        let file = file.to_str().context("a path in UTF-8")?;
        self.ask(host, &[&["ban", "--file", file], options].concat())
    }

    /// One of its commands in that namespace, its answer as JSON.
    pub(crate) fn ask(&self, host: &Host, args: &[&str]) -> Result<Value> {
        let mut command: Command = host.command(&self.bin);
        let answer = run(command.args(args).args(self.options()).arg("--json"))?;
        serde_json::from_str(&answer).with_context(|| format!("rban {}: {answer}", args.join(" ")))
    }

    /// How many packets of a family met this verdict.
    pub(crate) fn counted(&self, host: &Host, verdict: &str, family: &str) -> Result<u64> {
        let status = self.ask(host, &["status"])?;
        let packets = &status["counters"][verdict][family]["packets"];
        packets.as_u64().with_context(|| format!("no counter {verdict}.{family} in {status}"))
    }

    /// The XDP program that it attached.
    pub(crate) fn program(&self) -> Result<Program> {
        Program::from_pin(&self.bpffs.join("prog"))
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("rban.sock")
    }
}

impl Drop for Rban {
    fn drop(&mut self) {
        // The namespace, and with it the interface, may be gone already; what is pinned is not.
        remove_pins(&self.bpffs);
    }
}

/// Writes one address a line.
pub(crate) fn file_of(addresses: impl Iterator<Item = IpAddr>) -> Result<NamedTempFile> {
    let file = NamedTempFile::new().context("making a file of bans")?;
    let mut out = std::io::BufWriter::new(file);
    for address in addresses {
        writeln!(out, "{address}").context("writing a file of bans")?;
    }
    out.into_inner().map_err(|error| error.into_error()).context("writing a file of bans")
}

/// Removes what killed runs left pinned.
pub(crate) fn sweep() {
    let Ok(dir) = fs::read_dir(BPFFS) else { return };
    for entry in dir.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PINS_PREFIX).and_then(|rest| rest.split('_').next());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove_pins(&entry.path());
        }
    }
}

fn remove_pins(dir: &Path) {
    // Nothing there is what we want.
    drop(fs::remove_dir_all(dir));
}
