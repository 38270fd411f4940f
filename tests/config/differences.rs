//! Where the release that we specify (fail2ban 1.1) and the one that Debian has here (1.0.2) differ.
//!
//! Nothing else may stand here: what is no difference between the two is a fault of ours. An entry names the cases that
//! it is about, and must alter the outcome of each; so it goes when the package learns.

use serde_json::{Value, json};

use crate::outcome::Outcome;

/// What 1.1 does in other ways than 1.0.2.
pub(crate) struct Difference {
    /// What it is, why, and the section of our specification that has it.
    pub(crate) what: &'static str,
    /// The cases that it shows in.
    pub(crate) cases: &'static [&'static str],
    /// Makes of 1.0.2's outcome what 1.1's would be.
    adjust: fn(&mut Vec<Value>),
}

pub(crate) const DIFFERENCES: &[Difference] = &[];

/// What 1.1 would say in this case, given what 1.0.2 says.
pub(crate) fn adjusted(case: &str, outcome: &Outcome) -> Result<Outcome, String> {
    let mut adjusted = outcome.clone();
    for difference in DIFFERENCES.iter().filter(|difference| difference.cases.contains(&case)) {
        let Outcome::Stream { commands, .. } = &mut adjusted else {
            return Err(format!("{}: there is no stream to adjust", difference.what));
        };
        let before = commands.clone();
        (difference.adjust)(commands);
        if before == *commands {
            return Err(format!("no difference any more, remove it: {}", difference.what));
        }
    }
    Ok(adjusted)
}
