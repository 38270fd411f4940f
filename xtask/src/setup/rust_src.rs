//! The sources of Rust's own library, which `-Z build-std` compiles.
//!
//! rustup has them as a component. A machine that reaches Debian's archive but not Rust's gets the same release's
//! sources from Debian's backports: apt checks the signatures, and works in a folder of its own under target/, so
//! that the machine's sources, lists and packages stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

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
    let is_there = || library.join("Cargo.lock").is_file();
    if is_there() {
        match fs::read_to_string(library.join(MARKER)) {
            Err(_) => return Ok(()), // rustup's own, which it keeps in step
            Ok(release) if release == rustc_release()? => return Ok(()),
            Ok(other) => {
                say(format_args!("setup: removing the library sources of rustc {other}"));
                fs::remove_dir_all(&library).context("removing outdated library sources")?;
            }
        }
    }
    let rustup = match from_rustup() {
        Ok(()) if is_there() => return Ok(()),
        Ok(()) => anyhow!("it takes rust-src for installed, yet the folder is not there"),
        Err(err) => err,
    };
    say(format_args!("setup: rustup cannot provide them; trying Debian's {SUITE}"));
    let release = rustc_release()?;
    let Err(debian) = from_debian(&release, &src) else { return Ok(()) };
    bail!(
        "rustc {release} lacks its library sources (rustup: {rustup:#}; Debian: {debian:#}); by hand: \
         rustup component add rust-src, or copy the folder `library` of Rust {release}'s sources to {}",
        library.display()
    )
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
    let added = capture(
        command("rustup").args(["component", "add", "rust-src"]).env_remove("RUST_BACKTRACE"),
    );
    added.map(drop).map_err(|err| anyhow!("{}", gist(&format!("{err:#}"))))
}

fn from_debian(release: &str, src: &Path) -> Result<()> {
    if !host::has_program("apt-get") || !Path::new(KEYRING).is_file() {
        bail!("this is no Debian: apt-get or {KEYRING} is missing");
    }
    let work = host::root().join("target/rust-src");
    drop(fs::remove_dir_all(&work)); // of an earlier try; mostly there is none
    let uris = capture(Apt::new(&work, None)?.get().args(["--print-uris", "update"]))?;
    let mut failures = Vec::new();
    for mirror in mirrors(&uris) {
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
    let apt = Apt::new(work, Some(mirror))?;
    capture(apt.get().args(["--quiet", "--quiet", "--error-on=any", "update"]))?;
    let offered = capture(apt.cache().args(["madison", "rust-src"]))?;
    let version = version_of(release, &offered).with_context(|| {
        format!("{SUITE} has no rust-src of {release}; it has: {}", offered.trim())
    })?;
    say(format_args!("setup: unpacking Debian's rust-src {version}"));
    capture(
        apt.get()
            .args(["--quiet", "--quiet", "download", &format!("rust-src={version}")])
            .current_dir(work),
    )?;
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

/// What an error of rustup's says before it goes into causes.
fn gist(text: &str) -> &str {
    let told = text.split_once("error: ").map_or(text, |(_, told)| told);
    let line = told.lines().next().unwrap_or(told);
    line.split_once(": ").map_or(line, |(gist, _)| gist)
}

/// apt with a state of its own.
struct Apt {
    config: PathBuf,
}

impl Apt {
    /// Keeps its lists and its cache in `work`; reads this one mirror's backports, or else the machine's sources.
    fn new(work: &Path, mirror: Option<&str>) -> Result<Self> {
        let (lists, cache) = (work.join("lists"), work.join("cache"));
        for folder in [&lists, &cache] {
            fs::create_dir_all(folder.join("partial"))
                .with_context(|| format!("making {}", folder.display()))?;
        }
        let mut text = format!(
            "Dir::State::lists \"{}\";\nDir::Cache::archives \"{}\";\n\
             Dir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\n\
             APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\nAcquire::Retries \"3\";\n",
            lists.display(),
            cache.display()
        );
        if let Some(mirror) = mirror {
            let list = work.join("sources.list");
            fs::write(&list, format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n"))?;
            let only = format!(
                "Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"-\";\n",
                list.display()
            );
            text.push_str(&only);
        }
        let config = work.join("apt.conf");
        fs::write(&config, text).context("writing apt's configuration")?;
        Ok(Self { config })
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }

    fn cache(&self) -> Command {
        self.command("apt-cache")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        command.arg("-c").arg(&self.config);
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
    fn of_rustups_errors_the_first_clause_is_told() {
        let told = "rustup component add rust-src failed (exit status: 1): info: downloading component rust-src\n\
                    error: component download failed for rust-src: could not download file: refused\n";
        assert_eq!(gist(told), "component download failed for rust-src");
        assert_eq!(gist("starting rustup: no such file"), "starting rustup");
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
