//! Values → bytes, protocol 4 without memo: what a reference client or server of any age reads.

use super::text::to_unicode;
use crate::control::value::{Answer, Class, Exception, Value};

/// Part of the markers that end a message, which no message may hold.
const OF_MARKER: &str = "F2B_END_COMMAND";

/// A request, as a list.
#[must_use]
pub fn to_request(words: &[Value]) -> Vec<u8> {
    pickled(|out| list(out, words))
}

/// An answer: the pair of a code and a value, or an exception.
#[must_use]
pub fn to_answer(answer: &Answer) -> Vec<u8> {
    pickled(|out| {
        match answer {
            Ok(it) => {
                out.extend(*b"K\x00");
                value(out, it);
            }
            Err(error) => {
                out.extend(*b"K\x01");
                exception(out, error);
            }
        }
        out.push(0x86);
    })
}

/// The answer to bytes that are no request: a bare text.
#[must_use]
pub fn to_complaint(reason: &str) -> Vec<u8> {
    pickled(|out| text(out, &format!("ERROR: {reason}")))
}

/// The answer of a server that is leaving.
#[must_use]
pub fn to_shutdown() -> Vec<u8> {
    to_request(&[Value::Text("SHUTDOWN".to_owned())])
}

fn pickled(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"\x80\x04".to_vec();
    write(&mut out);
    out.push(b'.');
    out
}

fn value(out: &mut Vec<u8>, it: &Value) {
    match it {
        Value::None => out.push(b'N'),
        Value::Bool(true) => out.push(0x88),
        Value::Bool(false) => out.push(0x89),
        Value::Int(number) => int(out, *number),
        Value::Float(number) => {
            out.push(b'G');
            out.extend(number.to_be_bytes());
        }
        Value::Text(it) => text(out, it),
        Value::List(items) => list(out, items),
        Value::Tuple(items) => tuple(out, items),
        Value::Set(items) => {
            out.extend(*b"\x8f(");
            items.iter().for_each(|item| value(out, item));
            out.push(0x90);
        }
        Value::Dict(pairs) => {
            out.extend(*b"}(");
            for (key, it) in pairs {
                value(out, key);
                value(out, it);
            }
            out.push(b'u');
        }
    }
}

fn list(out: &mut Vec<u8>, items: &[Value]) {
    out.extend(*b"](");
    items.iter().for_each(|item| value(out, item));
    out.push(b'e');
}

fn tuple(out: &mut Vec<u8>, items: &[Value]) {
    out.push(b'(');
    items.iter().for_each(|item| value(out, item));
    out.push(b't');
}

fn int(out: &mut Vec<u8>, number: i64) {
    if let Ok(byte) = u8::try_from(number) {
        out.extend([b'K', byte]);
    } else if let Ok(short) = i32::try_from(number) {
        out.push(b'J');
        out.extend(short.to_le_bytes());
    } else {
        out.extend([0x8a, 8]);
        out.extend(number.to_le_bytes());
    }
}

/// A text that might be taken for the end of the message has its marks escaped.
fn text(out: &mut Vec<u8>, it: &str) {
    if it.contains(OF_MARKER) {
        out.push(b'V');
        out.extend(to_unicode(it).into_bytes());
        out.push(b'\n');
    } else if let Ok(len) = u8::try_from(it.len()) {
        out.extend([0x8c, len]);
        out.extend(it.as_bytes());
    } else if let Ok(len) = u32::try_from(it.len()) {
        out.push(b'X');
        out.extend(len.to_le_bytes());
        out.extend(it.as_bytes());
    } else {
        out.push(0x8d);
        out.extend((it.len() as u64).to_le_bytes());
        out.extend(it.as_bytes());
    }
}

/// A call of its class.
fn exception(out: &mut Vec<u8>, error: &Exception) {
    let (module, name) = match error.class {
        Class::UnknownJail => ("fail2ban.exceptions", "UnknownJailException"),
        Class::DuplicateJail => ("fail2ban.exceptions", "DuplicateJailException"),
        Class::Index => ("builtins", "IndexError"),
        Class::Key => ("builtins", "KeyError"),
        Class::Value => ("builtins", "ValueError"),
        Class::Attribute => ("builtins", "AttributeError"),
        Class::FileNotFound => ("builtins", "FileNotFoundError"),
        Class::Other => ("builtins", "Exception"),
    };
    text(out, module);
    text(out, name);
    out.push(0x93);
    tuple(out, &error.args);
    out.push(b'R');
}
