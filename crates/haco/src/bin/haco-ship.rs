//! The program `haco-ship`.

use haco::{exit, ship};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::main::<ship::Args>("haco-ship", ship::run)
}
