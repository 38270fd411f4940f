//! What else drops packets: the firewalls that fail2ban drives, as it drives them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use rban_tests::net::{Host, IFACE, said};

use crate::target::run;

/// How many elements stand in one command of a script.
const CHUNK: usize = 1_000;

/// A set in an input chain.
pub(crate) fn nftables(host: &Host, bans: &[Ipv4Addr]) -> Result<()> {
    nft_set(host, "inet", "input priority -1", bans)
}

/// The same as early as nftables can: not what fail2ban does, but the best that a firewall could.
pub(crate) fn nftables_ingress(host: &Host, bans: &[Ipv4Addr]) -> Result<()> {
    nft_set(host, "netdev", &format!("ingress device {IFACE} priority 0"), bans)
}

fn nft_set(host: &Host, family: &str, hook: &str, bans: &[Ipv4Addr]) -> Result<()> {
    let mut script = format!(
        "table {family} bench {{\n set banned {{ type ipv4_addr; }}\n chain input {{\n\
         type filter hook {hook}; policy accept;\n ip saddr @banned drop\n }}\n}}\n",
    );
    for chunk in bans.chunks(CHUNK) {
        let list = chunk.iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(", ");
        // Cannot fail: it is a string.
        let _ = writeln!(script, "add element {family} bench banned {{ {list} }}");
    }
    feed(host, "nft", &["-f", "-"], &script)
}

/// One rule that asks a set.
pub(crate) fn ipset(host: &Host, bans: &[Ipv4Addr]) -> Result<()> {
    let mut script = format!("create banned hash:ip maxelem {}\n", bans.len());
    for ban in bans {
        let _ = writeln!(script, "add banned {ban}");
    }
    feed(host, "ipset", &["restore"], &script)?;
    let rule = ["-I", "INPUT", "-m", "set", "--match-set", "banned", "src", "-j", "DROP"];
    run(host.command("iptables").args(rule)).map(drop)
}

/// A rule for each ban, as the plain iptables action has it.
pub(crate) fn iptables(host: &Host, bans: &[Ipv4Addr]) -> Result<()> {
    let mut script = String::from("*filter\n:INPUT ACCEPT [0:0]\n");
    for ban in bans {
        let _ = writeln!(script, "-A INPUT -s {ban}/32 -j DROP");
    }
    feed(host, "iptables-restore", &[], &(script + "COMMIT\n"))
}

/// Runs a command of that host with this on its standard input.
fn feed(host: &Host, program: &str, args: &[&str], script: &str) -> Result<()> {
    let mut command = host.command(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {program}"))?;
    let mut stdin = child.stdin.take().context("its standard input")?;
    let written = stdin.write_all(script.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().with_context(|| format!("waiting for {program}"))?;
    ensure!(output.status.success(), "{program}: {}", said(&output));
    written.with_context(|| format!("feeding {program}"))
}
