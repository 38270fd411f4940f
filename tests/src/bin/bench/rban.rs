//! What the measures ask of rban beyond what tests do: room for many bans, and files of them.

use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use rban_tests::daemon::Rban;
use rban_tests::net::{BPFFS, Host, IFACE};
use rban_tests::rawprog::Program;
use serde_json::Value;
use tempfile::NamedTempFile;

/// How the directories of pins that tests and benches make are named; the process id follows.
const PINS_PREFIX: &str = "rban_test_";

/// rban on this host, attached natively, with room for so many bans of each family.
pub(crate) fn attach(host: &Host, room: u32) -> Result<Rban> {
    let (rban, room) = (Rban::new(host)?, room.to_string());
    let limits = ["--max-bans-v4", &room, "--max-bans-v6", &room];
    rban.json(&[&["attach", IFACE, "--mode", "native"], &limits[..]].concat())?;
    Ok(rban)
}

/// Bans what the file lists, for good unless the options say otherwise.
pub(crate) fn ban_file(rban: &Rban, file: &Path, options: &[&str]) -> Result<Value> {
    let file = file.to_str().context("a path in UTF-8")?;
    rban.json(&[&["ban", "--file", file], options].concat())
}

/// The XDP program that it attached.
pub(crate) fn program(rban: &Rban) -> Result<Program> {
    Program::from_pin(&rban.bpffs().join("prog"))
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
            // Whoever else sweeps at this moment does the same.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
