//! Names of services → ports, as firewalls know them: `/etc/services`, and the usual ones where that is silent.

use std::collections::HashMap;

use rban_common::ban::Transport;

/// What jails name, for hosts without `/etc/services`; ports by IANA's registry.
const USUAL: [(&str, u16); 40] = [
    ("domain", 53),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("ftps-data", 989),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imap2", 143),
    ("imap3", 220),
    ("imaps", 993),
    ("irc", 6667),
    ("kerberos", 88),
    ("ldap", 389),
    ("ldaps", 636),
    ("mysql", 3306),
    ("nagios", 5666),
    ("ntp", 123),
    ("openvpn", 1194),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("rdp", 3389),
    ("redis", 6379),
    ("rsync", 873),
    ("sieve", 4190),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("smtps", 465),
    ("socks", 1080),
    ("ssh", 22),
    ("ssmtp", 465),
    ("submission", 587),
    ("submissions", 465),
    ("telnet", 23),
    ("tftp", 69),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
];

/// The services that a host knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services(HashMap<(Transport, String), u16>);

impl Services {
    /// From the text of `/etc/services`; lines that are none are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut services = HashMap::new();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else { continue };
            let Some((port, protocol)) = port.split_once('/') else { continue };
            let (Some(transport), Ok(port)) = (transport(protocol), port.parse()) else { continue };
            for name in std::iter::once(name).chain(words) {
                services.entry((transport, name.to_owned())).or_insert(port);
            }
        }
        Self(services)
    }

    /// The port of a service. Where its own protocol does not have it, the other's port counts, as for iptables.
    pub(crate) fn port(&self, transport: Transport, name: &str) -> Option<u16> {
        let other = match transport {
            Transport::Tcp => Transport::Udp,
            Transport::Udp => Transport::Tcp,
        };
        let known = |transport| self.0.get(&(transport, name.to_owned())).copied();
        let usual = || USUAL.iter().find(|(it, _)| *it == name).map(|(_, port)| *port);
        known(transport).or_else(|| known(other)).or_else(usual)
    }
}

fn transport(protocol: &str) -> Option<Transport> {
    match protocol {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# comment\nssh 2222/tcp  # moved\nsmtp\t25/tcp mail\ndomain 53/udp\nx 1/sctp\ny\nz a/tcp\n";

    #[track_caller]
    fn check(transport: Transport, name: &str, port: Option<u16>) {
        assert_eq!(Services::parse(TEXT).port(transport, name), port, "{name}");
    }

    #[test]
    fn the_host_knows_best() {
        check(Transport::Tcp, "ssh", Some(2222));
        check(Transport::Tcp, "mail", Some(25));
    }

    #[test]
    fn a_service_of_the_other_protocol_has_the_same_port() {
        check(Transport::Tcp, "domain", Some(53));
    }

    #[test]
    fn the_usual_ones_are_known_anyway() {
        check(Transport::Tcp, "https", Some(443));
        check(Transport::Tcp, "x", None);
    }
}
