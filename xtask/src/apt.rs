//! Debian packages that tests and benches need: looked for by their programs, installed when missing.

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
    Needed { program: "ip", package: "iproute2" },
    Needed { program: "ping", package: "iputils-ping" },
    Needed { program: "rsyslogd", package: "rsyslog" },
    Needed { program: "ssh", package: "openssh-client" },
    Needed { program: "sshd", package: "openssh-server" },
    Needed { program: "sshpass", package: "sshpass" },
];

/// What the bench measures rban against.
pub(crate) const FOR_BENCH: &[Needed] = &[
    Needed { program: "chrt", package: "util-linux" },
    Needed { program: "ethtool", package: "ethtool" },
    Needed { program: "ip", package: "iproute2" },
    Needed { program: "ipset", package: "ipset" },
    Needed { program: "iptables", package: "iptables" },
    Needed { program: "nft", package: "nftables" },
];

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
    run(command("apt-get")
        .args(["--quiet", "--quiet", "--yes", "--no-install-recommends", "install"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive"))
    .context(by_hand)
}
