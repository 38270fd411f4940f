//! Others than aya must be able to load the object and to read its maps: whoever debugs it has bpftool.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use rban_common::abi;
use rban_tests::binary::object;
use rban_tests::net::{ensure_bpffs, path, said, unique_bpffs_dir};
use rban_tests::packet::Packet;
use rban_tests::xdp::{Dropper, forever};

use crate::Quiet;

/// The directory that bpftool pins into; gone on drop.
struct Pins(PathBuf);

impl Drop for Pins {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn bpftool(args: &[&str]) -> Result<String> {
    let mut command = Command::new("bpftool");
    let output = command
        .env("PATH", path())
        .args(args)
        .output()
        .context("running bpftool (package bpftool)")?;
    ensure!(output.status.success(), "bpftool {}: {}", args.join(" "), said(&output));
    Ok(String::from_utf8(output.stdout)?)
}

/// Loads the object by libbpf and pins its maps in a directory of ours, with this one of its programs as `prog`.
fn load(program: &str) -> Result<Pins> {
    ensure_bpffs()?;
    let object = object()?;
    let pins = Pins(unique_bpffs_dir());
    fs::create_dir(&pins.0)?;
    let (programs, maps) = (pins.0.join("programs"), pins.0.clone());
    bpftool(&[
        "prog",
        "loadall",
        text(&object)?,
        text(&programs)?,
        "type",
        "xdp",
        "pinmaps",
        text(&maps)?,
    ])?;
    fs::rename(programs.join(program), pins.0.join("prog"))
        .with_context(|| format!("the object has no program {program}"))?;
    Ok(pins)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is no text")
}

/// The dump of a map with one entry: that entry, as bpftool formats it by the map's BTF.
fn only_entry(dir: &Path, map: &str) -> Result<Value> {
    let dump = bpftool(&["-j", "map", "dump", "pinned", text(&dir.join(map))?])?;
    let dump: Value = serde_json::from_str(&dump)?;
    let entries = dump.as_array().context("an array")?;
    ensure!(entries.len() == 1, "{map}: {dump}");
    let entry = entries[0]["formatted"].clone();
    ensure!(entry.is_object(), "{map}: no BTF, so no field names: {dump}");
    Ok(entry)
}

#[track_caller]
fn check_ban(dump: &Value, octets: &[u8], dropped: u64) {
    assert_eq!(dump["key"]["octets"], Value::from(octets), "{dump}");
    let ban = &dump["value"];
    assert_eq!(ban["expires_ns"], u64::MAX, "{dump}");
    assert_eq!(ban["scopes"], 1u64 << 63, "{dump}");
    assert_eq!(ban["dropped"], dropped, "{dump}");
    assert!(ban["last_drop_ns"].is_u64(), "{dump}");
}

/// Every map's dump must name the fields.
fn check_dumps(dir: &Path) -> Result<()> {
    let mut xdp = Dropper::open(dir)?;
    let v6 = "2001:db8::7".parse::<std::net::Ipv6Addr>()?.octets();
    xdp.ban("192.0.2.7", forever())?;
    xdp.ban("2001:db8::7", forever())?;
    xdp.ban("192.0.2.0/24", forever())?;
    xdp.ban("2001:db8::/32", forever())?;
    assert!(xdp.is_dropped(&Packet::from("192.0.2.7").bytes())?);
    check_ban(&only_entry(dir, abi::BANS_V4)?, &[192, 0, 2, 7], 1);
    check_ban(&only_entry(dir, abi::BANS_V6)?, &v6, 0);
    let net_v4 = only_entry(dir, abi::NETS_V4)?;
    check_ban(&net_v4, &[192, 0, 2, 0], 0);
    assert_eq!(net_v4["key"]["prefix_len"], 24);
    let net_v6 = only_entry(dir, abi::NETS_V6)?;
    let first: Vec<u8> =
        [0x20, 0x01, 0x0d, 0xb8].into_iter().chain(iter::repeat_n(0, 12)).collect();
    check_ban(&net_v6, &first, 0);
    assert_eq!(net_v6["key"]["prefix_len"], 32);
    let settings = only_entry(dir, abi::SETTINGS)?;
    for field in
        ["abi", "monitor", "panic", "v6_prefix", "nets_v4_lens", "allow_generation", "tick_ns"]
    {
        assert!(!settings["value"][field].is_null(), "{field} in {settings}");
    }
    let counters = bpftool(&["-j", "map", "dump", "pinned", text(&dir.join(abi::COUNTERS))?])?;
    assert!(counters.contains("\"packets\""), "{counters}");
    Ok(())
}

#[test]
fn libbpf_loads_the_object_and_its_maps_have_field_names() -> Result<()> {
    let pins = load("rban")?;
    let dump = bpftool(&["-j", "prog", "show", "pinned", text(&pins.0.join("prog"))?])?;
    let program: Value = serde_json::from_str(&dump)?;
    assert_eq!(program["type"], "xdp", "{program}");
    assert_eq!(program["gpl_compatible"], true, "{program}");
    for map in abi::MAPS {
        ensure!(pins.0.join(map).exists(), "libbpf made no map {map}");
    }
    check_dumps(&pins.0)
}

#[test]
fn the_program_for_older_kernels_judges_the_same() -> Result<()> {
    let pins = load("rban_linear")?;
    let mut xdp = Dropper::open(&pins.0)?;
    // By libbpf, the settings are all zero.
    xdp.set(|settings| settings.v6_prefix = 128)?;
    crate::random::check(&mut xdp, 200_000)
}

#[test]
fn the_maps_that_rban_makes_have_field_names() -> Result<()> {
    let quiet = Quiet::new()?;
    check_dumps(quiet.rban.bpffs())
}

#[test]
fn the_object_declares_both_licences() -> Result<()> {
    let object = fs::read(object()?)?;
    let licence = b"Dual MIT/GPL\0";
    assert!(object.windows(licence.len()).any(|window| window == licence));
    Ok(())
}
