//! A formula's tree → its value.

use super::Known;
use super::number::Number;
use super::parser::{Name, Node};

/// Why a formula has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incalculable {
    /// A division by zero.
    #[error("bantime.formula divides by zero; the ban keeps its length")]
    ByZero,
    /// A function outside its domain, like the root of a negative number.
    #[error(
        "bantime.formula asks a function for what it is not defined for; the ban keeps its length"
    )]
    Domain,
    /// More than a floating point number holds.
    #[error("bantime.formula gives too large a number; the ban keeps its length")]
    TooLarge,
    /// A shift of what is not whole, or by a negative number.
    #[error(
        "bantime.formula shifts what is not whole, or by less than nothing; the ban keeps its length"
    )]
    Shift,
}

/// The value of a tree. It is as deep as its parser allows.
pub(super) fn evaluate(node: &Node, known: &Known) -> Result<Number, Incalculable> {
    let value = |node: &Node| evaluate(node, known);
    Ok(match node {
        Node::Number(number) => *number,
        Node::Name(Name::Time) => Number::of(known.time_secs),
        Node::Name(Name::Count) => Number::Int(known.count.into()),
        Node::Name(Name::Factor) => Number::of(known.factor),
        Node::Negated(node) => value(node)?.negated(),
        Node::Not(node) => Number::Int((!value(node)?.is_true()).into()),
        Node::Operation(a, operator, b) => operator.apply(value(a)?, value(b)?)?,
        Node::Comparison(first, others) => {
            let mut left = value(first)?;
            for (relation, node) in others {
                let right = value(node)?;
                if !relation.holds(left, right) {
                    return Ok(Number::Int(0));
                }
                left = right;
            }
            Number::Int(1)
        }
        Node::And(a, b) => {
            let a = value(a)?;
            if a.is_true() { value(b)? } else { a }
        }
        Node::Or(a, b) => {
            let a = value(a)?;
            if a.is_true() { a } else { value(b)? }
        }
        Node::Choice { condition, then, otherwise } => {
            value(if value(condition)?.is_true() { then } else { otherwise })?
        }
        Node::Call(function, arguments) => {
            let arguments: Vec<Number> = arguments.iter().map(value).collect::<Result<_, _>>()?;
            function.call(&arguments)?
        }
    })
}
