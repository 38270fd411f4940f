//! What rban's end-to-end tests stand on: worlds of their own, made of network namespaces, real programs and real
//! packets, which vanish when they are dropped.
//!
//! Knows rban as its users do: as a binary and as pinned maps, never as a library.

pub mod binary;
pub mod daemon;
pub mod doors;
pub mod insn;
pub mod journal;
pub mod literal;
pub mod logs;
pub mod net;
pub mod packet;
pub mod peer;
pub mod random;
pub mod rawprog;
pub mod servers;
pub mod sshd;
pub mod stock;
pub mod traffic;
pub mod wait;
pub mod xdp;
