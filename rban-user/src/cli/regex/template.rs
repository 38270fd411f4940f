//! `-o` with `<tags>` in it: those of actions (spec, jail 11), and `<msg>`.

use std::io::{self, Write};

use rustix::system::uname;

use super::failure::Failure;
use super::hosts::Hosts;
use super::python;

/// A text with tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Tag(Tag),
    /// `<F-NAME>`, by its name.
    Capture(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Ip,
    IpRev,
    IpHost,
    Family,
    Fid,
    Time,
    Matches,
    Msg,
    /// A count that only a jail keeps.
    Nothing,
}

impl Template {
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('<') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = rest.find('>').unwrap_or(0);
            let Some(part) = rest.get(1..end).and_then(part) else {
                literal.push('<');
                rest = &rest[1..];
                continue;
            };
            match part {
                Part::Text(text) => literal.push_str(&text),
                part => {
                    parts.extend((!literal.is_empty()).then(|| Part::Text(literal.split_off(0))));
                    parts.push(part);
                }
            }
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        parts.extend((!literal.is_empty()).then_some(Part::Text(literal)));
        Self(parts)
    }

    /// Writes a line, or with `<msg>` one for each line of the failure.
    pub(super) fn write(
        &self,
        out: &mut impl Write,
        failure: &Failure<'_>,
        hosts: &mut Hosts,
    ) -> io::Result<()> {
        if !self.0.contains(&Part::Tag(Tag::Msg)) {
            return self.write_with(out, failure, hosts, b"");
        }
        failure.matches.iter().try_for_each(|line| self.write_with(out, failure, hosts, line))
    }

    fn write_with(
        &self,
        out: &mut impl Write,
        failure: &Failure<'_>,
        hosts: &mut Hosts,
        msg: &[u8],
    ) -> io::Result<()> {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.write_all(text.as_bytes())?,
                Part::Capture(name) => {
                    if let Some(value) = failure.capture(name) {
                        write!(out, "{}", value.as_str())?;
                    }
                }
                Part::Tag(tag) => tag.write(out, failure, hosts, msg)?,
            }
        }
        out.write_all(b"\n")
    }
}

/// What stands between `<` and `>`, if that is a tag.
fn part(name: &str) -> Option<Part> {
    if let Some(capture) = name.strip_prefix("F-") {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
        return capture.chars().all(is_name).then(|| {
            Part::Capture(match capture {
                "ID" => "fid".to_owned(),
                "PORT" => "fport".to_owned(),
                capture => capture.to_ascii_lowercase(),
            })
        });
    }
    let host = || uname().nodename().to_string_lossy().into_owned();
    Some(match name {
        "ip" => Part::Tag(Tag::Ip),
        "ip-rev" => Part::Tag(Tag::IpRev),
        "ip-host" => Part::Tag(Tag::IpHost),
        "family" => Part::Tag(Tag::Family),
        "fid" => Part::Tag(Tag::Fid),
        "time" => Part::Tag(Tag::Time),
        "matches" | "ipmatches" | "ipjailmatches" => Part::Tag(Tag::Matches),
        "msg" => Part::Tag(Tag::Msg),
        "failures" | "ipfailures" | "ipjailfailures" | "bancount" | "restored" => {
            Part::Tag(Tag::Nothing)
        }
        "br" => Part::Text("\n".to_owned()),
        "sp" => Part::Text(" ".to_owned()),
        "fq-hostname" => Part::Text(host()),
        "sh-hostname" => Part::Text(host().split('.').next().unwrap_or_default().to_owned()),
        _ => return None,
    })
}

impl Tag {
    fn write(
        self,
        out: &mut impl Write,
        failure: &Failure<'_>,
        hosts: &mut Hosts,
        msg: &[u8],
    ) -> io::Result<()> {
        let addr = failure.address().map(|it| it.as_net());
        match self {
            Self::Ip => write!(out, "{}", failure.ip()),
            Self::Fid => write!(out, "{}", failure.id),
            Self::Family => write!(out, "{}", failure.family().unwrap_or("None")),
            Self::IpRev => addr.map_or(Ok(()), |net| write!(out, "{}", reversed(net.addr()))),
            Self::IpHost => {
                let name = addr.and_then(|net| hosts.name(net.addr()));
                write!(out, "{}", name.as_deref().unwrap_or("None"))
            }
            Self::Time => match failure.time {
                Some(time) => python::seconds(out, time),
                None => out.write_all(b"None"),
            },
            Self::Matches => out.write_all(&failure.matches.join(&b'\n')),
            Self::Msg => out.write_all(msg),
            Self::Nothing => out.write_all(b"0"),
        }
    }
}

/// As names in `in-addr.arpa` and `ip6.arpa` have it, the dot at the end included.
fn reversed(addr: std::net::IpAddr) -> String {
    match addr {
        std::net::IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.")
        }
        std::net::IpAddr::V6(v6) => {
            let nibbles = v6.octets().into_iter().rev().flat_map(|byte| [byte & 0xf, byte >> 4]);
            nibbles.map(|nibble| format!("{nibble:x}.")).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, parts: &[Part]) {
        assert_eq!(Template::parse(text).0, parts, "{text}");
    }

    #[test]
    fn tags_are_found_and_others_stay() {
        let text = |text: &str| Part::Text(text.to_owned());
        check("<ip>", &[Part::Tag(Tag::Ip)]);
        check("a<br>b<sp><ip-rev>c", &[text("a\nb "), Part::Tag(Tag::IpRev), text("c")]);
        check("<nope> <", &[text("<nope> <")]);
        check("<<ip>>", &[text("<"), Part::Tag(Tag::Ip), text(">")]);
        check("<F-USER>", &[Part::Capture("user".to_owned())]);
        check("<F-ID><F-user>", &[Part::Capture("fid".to_owned()), text("<F-user>")]);
        check("", &[]);
    }

    #[test]
    fn addresses_are_reversed_as_name_servers_want_them() {
        assert_eq!(reversed("192.0.2.1".parse().unwrap()), "1.2.0.192.");
        let v6 = reversed("2001:db8::1".parse().unwrap());
        assert!(v6.starts_with("1.0.0.0.") && v6.ends_with("8.b.d.0.1.0.0.2."), "{v6}");
    }
}
