//! The program `haco-worker`.

use haco::{exit, worker};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::main::<worker::Args>("haco-worker", worker::run)
}
