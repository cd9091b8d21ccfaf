//! The program `haco-verify`.

use haco::{exit, verify};
use std::process::ExitCode;

fn main() -> ExitCode {
    exit::main::<verify::Args>("haco-verify", verify::run)
}
