//! Names of hosts, as far as anybody should be asked for their addresses.

use std::fmt;
use std::str::FromStr;

/// The longest name that there is (RFC 1035, section 2.3.4), without the dot at its end.
const NAME_MAX_BYTES: usize = 253;

/// The longest of its labels.
const LABEL_MAX_BYTES: usize = 63;

/// A name to be looked up, in lower case.
///
/// Never one that a resolver might take for an address in another notation (`4242`, `0x7f.1`, `127.1`,
/// `192.0.2.08`): in a log, whoever chose the text would choose whom we ban. The last label of a real name is never a
/// number (RFC 1123, section 2.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// The text is no name of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?}: not a host name; write one like host.example")]
pub struct NotAName {
    /// What stood there, or its beginning.
    pub found: String,
}

impl HostName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            let of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=LABEL_MAX_BYTES).contains(&label.len()) && label.bytes().all(of_name)
        };
        let last = bare.rsplit('.').next().unwrap_or(bare);
        if bare.len() <= NAME_MAX_BYTES && bare.split('.').all(is_label) && !is_number(last) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(NotAName { found: text.chars().take(NAME_MAX_BYTES).collect() })
    }
}

/// Decimal or octal, or hexadecimal by its prefix.
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || label.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_name(text: &str) -> bool {
        text.parse::<HostName>().is_ok()
    }

    /// What the C library's `inet_aton` takes for an address: one to four numbers, the last filling up what is left.
    fn is_address_to_c(text: &str) -> bool {
        let number = |part: &str| {
            let hex = part.strip_prefix("0x").or_else(|| part.strip_prefix("0X"));
            match (hex, part.strip_prefix('0')) {
                (Some(hex), _) => u64::from_str_radix(hex, 16).ok(),
                (None, Some(octal)) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
                _ => part.parse().ok(),
            }
        };
        let text = text.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let parts: Option<Vec<u64>> = text.split('.').map(number).collect();
        parts.is_some_and(|parts| parts.len() <= 4)
    }

    #[test]
    fn names_are_names() {
        for text in [
            "host.example",
            "a",
            "xn--bcher-kva.example.",
            "4.3.2.1.in-addr.arpa",
            "_x.example",
            "a1.0xg",
        ] {
            assert!(is_name(text), "{text}");
        }
        assert_eq!("Host.EXAMPLE".parse::<HostName>().unwrap().as_str(), "host.example");
    }

    #[test]
    fn what_c_takes_for_an_address_is_none() {
        for text in [
            "4242",
            "0",
            "0x7f.1",
            "0X7F000001",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "017700000001",
            "192.0.2.7",
            "192.0.2.08",
            "192.030.0.6",
            "1.2.3.999",
            "0x",
            "1.0x",
            "a.4242",
            "127.1.",
            "0x7f.0x0.0x0.0x1",
            "127.0.0.1 host.example",
            "4294967295",
        ] {
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "",
            ".",
            "a..b",
            "::1",
            "[::1]",
            "fe80::1%eth0",
            "a b",
            "a\\0",
            "b\u{fc}cher.example",
            "$(x)",
        ] {
            assert!(!is_name(text), "{text}");
        }
        assert!(!is_name(&"a".repeat(LABEL_MAX_BYTES + 1)));
        assert!(is_name(&["a"; 127].join(".")));
        assert!(!is_name(&["a"; 128].join(".")));
    }

    proptest! {
        #[test]
        fn no_name_is_an_address_to_c(text in "[0-9a-fxX.]{1,12}") {
            prop_assert!(!(is_name(&text) && is_address_to_c(&text)), "{}", text);
        }
    }
}
