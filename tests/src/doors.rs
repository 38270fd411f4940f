//! A configuration of a test's own: jails that guard doors, and logs that say who knocked.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::daemon::{Daemon, Rban};
use crate::stock;
use crate::wait::wait_for;

/// Every jail that says `filter = door` counts lines like [`Doors::knock`] writes. Users are whatever was typed.
const FILTER: &str = "[Definition]\nfailregex = ^ knock from <ADDR>(?: by <F-USER>.+</F-USER>)?$\n";

/// A directory of configuration, and of the logs that it names.
#[derive(Debug)]
pub struct Doors {
    rban: Rban,
    dir: PathBuf,
}

impl Doors {
    /// These jails; `DIR` in them is the directory. Actions are the stock ones, but for those that are added.
    ///
    /// # Errors
    ///
    /// Where fail2ban's package is not installed, or the directory cannot be made.
    pub fn new(rban: &Rban, jails: &str) -> Result<Self> {
        let doors = Self { rban: rban.clone(), dir: rban.dir().join("doors") };
        doors.write("filter.d/door.conf", FILTER)?;
        let theirs = Path::new(stock::DIR).join("action.d");
        fs::create_dir_all(doors.path("action.d"))?;
        for entry in fs::read_dir(&theirs).with_context(|| format!("{}", theirs.display()))? {
            let entry = entry?;
            symlink(entry.path(), doors.path("action.d").join(entry.file_name()))?;
        }
        // Else the memory of a fail2ban on this machine would be taken over.
        doors.write("fail2ban.conf", "[Definition]\ndbfile = :memory:\n")?;
        doors.write("jail.conf", jails)?;
        Ok(doors)
    }

    /// A file's path, in the directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file; `DIR` in it is the directory.
    ///
    /// # Errors
    ///
    /// Where that fails.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().context("a file in the directory")?)?;
        let dir = self.dir.to_str().context("a path that is no text")?;
        fs::write(&path, text.replace("DIR", dir)).with_context(|| path.display().to_string())
    }

    /// What stands in a file; nothing, if there is none.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Appends to a log, which need not be there.
    ///
    /// # Errors
    ///
    /// Where that fails.
    pub fn append(&self, log: &str, text: &str) -> Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(self.path(log))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Somebody knocks: a line in this log.
    ///
    /// # Errors
    ///
    /// Where that fails.
    pub fn knock(&self, log: &str, who: &str) -> Result<()> {
        self.append(log, &knock(who))
    }

    /// Starts a daemon on this.
    ///
    /// # Errors
    ///
    /// Where it ends instead, with what it said.
    pub fn start(&self) -> Result<Daemon> {
        Daemon::configured(&self.rban, &self.dir)
    }

    /// What `rban status` says of a jail.
    ///
    /// # Errors
    ///
    /// Where it does not run.
    pub fn jail(&self, name: &str) -> Result<Value> {
        let status = self.rban.status()?;
        let jails = status["daemon"]["jails"].as_array().context("no daemon")?;
        let jail = jails.iter().find(|jail| jail["name"] == *name);
        jail.cloned().with_context(|| format!("no jail {name} in {status}"))
    }

    /// One of the numbers of [`jail`](Self::jail).
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub fn number(&self, jail: &str, name: &str) -> Result<u64> {
        let jail = self.jail(jail)?;
        jail[name].as_u64().with_context(|| format!("no {name} in {jail}"))
    }

    /// Waits until a jail has counted so many failures; more are a failure of its own.
    ///
    /// # Errors
    ///
    /// Where it does not, or counts more.
    pub fn wait_for_failures(&self, jail: &str, total: u64) -> Result<()> {
        let mut found = 0;
        wait_for(&format!("{jail} to count {total} failures"), || {
            found = self.number(jail, "total_failed")?;
            Ok(found >= total)
        })
        .with_context(|| format!("it counted {found}"))?;
        ensure!(found == total, "{jail} counted {found} failures instead of {total}");
        Ok(())
    }

    /// Waits until the kernel stops this address.
    ///
    /// # Errors
    ///
    /// Where it does not.
    pub fn wait_for_ban(&self, of: &str) -> Result<()> {
        wait_for(&format!("the ban of {of}"), || self.rban.is_banned(of))?;
        Ok(())
    }

    /// Waits until a file holds this text.
    ///
    /// # Errors
    ///
    /// Where it does not; says what it holds.
    pub fn wait_for_text(&self, name: &str, text: &str) -> Result<()> {
        wait_for(&format!("{text:?} in {name}"), || Ok(self.read(name).contains(text)))
            .with_context(|| format!("{name} holds {:?}", self.read(name)))?;
        Ok(())
    }
}

/// The line that says who knocks, now.
#[must_use]
pub fn knock(who: &str) -> String {
    format!("{} knock from {who}\n", jiff::Zoned::now().strftime("%FT%T%:z"))
}
