//! The words of a command, taken one by one.

use crate::control::value::{Class, Exception, Value};

/// No word of a command is longer.
const WORD_MAX_BYTES: usize = 64 << 10;

/// The words that are left of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(pub(super) &'a [Value]);

impl<'a> Words<'a> {
    /// The next word, whatever it is.
    pub(super) fn next(&mut self) -> Result<&'a Value, Exception> {
        let (first, rest) = self.0.split_first().ok_or_else(missing)?;
        self.0 = rest;
        Ok(first)
    }

    /// The next word, which is text or can be told as such.
    pub(super) fn text(&mut self) -> Result<String, Exception> {
        text(self.next()?)
    }

    /// The next word as it is, however long.
    pub(super) fn whole(&mut self) -> Result<String, Exception> {
        match self.next()? {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(wrong("not a text; write one")),
        }
    }

    /// The same as [`text`](Self::text), if there is one.
    pub(super) fn more(&mut self) -> Result<Option<String>, Exception> {
        if self.0.is_empty() { Ok(None) } else { self.text().map(Some) }
    }

    /// All that are left.
    pub(super) fn rest(self) -> Result<Vec<String>, Exception> {
        self.0.iter().map(text).collect()
    }

    /// The next word, which is a list.
    pub(super) fn list(&mut self) -> Result<&'a [Value], Exception> {
        list(self.next()?)
    }
}

/// A value as text, in Python's words.
pub(super) fn text(value: &Value) -> Result<String, Exception> {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::None => return Err(wrong("None: not a value; write a text or a number")),
        _ => return Err(wrong("a list where a text should stand; write one text or number")),
    };
    if text.len() > WORD_MAX_BYTES {
        return Err(wrong(format!(
            "a word of {} bytes; write at most {WORD_MAX_BYTES}",
            text.len()
        )));
    }
    if text.contains('\0') {
        return Err(wrong("a word with a NUL byte; leave that out"));
    }
    Ok(text)
}

/// A value's elements.
pub(super) fn list(value: &Value) -> Result<&[Value], Exception> {
    match value {
        Value::List(values) | Value::Tuple(values) => Ok(values),
        _ => Err(wrong("no list where one should stand")),
    }
}

/// A whole number as Python's `int` has it.
pub(super) fn integer(value: &Value) -> Result<i64, Exception> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Bool(flag) => Ok((*flag).into()),
        #[expect(clippy::cast_possible_truncation, reason = "a fraction is cut off, as in Python")]
        Value::Float(number) => Ok(*number as i64),
        value => {
            let text = text(value)?;
            let number = crate::config::integer(&text);
            number.ok_or_else(|| wrong(format!("invalid literal for int() with base 10: '{text}'")))
        }
    }
}

/// A word is missing.
pub(super) fn missing() -> Exception {
    Exception::new(Class::Index, "list index out of range")
}

/// A word is wrong.
pub(super) fn wrong(text: impl Into<String>) -> Exception {
    Exception::new(Class::Value, text)
}

/// Something else is.
pub(super) fn refused(text: impl Into<String>) -> Exception {
    Exception::new(Class::Other, text)
}
