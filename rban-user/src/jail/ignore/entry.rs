//! Entries of `ignoreip`, and of the files that it names.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::{IpNet, ip_mask_to_prefix};

use crate::addr::{HostName, Offender};

/// Whom an entry of `ignoreip` lets off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An address or a prefix.
    Net(Offender),
    /// Whoever has this name.
    Name(HostName),
    /// Whoever stands in this file.
    File(PathBuf),
}

/// The text lets nobody off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEntry {
    /// Ones behind zeros.
    #[error(
        "{found}: in a netmask no one stands behind a zero; write a length, as in 192.0.2.0/24"
    )]
    Mask {
        /// The entry.
        found: String,
    },
    /// Neither a length of that family nor a netmask.
    #[error(
        "{found}: no such prefix; write a length of at most 32 (IPv4) or 128 (IPv6), or a netmask, behind the address"
    )]
    Length {
        /// The entry.
        found: String,
    },
    /// The zone of an address.
    #[error("{found}: an address with a zone; leave out what stands behind the %")]
    Zone {
        /// The entry.
        found: String,
    },
    /// `file:` and nothing behind it.
    #[error("{found}: no file is named; write its path, as in file:/etc/rban/ignored")]
    NoFile {
        /// The entry.
        found: String,
    },
    /// Anything else.
    #[error(
        "{found:?}: neither an address nor a name; write one like 192.0.2.7, 192.0.2.0/24, 2001:db8::/32, \
         host.example or file:/etc/rban/ignored"
    )]
    Neither {
        /// The entry.
        found: String,
    },
}

/// The entries of an `ignoreip`, with blanks, commas or newlines between them; and those that are none.
#[must_use]
pub fn entries(text: &str) -> (Vec<Entry>, Vec<NotAnEntry>) {
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for entry in words(text).map(Entry::from_str) {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => refused.push(error),
        }
    }
    (entries, refused)
}

/// What a file that `ignoreip` names says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Who stands there.
    pub nets: Vec<IpNet>,
    /// The first that is neither an address nor a prefix, and so lets nobody off. Names in files are not looked up.
    pub strange: Option<String>,
}

impl Listed {
    /// Reads a file's text: as `ignoreip`, with comments from a `#` or `;` that begins a word to the end of its line
    /// (spec, filter 8.2).
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let mut listed = Self::default();
        for word in text.lines().flat_map(|line| words(uncommented(line))) {
            match net(word) {
                Ok(Some(net)) => listed.nets.push(net.as_net()),
                _ => drop(listed.strange.get_or_insert_with(|| word.to_owned())),
            }
        }
        listed
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
}

/// The line up to its comment.
fn uncommented(line: &str) -> &str {
    let mut after_blank = true;
    for (at, c) in line.char_indices() {
        if after_blank && matches!(c, '#' | ';') {
            return &line[..at];
        }
        after_blank = c.is_whitespace();
    }
    line
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(net) => net.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl FromStr for Entry {
    type Err = NotAnEntry;

    fn from_str(text: &str) -> Result<Self, NotAnEntry> {
        if let Some(path) = text.strip_prefix("file:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err(NotAnEntry::NoFile { found: text.to_owned() }),
                _ => Ok(Self::File(path.into())),
            };
        }
        if let Some(net) = net(text)? {
            return Ok(Self::Net(net));
        }
        match text.parse() {
            Ok(name) => Ok(Self::Name(name)),
            Err(_) => Err(NotAnEntry::Neither { found: text.to_owned() }),
        }
    }
}

/// An address or prefix, in brackets or not, with a length or a netmask; `None` where no address stands.
fn net(text: &str) -> Result<Option<Offender>, NotAnEntry> {
    let found = || text.to_owned();
    let bare = unbracketed(text);
    let (addr, length) = match bare.split_once('/') {
        Some((addr, length)) => (addr, Some(length)),
        None => (bare.as_str(), None),
    };
    if addr.split_once('%').is_some_and(|(addr, _)| addr.parse::<IpAddr>().is_ok()) {
        return Err(NotAnEntry::Zone { found: found() });
    }
    let Ok(addr) = addr.parse::<IpAddr>() else { return Ok(None) };
    let length = match length {
        None => return Ok(Some(addr.into())),
        Some(mask) if mask.contains(['.', ':']) => match mask.parse::<IpAddr>() {
            Ok(mask) if mask.is_ipv4() == addr.is_ipv4() => {
                Some(ip_mask_to_prefix(mask).map_err(|_| NotAnEntry::Mask { found: found() })?)
            }
            _ => None,
        },
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
    };
    let net = length.and_then(|length| IpNet::new(addr, length).ok());
    net.map(|net| Some(Offender::net(net))).ok_or_else(|| NotAnEntry::Length { found: found() })
}

/// `[2001:db8::1]/64` and `[2001:db8::1/64]` without their brackets.
fn unbracketed(text: &str) -> String {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, rest)) if rest.is_empty() || rest.starts_with('/') => format!("{inner}{rest}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> String {
        match text.parse() {
            Ok(Entry::Net(net)) => format!("net {net}"),
            Ok(Entry::Name(name)) => format!("name {name}"),
            Ok(Entry::File(path)) => format!("file {}", path.display()),
            Err(error) => error.to_string(),
        }
    }

    #[track_caller]
    fn check(text: &str, is: &str) {
        assert_eq!(entry(text), is);
    }

    #[track_caller]
    fn refused(text: &str, remedy: &str) {
        let error = entry(text);
        assert!(error.contains(text) && error.contains(remedy), "{error}");
    }

    #[test]
    fn addresses_and_prefixes_are_brought_to_normal_form() {
        check("192.0.2.7", "net 192.0.2.7");
        check("10.1.2.3/24", "net 10.1.2.0/24");
        check("172.16.0.0/255.240.0.0", "net 172.16.0.0/12");
        check("2001:DB8::/32", "net 2001:db8::/32");
        check("2001:db8::1/ffff:ffff::", "net 2001:db8::/32");
        check("::ffff:192.0.2.3", "net 192.0.2.3");
        check("::ffff:192.0.2.3/120", "net 192.0.2.0/24");
        check("0.0.0.0/0.0.0.0", "net 0.0.0.0/0");
    }

    #[test]
    fn brackets_are_taken_off() {
        check("[2001:db9::1]", "net 2001:db9::1");
        check("[2001:db9::1]/64", "net 2001:db9::/64");
        check("[2001:db9::1/64]", "net 2001:db9::/64");
    }

    #[test]
    fn names_and_files_are_kept_as_they_are_written() {
        check("Host.Example", "name host.example");
        check("localhost", "name localhost");
        check("file:/etc/x", "file /etc/x");
        check("file:///etc/x", "file /etc/x");
        check("file:x/y", "file x/y");
    }

    #[test]
    fn what_lets_nobody_off_is_named_with_the_remedy() {
        refused("192.0.2.0/255.0.255.0", "write a length, as in 192.0.2.0/24");
        refused("192.0.2.0/33", "at most 32");
        for text in
            ["192.0.2.0/", "192.0.2.0/+8", "192.0.2.0/ffff::", "2001:db8::/129", "192.0.2.0/x"]
        {
            refused(text, "no such prefix");
        }
        refused("fe80::1%eth0", "leave out what stands behind the %");
        refused("file:", "write its path");
        for text in ["192.0.2.256", "4242", "0x7f.1", "192.0.2", "host.example/24", "a@b", "[host]"]
        {
            refused(text, "write one like");
        }
    }

    #[test]
    fn blanks_commas_and_newlines_stand_between_entries() {
        let (found, refused) = entries("192.0.2.1, 192.0.2.2,,host.example\n\t4242 file:x");
        assert_eq!((found.len(), refused.len()), (4, 1));
    }

    #[test]
    fn a_file_may_have_comments() {
        let text = b"# 192.0.2.1\n192.0.2.2 ; 192.0.2.3\n  ;x\r\n192.0.2.4,2001:db8::/32\t#\xff\n[::1]/128\n";
        let listed = Listed::parse(text);
        let nets: Vec<String> = listed.nets.iter().map(ToString::to_string).collect();
        assert_eq!(nets, ["192.0.2.2/32", "192.0.2.4/32", "2001:db8::/32", "::1/128"]);
        assert_eq!(listed.strange, None);
    }

    #[test]
    fn what_is_strange_in_a_file_does_not_spoil_the_rest() {
        let listed = Listed::parse(b"host.example 4242\n192.0.2.1#x 192.0.2.2");
        assert_eq!(listed.nets, ["192.0.2.2/32".parse().unwrap()]);
        assert_eq!(listed.strange.as_deref(), Some("host.example"));
    }
}
