//! rban: fail2ban's job, done in the kernel.
//!
//! Bytes become [`source`] lines, lines become failures in [`detect`], failures become bans in [`jail`], bans take
//! effect in [`enforce`]. ARCHITECTURE.md tells who may know whom.

pub mod addr;
pub mod clock;
pub mod config;
pub mod control;
pub mod detect;
pub mod enforce;
pub mod event;
pub mod jail;
pub mod scope;
pub mod source;
