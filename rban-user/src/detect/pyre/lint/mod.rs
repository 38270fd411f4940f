//! What `rban config test` warns of in patterns: those that fail2ban would accept and an admin would regret.
//!
//! Pure functions of a pattern; none changes how it matches.

mod address;
mod nfa;
mod repeats;
mod symbols;
#[cfg(test)]
mod tests;

pub(crate) use address::{Forgery, begins_anywhere, client_can_name_address};
pub(crate) use repeats::catastrophic;
