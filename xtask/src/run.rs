//! `cargo xtask run`: the daemon on this host, or the lab.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{command, run, shown};
use crate::{apt, build, host, say};

const BPFFS: &str = "/sys/fs/bpf";

/// Builds the release binary and becomes `rban run ARGS…`.
pub(crate) fn host(args: &[OsString]) -> Result<()> {
    let rban = build::release()?;
    if !host::is_root() {
        let mut by_hand = Command::new(&rban);
        by_hand.arg("run").args(args);
        bail!("rban attaches to interfaces, which only root may do; run: sudo {}", shown(&by_hand));
    }
    mount_bpffs()?;
    become_it(command(&rban).arg("run").args(args))
}

/// Builds the release binary and the lab, and becomes the lab.
pub(crate) fn lab(args: &[OsString]) -> Result<()> {
    if !host::is_root() {
        bail!(
            "the lab makes network namespaces, which only root may do; run: sudo -E cargo xtask run --lab"
        );
    }
    apt::install(apt::FOR_TESTS)?;
    let rban = build::release()?;
    let lab = build::companion("lab")?;
    mount_bpffs()?;
    become_it(command(&lab).args(args).env("RBAN_BIN", &rban))
}

/// Makes sure that there is a place to pin maps.
pub(crate) fn mount_bpffs() -> Result<()> {
    let mounts = fs::read_to_string("/proc/mounts").context("reading /proc/mounts")?;
    if is_mounted(&mounts) {
        return Ok(());
    }
    say(format_args!("mounting bpffs at {BPFFS}"));
    run(command("mount").args(["-t", "bpf", "bpf", BPFFS]))
}

fn is_mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(BPFFS) && fields.next() == Some("bpf")
    })
}

/// Replaces this process, so that signals and the exit code are the other's own.
fn become_it(command: &mut Command) -> Result<()> {
    Err(command.exec()).with_context(|| format!("starting {}", shown(command)))
}

#[cfg(test)]
mod tests {
    use super::is_mounted;

    #[test]
    fn only_a_bpf_file_system_at_its_place_counts() {
        assert!(is_mounted("sysfs /sys sysfs rw 0 0\nbpf /sys/fs/bpf bpf rw,relatime 0 0\n"));
        assert!(!is_mounted("tmpfs /sys/fs/bpf tmpfs rw 0 0\n"));
        assert!(!is_mounted("bpf /run/bpf bpf rw 0 0\n"));
        assert!(!is_mounted(""));
    }
}
