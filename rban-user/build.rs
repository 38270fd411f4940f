//! Builds the XDP program, which the library embeds: `$OUT_DIR/rban`, an ELF object for the BPF target.
//!
//! Stable rustc builds that target when it is told that it may (`RUSTC_BOOTSTRAP`), and given the sources of `core`
//! and a linker, which `cargo xtask setup` provides.

#![expect(clippy::print_stderr, reason = "this is how cargo is told what is wrong")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use aya_build::{Package, Toolchain};

/// Where setup puts the linker, and `.cargo/config.toml` looks for it.
const LINKER: &str = "target/tools/bin/bpf-linker";
/// What, besides the kernel side's own folder, goes into the object.
const INPUTS: [&str; 5] = ["rban-common", "Cargo.toml", "Cargo.lock", ".cargo/config.toml", LINKER];

fn main() -> ExitCode {
    let built = match env::var_os("RUSTC_BOOTSTRAP") {
        Some(allowed) if allowed == "1" => build(),
        _ => build_with_unstable_features(),
    };
    match built {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Starts this build script again with the environment that the build needs: setting it in place would be unsafe.
fn build_with_unstable_features() -> Result<ExitCode, String> {
    let status = env::current_exe()
        .and_then(|me| {
            Command::new(me)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TERM_QUIET", "true") // aya-build makes a warning of every line that cargo says
                .status()
        })
        .map_err(|err| format!("starting the build script again: {err}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build() -> Result<ExitCode, String> {
    let manifest_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest_dir.parent().ok_or("rban-user lies outside of its workspace")?;
    let sources = provisioned(workspace)?;
    println!("cargo::rerun-if-changed={}", sources.display());
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    println!("cargo::rerun-if-env-changed=RUSTUP_TOOLCHAIN");

    let ebpf = workspace.join("rban-ebpf");
    let package = Package {
        name: "rban-ebpf",
        root_dir: ebpf.to_str().ok_or("the path to the workspace is not UTF-8")?,
        features: if env::var_os("CARGO_FEATURE_LOG").is_some() { &["log"] } else { &[] },
        ..Package::default()
    };
    let toolchain = env::var("RUSTUP_TOOLCHAIN").unwrap_or_else(|_| "stable".to_owned());
    aya_build::build_ebpf([package], Toolchain::Custom(&toolchain))
        .map_err(|err| format!("building the XDP program: {err:#}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Whether `cargo xtask setup` was here; a file of the library's sources, which changes with the toolchain.
fn provisioned(workspace: &Path) -> Result<PathBuf, String> {
    let linker = workspace.join(LINKER);
    if !linker.is_file() {
        return Err(format!("there is no {}; run: cargo xtask setup", linker.display()));
    }
    let printed = Command::new(variable("RUSTC")?)
        .args(["--print", "sysroot"])
        .output()
        .map_err(|err| format!("asking rustc for its sysroot: {err}"))?;
    let sysroot = String::from_utf8_lossy(&printed.stdout);
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock");
    if !sources.is_file() {
        return Err(format!("there is no {}; run: cargo xtask setup", sources.display()));
    }
    Ok(sources)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|err| format!("{name}: {err}"))
}
