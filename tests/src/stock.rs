//! Debian's `/etc/fail2ban`, and copies of it with jails enabled.
//!
//! The files are read where they lie and never altered. A copy holds links to them; what the machine's admin may have
//! added (`jail.local`, `jail.d`) is left out, so that it is the stock configuration everywhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Where the package puts it.
pub const DIR: &str = "/etc/fail2ban";

/// What to do where it is missing.
const INSTALL: &str =
    "install Debian's package fail2ban (apt-get install fail2ban); it need not run";

/// A directory with the stock files and a `jail.d` of our own.
#[derive(Debug)]
pub struct Stock {
    dir: TempDir,
}

impl Stock {
    /// A copy, and what its `jail.d/test.conf` says.
    ///
    /// # Errors
    ///
    /// Where fail2ban is not installed, or no directory can be made.
    pub fn with(jails: &str) -> Result<Self> {
        let stock = Path::new(DIR);
        ensure!(stock.join("jail.conf").is_file(), "no {DIR}/jail.conf; {INSTALL}");
        let dir = TempDir::new().context("making a directory for a copy of the stock files")?;
        for entry in fs::read_dir(stock).with_context(|| format!("listing {DIR}"))? {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
            let name = name.to_string_lossy();
            let is_stock =
                matches!(&*name, "filter.d" | "action.d" | "jail.conf" | "fail2ban.conf")
                    || (name.starts_with("paths-") && name.ends_with(".conf"));
            if is_stock {
                symlink(&path, dir.path().join(&*name))
                    .with_context(|| format!("linking to {}", path.display()))?;
            }
        }
        let stock = Self { dir };
        stock.write("jail.d/test.conf", jails)?;
        Ok(stock)
    }

    /// Where it lies.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes another file into it, such as a log.
    ///
    /// # Errors
    ///
    /// Where that cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.dir().join(name);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

/// The jails of the stock `jail.conf`, in its order.
///
/// # Errors
///
/// Where that cannot be read.
pub fn jails() -> Result<Vec<String>> {
    let path = Path::new(DIR).join("jail.conf");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading {}; {INSTALL}", path.display()))?;
    let headers = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once(']'));
    let jails =
        headers.map(|(name, _)| name).filter(|name| !["INCLUDES", "DEFAULT"].contains(name));
    Ok(jails.map(String::from).collect())
}

/// The files of this folder of the stock configuration that end so, by name, without the ending.
///
/// # Errors
///
/// Where the folder cannot be read.
pub fn files(folder: &str, ending: &str) -> Result<Vec<String>> {
    let dir = Path::new(DIR).join(folder);
    let mut names = Vec::new();
    for entry in
        fs::read_dir(&dir).with_context(|| format!("listing {}; {INSTALL}", dir.display()))?
    {
        if let Some(name) = entry?.file_name().to_string_lossy().strip_suffix(ending) {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Where `fail2ban-client` is.
///
/// # Errors
///
/// Where it is not installed; says what to install.
pub fn client() -> Result<PathBuf> {
    let path = PathBuf::from("/usr/bin/fail2ban-client");
    ensure!(path.is_file(), "no {}; {INSTALL}", path.display());
    Ok(path)
}
