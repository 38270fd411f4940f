//! The functions that a formula may call.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use super::eval::Incalculable;
use super::number::Number;

/// A function.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    /// How many arguments it takes.
    pub(super) arguments: RangeOfCounts,
    does: Does,
}

type RangeOfCounts = (usize, usize);

#[derive(Clone, Copy)]
enum Does {
    /// What the mathematical library does with one number.
    Real(fn(f64) -> f64),
    Real2(fn(f64, f64) -> f64),
    /// A whole number from a real one.
    Whole(fn(f64) -> f64),
    Other(fn(&[Number]) -> Result<Number, Incalculable>),
}

/// As many as `min` and `max` may take.
const MANY: usize = 16;

const fn real(name: &'static str, does: fn(f64) -> f64) -> Function {
    Function { name, arguments: (1, 1), does: Does::Real(does) }
}

const fn real2(name: &'static str, does: fn(f64, f64) -> f64) -> Function {
    Function { name, arguments: (2, 2), does: Does::Real2(does) }
}

const fn whole(name: &'static str, does: fn(f64) -> f64) -> Function {
    Function { name, arguments: (1, 1), does: Does::Whole(does) }
}

const fn other(
    name: &'static str,
    arguments: RangeInclusive<usize>,
    does: fn(&[Number]) -> Result<Number, Incalculable>,
) -> Function {
    Function { name, arguments: (*arguments.start(), *arguments.end()), does: Does::Other(does) }
}

/// Every function, by its name in Python.
pub(super) const FUNCTIONS: [Function; 35] = [
    other("min", 2..=MANY, |numbers| Ok(best(numbers, Ordering::Less))),
    other("max", 2..=MANY, |numbers| Ok(best(numbers, Ordering::Greater))),
    other("float", 1..=1, |numbers| Ok(Number::Float(numbers[0].float()))),
    whole("int", f64::trunc),
    other("round", 1..=2, round),
    other("abs", 1..=1, |numbers| {
        let is_negative = numbers[0].compare(Number::Int(0)) == Some(Ordering::Less);
        Ok(if is_negative { numbers[0].negated() } else { numbers[0] })
    }),
    other("pow", 2..=2, |numbers| super::number::Operator::Power.apply(numbers[0], numbers[1])),
    other("math.log", 1..=2, |numbers| {
        let of = defined(f64::ln(numbers[0].float()), &numbers[..1])?;
        let Some(base) = numbers.get(1) else { return Ok(of) };
        let base = defined(f64::ln(base.float()), &numbers[1..])?;
        super::number::Operator::Divide.apply(of, base)
    }),
    real("math.exp", f64::exp),
    real("math.expm1", f64::exp_m1),
    real("math.log1p", f64::ln_1p),
    real("math.log2", f64::log2),
    real("math.log10", f64::log10),
    real("math.sqrt", f64::sqrt),
    real("math.fabs", f64::abs),
    real("math.sin", f64::sin),
    real("math.cos", f64::cos),
    real("math.tan", f64::tan),
    real("math.asin", f64::asin),
    real("math.acos", f64::acos),
    real("math.atan", f64::atan),
    real("math.sinh", f64::sinh),
    real("math.cosh", f64::cosh),
    real("math.tanh", f64::tanh),
    real("math.asinh", f64::asinh),
    real("math.acosh", f64::acosh),
    real("math.atanh", f64::atanh),
    real("math.degrees", f64::to_degrees),
    real("math.radians", f64::to_radians),
    whole("math.ceil", f64::ceil),
    whole("math.floor", f64::floor),
    whole("math.trunc", f64::trunc),
    real2("math.pow", f64::powf),
    real2("math.fmod", |a, b| a % b),
    real2("math.hypot", f64::hypot),
];

/// Numbers that have a name.
pub(super) const CONSTANTS: [(&str, Number); 5] = [
    ("True", Number::Int(1)),
    ("False", Number::Int(0)),
    ("math.pi", Number::Float(std::f64::consts::PI)),
    ("math.e", Number::Float(std::f64::consts::E)),
    ("math.tau", Number::Float(std::f64::consts::TAU)),
];

impl Function {
    /// Its value for as many arguments as it takes.
    pub(super) fn call(&self, numbers: &[Number]) -> Result<Number, Incalculable> {
        match (self.does, numbers) {
            (Does::Real(does), [x]) => defined(does(x.float()), numbers),
            (Does::Real2(does), [x, y]) => defined(does(x.float(), y.float()), numbers),
            (Does::Whole(_), [whole @ Number::Int(_)]) => Ok(*whole),
            (Does::Whole(does), [x]) => to_whole(does(x.float())),
            (Does::Other(does), _) => does(numbers),
            _ => Err(Incalculable::Domain), // the parser has counted them
        }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What came out, unless that is no number though all that went in are.
fn defined(value: f64, from: &[Number]) -> Result<Number, Incalculable> {
    let all_finite = from.iter().all(|number| number.float().is_finite());
    match () {
        () if all_finite && value.is_nan() => Err(Incalculable::Domain),
        () if all_finite && value.is_infinite() => Err(Incalculable::TooLarge),
        () => Ok(Number::Float(value)),
    }
}

fn to_whole(value: f64) -> Result<Number, Incalculable> {
    const EDGE: f64 = 1.7e38; // just within i128
    match value {
        value if value.abs() < EDGE => Ok(Number::Int(value as i128)),
        value if value.is_finite() => Ok(Number::Float(value)),
        _ => Err(Incalculable::TooLarge),
    }
}

/// The first of those that are the least, or the greatest.
fn best(numbers: &[Number], wanted: Ordering) -> Number {
    let better = |best: Number, next: &Number| {
        if next.compare(best) == Some(wanted) { *next } else { best }
    };
    numbers.iter().fold(numbers[0], better)
}

/// To the even neighbour where it lies in the middle; by one argument to a whole number.
fn round(numbers: &[Number]) -> Result<Number, Incalculable> {
    const DIGITS_MAX: i128 = 15;
    match numbers {
        [number @ Number::Int(_)] | [number @ Number::Int(_), Number::Int(0..)] => Ok(*number),
        [Number::Float(float)] => to_whole(float.round_ties_even()),
        [Number::Float(float), Number::Int(digits @ 0..=DIGITS_MAX)] => {
            let rounded = format!("{float:.*}", *digits as usize).parse();
            rounded.map(Number::Float).map_err(|_| Incalculable::Domain)
        }
        _ => Err(Incalculable::Domain),
    }
}
