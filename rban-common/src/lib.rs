//! What the daemon and the XDP program agree on, byte for byte.
//!
//! Every type here is `repr(C)` without padding, so that its bytes are its meaning; addresses stand as they do in
//! the packet. Whoever changes a layout changes [`abi::ABI`] too: pinned maps outlive the binary that made them.

#![no_std]

pub mod abi;
pub mod ban;
pub mod event;
pub mod settings;
pub mod verdict;
