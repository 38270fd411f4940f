//! What kind of machine this is, and where things lie on it.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where everything that is made goes, `CARGO_TARGET_DIR` respected as cargo does.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where the tools of the build go. `.cargo/config.toml` names it too, so `CARGO_TARGET_DIR` does not move it.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Whether a program is there, in `PATH` or where Debian keeps what only root uses.
pub(crate) fn has_program(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into(), "/usr/local/sbin".into()])
        .any(|dir| dir.join(name).is_file())
}
