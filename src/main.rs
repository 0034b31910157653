//! Parse, call, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(patroni_barman::cli::main(std::env::args_os().collect()))
}
