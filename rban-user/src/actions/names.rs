//! Names of hosts for people: this host's own, and that of an address.
//!
//! The system is asked by its own programs, which a time limit can end; its resolver's functions know none.

use std::net::IpAddr;
use std::time::Duration;

use crate::shell;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest name of a host.
const NAME_MAX_BYTES: usize = 253;

/// What this host calls itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnNames {
    /// With its domain, as far as the system knows it.
    pub full: String,
    /// As it is called without asking anybody.
    pub short: String,
}

impl OwnNames {
    /// Asks the system.
    pub async fn of_this_host() -> Self {
        let short = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let full = match short.contains('.') {
            true => Some(short.clone()),
            false => asked("hostname -f", &[]).await,
        };
        Self { full: full.unwrap_or_else(|| short.clone()), short }
    }
}

/// The name that the system's resolver knows for an address. Its owner chose it, so it is looked at closely.
pub async fn host_name(ip: IpAddr) -> Option<String> {
    let answer = asked("getent hosts \"$0\"", &[ip.to_string().into_bytes()]).await?;
    let name = answer.split_whitespace().nth(1)?;
    is_name(name).then(|| name.to_owned())
}

async fn asked(script: &str, values: &[Vec<u8>]) -> Option<String> {
    let ended = shell::run(script, values, PATIENCE).await.ok()?;
    let answer = ended.stdout.trim();
    (ended.status.success() && !answer.is_empty()).then(|| answer.to_owned())
}

fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.len() <= NAME_MAX_BYTES && text.bytes().all(is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_system_knows_itself() {
        assert_eq!(host_name("127.0.0.1".parse().unwrap()).await.as_deref(), Some("localhost"));
        assert_eq!(host_name("192.0.2.1".parse().unwrap()).await, None);
        let own = OwnNames::of_this_host().await;
        assert!(
            !own.short.is_empty() && own.full.starts_with(own.short.split('.').next().unwrap()),
            "{own:?}"
        );
    }

    #[test]
    fn what_is_no_name_is_none() {
        assert!(is_name("mail.example.org"));
        assert!(!is_name("$(reboot).example.org"));
        assert!(!is_name(&"a".repeat(254)));
    }
}
