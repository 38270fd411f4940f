//! The `rban` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    rban::cli::main()
}
