//! What filters must find in sample lines (spec, filter, appendix A): those of Debian's fail2ban package with its own
//! filters, which must find everything that fail2ban finds, and our filters on our samples and on the package's.
#![expect(clippy::unwrap_used, reason = "a test panics where its world is not as it should be")]

mod annotation;
mod condition;
mod recorded;
mod run;

use std::fmt::Write as _;
use std::fs;
use std::io::{Write as _, stdout};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rban::config::Directory;
use tempfile::TempDir;

use crate::recorded::Recorded;
use crate::run::{Outcome, Runner};

/// Where Debian's package has its samples, and filters that only its tests use.
const PACKAGED_LOGS: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";
const PACKAGED_TEST_FILTERS: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/config/filter.d";
const PACKAGED_CONFIG: &str = "/etc/fail2ban";

#[test]
fn the_packaged_filters_find_in_their_samples_what_fail2ban_finds() {
    let (world, test_config) = with_test_filters();
    let mut report = Report::default();
    for filter in names(Path::new(PACKAGED_LOGS)) {
        let config = if filter.starts_with("zzz-") { &test_config } else { PACKAGED_CONFIG };
        let directory = Directory::At(config.into());
        let samples = annotation::read(Path::new(PACKAGED_LOGS), &filter);
        report.add(&filter, &Runner::new(&directory, &filter).run(&samples));
    }
    drop(world);
    report.check("packaged filters on their samples");
}

#[test]
fn our_filters_find_all_of_our_samples() {
    let mut report = Report::default();
    for filter in filters_with_samples() {
        let samples = annotation::read(&our_samples(), &filter);
        report.add(&filter, &Runner::new(&Directory::At(our_config()), &filter).run(&samples));
    }
    report.check("our filters on our samples");
}

#[test]
fn every_filter_of_ours_has_samples() {
    let with_samples = filters_with_samples();
    let filters = names(&our_config().join("filter.d"));
    let filters = filters.iter().filter_map(|name| name.strip_suffix(".conf"));
    let without: Vec<&str> = filters
        .filter(|name| !name.ends_with("common") && !with_samples.iter().any(|it| it == name))
        .collect();
    assert!(without.is_empty(), "{without:?}: no samples; write tests/filters/NAME.log");
}

/// What our filters leave unfound in the package's samples is recorded beside our own, with the reasons.
#[test]
fn our_filters_find_in_the_packaged_samples_what_is_recorded() {
    let recorded = Recorded::read(&our_samples().join("packaged.txt"));
    let mut found = Recorded::default();
    for filter in filters_with_samples() {
        let packaged = Path::new(PACKAGED_LOGS);
        if packaged.join(&filter).is_file() {
            let samples = annotation::read(packaged, &filter);
            let outcome = Runner::new(&Directory::At(our_config()), &filter).run(&samples);
            found.add(&filter, &outcome);
        }
    }
    found.check(&recorded);
}

fn our_config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config")
}

fn our_samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/filters")
}

fn filters_with_samples() -> Vec<String> {
    let files = names(&our_samples());
    files.iter().filter_map(|name| name.strip_suffix(".log")).map(str::to_owned).collect()
}

/// The files of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| {
        panic!("{}: {error}; install it: apt-get install fail2ban", folder.display())
    });
    let files = entries.map(Result::unwrap).filter(|entry| entry.path().is_file());
    let mut names: Vec<String> =
        files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The filters that only the package's tests use include others by a path as in their source tree; it leads seven
/// folders up. Returns what keeps the folders, and the directory.
fn with_test_filters() -> (TempDir, String) {
    let world = TempDir::new().unwrap();
    let folder = world.path().join("1/2/3/4/5/config/filter.d");
    fs::create_dir_all(&folder).unwrap();
    symlink(PACKAGED_CONFIG, world.path().join("config")).unwrap();
    for name in names(Path::new(PACKAGED_TEST_FILTERS)) {
        symlink(Path::new(PACKAGED_TEST_FILTERS).join(&name), folder.join(&name)).unwrap();
    }
    let directory = folder.parent().unwrap().to_str().unwrap().to_owned();
    (world, directory)
}

/// What came of many filters.
#[derive(Default)]
struct Report {
    counts: String,
    wrong: String,
    failures: usize,
    found: usize,
    looked_at: usize,
}

impl Report {
    fn add(&mut self, filter: &str, outcome: &Outcome) {
        let Outcome { failures, found, looked_at, wrong, unused } = outcome;
        self.failures += failures;
        self.found += found;
        self.looked_at += looked_at;
        let faults = wrong.len() + unused.len();
        let faults = if faults == 0 { String::new() } else { format!(", {faults} wrong") };
        writeln!(self.counts, "{filter}: {found} of {failures} found in {looked_at}{faults}")
            .unwrap();
        for wrong in wrong {
            writeln!(self.wrong, "{wrong}").unwrap();
        }
        for pattern in unused {
            writeln!(self.wrong, "{filter}: never used: {pattern}").unwrap();
        }
    }

    fn check(&self, title: &str) {
        // Not through println, which tests that pass do not show.
        let Self { counts, wrong, failures, found, looked_at } = self;
        let text = format!("\n{counts}{title}: {found} of {failures} found in {looked_at}\n");
        stdout().write_all(text.as_bytes()).unwrap();
        assert!(wrong.is_empty(), "{wrong}");
    }
}
