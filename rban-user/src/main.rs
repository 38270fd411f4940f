//! The `rban` binary.

fn main() {}
