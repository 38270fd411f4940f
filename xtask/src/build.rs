//! `cargo xtask build`: the `rban` binary.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run};
use crate::{host, setup};

/// Builds `rban` for development; returns where it lies.
pub(crate) fn dev() -> Result<PathBuf> {
    setup::setup()?;
    run(cargo().args(["build", "--package", "rban-user"]))?;
    Ok(host::target().join("debug/rban"))
}

/// Builds `rban` as it is shipped; returns where it lies.
pub(crate) fn release() -> Result<PathBuf> {
    setup::setup()?;
    run(cargo().args(["build", "--release", "--package", "rban-user"]))?;
    Ok(host::target().join("release/rban"))
}

/// Builds one of the programs of `rban-tests`, optimised; returns where it lies.
pub(crate) fn companion(name: &str) -> Result<PathBuf> {
    run(cargo().args(["build", "--release", "--package", "rban-tests", "--bin", name]))?;
    Ok(host::target().join("release").join(name))
}
