//! Tags of a failure in a text: for `ignorecommand`, and for the key of `ignorecache` (spec, jail 11).
//!
//! What a log says never becomes part of a command. A value with a character that means anything to a shell travels
//! as an argument of it, and the command gets the name of a variable.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::event::Failure;

/// A longer value is cut: the kernel takes no argument of more than 128 KiB.
const VALUE_MAX_BYTES: usize = 65_536;

/// What means something to a shell, besides control characters (spec, jail 11).
const SPECIAL: &[u8] = b"\\#&;`|*?~<>^()[]{}$'\"";

/// Tags whose values are not known when a failure is judged.
const UNKNOWN_YET: [&str; 8] = [
    "ip-host",
    "fq-hostname",
    "sh-hostname",
    "raw-ticket",
    "jail.banned",
    "jail.banned_total",
    "jail.found",
    "jail.found_total",
];

/// A text with tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

/// A tag that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "<{tag}> is not known when a failure is judged; write <ip>, and have the command find out what it needs of that"
)]
pub struct UnknownYet {
    /// The tag.
    pub tag: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Tag { tag: Tag, variable: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tag {
    Ip,
    Fid,
    IpRev,
    Family,
    Failures,
    Time,
    Bantime,
    Zero,
    Matches,
    JailName,
    Capture(String),
}

/// A failure that is about to be judged, and by whom.
#[derive(Clone, Copy, Debug)]
pub(in crate::jail) struct Asker<'a> {
    /// The failure.
    pub(in crate::jail) failure: &'a Failure,
    /// How long its jail bans; `None` = for ever.
    pub(in crate::jail) bantime: Option<Duration>,
}

/// A command for a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What the shell is to do.
    pub script: String,
    /// Its arguments, from `$0` on. They hold no NUL.
    pub values: Vec<Vec<u8>>,
}

impl FromStr for Template {
    type Err = UnknownYet;

    /// Tags that mean nothing are text: in a shell, `<` does.
    fn from_str(text: &str) -> Result<Self, UnknownYet> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(start) = rest.find('<') {
            plain.push_str(&rest[..start]);
            let behind = &rest[start + 1..];
            let name = behind.split_once('>').map(|(name, _)| name);
            if let Some(tag) = name.filter(|name| UNKNOWN_YET.contains(name)) {
                return Err(UnknownYet { tag: tag.to_owned() });
            }
            match name.map(|name| (name, Tag::named(name))) {
                Some((name, Some(tag))) => {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Tag { tag, variable: variable(name) });
                    rest = &behind[name.len() + 1..];
                }
                Some((name @ ("br" | "sp"), None)) => {
                    plain.push(if name == "br" { '\n' } else { ' ' });
                    rest = &behind[name.len() + 1..];
                }
                _ => {
                    plain.push('<');
                    rest = behind;
                }
            }
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }
}

impl Template {
    /// The text with all values in it: for comparing, never for a shell.
    pub(super) fn text(&self, asker: &Asker<'_>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Tag { tag, .. } => String::from_utf8_lossy(&tag.value(asker)).into_owned(),
        };
        self.0.iter().map(part).collect()
    }

    /// The text as a shell's command.
    pub(super) fn command(&self, asker: &Asker<'_>) -> Command {
        let (mut body, mut variables) = (String::new(), BTreeMap::new());
        for part in &self.0 {
            match part {
                Part::Text(text) => body.push_str(text),
                Part::Tag { tag, variable } => match String::from_utf8(tag.value(asker)) {
                    Ok(value) if is_harmless(&value) => body.push_str(&value),
                    value => {
                        let value =
                            value.map_or_else(|error| error.into_bytes(), String::into_bytes);
                        variables.insert(variable.as_str(), value);
                        write!(body, "${{{variable}}}").expect("a string takes everything");
                    }
                },
            }
        }
        if variables.is_empty() {
            return Command { script: body, values: Vec::new() };
        }
        let assign = |(at, name): (usize, &&str)| format!("{name}=${{{at}}} ");
        let mut script: String = variables.keys().enumerate().map(assign).collect();
        script.push('\n');
        script.push_str(&body);
        Command { script, values: variables.into_values().collect() }
    }
}

impl Tag {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ip" => Self::Ip,
            "fid" => Self::Fid,
            "ip-rev" => Self::IpRev,
            "family" => Self::Family,
            "failures" | "ipfailures" | "ipjailfailures" => Self::Failures,
            "time" => Self::Time,
            "bantime" => Self::Bantime,
            "bancount" | "restored" => Self::Zero,
            "matches" | "ipmatches" | "ipjailmatches" => Self::Matches,
            "jail.name" => Self::JailName,
            _ => {
                let of_capture =
                    |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                let capture =
                    name.strip_prefix("F-").filter(|name| name.bytes().all(of_capture))?;
                Self::Capture(match capture {
                    "" => return None,
                    "ID" => "fid".to_owned(),
                    "PORT" => "fport".to_owned(),
                    _ => capture.to_ascii_lowercase(),
                })
            }
        })
    }

    /// What stands for it; no NUL, which no argument can hold.
    fn value(&self, asker: &Asker<'_>) -> Vec<u8> {
        let failure = asker.failure;
        let mut value = match self {
            Self::Ip => match failure.ip {
                Some(ip) => ip.to_string().into_bytes(),
                None => failure.id.to_string().into_bytes(),
            },
            Self::Fid => failure.id.to_string().into_bytes(),
            Self::IpRev => addr(failure).map_or_else(Vec::new, |addr| reversed(addr).into_bytes()),
            Self::Family => match addr(failure) {
                Some(IpAddr::V4(_)) => b"inet4".to_vec(),
                Some(IpAddr::V6(_)) => b"inet6".to_vec(),
                None => b"None".to_vec(),
            },
            Self::Failures => b"1".to_vec(),
            Self::Time => failure.time.as_micros().div_euclid(1_000_000).to_string().into_bytes(),
            Self::Bantime => match asker.bantime {
                Some(bantime) => bantime.as_secs().to_string().into_bytes(),
                None => b"-1".to_vec(),
            },
            Self::Zero => b"0".to_vec(),
            Self::Matches => failure.lines.join(&b'\n'),
            Self::JailName => failure.jail.as_bytes().to_vec(),
            Self::Capture(name) => {
                let found = failure.captures.iter().find(|(captured, _)| **captured == **name);
                found.map(|(_, text)| text.clone().into_bytes()).unwrap_or_default()
            }
        };
        value.truncate(VALUE_MAX_BYTES);
        value.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b'?');
        value
    }
}

/// The address that `<ip>` is, if it is one.
fn addr(failure: &Failure) -> Option<IpAddr> {
    let offender = failure.ip.or_else(|| failure.id.net())?;
    Some(offender.as_net().addr())
}

/// As name servers are asked for the name of an address, up to the dot at its end.
fn reversed(addr: IpAddr) -> String {
    match addr {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(|octet| format!("{octet}.")).collect(),
        IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 15, octet >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect()
        }
    }
}

fn variable(tag: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("f2bV_{}", tag.chars().map(word).collect::<String>())
}

fn is_harmless(value: &str) -> bool {
    !value.bytes().any(|byte| SPECIAL.contains(&byte) || byte.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use std::process;

    use proptest::prelude::*;

    use super::*;
    use crate::clock::WallTime;
    use crate::event::Line;

    fn failure(user: &str) -> Failure {
        Failure {
            jail: "sshd".into(),
            id: "192.0.2.7".into(),
            ip: None,
            time: WallTime::from_secs(1_795_245_774),
            lines: vec![Line::from("a"), Line::from_static(b"b\xff\0")],
            captures: vec![("user".into(), user.to_owned())],
        }
    }

    fn command(template: &str, failure: &Failure) -> Command {
        let bantime = Some(Duration::from_secs(600));
        template.parse::<Template>().unwrap().command(&Asker { failure, bantime })
    }

    #[track_caller]
    fn check(template: &str, script: &str) {
        let failure = failure("root");
        let bantime = Some(Duration::from_secs(600));
        assert_eq!(
            command(template, &failure),
            Command { script: script.into(), values: Vec::new() }
        );
        let text =
            template.parse::<Template>().unwrap().text(&Asker { failure: &failure, bantime });
        assert_eq!(text, script);
    }

    /// What a shell prints of the words that it makes of `<F-USER>` in double quotes.
    fn printed(user: &str) -> String {
        let command = command("printf %s \"<F-USER>\"", &failure(user));
        let values = command.values.iter().map(|value| str::from_utf8(value).unwrap());
        let output =
            process::Command::new("/bin/sh").arg("-c").arg(&command.script).args(values).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    #[test]
    fn tags_are_replaced() {
        check("ask <ip> <fid> <family> <ip-rev>", "ask 192.0.2.7 192.0.2.7 inet4 7.2.0.192.");
        check("<time> <bantime> <failures> <restored>", "1795245774 600 1 0");
        check("<jail.name>/<F-USER>/<F-user>/<F-OTHER>.", "sshd/root/root/.");
        check("a<br>b<sp>c", "a\nb c");
    }

    #[test]
    fn what_is_no_tag_stays() {
        check("x < y > z <", "x < y > z <");
        check("x <nobody> <<ip>> <F-> </ip>", "x <nobody> <192.0.2.7> <F-> </ip>");
    }

    #[test]
    fn an_ipv6_address_is_reversed_by_nibbles() {
        let mut failure = failure("root");
        failure.id = "2001:db8::1".into();
        let reversed = format!("1.{}8.b.d.0.1.0.0.2.", "0.".repeat(23));
        assert_eq!(command("<ip-rev> <family>", &failure).script, format!("{reversed} inet6"));
    }

    #[test]
    fn what_means_something_to_a_shell_travels_as_an_argument() {
        let command = command("x <F-USER> <ip> \"<matches>\" <F-USER>", &failure("a;b"));
        assert_eq!(
            command.script,
            "f2bV_F_USER=${0} f2bV_matches=${1} \nx ${f2bV_F_USER} 192.0.2.7 \"${f2bV_matches}\" ${f2bV_F_USER}"
        );
        assert_eq!(command.values, [b"a;b".to_vec(), b"a\nb\xff?".to_vec()]);
    }

    #[test]
    fn a_tag_that_cannot_be_had_is_refused() {
        let error = "x <ip-host>".parse::<Template>().unwrap_err().to_string();
        assert!(error.starts_with("<ip-host> is not known when a failure is judged; write <ip>"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_captured_text_is_more_than_text_to_a_shell(user in "[ -~\\n\\t\u{e9}]{0,24}|(\\$\\(id\\)|`id`|;id|'|\"|\\\\){1,4}") {
            prop_assert_eq!(printed(&user), user);
        }
    }
}
