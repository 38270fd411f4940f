//! The sources of Rust's own library, which `-Z build-std` compiles.
//!
//! rustup has them as a component. A machine that reaches Debian's archive but not Rust's gets the same release's
//! sources from Debian's backports: apt checks the signatures, and works in a folder of its own under target/, so
//! that the machine's sources, lists and packages stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{capture, command, run};
use crate::{host, say};

/// The suite in which Debian ships newer releases of Rust than its stable one.
const SUITE: &str = "trixie-backports";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Names, inside a library that came from Debian, the release it belongs to: rustup does not know of these files,
/// so they would outlive its next update.
const MARKER: &str = ".rban-rustc";

/// Puts the sources into the sysroot, unless they are there.
pub(crate) fn provide() -> Result<()> {
    let sysroot = capture(command("rustc").args(["--print", "sysroot"]))?;
    let src = Path::new(sysroot.trim()).join("lib/rustlib/src/rust");
    let library = src.join("library");
    if library.join("Cargo.lock").is_file() {
        match fs::read_to_string(library.join(MARKER)) {
            Err(_) => return Ok(()), // rustup's own, which it keeps in step
            Ok(release) if release == rustc_release()? => return Ok(()),
            Ok(other) => {
                say(format_args!("setup: removing the library sources of rustc {other}"));
                fs::remove_dir_all(&library).context("removing outdated library sources")?;
            }
        }
    }
    let release = rustc_release()?;
    let from_rustup = match from_rustup() {
        Ok(()) => return Ok(()),
        Err(err) => err,
    };
    say(format_args!("setup: rustup cannot provide them; trying Debian's {SUITE}"));
    from_debian(&release, &src).with_context(|| {
        format!(
            "rustc {release} has no library sources: {from_rustup:#}; \
             install by hand: rustup component add rust-src, or copy `library` of Rust {release} to {}",
            library.display()
        )
    })
}

/// `1.95.0`.
fn rustc_release() -> Result<String> {
    let shown = capture(command("rustc").arg("--version"))?;
    shown
        .split(' ')
        .nth(1)
        .map(|release| release.trim().to_owned())
        .with_context(|| format!("rustc --version printed {shown:?}, no release"))
}

fn from_rustup() -> Result<()> {
    say("setup: adding rustup's component rust-src");
    capture(command("rustup").args(["component", "add", "rust-src"]).env_remove("RUST_BACKTRACE"))
        .map(drop)
        .map_err(|err| anyhow::anyhow!(first_line(&format!("{err:#}"))))
}

fn from_debian(release: &str, src: &Path) -> Result<()> {
    if !host::has_program("apt-get") || !Path::new(KEYRING).is_file() {
        bail!("this is no Debian: apt-get or {KEYRING} is missing");
    }
    let work = host::root().join("target/rust-src");
    let mut failures = Vec::new();
    for mirror in mirrors(&capture(Apt::new(&work)?.get().args(["--print-uris", "update"]))?) {
        match from_mirror(&mirror, release, &work, src) {
            Ok(()) => return fs::remove_dir_all(&work).context("removing target/rust-src"),
            Err(err) => failures.push(format!("{err:#}")),
        }
    }
    match failures.is_empty() {
        true => bail!("apt is set up with no archive of Debian"),
        false => bail!("{}", failures.join("; ")),
    }
}

fn from_mirror(mirror: &str, release: &str, work: &Path, src: &Path) -> Result<()> {
    let apt = Apt::new(work)?.with_source(mirror)?;
    run(apt.get().args(["--quiet", "--quiet", "update"]))?;
    let offered = capture(apt.cache().args(["madison", "rust-src"]))?;
    let version = version_of(release, &offered).with_context(|| {
        format!("{SUITE} has no rust-src of {release}; it has: {}", offered.trim())
    })?;
    say(format_args!("setup: unpacking Debian's rust-src {version}"));
    run(apt
        .get()
        .args(["--quiet", "--quiet", "download", &format!("rust-src={version}")])
        .current_dir(work))?;
    let unpacked = work.join("unpacked");
    run(command("dpkg-deb").arg("-x").arg(the_package(work)?).arg(&unpacked))?;
    place(&unpacked.join(format!("usr/src/rustc-{release}/library")), release, src)
}

/// Copies the library beside its place and renames it, so that it is there whole or not at all.
fn place(library: &Path, release: &str, src: &Path) -> Result<()> {
    let beside = src.join(format!(".library-{}", std::process::id()));
    let placed = fs::create_dir_all(src).context("making room").and_then(|()| {
        run(command("cp").arg("--recursive").arg(library).arg(&beside))?;
        fs::write(beside.join(MARKER), release)?;
        fs::rename(&beside, src.join("library"))?;
        Ok(())
    });
    if placed.is_err() {
        drop(fs::remove_dir_all(&beside)); // the first error tells more than this one could
    }
    placed.with_context(|| format!("copying the library sources into {}", src.display()))
}

fn the_package(work: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(work)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "deb") {
            return Ok(path);
        }
    }
    bail!("apt downloaded nothing")
}

/// The archives that hold Debian itself, from apt's list of what it would fetch; the likeliest first.
fn mirrors(uris: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in uris.lines() {
        let uri = line.trim_start_matches('\'');
        let Some((base, rest)) = uri.split_once("/dists/") else { continue };
        let security = rest.contains("-security");
        if rest.contains("/InRelease") && !security && !found.iter().any(|known| known == base) {
            found.push(base.to_owned());
        }
    }
    found.sort_by_key(|base| !base.ends_with("/debian"));
    found
}

/// The version in `apt-cache madison`'s table that packs this release of rustc.
fn version_of(release: &str, madison: &str) -> Option<String> {
    let prefix = format!("{release}+");
    madison
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|version| version.starts_with(&prefix))
        .map(str::to_owned)
}

fn first_line(text: &str) -> String {
    text.lines()
        .find(|line| line.contains("error:"))
        .or(text.lines().next())
        .unwrap_or("")
        .to_owned()
}

/// apt with a state of its own.
struct Apt {
    options: Vec<String>,
    work: PathBuf,
}

impl Apt {
    /// Reads the machine's sources, keeps its lists and its cache in `work`.
    fn new(work: &Path) -> Result<Self> {
        for folder in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(work.join(folder))
                .with_context(|| format!("making {}", work.display()))?;
        }
        let options = vec![
            format!("Dir::State::lists={}", work.join("lists").display()),
            format!("Dir::Cache={}", work.join("cache").display()),
            "APT::Sandbox::User=root".to_owned(), // _apt cannot read a folder of the user's
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
        ];
        Ok(Self { options, work: work.to_owned() })
    }

    /// Reads this one source instead of the machine's.
    fn with_source(mut self, mirror: &str) -> Result<Self> {
        let list = self.work.join("sources.list");
        fs::write(&list, format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n"))
            .context("writing the source list")?;
        self.options.push(format!("Dir::Etc::sourcelist={}", list.display()));
        self.options.push("Dir::Etc::sourceparts=-".to_owned());
        Ok(self)
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }

    fn cache(&self) -> Command {
        self.command("apt-cache")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        for option in &self.options {
            command.arg("-o").arg(option);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_of_debian_comes_first_and_those_of_security_updates_never() {
        let uris = "\
'https://example.org/apt/dists/tools/InRelease' example.org_apt_dists_tools_InRelease 0 \n\
'http://example.net/debian/dists/bookworm/InRelease' x 0 \n\
'http://example.net/debian/dists/bookworm-updates/InRelease' x 0 \n\
'http://example.net/debian-security/dists/bookworm-security/InRelease' x 0 \n\
'http://example.net/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 \n";
        assert_eq!(mirrors(uris), ["http://example.net/debian", "https://example.org/apt"]);
    }

    #[test]
    fn exactly_the_compilers_release_is_taken() {
        let offered = "  rust-src | 1.95.0+dfsg1-1~bpo13+1 | http://example.net/debian x/main amd64 Packages\n  \
                       rust-src | 1.85.0+dfsg3-1 | http://example.net/debian y/main amd64 Packages\n";
        assert_eq!(version_of("1.95.0", offered).as_deref(), Some("1.95.0+dfsg1-1~bpo13+1"));
        assert_eq!(version_of("1.85.0", offered).as_deref(), Some("1.85.0+dfsg3-1"));
        assert_eq!(version_of("1.95.1", offered), None);
        assert_eq!(version_of("1.9", offered), None);
    }
}
