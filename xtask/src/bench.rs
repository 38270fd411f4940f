//! `cargo xtask bench`: whole-system figures, the peers in the same run.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::process::{command, run};
use crate::{apt, build, host, run};

/// Builds everything optimised and measures it; the bench itself writes target/bench.json.
pub(crate) fn bench(args: &[OsString]) -> Result<()> {
    if !host::is_root() {
        bail!(
            "the bench makes network namespaces, which only root may do; run: sudo -E cargo xtask bench"
        );
    }
    apt::install(apt::FOR_BENCH)?;
    let rban = build::release()?;
    let bench = build::companion("bench")?;
    run::mount_bpffs()?;
    run(command(bench).args(args).env("RBAN_BIN", rban))
}
