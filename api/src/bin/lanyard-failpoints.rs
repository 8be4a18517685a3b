//! The `lanyard` command, with places at which the tests make it die.

use std::process::ExitCode;

fn main() -> ExitCode {
    api::cli::run()
}
