//! rban: fail2ban's job, done in the kernel.
//!
//! Bytes become lines in [`source`], lines become failures in [`detect`], failures become bans in [`jail`], bans take
//! effect in [`enforce`]. ARCHITECTURE.md tells who may know whom.

#![deny(unsafe_code)]

pub mod cli;
pub mod daemon;

pub mod settings;

pub mod config;

pub mod actions;
pub mod control;
pub mod detect;
pub mod enforce;
pub mod jail;
mod log;
pub mod source;
pub mod store;

pub mod event;

mod recent;
mod said;
mod shell;

pub mod addr;
pub mod clock;
mod glob;
pub mod scope;
