//! What `fail2ban-client -d` prints: Python literals, read as JSON.
//!
//! Strict, for it is there to compare: what Python's `repr` never writes is an error, and so is what JSON cannot hold.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Number, Value};

/// How deep literals may nest.
const DEPTH_MAX: usize = 16;

/// Reads one literal: `None`, `True`, `False`, a number, a string, a list, a tuple or a dict with string keys.
///
/// # Errors
///
/// On anything else, and on text behind the literal; they quote where.
pub fn parse(text: &str) -> Result<Value> {
    let mut reader = Reader { text, at: 0 };
    let value =
        reader.value(0).with_context(|| format!("at byte {} of {}", reader.at, excerpt(text)))?;
    ensure!(reader.rest().is_empty(), "text behind the literal: {}", excerpt(reader.rest()));
    Ok(value)
}

/// As much of a text as an error should quote.
fn excerpt(text: &str) -> String {
    text.chars().take(200).collect()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn char(&mut self) -> Result<char> {
        let char = self.rest().chars().next().context("the text ends within a literal")?;
        self.at += char.len_utf8();
        Ok(char)
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        ensure!(depth < DEPTH_MAX, "nested deeper than {DEPTH_MAX}");
        match self.rest().bytes().next().context("a literal is missing")? {
            b'[' => self.items("[", "]", depth).map(Value::Array),
            b'(' => self.items("(", ")", depth).map(Value::Array),
            b'{' => self.dict(depth).map(Value::Object),
            b'\'' | b'"' => self.string().map(Value::String),
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            _ if self.take("None") => Ok(Value::Null),
            _ if self.take("True") => Ok(Value::Bool(true)),
            _ if self.take("False") => Ok(Value::Bool(false)),
            _ => bail!("no literal begins so"),
        }
    }

    /// A tuple of one has a comma behind it, nothing else has.
    fn items(&mut self, open: &str, close: &str, depth: usize) -> Result<Vec<Value>> {
        ensure!(self.take(open), "expected {open}");
        let mut items = Vec::new();
        while !self.take(close) {
            if !items.is_empty() {
                ensure!(self.take(", "), "expected a comma and a blank, or {close}");
            }
            items.push(self.value(depth + 1)?);
            if open == "(" && items.len() == 1 && self.take(",)") {
                break;
            }
        }
        Ok(items)
    }

    fn dict(&mut self, depth: usize) -> Result<Map<String, Value>> {
        ensure!(self.take("{"), "expected {{");
        let mut dict = Map::new();
        while !self.take("}") {
            if !dict.is_empty() {
                ensure!(self.take(", "), "expected a comma and a blank, or }}");
            }
            let key = self.string()?;
            ensure!(self.take(": "), "expected a colon and a blank");
            let value = self.value(depth + 1)?;
            ensure!(dict.insert(key, value).is_none(), "a key stands twice");
        }
        Ok(dict)
    }

    fn string(&mut self) -> Result<String> {
        let quote = self.char()?;
        ensure!(quote == '\'' || quote == '"', "expected a string");
        let mut string = String::new();
        loop {
            match self.char()? {
                char if char == quote => return Ok(string),
                '\\' => string.push(self.escaped()?),
                char if char.is_control() => bail!("a control character in a string"),
                char => string.push(char),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        Ok(match self.char()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            char @ ('\\' | '\'' | '"') => char,
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            char => bail!("Python writes no \\{char}"),
        })
    }

    fn code(&mut self, digits: usize) -> Result<char> {
        let hex = self.rest().get(..digits).context("the text ends within an escape")?;
        ensure!(hex.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hex} is not hexadecimal");
        let code = u32::from_str_radix(hex, 16).context("reading an escape")?;
        self.at += digits;
        char::from_u32(code).with_context(|| format!("{code:x} is no character, so no JSON has it"))
    }

    fn number(&mut self) -> Result<Number> {
        let ends = |char: char| !(char.is_ascii_alphanumeric() || "+-.".contains(char));
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        let text = &self.text[self.at..self.at + length];
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_plain = digits == "0" || !digits.starts_with('0') || digits.starts_with("0.");
        ensure!(is_plain && !digits.ends_with('.'), "{text} is not as Python writes numbers");
        let number = if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse::<i64>().map(Number::from).with_context(|| format!("{text} is too large"))?
        } else {
            let float: f64 = text.parse().with_context(|| format!("{text} is no number"))?;
            Number::from_f64(float).with_context(|| format!("no JSON has {text}"))?
        };
        self.at += length;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }

    #[track_caller]
    fn check_fails(text: &str) {
        if let Ok(value) = parse(text) {
            panic!("{text} is read as {value}");
        }
    }

    #[test]
    fn a_command_is_a_list() {
        check("['set', 'a', 'maxretry', 5]", json!(["set", "a", "maxretry", 5]));
        check(
            "['set', 'thread', {'stacksize': 64}]",
            json!(["set", "thread", { "stacksize": 64 }]),
        );
    }

    #[test]
    fn every_kind_of_literal() {
        check("None", json!(null));
        check("[True, False]", json!([true, false]));
        check("[0, -1, 9223372036854775807]", json!([0, -1, i64::MAX]));
        check("[1.5, -0.25, 1e+16, 2629800.0]", json!([1.5, -0.25, 1e16, 2_629_800.0]));
        check("[[], (), {}, '', \"\"]", json!([[], [], {}, "", ""]));
        check("[('a',), ('a', 'b'), [['c', None]]]", json!([["a"], ["a", "b"], [["c", null]]]));
        check("{'a': {'b': [1]}, 'c': 2}", json!({ "a": { "b": [1] }, "c": 2 }));
    }

    #[test]
    fn strings_end_at_their_own_quote() {
        check(r#"'say "so"'"#, json!("say \"so\""));
        check(r#""it's""#, json!("it's"));
        check(r#"'it\'s "so"'"#, json!("it's \"so\""));
    }

    #[test]
    fn escapes() {
        check(r"'a\nb\tc\rd\\e'", json!("a\nb\tc\rd\\e"));
        check(r"'\x00\x7f\xa0\u2028\U000e0001'", json!("\0\x7f\u{a0}\u{2028}\u{e0001}"));
        check("'ü – ☃ 🦀'", json!("ü – ☃ 🦀"));
    }

    #[test]
    fn what_python_never_writes_is_an_error() {
        for text in [
            "",
            " ",
            "none",
            "nan",
            "inf",
            "'a",
            "'a\\q'",
            "'a\\x4'",
            "'a\\xzz'",
            "'a\nb'",
            "[1 ,2]",
            "[1,2]",
            "[1, ]",
            "[, 1]",
            "[1",
            "[1}",
            "(1, ]",
            "('a', )",
            "01",
            "-",
            "1.",
            "1e",
            "--1",
            "1_000",
            "0x10",
            "{'a' 1}",
            "{'a':1}",
            "{1: 2}",
            "{'a': 1, 'a': 2}",
            "[] []",
            "'a' ",
            "b'a'",
        ] {
            check_fails(text);
        }
    }

    #[test]
    fn what_json_cannot_hold_is_an_error() {
        check_fails(r"'\udcff'");
        check_fails("99999999999999999999");
        check_fails("1e999");
    }

    #[test]
    fn nesting_has_a_limit() {
        check_fails(&"[".repeat(10_000));
        check(&format!("{}{}", "[".repeat(16), "]".repeat(16)), {
            (0..16).fold(
                json!(null),
                |inner, _| if inner.is_null() { json!([]) } else { json!([inner]) },
            )
        });
    }
}
