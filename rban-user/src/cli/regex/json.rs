//! `-o json`: one object a line for each failure (design, section 5).

use std::io::{self, Write};

use regex::Regex;

use super::failure::{Failure, Id};
use super::python;
use crate::addr::HostName;
use crate::detect::Value;

/// Names that say who failed, or how lines belong together, and are no tags of the failure.
const NO_TAGS: [&str; 10] =
    ["id", "ip4", "ip6", "dns", "cidr", "mlfid", "nofail", "mlfforget", "mlfgained", "content"];

/// What a session's users are captured under.
const USERS: &str = "users";

/// Prints failures of one filter.
#[derive(Clone, Debug)]
pub(super) struct Json {
    /// The names that the filter captures by `<F-…>`.
    tags: Vec<String>,
}

impl Json {
    pub(super) fn for_patterns<'p>(patterns: impl Iterator<Item = &'p str>) -> Self {
        let tag = Regex::new("<F-([A-Z0-9_-]+)/?>").expect("a constant");
        let mut tags = Vec::new();
        for pattern in patterns {
            for found in tag.captures_iter(pattern) {
                let name = found[1].to_ascii_lowercase();
                let name = target(&name);
                let name = if name == "port" { "fport" } else { name };
                if !NO_TAGS.contains(&name) && !tags.iter().any(|it| it == name) {
                    tags.push(name.to_owned());
                }
            }
        }
        Self { tags }
    }

    pub(super) fn write(
        &self,
        out: &mut impl Write,
        failure: &Failure<'_>,
        line: u64,
    ) -> io::Result<()> {
        write!(out, "{{\"line\":{line},\"time\":")?;
        match failure.time {
            Some(time) => python::seconds(out, time)?,
            None => out.write_all(b"null")?,
        }
        out.write_all(b",\"id\":")?;
        match failure.found {
            Some(_) => text(out, &failure.id.to_string())?,
            None => out.write_all(b"null")?,
        }
        out.write_all(b",\"ip\":")?;
        match failure.address() {
            Some(ip) => write!(out, "\"{ip}\"")?,
            None => out.write_all(b"null")?,
        }
        let parts = ["ip4", "ip6", "dns"].into_iter();
        let host = parts.filter_map(|it| Some((it, failure.capture(it)?.as_str())));
        let host = host.into_iter().find(|(_, text)| !text.is_empty());
        out.write_all(b",\"host\":")?;
        maybe(out, host.map(|(_, text)| text))?;
        let family = failure.family().or_else(|| {
            let is_name = matches!(failure.id, Id::Name(_))
                || host.is_some_and(|(part, text)| part == "dns" && text.parse::<HostName>().is_ok());
            is_name.then_some("dns")
        });
        out.write_all(b",\"family\":")?;
        maybe(out, family)?;
        let attempts = if failure.found.is_some() { failure.matches.len() } else { 0 };
        write!(out, ",\"attempts\":{attempts},\"tags\":{{")?;
        self.tags(out, failure)?;
        out.write_all(b"},\"regex\":")?;
        match failure.found {
            Some(found) => write!(out, "{}", found.failregex)?,
            None => out.write_all(b"null")?,
        }
        out.write_all(b",\"matches\":")?;
        list(out, failure.matches.iter().map(|line| String::from_utf8_lossy(line)))?;
        out.write_all(b"}\n")
    }

    fn tags(&self, out: &mut impl Write, failure: &Failure<'_>) -> io::Result<()> {
        let captures = failure.found.into_iter().flat_map(|found| found.captures());
        let mut between = "";
        for (name, value) in captures {
            let is_tag = match value {
                // Of one user, `user` tells already.
                Value::Many(users) if name == USERS => users.len() > 1,
                _ => self.tags.iter().any(|tag| tag == name),
            };
            if !is_tag {
                continue;
            }
            out.write_all(between.as_bytes())?;
            between = ",";
            text(out, name)?;
            out.write_all(b":")?;
            match value {
                Value::Text(value) => text(out, value)?,
                Value::Many(values) => list(out, values.iter())?,
            }
        }
        Ok(())
    }
}

/// `alt_user_1` fills `user`.
fn target(name: &str) -> &str {
    let Some(base) = name.strip_prefix("alt_").or_else(|| name.strip_prefix("tuple_")) else {
        return name;
    };
    let numbered = base.rsplit_once('_');
    let is_number = |(_, end): &(&str, &str)| end.bytes().all(|byte| byte.is_ascii_digit());
    numbered.filter(is_number).map_or(base, |(base, _)| base)
}

fn text(out: &mut impl Write, text: &str) -> io::Result<()> {
    Ok(serde_json::to_writer(out, text)?)
}

fn maybe(out: &mut impl Write, text: Option<&str>) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &text)?)
}

fn list<T: AsRef<str>>(out: &mut impl Write, texts: impl Iterator<Item = T>) -> io::Result<()> {
    out.write_all(b"[")?;
    for (number, it) in texts.enumerate() {
        if number > 0 {
            out.write_all(b",")?;
        }
        text(out, it.as_ref())?;
    }
    out.write_all(b"]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_what_patterns_name_so() {
        let patterns = [
            "^<F-MLFID>x</F-MLFID><F-CONTENT>.+</F-CONTENT>$",
            r"^<F-NOFAIL>a</F-NOFAIL> <F-USER>(?P<cond_user>\S+)</F-USER> <F-PORT/> <HOST>",
            "<F-ALT_USER_1>x</F-ALT_USER_1> <F-ALT_RHOST>y</F-ALT_RHOST> <F-ID>z</F-ID>",
        ];
        assert_eq!(Json::for_patterns(patterns.into_iter()).tags, ["user", "fport", "rhost"]);
    }
}
