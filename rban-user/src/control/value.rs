//! What requests and answers are made of: Python's values, since fail2ban's clients speak pickle (spec, client 2).

use std::fmt;

/// A value, as Python has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number. Larger ones are refused on their way in.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A set, in the order it came.
    Set(Vec<Value>),
    /// A dictionary, in the order it came.
    Dict(Vec<(Value, Value)>),
}

/// Why a command failed, as fail2ban's client wants to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Its class.
    pub class: Class,
    /// Its arguments; mostly one text.
    pub args: Vec<Value>,
}

/// The classes of exceptions that a server may answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `fail2ban.exceptions.UnknownJailException`, of the jail's name.
    UnknownJail,
    /// `fail2ban.exceptions.DuplicateJailException`, of the jail's name.
    DuplicateJail,
    /// `IndexError`: an argument is missing.
    Index,
    /// `KeyError`.
    Key,
    /// `ValueError`.
    Value,
    /// `AttributeError`.
    Attribute,
    /// `FileNotFoundError`, of number, text and path.
    FileNotFound,
    /// `Exception`: everything else.
    Other,
}

/// What a request comes to.
pub type Answer = Result<Value, Exception>;

impl Exception {
    /// One whose only argument is a text.
    #[must_use]
    pub fn new(class: Class, text: impl Into<String>) -> Self {
        Self { class, args: vec![Value::Text(text.into())] }
    }
}

/// What it says, if it is a single text; else its arguments for a programmer.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.args[..] {
            [Value::Text(text)] => f.write_str(text),
            args => write!(f, "{args:?}"),
        }
    }
}
