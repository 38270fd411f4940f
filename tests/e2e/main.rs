//! Real daemons, real packets, a real OpenSSH server.

fn main() {}
