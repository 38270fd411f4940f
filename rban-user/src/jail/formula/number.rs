//! Python's numbers and what can be done with two of them.

use std::cmp::Ordering;

use super::eval::Incalculable;

/// Whole, or floating point. Truth is a whole number, as in Python.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

/// What stands between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    Unequal,
}

use Number::{Float, Int};

impl Number {
    /// A number that may be whole.
    pub(super) fn of(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        if value.fract() == 0.0 && value.abs() < EXACT { Int(value as i128) } else { Float(value) }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Int(int) => int as f64,
            Float(float) => float,
        }
    }

    pub(super) fn is_true(self) -> bool {
        match self {
            Int(int) => int != 0,
            Float(float) => float != 0.0,
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Int(int) => int.checked_neg().map_or_else(|| Float(-(int as f64)), Int),
            Float(float) => Float(-float),
        }
    }

    /// How they compare; nothing does with what is not a number.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Int(a), Int(b)) => Some(a.cmp(&b)),
            _ => self.float().partial_cmp(&other.float()),
        }
    }
}

impl Relation {
    pub(super) fn holds(self, a: Number, b: Number) -> bool {
        let ordering = a.compare(b);
        match self {
            Self::Less => ordering == Some(Ordering::Less),
            Self::LessOrEqual => ordering.is_some_and(Ordering::is_le),
            Self::Greater => ordering == Some(Ordering::Greater),
            Self::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
            Self::Equal => ordering == Some(Ordering::Equal),
            Self::Unequal => ordering != Some(Ordering::Equal),
        }
    }
}

impl Operator {
    pub(super) fn apply(self, a: Number, b: Number) -> Result<Number, Incalculable> {
        match (self, a, b) {
            (Self::Divide, ..) => divide(a.float(), b.float()),
            (Self::Power, ..) => power(a, b),
            (Self::ShiftLeft | Self::ShiftRight, Int(a), Int(b)) => self.shift(a, b),
            (Self::ShiftLeft | Self::ShiftRight, ..) => Err(Incalculable::Shift),
            (_, Int(a), Int(b)) => self.whole(a, b),
            _ => self.floating(a.float(), b.float()),
        }
    }

    fn whole(self, a: i128, b: i128) -> Result<Number, Incalculable> {
        let exact = match self {
            Self::Add => a.checked_add(b),
            Self::Subtract => a.checked_sub(b),
            Self::Multiply => a.checked_mul(b),
            _ if b == 0 => return Err(Incalculable::ByZero),
            Self::FloorDivide => floor_divide(a, b),
            _ => floor_divide(a, b).map(|quotient| a - quotient * b),
        };
        match exact {
            Some(exact) => Ok(Int(exact)),
            None => self.floating(a as f64, b as f64),
        }
    }

    fn floating(self, a: f64, b: f64) -> Result<Number, Incalculable> {
        Ok(Float(match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            _ if b == 0.0 => return Err(Incalculable::ByZero),
            Self::FloorDivide => quotient(a, b),
            _ => remainder(a, b),
        }))
    }

    fn shift(self, a: i128, by: i128) -> Result<Number, Incalculable> {
        let by = u32::try_from(by).map_err(|_| Incalculable::Shift)?;
        if self == Self::ShiftRight {
            return Ok(Int(a >> by.min(127)));
        }
        let shifted = a.checked_shl(by).filter(|shifted| shifted >> by == a);
        Ok(shifted.map_or_else(|| Float(a as f64 * 2f64.powi(by.min(2_000) as i32)), Int))
    }
}

fn divide(a: f64, b: f64) -> Result<Number, Incalculable> {
    if b == 0.0 { Err(Incalculable::ByZero) } else { Ok(Float(a / b)) }
}

/// Towards less, as Python's; `None` where the quotient does not fit.
fn floor_divide(a: i128, b: i128) -> Option<i128> {
    let quotient = a.checked_div(b)?;
    let is_exact = a - quotient * b == 0;
    Some(if is_exact || (a < 0) == (b < 0) { quotient } else { quotient - 1 })
}

/// What is left over has the sign of what was divided by.
fn remainder(a: f64, b: f64) -> f64 {
    let left = a % b;
    if left == 0.0 {
        0f64.copysign(b)
    } else if (left < 0.0) == (b < 0.0) {
        left
    } else {
        left + b
    }
}

fn quotient(a: f64, b: f64) -> f64 {
    let exact = (a - remainder(a, b)) / b;
    let floor = exact.floor();
    if exact - floor > 0.5 { floor + 1.0 } else { floor }
}

fn power(a: Number, b: Number) -> Result<Number, Incalculable> {
    if let (Int(base), Int(exponent @ 0..)) = (a, b) {
        let exact = u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent));
        if let Some(exact) = exact {
            return Ok(Int(exact));
        }
    }
    let (base, exponent) = (a.float(), b.float());
    if base == 0.0 && exponent < 0.0 {
        return Err(Incalculable::ByZero);
    }
    let value = base.powf(exponent);
    match () {
        () if value.is_nan() && !base.is_nan() && !exponent.is_nan() => Err(Incalculable::Domain),
        () if value.is_infinite() && base.is_finite() => Err(Incalculable::TooLarge),
        () => Ok(Float(value)),
    }
}
