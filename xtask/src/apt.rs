//! Debian packages that tests and benches need: looked for by their programs, installed when missing.
//!
//! Of what they bring, programs are wanted and services are not: none is started, and fail2ban not at the next boot
//! either.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, Result, bail};

use crate::process::{command, run};
use crate::{host, say};

/// A program, and the Debian package that has it.
pub(crate) struct Needed {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

/// What the tests and the lab use.
pub(crate) const FOR_TESTS: &[Needed] = &[
    Needed { program: "bpftool", package: "bpftool" },
    Needed { program: "curl", package: "curl" },
    Needed { program: "fail2ban-client", package: "fail2ban" },
    Needed { program: "ip", package: "iproute2" },
    Needed { program: "ipset", package: "ipset" },
    Needed { program: "iptables", package: "iptables" },
    Needed { program: "logrotate", package: "logrotate" },
    Needed { program: "nft", package: "nftables" },
    Needed { program: "nginx", package: "nginx-light" },
    Needed { program: "ping", package: "iputils-ping" },
    Needed { program: "rsyslogd", package: "rsyslog" },
    Needed { program: "ssh", package: "openssh-client" },
    Needed { program: "sshd", package: "openssh-server" },
    Needed { program: "sshpass", package: "sshpass" },
    Needed { program: "/lib/systemd/systemd-journal-remote", package: "systemd-journal-remote" },
    Needed { program: "vsftpd", package: "vsftpd" },
];

/// What the bench measures rban against.
pub(crate) const FOR_BENCH: &[Needed] = &[
    Needed { program: "chrt", package: "util-linux" },
    Needed { program: "ethtool", package: "ethtool" },
    Needed { program: "fail2ban-client", package: "fail2ban" },
    Needed { program: "ip", package: "iproute2" },
    Needed { program: "ipset", package: "ipset" },
    Needed { program: "iptables", package: "iptables" },
    Needed { program: "nft", package: "nftables" },
    Needed { program: "rg", package: "ripgrep" },
];

/// Packages whose service would guard this host from the next boot on.
const NOT_AT_BOOT: [&str; 1] = ["fail2ban"];

/// Debian's packages ask this program whether they may start a service; 101 is no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const STARTS_NOTHING: &str = "#!/bin/sh\nexit 101\n";

/// Installs what is missing; asks apt nothing when nothing is.
pub(crate) fn install(needed: &[Needed]) -> Result<()> {
    let missing: Vec<&str> =
        needed.iter().filter(|n| !host::has_program(n.program)).map(|n| n.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("install by hand: {}", missing.join(" "));
    if !host::has_program("apt-get") {
        bail!("programs are missing and there is no apt-get; {by_hand}");
    }
    if !host::is_root() {
        bail!("programs are missing and only root may install them; {by_hand}");
    }
    say(format_args!("installing {}", missing.join(" ")));
    run(command("apt-get").args(["--quiet", "--quiet", "update"])).context(by_hand.clone())?;
    let policy = Policy::start_nothing()?;
    run(command("apt-get")
        .args(["--quiet", "--quiet", "--yes", "--no-install-recommends", "install"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .context(by_hand)?;
    drop(policy);
    for service in NOT_AT_BOOT.iter().filter(|service| missing.contains(service)) {
        if host::has_program("systemctl") {
            run(command("systemctl").args(["--quiet", "disable", service]))?;
        }
    }
    Ok(())
}

/// While it lives, installing a package starts nothing.
struct Policy {
    is_ours: bool,
}

impl Policy {
    /// One that the host has already stays, and decides.
    fn start_nothing() -> Result<Self> {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o755).open(POLICY);
        match opened {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { is_ours: false }),
            opened => {
                let written = opened.and_then(|mut file| file.write_all(STARTS_NOTHING.as_bytes()));
                written.with_context(|| format!("writing {POLICY}"))?;
                Ok(Self { is_ours: true })
            }
        }
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if self.is_ours {
            // Where that fails, apt's next run says so.
            drop(fs::remove_file(POLICY));
        }
    }
}
