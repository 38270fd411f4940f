//! Journals as journald writes them, by `systemd-journal-remote`.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

const WRITER: &str = "/lib/systemd/systemd-journal-remote";

/// A journal that is being written, as long as this lives.
#[derive(Debug)]
pub struct Journal {
    child: Child,
}

impl Journal {
    /// Begins a journal file.
    ///
    /// # Errors
    ///
    /// Where the program is missing.
    pub fn begin(file: &Path) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", WRITER, "--output"]).arg(file).arg("-");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn();
        let child = child.with_context(|| format!("{WRITER}; install systemd-journal-remote"))?;
        Ok(Self { child })
    }

    /// One entry, now.
    ///
    /// # Errors
    ///
    /// Where the program has ended.
    pub fn write(&mut self, unit: &str, identifier: &str, message: &str) -> Result<()> {
        let time = jiff::Timestamp::now().as_microsecond();
        let text = format!(
            "__REALTIME_TIMESTAMP={time}\n__MONOTONIC_TIMESTAMP={time}\n_BOOT_ID={:032x}\n_HOSTNAME=host\n\
             SYSLOG_IDENTIFIER={identifier}\n_PID=7\n_SYSTEMD_UNIT={unit}\n_COMM={identifier}\nMESSAGE={message}\n\n",
            1
        );
        let stdin = self.child.stdin.as_mut().context("a pipe")?;
        stdin.write_all(text.as_bytes()).with_context(|| format!("{WRITER} has ended"))
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
