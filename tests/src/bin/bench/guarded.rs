//! A daemon that follows a log, and lines for it.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result};
use jiff::Zoned;
use rban_common::abi;
use rban_common::ban::{Addr4, BanEntry};
use rban_tests::daemon::{Daemon, Rban};
use rban_tests::net::Net;
use rban_tests::rawprog::Map;
use rban_tests::wait::wait_for_some;
use rustix::time::{ClockId, clock_gettime};

/// rban at work in a namespace of its own.
pub(crate) struct Guarded {
    pub(crate) log: File,
    pub(crate) daemon: Daemon,
    pub(crate) rban: Rban,
    _net: Net,
}

/// Room for so many bans, as by default.
pub(crate) const ROOM: &str = "1048576";

impl Guarded {
    /// With an empty log.
    pub(crate) fn start(options: &[&str]) -> Result<Self> {
        let net = Net::pair()?;
        let rban = Rban::new(&net.server)?;
        let path = log_of(&rban);
        let log = File::options().append(true).create(true).open(&path).context("making a log")?;
        let options = [&["--mode", "native", "--max-bans-v4", ROOM], options].concat();
        let daemon = Daemon::start(&rban, &path, &options)?.quiet();
        Ok(Self { log, daemon, rban, _net: net })
    }

    /// Our client, by fail2ban's name.
    pub(crate) fn client(&self) -> Result<PathBuf> {
        let path = self.rban.dir().join("fail2ban-client");
        if !path.is_symlink() {
            let program = fs::canonicalize(self.rban.program()).context("looking for rban")?;
            symlink(program, &path).context("linking our client")?;
        }
        Ok(path)
    }

    /// Appends to the log, and tells when that was done.
    pub(crate) fn append(&mut self, lines: &str) -> Result<u64> {
        let wrote_ns = now_ns();
        self.log.write_all(lines.as_bytes()).context("writing lines")?;
        Ok(wrote_ns)
    }

    /// When the kernel had this ban.
    pub(crate) fn enforced_ns(&self, offender: Ipv4Addr) -> Result<u64> {
        wait_for_some("a ban", || {
            let why = self.rban.why(offender.into())?;
            let last = why["history"].as_array().and_then(|history| history.last());
            Ok(last.and_then(|episode| episode["enforced_ns"].as_u64()))
        })
    }
}

/// The log that an instance follows.
pub(crate) fn log_of(rban: &Rban) -> PathBuf {
    rban.dir().join("auth.log")
}

/// The map of bans of IPv4 addresses, once there is one.
pub(crate) fn bans_v4(rban: &Rban) -> Result<Map> {
    Map::from_pin(&rban.bpffs().join(abi::BANS_V4))
}

/// Whether an address is in it.
pub(crate) fn is_in(map: &Map, address: Ipv4Addr) -> bool {
    let entry = BanEntry { expires_ns: 0, scopes: 0, dropped: 0, last_drop_ns: 0, allow_seen: 0 };
    map.holds(&Addr4 { octets: address.octets() }, entry)
}

/// What an sshd writes just now of a wrong password.
pub(crate) fn failure(source: Ipv4Addr) -> String {
    format!("{} bench sshd[1]: Failed password for root from {source} port 1 ssh2\n", date())
}

/// What hosts write all the time, so many lines: half of it by the same sshd.
pub(crate) fn chatter(lines: u32) -> String {
    let date = date();
    let line = |nth: u32| match nth % 2 {
        0 => format!(
            "{date} bench sshd[{nth}]: Accepted publickey for alice from 198.51.100.7 port {nth} ssh2: ED25519 \
             SHA256:0123456789abcdefghijklmnopqrstuvwxyz0123456\n"
        ),
        _ => format!(
            "{date} bench CRON[{nth}]: (root) CMD (test -x /usr/sbin/job && /usr/sbin/job)\n"
        ),
    };
    (0..lines).map(line).collect()
}

fn date() -> String {
    Zoned::now().strftime("%b %e %H:%M:%S").to_string()
}

pub(crate) fn now_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).cast_unsigned()
}
