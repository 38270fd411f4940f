//! Bans → effects on this host. The map first: a ban is in the kernel before anything slower hears of it.

pub mod xdp;
