//! The program `haco`.

use haco::{driver, exit};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::main::<driver::Args>("haco", driver::run)
}
