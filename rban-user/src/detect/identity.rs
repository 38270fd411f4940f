//! Who failed, by what a pattern captured (spec, filter 8.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use compact_str::CompactString;
use ipnet::IpNet;

use super::fields::{Fields, Name, Value};
use super::tag::UseDns;
use crate::addr::Offender;

/// Who failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// An address or a prefix.
    Offender(Offender),
    /// A host name, still to be looked up.
    Name(String),
    /// Something that is neither: a user, a key, an address out of range. Never made into an address.
    Text(String),
}

/// Who failed, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who is to be banned.
    pub id: Who,
    /// The address, where `id` is something else (`<F-ID>` beside an address).
    pub addr: Option<Offender>,
}

/// Whom these fields tell of; `None` if of nobody, or nobody yet.
pub(super) fn identify(fields: &Fields, usedns: UseDns) -> Option<Identity> {
    let cidr = fields.text(Name::CIDR);
    let host = address(fields, cidr).or_else(|| name(fields.text(Name::DNS)?, cidr, usedns));
    let addr = match &host {
        Some(Who::Offender(addr)) => Some(*addr),
        _ => None,
    };
    let fid = match fields.find(Name::FID) {
        Some(Value::Many(parts)) => {
            return Some(Identity { id: Who::Text(tuple(parts)), addr });
        }
        Some(Value::Text(fid)) if !fid.is_empty() => fid.as_str(),
        _ => return host.map(|id| Identity { id, addr: None }),
    };
    let same = [Name::IP4, Name::IP6, Name::DNS].iter().any(|it| fields.text(*it) == Some(fid));
    if same && let Some(id) = host {
        return Some(Identity { id, addr: None });
    }
    let id = match fid.parse::<Offender>() {
        Ok(offender) if usedns != UseDns::Raw => Who::Offender(offender),
        _ => Who::Text(fid.to_owned()),
    };
    Some(Identity { id, addr })
}

/// As Python prints a tuple, which is how fail2ban's log shows such an id.
fn tuple(parts: &[CompactString]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("'{part}'")).collect();
    format!("({})", parts.join(", "))
}

fn address(fields: &Fields, cidr: Option<&str>) -> Option<Who> {
    let v4 = |text: &str| text.parse::<Ipv4Addr>().ok().map(IpAddr::from);
    let v6 = |text: &str| text.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    if let Some(text) = fields.text(Name::IP4) {
        return Some(offender(text, v4(text), cidr));
    }
    fields.text(Name::IP6).map(|text| offender(text, v6(text), cidr))
}

/// An address by its text, and the prefix of it that `cidr` says; the text alone if they make no prefix.
fn offender(text: &str, addr: Option<IpAddr>, cidr: Option<&str>) -> Who {
    let Some(addr) = addr else { return Who::Text(text.to_owned()) };
    let Some(cidr) = cidr else { return Who::Offender(addr.into()) };
    match cidr.parse().ok().and_then(|len| IpNet::new(addr.to_canonical(), len).ok()) {
        Some(net) => Who::Offender(Offender::net(net)),
        None => Who::Text(format!("{text}/{cidr}")),
    }
}

fn name(text: &str, cidr: Option<&str>, usedns: UseDns) -> Option<Who> {
    if usedns == UseDns::Raw {
        return Some(Who::Text(text.to_owned()));
    }
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some(offender(text, Some(addr), cidr));
    }
    match usedns {
        UseDns::No => None,
        _ if looks_numeric(text) => Some(Who::Text(text.to_owned())),
        _ => Some(Who::Name(text.to_owned())),
    }
}

/// Whether a resolver might take this for an address in another notation: `4242`, `0x7f.1`, `192.0.2.08`.
///
/// Whoever chose the text would choose whom we ban. The last label of a real name is never a number
/// (RFC 1123, section 2.1).
fn looks_numeric(text: &str) -> bool {
    let last = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(fields: &[(Name, &str)], usedns: UseDns) -> Option<Identity> {
        let mut found = Fields::default();
        for (name, text) in fields {
            found.set(*name, Value::Text((*text).into()));
        }
        identify(&found, usedns)
    }

    #[track_caller]
    fn check(fields: &[(Name, &str)], id: &str) {
        let found = identity(fields, UseDns::Warn).map(|found| match found.id {
            Who::Offender(offender) => offender.to_string(),
            Who::Name(name) => format!("name {name}"),
            Who::Text(text) => format!("text {text}"),
        });
        assert_eq!(found.as_deref().unwrap_or("nobody"), id);
    }

    #[test]
    fn an_address_is_an_address_however_it_is_written() {
        check(&[(Name::IP4, "192.0.2.1")], "192.0.2.1");
        check(&[(Name::IP6, "2001:0DB8:0:0:0:0:0:1")], "2001:db8::1");
        check(&[(Name::IP6, "::ffff:c000:201")], "192.0.2.1");
        check(&[(Name::DNS, "192.0.2.1")], "192.0.2.1");
        check(&[(Name::IP4, "192.0.2.77"), (Name::IP6, "2001:db8::1")], "192.0.2.77");
    }

    #[test]
    fn a_length_makes_it_a_prefix() {
        check(&[(Name::IP4, "192.0.2.77"), (Name::CIDR, "24")], "192.0.2.0/24");
        check(&[(Name::IP6, "2001:db8::1"), (Name::CIDR, "32")], "2001:db8::/32");
        check(&[(Name::IP4, "192.0.2.77"), (Name::CIDR, "33")], "text 192.0.2.77/33");
    }

    #[test]
    fn what_only_looks_like_an_address_is_text() {
        check(&[(Name::IP4, "1.2.3.999")], "text 1.2.3.999");
        check(&[(Name::IP4, "192.030.0.6")], "text 192.030.0.6");
        for text in ["4242", "0x7f.1", "127.1", "192.0.2.08", "0x7F000001", "1.0x"] {
            check(&[(Name::DNS, text)], &format!("text {text}"));
        }
        check(&[(Name::DNS, "host.example")], "name host.example");
        check(&[(Name::DNS, "a1.0xg")], "name a1.0xg");
    }

    #[test]
    fn what_is_named_as_the_id_is_the_id() {
        check(&[(Name::FID, "x"), (Name::IP4, "192.0.2.1")], "text x");
        check(&[(Name::FID, "192.0.2.1"), (Name::IP4, "192.0.2.1")], "192.0.2.1");
        check(&[(Name::FID, "192.0.2.0/24")], "192.0.2.0/24");
        let found = identity(&[(Name::FID, "x"), (Name::IP4, "192.0.2.1")], UseDns::Warn).unwrap();
        assert_eq!(found.addr, Some("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn names_are_somebody_only_if_wanted() {
        let name = [(Name::DNS, "host.example")];
        assert_eq!(identity(&name, UseDns::No), None);
        let raw = identity(&name, UseDns::Raw).unwrap();
        assert_eq!(raw.id, Who::Text("host.example".into()));
        assert_eq!(identity(&[(Name::USER, "x"), (Name::IP4, "")], UseDns::Warn), None);
    }
}
