//! Names of hosts → addresses, by the system's resolver: hosts file, name servers, whatever it is told to ask.

use std::fs;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::addr::{HostName, Offender};

/// An answer that takes longer is none. The system's resolver by itself gives up after five to thirty seconds.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(15);

/// So many names are asked for at once. Each holds a thread, and does so until the system gives up, whatever our
/// patience. Full: the others wait, and their patience runs.
const LOOKUPS_AT_ONCE: usize = 8;

/// So many addresses of one name are heeded: who owns the name decides how many there are.
const ADDRESSES_MAX: usize = 32;

/// IPv6 is used if this is 0 (spec, filter 8.1).
const IPV6_IS_OFF: &str = "proc/sys/net/ipv6/conf/all/disable_ipv6";

/// Which addresses are of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Families {
    Both,
    V4Only,
}

impl Families {
    /// Those that this host has.
    pub(crate) fn of_this_host() -> Self {
        Self::found_below(Path::new("/"))
    }

    fn found_below(root: &Path) -> Self {
        match fs::read_to_string(root.join(IPV6_IS_OFF)) {
            Ok(off) if off.trim() == "0" => Self::Both,
            _ => Self::V4Only,
        }
    }
}

type Ask = dyn Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Who knows whose addresses are whose.
#[derive(Clone)]
pub(crate) struct Names {
    ask: Arc<Ask>,
    families: Families,
    slots: Arc<Semaphore>,
    patience: Duration,
}

impl Names {
    /// The system's resolver.
    pub(crate) fn of_system(families: Families) -> Self {
        Self::asking(families, |name| {
            Ok((name.as_str(), 0).to_socket_addrs()?.map(|addr| addr.ip()).collect())
        })
    }

    /// Whoever this asks; it may take its time, on a thread of its own.
    pub(super) fn asking(
        families: Families,
        ask: impl Fn(&HostName) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(LOOKUPS_AT_ONCE));
        Self { ask: Arc::new(ask), families, slots, patience: LOOKUP_PATIENCE }
    }

    /// The addresses of a host, each once; at least one.
    pub(crate) async fn addresses(&self, name: &HostName) -> io::Result<Vec<Offender>> {
        let (ask, slots, name) = (self.ask.clone(), self.slots.clone(), name.clone());
        let asking = async {
            let slot = slots.acquire_owned().await.map_err(io::Error::other)?;
            let answer = spawn_blocking(move || {
                let answer = ask(&name);
                drop(slot);
                answer
            });
            answer.await.map_err(io::Error::other)?
        };
        let found = timeout(self.patience, asking)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer came in time"))??;
        let mut addresses: Vec<Offender> = found
            .into_iter()
            .filter(|addr| !addr.is_unspecified())
            .map(Offender::from)
            .filter(|addr| self.families == Families::Both || addr.as_net().addr().is_ipv4())
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(ADDRESSES_MAX);
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has no address of use"));
        }
        Ok(addresses)
    }
}

#[cfg(test)]
impl Names {
    /// With less patience, so that a test need not have it.
    pub(super) fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tempfile::TempDir;

    use super::*;

    async fn addresses(families: Families, found: &'static [&str]) -> io::Result<Vec<String>> {
        let names = Names::asking(families, |_| {
            Ok(found.iter().map(|addr| addr.parse().unwrap()).collect())
        });
        let found = names.addresses(&"host.example".parse().unwrap()).await?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn each_address_comes_once_and_in_normal_form() {
        let found = &["2001:db8::1", "192.0.2.1", "::ffff:192.0.2.1", "0.0.0.0"];
        let found = addresses(Families::Both, found).await.unwrap();
        assert_eq!(found, ["192.0.2.1", "2001:db8::1"]);
    }

    #[tokio::test]
    async fn a_host_without_ipv6_takes_no_ipv6_address() {
        let found = addresses(Families::V4Only, &["2001:db8::1", "192.0.2.1"]).await;
        assert_eq!(found.unwrap(), ["192.0.2.1"]);
        let error = addresses(Families::V4Only, &["2001:db8::1"]).await.unwrap_err();
        assert_eq!(error.to_string(), "it has no address of use");
    }

    #[tokio::test]
    async fn who_does_not_answer_in_time_does_not_answer() {
        let (release, held) = mpsc::sync_channel::<()>(0);
        let held = std::sync::Mutex::new(held);
        let names = Names::asking(Families::Both, move |_| {
            held.lock().unwrap().recv().unwrap_or_default();
            Ok(Vec::new())
        });
        let names = names.within(Duration::from_millis(20));
        let error = names.addresses(&"host.example".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(
            names.slots.available_permits(),
            LOOKUPS_AT_ONCE - 1,
            "its thread is still held"
        );
        drop(release);
    }

    #[test]
    fn ipv6_is_used_where_it_is_not_off() {
        let root = TempDir::new().unwrap();
        assert_eq!(Families::found_below(root.path()), Families::V4Only);
        let file = root.path().join(IPV6_IS_OFF);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (text, families) in [("0\n", Families::Both), ("1\n", Families::V4Only)] {
            fs::write(&file, text).unwrap();
            assert_eq!(Families::found_below(root.path()), families);
        }
    }
}
