//! Both programs, and what they are run on.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rban_tests::binary;
use tempfile::TempDir;

/// The samples of Debian's package.
const SAMPLES: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";
/// Its filters.
const FILTERS: &str = "/etc/fail2ban/filter.d";

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) complaint: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            complaint: text(&output.stderr),
        }
    }
}

/// Runs a program in the zone of the samples.
fn run(mut command: Command) -> Said {
    command.env("TZ", "CET-01CEST-02,M3.5.0,M10.5.0").stdin(Stdio::null());
    let program = command.get_program().to_owned();
    let said = command.output().map(Said::from);
    said.unwrap_or_else(|error| {
        panic!("{}: {error}; install Debian's package fail2ban", program.display())
    })
}

/// `rban regex`.
pub(crate) fn rban<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    let mut command = Command::new(binary::program().expect("cargo built it"));
    command.arg("regex").args(args);
    run(command)
}

/// The package's `fail2ban-regex`.
pub(crate) fn fail2ban<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Said {
    let mut command = Command::new("fail2ban-regex");
    command.args(args);
    run(command)
}

/// rban by the name of `fail2ban-regex`.
pub(crate) fn as_fail2ban(args: &[&str]) -> Said {
    let dir = TempDir::new().expect("a directory for this test");
    let link = dir.path().join("fail2ban-regex");
    symlink(binary::program().expect("cargo built it"), &link).expect("a link in a new directory");
    let mut command = Command::new(&link);
    command.args(args);
    run(command)
}

/// The package's sample logs that have a filter, each copied to where it ends in a newline: fail2ban leaves a last line
/// without one for later, `rban regex` does not.
pub(crate) struct Samples {
    dir: TempDir,
    /// The names of the filters.
    pub(crate) names: Vec<String>,
}

impl Samples {
    pub(crate) fn new() -> Self {
        let (dir, mut names) = (TempDir::new().expect("a directory for this test"), Vec::new());
        let samples = fs::read_dir(SAMPLES).unwrap_or_else(|error| {
            panic!("{SAMPLES}: {error}; install Debian's package fail2ban")
        });
        for path in
            samples.map(|entry| entry.expect("a listing").path()).filter(|path| path.is_file())
        {
            let name =
                path.file_name().expect("a file in a listing").to_string_lossy().into_owned();
            if !Path::new(FILTERS).join(format!("{name}.conf")).is_file() {
                continue;
            }
            let mut text = fs::read(&path).expect("a sample");
            text.extend((text.last() != Some(&b'\n')).then_some(b'\n'));
            fs::write(dir.path().join(&name), text).expect("a copy of it");
            names.push(name);
        }
        names.sort_unstable();
        Self { dir, names }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
