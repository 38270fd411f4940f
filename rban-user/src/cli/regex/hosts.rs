//! Addresses of host names, and names of addresses, while a log is looked at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use crate::addr::{HostName, Offender};
use crate::daemon::names::{Families, Names};

/// So many answers are remembered (spec, filter 8.1); then it begins anew.
const ANSWERS_MAX: usize = 1_000;

/// Asks the system, and remembers what it said.
pub(super) struct Hosts {
    names: Names,
    runtime: Option<tokio::runtime::Runtime>,
    addresses: HashMap<HostName, Vec<Offender>>,
    hosts: HashMap<IpAddr, Option<String>>,
}

impl Hosts {
    pub(super) fn of_system() -> Self {
        let names = Names::of_system(Families::of_this_host());
        Self { names, runtime: None, addresses: HashMap::new(), hosts: HashMap::new() }
    }

    /// The addresses of a host; none if nobody knows any, or it is no name that anybody should be asked for.
    pub(super) fn addresses(&mut self, name: &str) -> Vec<Offender> {
        let Ok(name) = name.parse::<HostName>() else { return Vec::new() };
        if let Some(known) = self.addresses.get(&name) {
            return known.clone();
        }
        if self.runtime.is_none() {
            let built = tokio::runtime::Builder::new_current_thread().enable_time().build();
            self.runtime = built.ok();
        }
        let Some(runtime) = &self.runtime else { return Vec::new() };
        let found = runtime.block_on(self.names.addresses(&name)).unwrap_or_default();
        if self.addresses.len() >= ANSWERS_MAX {
            self.addresses.clear();
        }
        self.addresses.insert(name, found.clone());
        found
    }

    /// The name of an address, for `<ip-host>`.
    pub(super) fn name(&mut self, addr: IpAddr) -> Option<String> {
        if let Some(known) = self.hosts.get(&addr) {
            return known.clone();
        }
        let asked =
            Command::new("getent").args(["hosts", &addr.to_string()]).stderr(Stdio::null()).output();
        let answer = asked.ok().filter(|it| it.status.success());
        let answer = answer.and_then(|it| String::from_utf8(it.stdout).ok());
        let name = answer.and_then(|it| it.split_whitespace().nth(1).map(str::to_owned));
        if self.hosts.len() >= ANSWERS_MAX {
            self.hosts.clear();
        }
        self.hosts.insert(addr, name.clone());
        name
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        // A name server that does not answer is not waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
