//! A jail's log files, found when the configuration is read.

use std::path::PathBuf;

use super::{JailText, Unset};
use crate::config::error::{Error, Quoted};
use crate::config::files::{Files, Found};
use crate::config::finding::{OfJail, What};
use crate::config::ini::strip;

/// A jail's globs find no more files.
const LOGS_MAX: usize = 10_000;

/// A line of `logpath`.
#[derive(Clone, Debug)]
pub struct LogText {
    /// As written.
    pub glob: String,
    /// Where reading begins: `head` or `tail`; fail2ban passes on whatever is written.
    pub from: String,
    /// What it finds now, in the order of the directory; symbolic links that lead nowhere left out.
    pub files: Vec<PathBuf>,
}

impl JailText {
    /// Looks for its logs. Without any it may turn to the journal, or fail.
    pub(super) fn find_logs(
        &mut self,
        files: &dyn Files,
        findings: &mut OfJail<'_>,
    ) -> Result<(), Error> {
        let Some(logpath) = self.setting("logpath").map(|setting| setting.text.clone()) else {
            return Ok(());
        };
        if self.backend.starts_with("systemd") {
            return Ok(());
        }
        let quoted = |glob: &str| Quoted::new(logpath.place.clone(), "logpath", glob);
        let mut count = 0;
        for line in logpath.value.split('\n').map(strip).filter(|line| !line.is_empty()) {
            let (glob, from) = line.rsplit_once(' ').unwrap_or((line, "head"));
            let mut log = LogText { glob: glob.into(), from: from.into(), files: Vec::new() };
            let found = files.logs(glob);
            if found.is_empty() {
                findings.add(What::NoFilesFor { quoted: quoted(line), glob: glob.to_owned() });
            }
            count += found.len();
            if count > LOGS_MAX {
                return Err(Error::TooManyLogs { quoted: quoted(line), max: LOGS_MAX });
            }
            for Found { path, dangling } in found {
                if dangling {
                    findings.add(What::DanglingLink { quoted: quoted(line), path });
                } else {
                    log.files.push(path);
                }
            }
            self.logs.push(log);
        }
        if self.logs.iter().any(|log| !log.files.is_empty()) {
            return Ok(());
        }
        let quoted = quoted(&logpath.value);
        if self.turns_to_the_journal() {
            self.backend = "systemd".to_owned();
            findings.add(What::JournalInstead { quoted });
        } else if self.flag("skip_if_nologs", Unset::No) {
            return Err(Error::NoLogs { quoted, jail: self.name.clone() });
        } else {
            findings.add(What::NoLogs { quoted });
        }
        Ok(())
    }

    fn turns_to_the_journal(&self) -> bool {
        let journalmatch = self.setting("journalmatch");
        self.backend.starts_with("auto")
            && journalmatch.is_some_and(|it| !it.text.value.is_empty())
            && self.flag("systemd_if_nologs", Unset::Yes)
    }
}
