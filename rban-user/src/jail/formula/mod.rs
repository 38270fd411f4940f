//! `bantime.formula`: how long the next ban of a known offender lasts, in Python's notation (spec, jail 5).
//!
//! Fail2ban hands the text to Python; here it is a small language of its own that can do nothing but calculate. What
//! it does not know is refused when the configuration is read. Numbers are Python's, whole or not, but whole numbers of
//! more than 38 digits go on as floating point.

mod eval;
mod functions;
mod lexer;
mod number;
mod parser;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use eval::Incalculable;
pub use parser::Mistake;
use parser::Node;

/// A formula that can be calculated.
#[derive(Clone)]
pub struct Formula {
    text: Arc<str>,
    root: Arc<Node>,
}

/// What a formula may speak of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// `ban.Time`: how long the jail bans, in seconds.
    pub time_secs: f64,
    /// `ban.Count`: how many bans there were before.
    pub count: u32,
    /// `banFactor`: the jail's `bantime.factor`.
    pub factor: f64,
}

impl Formula {
    /// How long the next ban lasts, in seconds; always a finite number.
    ///
    /// # Errors
    /// Where Python would raise one, such as for a division by zero.
    pub fn seconds(&self, known: &Known) -> Result<f64, Incalculable> {
        let value = eval::evaluate(&self.root, known)?.float();
        if value.is_finite() { Ok(value) } else { Err(Incalculable::TooLarge) }
    }
}

impl FromStr for Formula {
    type Err = Mistake;

    fn from_str(text: &str) -> Result<Self, Mistake> {
        Ok(Self { text: text.into(), root: parser::parse(text)?.into() })
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Formula({})", self.text)
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
