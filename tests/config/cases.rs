//! The small directories, section by section.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::differences::{DIFFERENCES, adjusted};
use crate::outcome::{disagreement, of_fail2ban, of_rban};
use crate::{conclude, each, stock};

/// What stands for the directory of the configuration in a case's files.
const PLACEHOLDER: &[u8] = b"@DIR@";
/// The case that all others stand on.
const BASE: &str = "base";
/// The sections of the specification that have cases: each has a test below.
const SECTIONS: [&str; 13] =
    ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config-cases")
}

fn names() -> Result<Vec<String>> {
    let entries = fs::read_dir(root()).context("listing the cases")?;
    let names: Result<Vec<_>, _> = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect();
    let mut names = names.context("listing the cases")?;
    names.sort_unstable();
    Ok(names)
}

/// Runs both programs on every case of a section.
#[track_caller]
fn check(section: &str) {
    let mut cases = names().expect("cases");
    cases.retain(|name| name.starts_with(&format!("{section}-")));
    assert!(!cases.is_empty(), "no case of section {section}");
    conclude(&each(&cases, |case| {
        let wrong = compare(case).unwrap_or_else(|error| Some(format!("{error:#}")))?;
        Some(format!("{case}: {wrong}"))
    }));
}

fn compare(case: &str) -> Result<Option<String>> {
    let dir = TempDir::new().context("making a directory")?;
    for name in [BASE, case] {
        copy(&root().join(name), dir.path(), dir.path())?;
    }
    let expected = match adjusted(case, &of_fail2ban(dir.path())?) {
        Ok(expected) => expected,
        Err(stale) => return Ok(Some(stale)),
    };
    Ok(disagreement(&expected, &of_rban(dir.path())?))
}

/// Copies a tree over another, with links as links and every placeholder replaced.
fn copy(from: &Path, to: &Path, dir: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("listing {}", from.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy(&from, &to, dir)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else {
            let bytes = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
            let bytes = replaced(&bytes, dir.as_os_str().as_encoded_bytes());
            fs::write(&to, bytes).with_context(|| format!("writing {}", to.display()))?;
        }
    }
    Ok(())
}

fn replaced(bytes: &[u8], dir: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(dir);
        rest = &rest[at + PLACEHOLDER.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[test]
fn every_case_has_a_section_and_says_what_it_shows() -> Result<()> {
    for name in names()?.iter().filter(|name| *name != BASE) {
        let section = name.split_once('-').map(|(section, _)| section);
        ensure!(
            section.is_some_and(|section| SECTIONS.contains(&section) || section == "15"),
            "{name}: no such section"
        );
        let mut words = 0;
        for file in ["jail.conf", "jail.local", "jail.d/a.conf", "README"] {
            let bytes = fs::read(root().join(name).join(file)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            words += text.lines().take(2).filter(|line| line.contains("shows: ")).count();
        }
        ensure!(words == 1, "{name}: say at the top what it shows");
    }
    Ok(())
}

#[test]
fn every_difference_is_about_cases_that_exist() -> Result<()> {
    let mut names = names()?;
    names.extend(stock::cases()?);
    for difference in DIFFERENCES {
        for case in difference.cases {
            ensure!(names.iter().any(|name| name == case), "{case}, of: {}", difference.what);
        }
    }
    Ok(())
}

#[test]
fn files_and_their_order() {
    check("01");
}

#[test]
fn the_dialect() {
    check("02");
}

#[test]
fn includes() {
    check("03");
}

#[test]
fn layers_known_and_conditional_sections() {
    check("04");
}

#[test]
fn references() {
    check("05");
}

#[test]
fn tags() {
    check("06");
}

#[test]
fn filters_and_actions() {
    check("07");
}

#[test]
fn arguments() {
    check("08");
}

#[test]
fn jails() {
    check("09");
}

#[test]
fn options_of_jails() {
    check("10");
}

#[test]
fn times() {
    check("11");
}

#[test]
fn options_of_the_server() {
    check("12");
}

#[test]
fn faults() {
    check("13");
}

#[test]
fn the_worked_example() {
    check("15");
}
