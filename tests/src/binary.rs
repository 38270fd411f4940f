//! What is under test: the binary, and the XDP object within it, where cargo put them.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// The binary under test: `RBAN_BIN`, else the one that cargo put beside the tests.
///
/// # Errors
///
/// Where there is none.
pub fn program() -> Result<PathBuf> {
    if let Some(path) = env::var_os("RBAN_BIN") {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "RBAN_BIN={}: no such file", path.display());
        return Ok(path);
    }
    let profile = profile_dir()?;
    // The same profile first, then the others.
    let release = profile.with_file_name("release");
    let debug = profile.with_file_name("debug");
    let candidates = [&profile, &release, &debug].map(|dir| dir.join("rban"));
    candidates.into_iter().find(|path| path.is_file()).with_context(|| {
        format!("no rban in {}; build it (cargo build) or set RBAN_BIN", profile.display())
    })
}

/// The XDP object that is embedded in the binary: `RBAN_OBJ`, else the newest that rban's build script left behind.
///
/// # Errors
///
/// Where there is none.
pub fn object() -> Result<PathBuf> {
    if let Some(path) = env::var_os("RBAN_OBJ") {
        return Ok(path.into());
    }
    let profile = profile_dir()?;
    let mut newest = None;
    for dir in [profile.clone(), profile.with_file_name("release"), profile.with_file_name("debug")]
    {
        let Ok(builds) = fs::read_dir(dir.join("build")) else { continue };
        for build in builds {
            let object = build?.path().join("out/rban");
            if let Ok(metadata) = object.metadata()
                && metadata.is_file()
            {
                newest = newest.max(Some((metadata.modified()?, object)));
            }
        }
    }
    let (_, object) = newest.with_context(|| {
        format!("no XDP object below {}/build; build rban or set RBAN_OBJ", profile.display())
    })?;
    Ok(object)
}

/// `target/debug` of `target/debug/deps/e2e-…` and of `target/debug/lab`.
fn profile_dir() -> Result<PathBuf> {
    let me = env::current_exe()?;
    let mut dirs = me.ancestors().skip(1);
    let dir = dirs.find(|dir| dir.file_name() != Some(OsStr::new("deps")));
    Ok(dir.with_context(|| format!("{}: not in a target directory", me.display()))?.to_owned())
}
