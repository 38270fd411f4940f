//! rban's tasks.

fn main() {}
