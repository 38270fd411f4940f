//! `cargo xtask setup`: what stable rustc lacks for building eBPF.
//!
//! Two things: the sources of `core`, which are built for the BPF target, and `bpf-linker`. What is there already
//! is left alone, and looking takes no time, so every task may ask.

mod rust_src;

use std::fs;

use anyhow::{Context, Result};

use crate::process::{cargo, run};
use crate::{host, say};

/// The release of bpf-linker that we build with.
const BPF_LINKER: &str = "0.10.4";

/// Provisions what is missing.
pub(crate) fn setup() -> Result<()> {
    rust_src::provide()?;
    provide_bpf_linker()
}

fn provide_bpf_linker() -> Result<()> {
    let tools = host::tools();
    let installed = fs::read_to_string(tools.join(".crates.toml")).unwrap_or_default();
    if has_bpf_linker(&installed) && tools.join("bin/bpf-linker").is_file() {
        return Ok(());
    }
    say(format_args!("setup: building bpf-linker {BPF_LINKER} into {}", tools.display()));
    run(cargo()
        .args(["install", "bpf-linker", "--quiet", "--version", BPF_LINKER, "--locked", "--force"])
        .arg("--root")
        .arg(&tools)
        .env("CARGO_TERM_PROGRESS_WHEN", "never"))
    .with_context(|| {
        format!(
            "bpf-linker cannot be built; by hand: cargo install bpf-linker --version {BPF_LINKER} --locked --root {}",
            tools.display()
        )
    })
}

/// Whether cargo's record of what it installed lists our release.
fn has_bpf_linker(record: &str) -> bool {
    record.contains(&format!("\"bpf-linker {BPF_LINKER} "))
}

#[cfg(test)]
mod tests {
    use super::has_bpf_linker;

    #[test]
    fn only_our_release_of_bpf_linker_counts() {
        let record =
            |version| format!("[v1]\n\"bpf-linker {version} (registry+x)\" = [\"bpf-linker\"]\n");
        assert!(has_bpf_linker(&record("0.10.4")));
        assert!(!has_bpf_linker(&record("0.10.40")));
        assert!(!has_bpf_linker(&record("0.9.14")));
        assert!(!has_bpf_linker(""));
    }
}
