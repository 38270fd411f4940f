//! Lines and captures as the JSON that the store keeps them in, ours and fail2ban's.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Line;

/// What of a ban is kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) matches: Vec<Line>,
    pub(super) captures: Vec<(Arc<str>, String)>,
}

/// The same as it is written.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    matches: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    captures: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// The JSON of the last so many lines and of all captures; `None` where there are neither. Lines are UTF-8 by the time
/// that they are here; of what is not, the bytes that make no text are lost.
pub(super) fn encode(
    matches: &[Line],
    captures: &[(Arc<str>, String)],
    matches_max: usize,
) -> Option<String> {
    let matches = &matches[matches.len().saturating_sub(matches_max)..];
    if matches.is_empty() && captures.is_empty() {
        return None;
    }
    let pair =
        |(name, value): &'_ (Arc<str>, String)| (name.to_string().into(), value.clone().into());
    let written = Written {
        matches: matches.iter().map(|line| String::from_utf8_lossy(line)).collect(),
        captures: captures.iter().map(pair).collect(),
    };
    Some(serde_json::to_string(&written).expect("text makes JSON"))
}

/// Back from the JSON. What is none is nothing: a ban counts without its lines too.
pub(super) fn decode(json: Option<&str>) -> Data {
    let written = json.and_then(|json| serde_json::from_str::<Written<'_>>(json).ok());
    let Some(written) = written else { return Data::default() };
    Data {
        matches: written.matches.into_iter().map(line).collect(),
        captures: written
            .captures
            .into_iter()
            .map(|(name, value)| (Arc::from(name), value.into_owned()))
            .collect(),
    }
}

/// From fail2ban's JSON (spec, jail 7), with the failures that it notes there.
pub(super) fn decode_fail2ban(json: Option<&str>) -> (Data, u32) {
    let mut data = Data::default();
    let mut failures = 0;
    let object = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
    let Some(Value::Object(object)) = object else { return (data, failures) };
    for (name, value) in object {
        match (name.as_str(), value) {
            ("matches", Value::Array(matches)) => {
                data.matches = matches.iter().filter_map(fail2ban_line).collect();
            }
            ("failures", value) => {
                failures = value.as_u64().map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX));
            }
            (name, Value::Array(values)) => {
                let name = Arc::<str>::from(name);
                let texts = values.iter().filter_map(text);
                data.captures.extend(texts.map(|text| (Arc::clone(&name), text)));
            }
            (name, value) => data.captures.extend(text(&value).map(|text| (Arc::from(name), text))),
        }
    }
    (data, failures)
}

/// A line is a text, or what stood before its date, the date, and what stood after.
fn fail2ban_line(value: &Value) -> Option<Line> {
    match value {
        Value::String(text) => Some(line(Cow::Borrowed(text.as_str()))),
        Value::Array(parts) => {
            Some(line(Cow::Owned(parts.iter().filter_map(Value::as_str).collect())))
        }
        _ => None,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn line(text: Cow<'_, str>) -> Line {
    Line::from(text.into_owned().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pairs: &[(&str, &str)]) -> Vec<(Arc<str>, String)> {
        pairs.iter().map(|(name, value)| (Arc::from(*name), (*value).to_owned())).collect()
    }

    #[test]
    fn lines_and_captures_come_back_as_they_were() {
        let matches = [Line::from("one \"quoted\" \\ line"), Line::from("zwei \u{1f600}\t")];
        let pairs = captures(&[("user", "root"), ("user", "a\nb"), ("", "")]);
        let json = encode(&matches, &pairs, 10);
        assert_eq!(decode(json.as_deref()), Data { matches: matches.into(), captures: pairs });
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let matches: Vec<Line> = ["a", "b", "c"].map(Line::from).into();
        assert_eq!(decode(encode(&matches, &[], 2).as_deref()).matches, ["b", "c"]);
        assert_eq!(encode(&matches, &[], 0), None);
    }

    #[test]
    fn nothing_takes_no_json_and_broken_json_is_nothing() {
        assert_eq!(encode(&[], &[], 10), None);
        for json in [None, Some(""), Some("{"), Some("[]"), Some("{\"matches\": 5}")] {
            assert_eq!(decode(json), Data::default(), "{json:?}");
        }
    }

    #[test]
    fn fail2bans_lines_are_texts_or_three_parts() {
        let json = r#"{"matches": ["one", ["a ", "12:00", " b"], 7], "failures": 3,
            "user": "root", "users": ["root", "admin"], "mlfpending": true, "port": 22}"#;
        let (data, failures) = decode_fail2ban(Some(json));
        assert_eq!(failures, 3);
        assert_eq!(data.matches, ["one", "a 12:00 b"]);
        let pairs = [("user", "root"), ("users", "root"), ("users", "admin"), ("port", "22")];
        assert_eq!(data.captures, captures(&pairs));
    }

    #[test]
    fn what_fail2ban_would_not_write_is_nothing() {
        for json in [None, Some("x"), Some("[1]"), Some("{\"matches\": {}, \"failures\": -1}")] {
            assert_eq!(decode_fail2ban(json), (Data::default(), 0), "{json:?}");
        }
    }
}
